package verifiers

import (
	"encoding/base64"
	"encoding/hex"
)

// Encoding is how the bytes of a signature are written.
type Encoding string

// The encodings.
const (
	// Hex is hexadecimal digits of either case.
	Hex Encoding = "hex"
	// Base64 is the standard alphabet with padding.
	Base64 Encoding = "base64"
	// Base64URL is the alphabet for URLs without padding.
	Base64URL Encoding = "base64url"
)

// The codecs are strict: padding bits that are set would make two texts of one signature.
var (
	strictBase64    = base64.StdEncoding.Strict()
	strictBase64URL = base64.RawURLEncoding.Strict()
)

// known reports whether e is one of the encodings.
func (e Encoding) known() bool { return e == Hex || e == Base64 || e == Base64URL }

// codec returns the codec of an encoding other than Hex.
func (e Encoding) codec() *base64.Encoding {
	if e == Base64URL {
		return strictBase64URL
	}
	return strictBase64
}

// decode writes the size bytes that text stands for to dst and reports whether text is well
// formed. The length of text is checked first, so that nothing the decoders tolerate (base64
// skips line breaks) can make a second text of the same signature.
func (e Encoding) decode(dst []byte, text []byte, size int) bool {
	if e == Hex {
		if len(text) != hex.EncodedLen(size) {
			return false
		}
		_, err := hex.Decode(dst, text)
		return err == nil
	}
	codec := e.codec()
	if len(text) != codec.EncodedLen(size) {
		return false
	}
	n, err := codec.Decode(dst, text)
	return err == nil && n == size
}

// encode returns the text of sum.
func (e Encoding) encode(sum []byte) string {
	if e == Hex {
		return hex.EncodeToString(sum)
	}
	return e.codec().EncodeToString(sum)
}
