package verifiers

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
)

// contentDigest is the header field of RFC 9530 that has hashes of the body.
const contentDigest = "content-digest"

// checkDigest reports whether a Content-Digest is that of the body: it must have a SHA-256 or a SHA-512, and
// of these none may be wrong. Other hashes count for nothing; the older ones among them are broken.
func checkDigest(values []string, body []byte) error {
	members, err := readDictionary(values)
	if err != nil {
		return err
	}
	checked, right := 0, 1
	for _, m := range members {
		var sum []byte
		switch m.name {
		case "sha-256":
			s := sha256.Sum256(body)
			sum = s[:]
		case "sha-512":
			s := sha512.Sum512(body)
			sum = s[:]
		default:
			continue
		}
		if m.kind != ':' || len(m.parameters) > 0 {
			return ErrSignatureMalformed
		}
		checked++
		right &= subtle.ConstantTimeCompare(sum, []byte(m.value))
	}
	switch {
	case checked == 0:
		return ErrFieldMissing
	case right == 0:
		return ErrSignatureMismatch
	}
	return nil
}

// digestOf returns the Content-Digest of a body.
func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + strictBase64.EncodeToString(sum[:]) + ":"
}
