package verifiers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// messageKey is a key with its algorithm, as RFC 9421 names it.
type messageKey struct {
	*keyed
	algorithm string
}

// messageAlgorithms are the algorithms of public keys. The curve P-256 has no DER in this RFC.
var messageAlgorithms = map[string]Algorithm{
	"ed25519":           Ed25519,
	"ecdsa-p256-sha256": ECDSAP256,
	"rsa-v1_5-sha256":   RSASHA256,
	"rsa-pss-sha512":    RSAPSSSHA512,
}

// parseMessageKey reads a secret.
func parseMessageKey(label, text string, allowShort bool) (messageKey, error) {
	name, text, _ := strings.Cut(text, ":")
	k := messageKey{algorithm: name}
	secret := NewSecret(label, text)
	if name == "hmac-sha256" {
		key, err := secret.key(Base64Key, allowShort)
		if err != nil {
			return k, err
		}
		k.keyed = newKeyed(label, HMACSHA256, key)
		return k, nil
	}
	algorithm, known := messageAlgorithms[name]
	if !known {
		return k, fmt.Errorf("%w: begin it with hmac-sha256:, ed25519:, ecdsa-p256-sha256:, rsa-pss-sha512: or rsa-v1_5-sha256: for its algorithm", ErrSecretForm)
	}
	form := SPKI
	if strings.HasPrefix(text, "-----BEGIN") {
		form = PEM
	}
	var err error
	k.keyed, err = secret.publicKeyed(algorithm, form)
	return k, err
}

// p256Size is the size of each of the two numbers of a signature on P-256.
const p256Size = 32

// verify reports whether a signature is one of the text.
func (k *messageKey) verify(text, signature []byte) bool {
	switch public := k.public.(type) {
	case nil:
		return subtle.ConstantTimeCompare(k.sum(nil, text), signature) == 1
	case ed25519Key:
		return public.verify(text, signature)
	case ecdsaKey:
		if len(signature) != 2*p256Size {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:p256Size]), new(big.Int).SetBytes(signature[p256Size:])
		return ecdsa.Verify(public.PublicKey, k.hash(text), r, s)
	case rsaKey:
		if public.pss {
			// The RFC wants a salt of 64 bytes, and a library in wide use writes a longer one.
			return rsa.VerifyPSS(public.PublicKey, public.algorithm.hash, k.hash(text), signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}) == nil
		}
	}
	return k.public.verify(k.hash(text), signature)
}

// hash hashes a text as the algorithm does.
func (k *messageKey) hash(text []byte) []byte {
	h := algorithms[messageAlgorithms[k.algorithm]].hash.New()
	h.Write(text)
	return h.Sum(nil)
}

// sign signs a text.
func (k *messageKey) sign(text []byte) ([]byte, error) {
	switch {
	case k.public == nil:
		return k.sum(nil, text), nil
	case k.private == nil:
		return nil, errors.New("secret 1 is a public key, which can't sign: use the private key")
	}
	switch private := k.private.(type) {
	case ed25519.PrivateKey:
		return private.Sign(nil, text, crypto.Hash(0))
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, private, k.hash(text))
		if err != nil {
			return nil, err
		}
		signature := make([]byte, 2*p256Size)
		r.FillBytes(signature[:p256Size])
		s.FillBytes(signature[p256Size:])
		return signature, nil
	}
	return k.signMessage(k.hash(text))
}
