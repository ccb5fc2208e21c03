package replay

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// keyTag keeps these hashes apart from every other use of SHA-256. Its number changes with the
// layout, because stores that outlive a gateway would otherwise read old keys as new ones.
const keyTag = "hookseal replay 1"

// Key names one delivery at one route. Two keys are equal exactly when route, scheme and identity
// were. It holds no secret: an operator reads it in a log line and hands it to [Forgetter].
type Key [sha256.Size]byte

// NewKey returns the key of the delivery that scheme identifies by identity, at route. Identity
// must be signed material, decoded: the signed id where the scheme signs one, else the MAC's
// bytes, and for public-key schemes the hash of the signed content. An unsigned header or the text
// of a signature would let one delivery have many keys.
//
// The key is the SHA-256 of a tag, route, scheme and identity, each behind its length, so that
// moving bytes from one into the next makes another key. NewKey allocates nothing while the three
// take less than 400 bytes together.
func NewKey(route, scheme string, identity []byte) Key {
	text := make([]byte, 0, 512) // constant, so that it stays on the stack
	text = appendPart(text, keyTag)
	text = appendPart(text, route)
	text = appendPart(text, scheme)
	text = appendPart(text, identity)
	return sha256.Sum256(text)
}

func appendPart[T string | []byte](text []byte, part T) []byte {
	text = binary.AppendUvarint(text, uint64(len(part)))
	return append(text, part...)
}

// String returns the key as 64 lower-case hex digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// ParseKey reads what [Key.String] writes, in either case. Anything but 64 hex digits is an error
// that says where the text goes wrong.
func ParseKey(text string) (Key, error) {
	var key Key
	if len(text) != hex.EncodedLen(len(key)) {
		return Key{}, fmt.Errorf("replay key has %d characters and not %d", len(text), hex.EncodedLen(len(key)))
	}
	if n, err := hex.Decode(key[:], []byte(text)); err != nil {
		return Key{}, fmt.Errorf("replay key, characters %d and %d: not two hex digits", 2*n+1, 2*n+2)
	}
	return key, nil
}
