package verifiers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
)

// publicKey checks what one private key has signed. The message is the signed text for Ed25519, and
// its hash for every other algorithm.
type publicKey interface {
	verify(message, signature []byte) bool
}

// maxSignature bounds the size of a public-key signature, in bytes: that of the longest RSA key.
const maxSignature = maxRSABits / 8

// The bounds of RSA keys: what is shorter can be broken, and what is longer takes long to check.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

type ed25519Key ed25519.PublicKey

func (k ed25519Key) verify(message, signature []byte) bool {
	return len(signature) == ed25519.SignatureSize && ed25519.Verify(ed25519.PublicKey(k), message, signature)
}

type ecdsaKey struct{ *ecdsa.PublicKey }

func (k ecdsaKey) verify(message, signature []byte) bool {
	return ecdsa.VerifyASN1(k.PublicKey, message, signature)
}

type rsaKey struct {
	*rsa.PublicKey
	algorithm
}

func (k rsaKey) verify(message, signature []byte) bool {
	if k.pss {
		return rsa.VerifyPSS(k.PublicKey, k.hash, message, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	return rsa.VerifyPKCS1v15(k.PublicKey, k.hash, message, signature) == nil
}

// signMessage signs a message with the private key. ECDSA without randomness is that of RFC 6979, which
// gives one signature for one message.
func (k *keyed) signMessage(message []byte) ([]byte, error) {
	switch public := k.public.(type) {
	case ed25519Key:
		return k.private.Sign(nil, message, crypto.Hash(0))
	case rsaKey:
		if public.pss {
			return k.private.Sign(rand.Reader, message, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: public.hash})
		}
		return k.private.Sign(nil, message, public.hash)
	}
	return k.private.Sign(nil, message, crypto.SHA256)
}

// What an Ed25519 key of Standard Webhooks begins with.
const (
	publicPrefix  = "whpk_"
	privatePrefix = "whsk_"
)

// publicKeyed returns the secret as a public key of an algorithm, or as a private one.
func (s Secret) publicKeyed(name Algorithm, form KeyForm) (*keyed, error) {
	text := ""
	if s.text != nil {
		text = s.text()
	}
	if text == "" {
		return nil, ErrSecretEmpty
	}
	switch form {
	case HexKey:
		// The decoder's error quotes a byte of the text.
		key, err := hex.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("%w: expected %s", ErrSecretForm, form)
		}
		return rawEd25519(s.Label, key)
	case Base64Key:
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("%w: expected %s", ErrSecretForm, form)
		}
		return rawEd25519(s.Label, key)
	case Whpk:
		if text, ok := strings.CutPrefix(text, publicPrefix); ok {
			return prefixedEd25519(s.Label, text, ed25519.PublicKeySize)
		}
		if text, ok := strings.CutPrefix(text, privatePrefix); ok {
			return prefixedEd25519(s.Label, text, ed25519.PrivateKeySize)
		}
		return nil, fmt.Errorf("%w: expected %s or %s and base64", ErrSecretForm, publicPrefix, privatePrefix)
	case SPKI:
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("%w: expected a public key in base64", ErrSecretForm)
		}
		return parsedKey(s.Label, name, der, "PUBLIC KEY", "PRIVATE KEY")
	}
	block, rest := pem.Decode([]byte(text))
	if block == nil || strings.TrimSpace(string(rest)) != "" {
		return nil, fmt.Errorf("%w: expected one block of PEM and nothing else", ErrSecretForm)
	}
	return parsedKey(s.Label, name, block.Bytes, block.Type)
}

// parsedKey reads the key in a DER text of one of the types.
func parsedKey(label string, name Algorithm, der []byte, types ...string) (*keyed, error) {
	for _, kind := range types {
		var key any
		var err error
		switch kind {
		case "PUBLIC KEY":
			key, err = x509.ParsePKIXPublicKey(der)
		case "RSA PUBLIC KEY":
			key, err = x509.ParsePKCS1PublicKey(der)
		case "CERTIFICATE":
			var certificate *x509.Certificate
			if certificate, err = x509.ParseCertificate(der); err == nil {
				key = certificate.PublicKey
			}
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(der)
		default:
			return nil, fmt.Errorf("%w: expected a public key or a certificate", ErrSecretForm)
		}
		if err != nil {
			continue // not %w: the parser's error may quote what it read
		}
		k := &keyed{label: label}
		if private, ok := key.(crypto.Signer); ok {
			k.private, key = private, private.Public()
		}
		k.public, err = usableKey(name, key)
		return k, err
	}
	return nil, fmt.Errorf("%w: no key could be read there", ErrSecretForm)
}

// usableKey returns a parsed public key if it is one of the algorithm's and strong enough.
func usableKey(name Algorithm, key any) (publicKey, error) {
	switch key := key.(type) {
	case ed25519.PublicKey:
		if name == Ed25519 {
			if isForgeable(key) {
				return nil, errForgeable
			}
			return ed25519Key(key), nil
		}
	case *ecdsa.PublicKey:
		if name == ECDSAP256 && key.Curve == elliptic.P256() {
			return ecdsaKey{key}, nil
		}
	case *rsa.PublicKey:
		a := algorithms[name]
		if name == Ed25519 || name == ECDSAP256 {
			break
		}
		if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return nil, fmt.Errorf("%w: expected an RSA key of %d to %d bits, not %d", ErrSecretForm, minRSABits, maxRSABits, bits)
		}
		return rsaKey{key, a}, nil
	}
	return nil, fmt.Errorf("%w: the key is of another kind than %s", ErrSecretForm, name)
}

var errForgeable = fmt.Errorf("%w: the public key is one that no private key has: copy it from its sender again", ErrSecretForm)

// prefixedEd25519 decodes the base64 behind a prefix, which says what size the key has.
func prefixedEd25519(label, text string, size int) (*keyed, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != size {
		return nil, fmt.Errorf("%w: expected %d bytes in base64 behind its prefix", ErrSecretForm, size)
	}
	return rawEd25519(label, key)
}

// rawEd25519 reads a public or a private key, which are told apart by their size.
func rawEd25519(label string, key []byte) (*keyed, error) {
	switch len(key) {
	case ed25519.PublicKeySize:
		if isForgeable(key) {
			return nil, errForgeable
		}
		return &keyed{label: label, public: ed25519Key(key)}, nil
	case ed25519.PrivateKeySize:
		// The second half of a private key is its public one. With another one there, two signatures
		// of one text would give the private key away.
		private := ed25519.NewKeyFromSeed(key[:ed25519.SeedSize])
		if !private.Equal(ed25519.PrivateKey(key)) {
			return nil, fmt.Errorf("%w: the halves of the private key don't belong together", ErrSecretForm)
		}
		return &keyed{label: label, public: ed25519Key(private.Public().(ed25519.PublicKey)), private: private}, nil
	}
	return nil, fmt.Errorf("%w: expected the %d bytes of a public key", ErrSecretForm, ed25519.PublicKeySize)
}
