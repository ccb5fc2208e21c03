package verifiers

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
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
	// Base64Escaped is Base64 that may be percent-encoded, as in a URL.
	Base64Escaped Encoding = "base64-escaped"
	// Plain is the text itself, of tokens only.
	Plain Encoding = "plain"
)

// encodings are those of signatures, and of tokens.
var encodings = []Encoding{Hex, Base64, Base64URL, Base64Escaped}

// The codecs are strict: padding bits that are set would make two texts of one signature.
var (
	strictBase64    = base64.StdEncoding.Strict()
	strictBase64URL = base64.RawURLEncoding.Strict()
)

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
	// Text of this length without the padding that it should end with stands for more than size bytes, of
	// which dst may have no room: then they go elsewhere.
	decoded, err := codec.AppendDecode(dst[:0], text)
	return err == nil && len(decoded) == size
}

// unescape undoes the percent-encoding that the encoding allows.
func (e Encoding) unescape(text string) string {
	if e != Base64Escaped {
		return text
	}
	// Not as in a query, where a plus sign would be a blank. What can't be undone is no base64 either.
	unescaped, err := url.PathUnescape(text)
	if err != nil {
		return text
	}
	return unescaped
}

// decodeAny returns the bytes that text stands for if they are one to most, and whether text is well
// formed. It is for what has no size of its own.
func (e Encoding) decodeAny(text string, most int) ([]byte, bool) {
	var size int
	switch e {
	case Plain:
		return []byte(text), text != "" && len(text) <= most
	case Hex:
		size = hex.DecodedLen(len(text))
	case Base64URL:
		size = strictBase64URL.DecodedLen(len(text))
	default:
		size = strictBase64.DecodedLen(len(text))
		for n := len(text); n > 0 && text[n-1] == '='; n-- {
			size--
		}
	}
	if size < 1 || size > most {
		return nil, false
	}
	dst := make([]byte, size)
	return dst, e.decode(dst, []byte(text), size)
}

// encode returns the text of sum.
func (e Encoding) encode(sum []byte) string {
	switch e {
	case Hex:
		return hex.EncodeToString(sum)
	case Plain:
		return string(sum)
	}
	return e.codec().EncodeToString(sum)
}
