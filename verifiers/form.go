package verifiers

import (
	"bytes"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// The bounds of a form. What providers send is far below them, and a form that is over them is read
// as none.
const (
	maxFormBytes  = 1 << 20 // of one whose fields are copied
	maxFormFields = 1 << 10
	maxFormName   = 1 << 8 // in bytes, of one whose names are sorted before they are copied
)

// formField is one field of a form, decoded.
type formField struct{ name, value string }

// readForm reads a body of the type application/x-www-form-urlencoded, in its own order, and reports
// whether it is one. The values are bytes: some providers send other encodings than UTF-8, and sign the
// bytes. A semicolon that isn't escaped makes it none: no provider sends it so, and there are apps for which
// it parts fields, so that they would read others in it.
func readForm(body []byte) ([]formField, bool) {
	if len(body) > maxFormBytes || bytes.IndexByte(body, ';') >= 0 {
		return nil, false
	}
	var fields []formField
	for pair := range strings.SplitSeq(string(body), "&") {
		if pair == "" {
			continue
		}
		if len(fields) == maxFormFields {
			return nil, false
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, false
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, false
		}
		fields = append(fields, formField{name, value})
	}
	return fields, true
}

// formValue returns the value of a field. One that isn't there is "" without an error.
func formValue(fields []formField, name string) (value string, err error) {
	found := false
	for _, field := range fields {
		if field.name != name {
			continue
		}
		if found {
			return "", ErrFieldRepeated
		}
		value, found = field.value, true
	}
	return value, nil
}

// sortForm puts fields into the order of their names, and those of one name into that of their values.
func sortForm(fields []formField) {
	slices.SortFunc(fields, func(a, b formField) int {
		if order := strings.Compare(a.name, b.name); order != 0 {
			return order
		}
		return strings.Compare(a.value, b.value)
	})
}

// urlAndForm returns a URL and the fields of a form behind it, with nothing between them.
func urlAndForm(origin, target string, fields []formField) []byte {
	var text bytes.Buffer
	text.WriteString(origin)
	text.WriteString(target)
	for _, field := range fields {
		text.WriteString(field.name)
		text.WriteString(field.value)
	}
	return text.Bytes()
}

// appendForm appends to dst the names and values of a form of any size, decoded, in the order of the names and
// with nothing between them. A name that stands twice is refused. What is appended is no longer than the body.
func appendForm(dst, body []byte) ([]byte, error) {
	type field struct {
		name  string
		value []byte // as it was sent
	}
	var fields []field
	if bytes.IndexByte(body, ';') >= 0 {
		return nil, ErrFieldMissing // as in readForm
	}
	for pair := range bytes.SplitSeq(body, []byte("&")) {
		if len(pair) == 0 {
			continue
		}
		sent, value, _ := bytes.Cut(pair, []byte("="))
		if len(fields) == maxFormFields || len(sent) > maxFormName {
			return nil, ErrFieldMissing
		}
		name, err := url.QueryUnescape(string(sent))
		if err != nil {
			return nil, ErrFieldMissing
		}
		fields = append(fields, field{name, value})
	}
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	for i, field := range fields {
		if i > 0 && field.name == fields[i-1].name {
			return nil, ErrFieldRepeated
		}
		var ok bool
		if dst, ok = appendUnescaped(append(dst, field.name...), field.value); !ok {
			return nil, ErrFieldMissing
		}
	}
	return dst, nil
}

// appendUnescaped is url.QueryUnescape that appends to dst.
func appendUnescaped(dst, text []byte) ([]byte, bool) {
	for len(text) > 0 {
		at := bytes.IndexAny(text, "%+")
		if at < 0 {
			return append(dst, text...), true
		}
		dst = append(dst, text[:at]...)
		escape := text[at]
		text = text[at+1:]
		if escape == '+' {
			dst = append(dst, ' ')
			continue
		}
		if len(text) < 2 {
			return nil, false
		}
		var err error
		if dst, err = hex.AppendDecode(dst, text[:2]); err != nil {
			return nil, false
		}
		text = text[2:]
	}
	return dst, true
}
