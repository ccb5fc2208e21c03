package verifiers

import (
	"crypto"
	"crypto/hmac"
	_ "crypto/sha1" // registers the hash
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"hash"
	"sync"
	"time"
)

// Algorithm computes a signature from a key and the signed content.
type Algorithm string

// The algorithms.
const (
	// HMACSHA1 is weak: see Options.AllowWeak.
	HMACSHA1   Algorithm = "hmac-sha1"
	HMACSHA256 Algorithm = "hmac-sha256"
	HMACSHA384 Algorithm = "hmac-sha384"
	HMACSHA512 Algorithm = "hmac-sha512"

	// SHA256 is the plain hash of a content that has the secret in it. SHA1 is that too, and weak. Whoever has
	// the hash of a content that doesn't end in the secret can go on with it: they can sign one that has more
	// behind a few bytes that the hash asks for. A content with those bytes in it is refused.
	SHA256 Algorithm = "sha256"
	SHA1   Algorithm = "sha1"

	// Ed25519 is that of RFC 8032.
	Ed25519 Algorithm = "ed25519"
	// ECDSAP256 is ECDSA on the curve P-256 over SHA-256, written in DER.
	ECDSAP256 Algorithm = "ecdsa-p256-sha256"
	// RSASHA256 is RSA with the padding of PKCS #1 v1.5. RSASHA1 is that too, and weak.
	RSASHA256 Algorithm = "rsa-sha256"
	RSASHA1   Algorithm = "rsa-sha1"
	// RSAPSSSHA256 and RSAPSSSHA512 are RSA with the padding PSS, with a salt as long as the hash.
	RSAPSSSHA256 Algorithm = "rsa-pss-sha256"
	RSAPSSSHA512 Algorithm = "rsa-pss-sha512"

	// Equal is no signature: the secret itself is sent. It covers nothing of the delivery.
	Equal Algorithm = "equal"
)

// maxSum is the longest sum of any algorithm, and the size of an Ed25519 signature, in bytes.
const maxSum = sha512.Size

// algorithmKind tells what an algorithm needs besides the content.
type algorithmKind uint8

const (
	hmacKind   algorithmKind = iota + 1
	digestKind               // the secret in the content
	tokenKind                // the secret, and no content
	publicKind               // a public key
)

// algorithm is what stands behind an Algorithm.
type algorithm struct {
	kind algorithmKind
	hash crypto.Hash
	pss  bool
}

var algorithms = map[Algorithm]algorithm{
	HMACSHA1:     {kind: hmacKind, hash: crypto.SHA1},
	HMACSHA256:   {kind: hmacKind, hash: crypto.SHA256},
	HMACSHA384:   {kind: hmacKind, hash: crypto.SHA384},
	HMACSHA512:   {kind: hmacKind, hash: crypto.SHA512},
	SHA256:       {kind: digestKind, hash: crypto.SHA256},
	SHA1:         {kind: digestKind, hash: crypto.SHA1},
	Ed25519:      {kind: publicKind},
	ECDSAP256:    {kind: publicKind, hash: crypto.SHA256},
	RSASHA256:    {kind: publicKind, hash: crypto.SHA256},
	RSASHA1:      {kind: publicKind, hash: crypto.SHA1},
	RSAPSSSHA256: {kind: publicKind, hash: crypto.SHA256, pss: true},
	RSAPSSSHA512: {kind: publicKind, hash: crypto.SHA512, pss: true},
	Equal:        {kind: tokenKind, hash: crypto.SHA256},
}

// ErrWeak means that a scheme's algorithm is weak and Options.AllowWeak isn't set.
var ErrWeak = errors.New("SHA-1 is weak: whoever can choose what is signed may find two contents with one signature")

// weak reports whether the algorithm rests on a hash with known collisions.
func (a algorithm) weak() bool { return a.hash == crypto.SHA1 }

// keyed is one secret, ready to sign and to verify.
type keyed struct {
	label string

	// notBefore and notAfter bound the time in which it is used. Zero means no bound.
	notBefore, notAfter time.Time

	// states hold the HMAC or the plain hash. A keyed state that is reset starts over from the hashed key
	// instead of hashing the key again, so states are kept for the next delivery.
	states sync.Pool

	// secret is the key itself, for contents that it stands in.
	secret []byte

	// token is the hash of the secret that is sent. Hashes have one length, so that to compare them tells
	// nothing of the secret's, and neither does what part of it was right.
	token []byte

	public  publicKey
	private crypto.Signer // nil for a key that can verify only
}

// usedAt reports whether the secret is used at a time.
func (k *keyed) usedAt(now time.Time) bool {
	return !now.Before(k.notBefore) && (k.notAfter.IsZero() || now.Before(k.notAfter))
}

func newKeyed(label string, name Algorithm, key []byte) *keyed {
	k := &keyed{label: label, secret: key}
	switch a := algorithms[name]; a.kind {
	case tokenKind:
		token := sha256.Sum256(key)
		k.token = token[:]
	case digestKind:
		k.states.New = func() any { return a.hash.New() }
	default:
		k.states.New = func() any { return hmac.New(a.hash.New, key) }
	}
	return k
}

// sum appends the HMAC or hash of the parts to dst.
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
