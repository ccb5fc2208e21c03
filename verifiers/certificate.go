package verifiers

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"regexp"
	"slices"
	"time"
)

// certificateRules are what a certificate that a vendor signs with has to be.
type certificateRules struct {
	// where is the whole of the URLs that it may be fetched from. A pattern of the whole text leaves no
	// room for what URLs may have besides, such as a port, a user or a query, and for readers of URLs that
	// disagree on what the host is.
	where *regexp.Regexp
	// names is the whole of the names that it may be for. Nil means any.
	names *regexp.Regexp
}

// query returns the query of the certificate at a URL, if it is one that the certificate may be at.
func (rules certificateRules) query(s *KeySource, url string) (keyQuery, error) {
	if !rules.where.MatchString(url) {
		return keyQuery{}, ErrKeyUnknown
	}
	return keyQuery{
		name:    url,
		request: keyRequest{url: url},
		read: func(text []byte, now time.Time, vouched bool) (any, time.Time, error) {
			return rules.read(text, now, vouched, s.roots)
		},
	}, nil
}

// maxCertificates bounds how many may come with one.
const maxCertificates = 8

// read returns the RSA key of the first certificate in a text, and when that ends.
func (rules certificateRules) read(text []byte, now time.Time, vouched bool, roots *x509.CertPool) (any, time.Time, error) {
	leaf, others, err := parseCertificates(text)
	if err != nil {
		return nil, time.Time{}, err
	}
	if !vouched {
		if err := rules.check(leaf, others, now, roots); err != nil {
			return nil, time.Time{}, err
		}
	}
	key, err := usableKey(RSASHA256, leaf.PublicKey)
	if err != nil {
		return nil, time.Time{}, errors.New("the certificate is for a key of another kind or size")
	}
	return key.(rsaKey).PublicKey, leaf.NotAfter, nil
}

// check checks that a certificate is in force, for whom it is and, where there are roots, who issued it.
func (rules certificateRules) check(leaf *x509.Certificate, others *x509.CertPool, now time.Time, roots *x509.CertPool) error {
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return errors.New("the certificate is not in force")
	}
	names := leaf.DNSNames
	if len(names) == 0 {
		names = []string{leaf.Subject.CommonName}
	}
	if rules.names != nil && !slices.ContainsFunc(names, rules.names.MatchString) {
		return errors.New("the certificate is for another name")
	}
	if roots == nil {
		return nil
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: others, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return errors.New("the certificate leads to none of the roots")
	}
	return nil
}

// parseCertificates returns the first certificate of a text in PEM, and the others.
func parseCertificates(text []byte) (leaf *x509.Certificate, others *x509.CertPool, err error) {
	others = x509.NewCertPool()
	for range maxCertificates {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil || block.Type != "CERTIFICATE" {
			return nil, nil, errors.New("no certificate")
		}
		if leaf == nil {
			leaf = certificate
		} else {
			others.AddCert(certificate)
		}
	}
	if leaf == nil {
		return nil, nil, errors.New("no certificate")
	}
	return leaf, others, nil
}
