package verifiers

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"sync"
)

// Algorithm computes a signature from a key and the signed content.
type Algorithm string

// The algorithms.
const (
	HMACSHA256 Algorithm = "hmac-sha256"
	HMACSHA384 Algorithm = "hmac-sha384"
	HMACSHA512 Algorithm = "hmac-sha512"
)

// maxSum is the longest sum of any algorithm, and the size of an Ed25519 signature, in bytes.
const maxSum = sha512.Size

// hashes are the hash functions behind the algorithms.
var hashes = map[Algorithm]func() hash.Hash{
	HMACSHA256: sha256.New,
	HMACSHA384: sha512.New384,
	HMACSHA512: sha512.New,
}

// keyed is one secret, ready to sign and to verify. It is an HMAC key or, where public is set, an
// Ed25519 key.
type keyed struct {
	label string

	// states hold the HMAC. A keyed state that is reset starts over from the hashed key instead of
	// hashing the key again, so states are kept for the next delivery.
	states sync.Pool

	public  ed25519.PublicKey
	private ed25519.PrivateKey // nil for a key that can verify only
}

func newKeyed(label string, algorithm Algorithm, key []byte) *keyed {
	k := &keyed{label: label}
	k.states.New = func() any { return hmac.New(hashes[algorithm], key) }
	return k
}

// sum appends the HMAC of the parts to dst.
func (k *keyed) sum(dst []byte, parts ...[]byte) []byte {
	state := k.states.Get().(hash.Hash)
	for _, part := range parts {
		state.Write(part)
	}
	dst = state.Sum(dst)
	state.Reset()
	k.states.Put(state)
	return dst
}
