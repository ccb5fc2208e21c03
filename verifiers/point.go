package verifiers

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"slices"
)

// smallOrder has the y of the eight points of small order, in hex as a public key is written, without
// the sign of x. No private key has such a public key, and anybody can sign for one: its multiples are
// eight points at most, so that one who guesses the multiple is right for one text in eight.
// Source: https://github.com/C2SP/CCTV/tree/main/ed25519
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000", // order 1
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
	"0000000000000000000000000000000000000000000000000000000000000000", // order 4
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
}

// prime is that of the curve's field, 2^255-19, with the most significant byte first.
var prime = slices.Concat([]byte{0x7f}, bytes.Repeat([]byte{0xff}, 30), []byte{0xed})

// isForgeable reports whether anybody may sign for a public key: it is a point of small order, or isn't
// written as RFC 8032 asks for, which crypto/ed25519 takes for the point that its y is modulo the prime.
func isForgeable(key ed25519.PublicKey) bool {
	y := slices.Clone(key)
	y[len(y)-1] &= 0x7f // the sign of x
	if slices.Contains(smallOrder, hex.EncodeToString(y)) {
		return true
	}
	slices.Reverse(y)
	return bytes.Compare(y, prime) >= 0
}
