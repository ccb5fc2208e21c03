package verifiers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
)

// issued is a certificate with its key, for tests.
type issued struct {
	*x509.Certificate
	key crypto.Signer
}

// text returns the certificate in PEM.
func (c issued) text() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// issue makes a certificate of a key for a name, in force for a day around referenceNow. Without an issuer it
// is its own.
func issue(t testing.TB, name string, key crypto.Signer, issuer *issued, changes ...func(*x509.Certificate)) issued {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    referenceNow.Add(-12 * time.Hour),
		NotAfter:     referenceNow.Add(12 * time.Hour),
	}
	for _, change := range changes {
		change(template)
	}
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.Certificate, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return issued{certificate, key}
}

// issuer makes a certificate that may issue others.
func issuer(t testing.TB, name string, key crypto.Signer, by *issued) issued {
	return issue(t, name, key, by, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.DNSNames = true, true, x509.KeyUsageCertSign, nil
	})
}

func rsaPrivate(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestAFetchedCertificateIsHeldAgainstItsRules: that it is in force, for whom it is, of which key, and, where there
// are roots, who issued it. What somebody vouches for needs only the right kind of key.
func TestAFetchedCertificateIsHeldAgainstItsRules(t *testing.T) {
	key := rsaPrivate(t, minRSABits)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := issuer(t, "Root", curve, nil)
	middle := issuer(t, "Middle", curve, &root)
	const name = "sns.amazonaws.com"
	leaf := issue(t, name, key, &middle)
	own := issue(t, name, key, nil)
	roots := x509.NewCertPool()
	roots.AddCert(root.Certificate)
	noNames := func(c *x509.Certificate) { c.DNSNames = nil }
	garbage := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))
	for _, test := range []struct {
		name    string
		text    string
		roots   *x509.CertPool
		later   time.Duration
		good    bool
		vouched bool
	}{
		{"its own issuer", own.text(), nil, 0, true, true},
		{"in force for the last moment", own.text(), nil, 12 * time.Hour, true, true},
		{"no longer in force", own.text(), nil, 12*time.Hour + time.Second, false, true},
		{"not yet in force", own.text(), nil, -12*time.Hour - time.Second, false, true},
		{"by its common name", issue(t, name, key, nil, noNames).text(), nil, 0, true, true},
		{"a common name beside other names", issue(t, name, key, nil, func(c *x509.Certificate) { c.DNSNames = []string{"example.com"} }).text(), nil, 0, false, true},
		{"for a region", issue(t, "sns-signing.eu-south-1.amazonaws.com", key, nil).text(), nil, 0, true, true},
		{"for a government", issue(t, "sns-us-gov-west-1.amazonaws.com", key, nil).text(), nil, 0, true, true},
		{"for China", issue(t, "sns-cn-north-1.amazonaws.com.cn", key, nil).text(), nil, 0, true, true},
		{"for another service", issue(t, "sqs.amazonaws.com", key, nil).text(), nil, 0, false, true},
		{"for what begins alike", issue(t, "sns.amazonaws.com.example.com", key, nil).text(), nil, 0, false, true},
		{"for what ends alike", issue(t, "evilsns.amazonaws.com", key, nil).text(), nil, 0, false, true},
		{"for a bucket", issue(t, "sns.s3.eu.amazonaws.com", key, nil).text(), nil, 0, false, true},
		{"of a short key", issue(t, name, rsaPrivate(t, 1024), nil).text(), nil, 0, false, false},
		{"of another kind of key", issue(t, name, curve, nil).text(), nil, 0, false, false},
		{"with its issuer, to a root", leaf.text() + middle.text(), roots, 0, true, true},
		{"with its issuer, without roots", leaf.text() + middle.text(), nil, 0, true, true},
		{"without its issuer, to a root", leaf.text(), roots, 0, false, true},
		{"its own issuer, to a root", own.text(), roots, 0, false, true},
		{"nothing", "", nil, 0, false, false},
		{"no certificate", "<html>", nil, 0, false, false},
		{"a key", privateText(RSASHA256, PEM, "new"), nil, 0, false, false},
		{"no certificate in it", garbage, nil, 0, false, false},
		{"something behind it", own.text() + garbage, nil, 0, false, false},
	} {
		for _, vouched := range []bool{false, true} {
			want := test.good
			if vouched {
				want = test.vouched
			}
			got, until, err := snsCertificates.read([]byte(test.text), referenceNow.Add(test.later), vouched, test.roots)
			if (err == nil) != want {
				t.Errorf("%s, vouched for %t: %v", test.name, vouched, err)
			}
			if err == nil && (!key.PublicKey.Equal(got.(*rsa.PublicKey)) || !until.Equal(referenceNow.Add(12*time.Hour))) {
				t.Errorf("%s: another key, or until %s", test.name, until)
			}
		}
	}
}

// snsURL and paypalURL are where certificates are.
const (
	snsURL    = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
	paypalURL = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-7a8abba8"
)

// evilURLs returns what has been tried, or might be, to have a certificate fetched from elsewhere than a good URL.
func evilURLs(good string) (all []string) {
	host, path, _ := strings.Cut(strings.TrimPrefix(good, "https://"), "/")
	for _, text := range []string{
		"http://HOST/PATH", "HTTPS://HOST/PATH", "HOST/PATH", "//HOST/PATH", "https:HOST/PATH", "https:/HOST/PATH", "https:///HOST/PATH", "ftp://HOST/PATH", "file:///PATH",
		"https://HOST:443/PATH", "https://HOST:8443/PATH", "https://HOST:/PATH", "https://user@HOST/PATH", "https://user:pass@HOST/PATH",
		"https://HOST@evil.example/PATH", "https://HOST:x@evil.example/PATH", "https://evil.example/HOST/PATH", "https://evil.example?HOST/PATH", "https://evil.example#HOST/PATH",
		"https://HOST.evil.example/PATH", "https://evil-HOST/PATH", "https://evil.HOST/PATH", "https://HOST./PATH", "https://.HOST/PATH", `https://evil.example\@HOST/PATH`, `https://HOST\evil.example/PATH`,
		"https://HOST%2eevil.example/PATH", "https://HOST%00.evil.example/PATH", "https://HOST\x00/PATH", "https://HOST /PATH", "https://HOST\n/PATH", "https://HOST\r\nX: y/PATH",
		"https://HOST/PATH?x", "https://HOST/PATH?", "https://HOST/PATH#x", "https://HOST/PATH#", "https://HOST/PATH/", "https://HOST/PATH/..", "https://HOST//PATH", "https://HOST/./PATH", "https://HOST/x/../PATH", "https://HOST/%2e%2e/PATH", "https://HOST/evil/PATH", "https://HOST/PATH;x",
		"https://HOST/PATH\n", "https://HOST/PATH\r", " https://HOST/PATH", "https://HOST/PATH ", "https://HOST/PATH\x00", "https://HOST/PATH\nhttps://evil.example/", "https://evil.example/\nhttps://HOST/PATH",
		"https://HOST/", "https://HOST", "https://evil.example/PATH", "https://127.0.0.1/PATH", "https://[::1]/PATH", "https://169.254.169.254/PATH", "https://localhost/PATH", "",
	} {
		all = append(all, strings.NewReplacer("HOST", host, "PATH", path).Replace(text))
	}
	return all
}

// TestCertificatesComeFromTheirHostsOnly: whoever decides where a certificate comes from can sign.
func TestCertificatesComeFromTheirHostsOnly(t *testing.T) {
	for _, test := range []struct {
		rules certificateRules
		good  []string
		evil  []string
	}{
		{snsCertificates, []string{
			snsURL, strings.Replace(snsURL, "us-east-1", "us-gov-west-1", 1), strings.Replace(snsURL, "us-east-1.amazonaws.com", "cn-north-1.amazonaws.com.cn", 1),
		}, append(evilURLs(snsURL),
			strings.Replace(snsURL, "us-east-1", "US-EAST-1", 1), strings.Replace(snsURL, "us-east-1.", "", 1), strings.Replace(snsURL, "us-east-1", "us.east", 1), strings.Replace(snsURL, "us-east-1", "ab", 1), strings.Replace(snsURL, "us-east-1", "us_east_1", 1),
			// Buckets named sns: https://github.com/nathforge/validatesns/issues/6.
			strings.Replace(snsURL, "us-east-1", "s3-us-west-2", 1), strings.Replace(snsURL, "us-east-1", "s3-external-1", 1), strings.Replace(snsURL, "us-east-1", "s3", 1), strings.Replace(snsURL, "us-east-1", "s3-website-us-east-1", 1), strings.Replace(snsURL, "us-east-1", "cloudfront", 1),
			strings.Replace(snsURL, "sns.", "sqs.", 1), strings.Replace(snsURL, "sns.", "snsx.", 1), strings.Replace(snsURL, "https://sns.us-east-1", "https://sns", 1), strings.Replace(snsURL, "sns.us-east-1", "s3.amazonaws.com/sns", 1),
			strings.Replace(snsURL, ".com/", ".com.cn.evil/", 1), strings.Replace(snsURL, ".com/", ".com.de/", 1), strings.Replace(snsURL, ".com/", "xcom/", 1), strings.Replace(snsURL, "amazonaws", "amazonaws-evil", 1), strings.Replace(snsURL, "aws.com", "awsxcom", 1),
			strings.Replace(snsURL, ".pem", "", 1), strings.Replace(snsURL, ".pem", ".pem.txt", 1), strings.Replace(snsURL, ".pem", "xpem", 1), strings.Replace(snsURL, "SimpleNotificationService-", "", 1), strings.Replace(snsURL, "0123", "../x", 1),
		)},
		{paypalCertificates, []string{
			paypalURL, strings.Replace(paypalURL, "api.", "api.sandbox.", 1), strings.Replace(paypalURL, "api.", "api-m.", 1), strings.Replace(paypalURL, "api.", "api-m.sandbox.", 1),
		}, append(evilURLs(paypalURL),
			strings.Replace(paypalURL, "api.paypal", "www.paypal", 1), strings.Replace(paypalURL, "api.paypal", "paypal", 1), strings.Replace(paypalURL, "paypal.com", "paypalobjects.com", 1), strings.Replace(paypalURL, "paypal.com", "paypalxcom", 1), strings.Replace(paypalURL, "api.", "api.evil.", 1), strings.Replace(paypalURL, "api.", "API.", 1),
			strings.Replace(paypalURL, "certs", "webhooks", 1), strings.Replace(paypalURL, "CERT-", "", 1), strings.Replace(paypalURL, "360caa42", "..", 1), strings.Replace(paypalURL, "360caa42", "a/b", 1), strings.Replace(paypalURL, "360caa42", "a%2fb", 1),
		)},
	} {
		s := NewKeySource(KeySourceOptions{Transport: vendors{}})
		for _, url := range test.good {
			if q, err := test.rules.query(s, url); err != nil || q.request.url != url || q.request.body != nil {
				t.Errorf("%q: %v", url, err)
			}
		}
		for _, url := range test.evil {
			if _, err := test.rules.query(s, url); err != ErrKeyUnknown {
				t.Errorf("%q: %v", url, err)
			}
		}
	}
}
