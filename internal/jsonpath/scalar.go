package jsonpath

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns a string's decoded text.
func (v Value) Text() (string, error) {
	if err := v.want(String); err != nil {
		return "", err
	}
	end, err := stringEnd(v.text, 1)
	if err != nil {
		return "", err
	}
	if err := atEnd(v.text, end+1); err != nil {
		return "", err
	}
	return unquote(v.text[1:end])
}

// Bool returns a boolean.
func (v Value) Bool() (bool, error) {
	if err := v.want(Bool); err != nil {
		return false, err
	}
	end, err := skipScalar(v.text, 0)
	if err != nil {
		return false, err
	}
	return v.text[0] == 't', atEnd(v.text, end)
}

// IsNull reports whether the value is null.
func (v Value) IsNull() (bool, error) {
	switch v.Kind() {
	case Null:
		end, err := literal(v.text, 0, "null")
		if err != nil {
			return false, err
		}
		return true, atEnd(v.text, end)
	case 0:
		return false, ErrMissing
	}
	return false, nil
}

// Number returns a number as an int64, a uint64 or a float64: see the package's doc.
func (v Value) Number() (any, error) {
	text, err := v.numeral()
	if err != nil {
		return nil, err
	}
	return number(text)
}

// number converts a number whose grammar has been checked.
func number(text string) (any, error) {
	if strings.ContainsAny(text, ".eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, ErrRange
		}
		return f, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return n, nil
	}
	return nil, ErrRange
}

// Scalar returns a string's decoded text, or a number or boolean as it is written; of anything
// else it is ErrType. It is how ids and event names are read.
func (v Value) Scalar() (string, error) {
	switch v.Kind() {
	case String:
		return v.Text()
	case Number:
		return v.numeral()
	case Bool:
		b, err := v.Bool()
		if err != nil {
			return "", err
		}
		return strconv.FormatBool(b), nil
	case 0:
		return "", ErrMissing
	}
	return "", ErrType
}

// numeral returns a number as it is written, after checking it against RFC 8259's grammar.
func (v Value) numeral() (string, error) {
	if err := v.want(Number); err != nil {
		return "", err
	}
	end, err := numberEnd(v.text, 0)
	if err != nil {
		return "", err
	}
	if err := atEnd(v.text, end); err != nil {
		return "", err
	}
	return string(v.text[:end]), nil
}

// numberEnd returns the index after the number that begins at i, which it checks against RFC
// 8259's grammar.
func numberEnd(t []byte, i int) (int, error) {
	digits := func() bool {
		from := i
		for i < len(t) && t[i] >= '0' && t[i] <= '9' {
			i++
		}
		return i > from
	}
	if t[i] == '-' {
		i++
	}
	if i < len(t) && t[i] == '0' {
		i++
	} else if !digits() {
		return 0, ErrSyntax
	}
	if i < len(t) && t[i] == '.' {
		i++
		if !digits() {
			return 0, ErrSyntax
		}
	}
	if i < len(t) && (t[i] == 'e' || t[i] == 'E') {
		i++
		if i < len(t) && (t[i] == '+' || t[i] == '-') {
			i++
		}
		if !digits() {
			return 0, ErrSyntax
		}
	}
	return i, nil
}

// equalKey reports whether the undecoded name of a member is key. A name that can't be decoded
// is no key at all, so the object can't be read.
func equalKey(name []byte, key string) (bool, error) {
	if bytes.IndexByte(name, '\\') < 0 {
		return string(name) == key, nil
	}
	decoded, err := unquote(name)
	if err != nil {
		return false, err
	}
	return decoded == key, nil
}

// unquote decodes the text between a string's quotes.
func unquote(raw []byte) (string, error) {
	literal, err := isLiteral(raw)
	if err != nil {
		return "", err
	}
	if literal {
		return string(raw), nil
	}
	out, err := unescape(make([]byte, 0, len(raw)), raw)
	return string(out), err
}

// isLiteral reports whether the text between a string's quotes stands for itself, without an
// escape. A text with a control character or outside UTF-8 is ErrSyntax.
func isLiteral(raw []byte) (bool, error) {
	if isPlain(raw) {
		return true, nil
	}
	literal := true
	for _, c := range raw {
		if c < ' ' {
			return false, ErrSyntax
		}
		if c == '\\' {
			literal = false
		}
	}
	if !utf8.Valid(raw) {
		return false, ErrSyntax
	}
	return literal, nil
}

// isPlain reports whether raw is printable ASCII without a backslash, eight bytes at a time:
// nearly all strings are, and their bytes are most of what Check reads.
func isPlain(raw []byte) bool {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	var found uint64
	for ; len(raw) >= 8; raw = raw[8:] {
		word := binary.LittleEndian.Uint64(raw)
		slash := word ^ '\\'*ones
		// The high bit of a byte is set in word if it isn't ASCII, in the first difference if
		// it is below a blank, and in the second if it is a backslash. A borrow can set the
		// bit for a good byte above a bad one, never clear it.
		found |= word | (word - ' '*ones) | (slash - ones)
	}
	if found&highs != 0 {
		return false
	}
	for _, c := range raw {
		if c < ' ' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// unescape appends the text between a string's quotes to out, with its escapes decoded.
func unescape(out, raw []byte) ([]byte, error) {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		if i == len(raw) {
			return nil, ErrSyntax
		}
		switch raw[i] {
		case '"', '\\', '/':
			out = append(out, raw[i])
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, err := codeUnit(raw[i+1:])
			if err != nil {
				return nil, err
			}
			i += 4
			if utf16.IsSurrogate(r) {
				// A surrogate counts only as the first half of a pair.
				if i+2 >= len(raw) || raw[i+1] != '\\' || raw[i+2] != 'u' {
					return nil, ErrSyntax
				}
				low, err := codeUnit(raw[i+3:])
				if err != nil {
					return nil, err
				}
				r = utf16.DecodeRune(r, low)
				if r == utf8.RuneError {
					return nil, ErrSyntax
				}
				i += 6
			}
			out = utf8.AppendRune(out, r)
		default:
			return nil, ErrSyntax
		}
	}
	return out, nil
}

// codeUnit reads four hexadecimal digits.
func codeUnit(raw []byte) (rune, error) {
	if len(raw) < 4 {
		return 0, ErrSyntax
	}
	n, err := strconv.ParseUint(string(raw[:4]), 16, 16)
	if err != nil {
		return 0, ErrSyntax
	}
	return rune(n), nil
}
