package verifiers

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"sync"
)

// SampleSecret returns the text of a secret as the scheme's are written, with which deliveries can be
// signed. It is for trying a scheme out before its secrets are known, and no secret at all.
func (s Scheme) SampleSecret() string {
	name, form := orDefault(s.Algorithm, HMACSHA256), orDefault(s.Key, UTF8)
	if algorithms[name].kind == publicKind && form != Opaque {
		return sampleKey(name, form)
	}
	switch form {
	case HexKey:
		return hex.EncodeToString([]byte(sampleText))
	case Base64Key:
		return base64.StdEncoding.EncodeToString([]byte(sampleText))
	case Whsec:
		return symmetricPrefix + base64.StdEncoding.EncodeToString([]byte(sampleText))
	}
	if s.code != nil && form == Opaque {
		return s.code.sample
	}
	return sampleText
}

const sampleText = "0123456789abcdef0123456789abcdef"

// sampleKey returns a private key as text.
func sampleKey(name Algorithm, form KeyForm) string {
	var key any
	switch name {
	case Ed25519:
		private := ed25519.NewKeyFromSeed([]byte(sampleText))
		switch form {
		case HexKey:
			return hex.EncodeToString(private)
		case Base64Key:
			return base64.StdEncoding.EncodeToString(private)
		case Whpk:
			return privatePrefix + base64.StdEncoding.EncodeToString(private)
		}
		key = private
	case ECDSAP256:
		key = sampleECDSA()
	default:
		key = sampleRSA()
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err) // of these types it can't fail
	}
	if form == SPKI {
		return base64.StdEncoding.EncodeToString(der)
	}
	var b strings.Builder
	_ = pem.Encode(&b, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return b.String()
}

// The keys are made when they are first asked for: that takes long, and few schemes need them.
var (
	sampleECDSA = sync.OnceValue(func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return key
	})
	sampleRSA = sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, minRSABits)
		if err != nil {
			panic(err)
		}
		return key
	})
)
