package verifiers

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

// withKey is a scheme of an algorithm whose keys are written in a form.
func withKey(algorithm Algorithm, form KeyForm) Scheme {
	return Scheme{Algorithm: algorithm, Key: form, Signature: Signature{From: "header:S", Encoding: Base64}, Content: "{header:Id}.{body}", ID: []string{"header:Id"}}
}

// TestAPublicKeyVerifiesWhatItsPrivateKeySigns: of every algorithm, in every form in which its keys may be
// written, and nothing else.
func TestAPublicKeyVerifiesWhatItsPrivateKeySigns(t *testing.T) {
	for algorithm, a := range algorithms {
		if a.kind != publicKind {
			continue
		}
		for _, form := range keyFormsOf(algorithm) {
			scheme := withKey(algorithm, form)
			private := privateText(algorithm, form, "new")
			options := Options{AllowWeak: true}
			signer, err := New(scheme, []Secret{NewSecret("", private)}, options)
			if err != nil {
				t.Fatalf("%s, %s: %v", algorithm, form, err)
			}
			body := []byte("body")
			header, err := signer.Sign(Message{ID: "1", Body: body})
			if err != nil {
				t.Fatalf("%s, %s: %v", algorithm, form, err)
			}
			for _, public := range publicForms(t, algorithm, form, "new") {
				v, err := New(scheme, []Secret{NewSecret("public", public)}, options)
				if err != nil {
					t.Fatalf("%s, %s: %v of\n%s", algorithm, form, err, public)
				}
				if d, err := verify(v, Request{Header: header}, body); err != nil || d.Key != "public" || d.ID != "1" {
					t.Errorf("%s, %s: %v, %v", algorithm, form, d, err)
				}
				if _, err := verify(v, Request{Header: header}, body[1:]); err != ErrSignatureMismatch {
					t.Errorf("%s, %s: another body: %v", algorithm, form, err)
				}
				if _, err := v.Sign(Message{ID: "1"}); err == nil || !strings.Contains(err.Error(), "secret 1 is a public key, which can't sign") {
					t.Errorf("%s, %s: a public key signs: %v", algorithm, form, err)
				}
			}
			for _, other := range publicForms(t, algorithm, form, "old") {
				v, err := New(scheme, []Secret{NewSecret("", other)}, options)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := verify(v, Request{Header: header}, body); err != ErrSignatureMismatch {
					t.Errorf("%s, %s: another key: %v", algorithm, form, err)
				}
			}
		}
	}
}

// publicForms returns the public key that belongs to privateText, in every way to write it in a form.
func publicForms(t *testing.T, algorithm Algorithm, form KeyForm, name string) []string {
	t.Helper()
	k, err := NewSecret("", privateText(algorithm, form, name)).publicKeyed(algorithm, form)
	if err != nil {
		t.Fatal(err)
	}
	raw, isEd25519 := k.private.Public().(ed25519.PublicKey)
	switch form {
	case HexKey:
		return []string{hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw))}
	case Base64Key:
		return []string{base64.StdEncoding.EncodeToString(raw)}
	case Whpk:
		return []string{publicPrefix + base64.StdEncoding.EncodeToString(raw)}
	}
	der, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	if form == SPKI {
		return []string{base64.StdEncoding.EncodeToString(der)}
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a"}, NotAfter: time.Unix(0, 0)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, k.private.Public(), k.private)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{block("PUBLIC KEY", der), block("CERTIFICATE", certificate), "\n" + block("PUBLIC KEY", der) + "\n"}
	if public, ok := k.private.Public().(*rsa.PublicKey); ok && !isEd25519 {
		all = append(all, block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(public)))
	}
	return all
}

// TestAKeyThatTheAlgorithmCannotHaveIsRefused: one of another kind, another curve, too short, too long, or
// not one key; and no error has any of it.
func TestAKeyThatTheAlgorithmCannotHaveIsRefused(t *testing.T) {
	spki := func(key any) string {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(der)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaOf := func(bits uint) *rsa.PublicKey {
		return &rsa.PublicKey{N: new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), bits-1), big.NewInt(1)), E: 65537}
	}
	edText := publicForms(t, Ed25519, SPKI, "new")[0]
	rsaText := publicForms(t, RSASHA256, SPKI, "new")[0]
	pemText := publicForms(t, RSASHA256, PEM, "new")[0]
	for _, test := range []struct {
		algorithm  Algorithm
		form       KeyForm
		name, text string
	}{
		{ECDSAP256, SPKI, "another curve", spki(p384.Public())},
		{ECDSAP256, SPKI, "an Ed25519 key", edText},
		{ECDSAP256, SPKI, "an RSA key", rsaText},
		{RSASHA256, SPKI, "an Ed25519 key", edText},
		{Ed25519, SPKI, "an RSA key", rsaText},
		{RSASHA256, SPKI, "a short key", spki(rsaOf(2047))},
		{RSASHA256, SPKI, "a long key", spki(rsaOf(8193))},
		{RSASHA256, SPKI, "PEM", pemText},
		{RSASHA256, SPKI, "no key", base64.StdEncoding.EncodeToString([]byte("no key at all"))},
		{RSASHA256, PEM, "base64", rsaText},
		{RSASHA256, PEM, "two keys", pemText + pemText},
		{RSASHA256, PEM, "something behind", pemText + "x"},
		{RSASHA256, PEM, "another block", strings.ReplaceAll(pemText, "PUBLIC", "SECRET")},
		{Ed25519, HexKey, "half a key", strings.Repeat("ab", 16)},
		{Ed25519, HexKey, "no hex", strings.Repeat("xy", 32)},
		{Ed25519, HexKey, "a point of small order", "01" + strings.Repeat("00", 31)},
		{Ed25519, Base64Key, "a point of small order", base64.StdEncoding.EncodeToString(append([]byte{1}, make([]byte, 31)...))},
		{Ed25519, HexKey, "halves of two keys", strings.Repeat("ab", 64)},
		{Ed25519, Whpk, "no prefix", base64.StdEncoding.EncodeToString(make([]byte, 32))},
	} {
		_, err := New(withKey(test.algorithm, test.form), []Secret{NewSecret("", test.text)}, Options{})
		if !errors.Is(err, ErrSecretForm) {
			t.Errorf("%s, %s, %s: %v", test.algorithm, test.form, test.name, err)
			continue
		}
		checkNoneOf(t, test.name, err.Error(), test.text)
	}
	for _, secret := range []Secret{{}, NewSecret("", "")} {
		if _, err := New(withKey(RSASHA256, PEM), []Secret{secret}, Options{}); !errors.Is(err, ErrSecretEmpty) {
			t.Errorf("no key: %v", err)
		}
	}
}

// TestAnotherSignatureOfTheSameContentIsNoOtherDelivery: of an ECDSA signature anybody can make a second one
// (with s negated), and whoever signs can make any number.
func TestAnotherSignatureOfTheSameContentIsNoOtherDelivery(t *testing.T) {
	scheme := Scheme{Algorithm: ECDSAP256, Key: SPKI, Signature: Signature{From: "header:S", Encoding: Base64}}
	v, err := New(scheme, []Secret{NewSecret("", privateText(ECDSAP256, SPKI, "new"))}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	body := []byte("body")
	header, err := v.Sign(Message{Body: body})
	if err != nil {
		t.Fatal(err)
	}
	want, err := verify(v, Request{Header: header}, body)
	if err != nil {
		t.Fatal(err)
	}
	der, err := base64.StdEncoding.DecodeString(header.Get("S"))
	if err != nil {
		t.Fatal(err)
	}
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &pair); err != nil {
		t.Fatal(err)
	}
	pair.S.Sub(elliptic.P256().Params().N, pair.S)
	if der, err = asn1.Marshal(pair); err != nil {
		t.Fatal(err)
	}
	got, err := verify(v, Request{Header: http.Header{"S": {base64.StdEncoding.EncodeToString(der)}}}, body)
	if err != nil {
		t.Fatal(err)
	}
	if identity(got) != identity(want) || identity(want)[0] != tagContent {
		t.Errorf("the identities are %q and %q", identity(got), identity(want))
	}
}

// TestOnlyEd25519NeedsTheTextInOnePiece: the others hash it, whatever the size of the body.
func TestOnlyEd25519NeedsTheTextInOnePiece(t *testing.T) {
	for algorithm, a := range algorithms {
		if a.kind != publicKind {
			continue
		}
		v, err := New(withKey(algorithm, SPKI), []Secret{NewSecret("", privateText(algorithm, SPKI, "new"))}, Options{AllowWeak: true})
		if err != nil {
			t.Fatal(err)
		}
		if v.NeedsSpace() != (algorithm == Ed25519) {
			t.Errorf("%s: needs space is %t", algorithm, v.NeedsSpace())
		}
	}
}

// TestADeliveryCostsFewPublicKeyChecks: what it offers times the keys is bounded, for every algorithm.
func TestADeliveryCostsFewPublicKeyChecks(t *testing.T) {
	scheme := withKey(ECDSAP256, SPKI)
	scheme.Signature.List = &List{Separator: ",", Assign: "=", Key: "s"}
	v, err := New(scheme, secretsOf(scheme), Options{})
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(Message{ID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	entries := strings.Split(header.Get("S"), ",")
	if len(entries) != 2 {
		t.Fatalf("%d signatures", len(entries))
	}
	if _, err := verify(v, Request{Header: header}, nil); err != nil {
		t.Error(err)
	}
	header.Set("S", strings.Join(append(entries, entries[0]), ","))
	if _, err := verify(v, Request{Header: header}, nil); err != ErrTooManySignatures {
		t.Errorf("three signatures under two keys: %v", err)
	}
}
