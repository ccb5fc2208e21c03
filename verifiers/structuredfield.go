package verifiers

import (
	"slices"
	"strings"
)

// The bounds of a structured field. What signers write is far below them.
const (
	maxFieldBytes  = 8 << 10
	maxMembers     = MaxSignatures
	maxComponents  = 64
	maxParameters  = 16
	maxFieldDigits = 15 // what RFC 8941 allows
)

// structuredField reads the structured fields of RFC 8941 that signatures of HTTP messages need, as a
// signer serialises them: without the blanks that the RFC lets a reader step over within a member. So
// what was read has one text only, the one that was signed.
type structuredField struct {
	text string
	at   int
	bad  bool
}

// fieldItem is a value with its parameters.
type fieldItem struct {
	text       string      // as it was written, with its parameters
	kind       byte        // '"' a string, ':' bytes, '0' an integer, 'a' a token, '?' a boolean, '(' a list
	value      string      // of a string, a token or bytes, decoded
	number     int64       // of an integer
	inner      []fieldItem // of a list
	parameters []fieldParameter
}

type fieldParameter struct {
	name string
	fieldItem
}

// fieldMember is a member of a dictionary.
type fieldMember struct {
	name string
	fieldItem
}

// parameter returns the parameter of an item by its name.
func (i *fieldItem) parameter(name string) (fieldItem, bool) {
	for _, p := range i.parameters {
		if p.name == name {
			return p.fieldItem, true
		}
	}
	return fieldItem{}, false
}

// readDictionary reads a dictionary that stands in one or several fields of a name. Of a member that stands
// twice the RFC takes the last, and some readers the first: it is refused.
func readDictionary(values []string) ([]fieldMember, error) {
	text := strings.Join(values, ", ")
	if len(text) > maxFieldBytes {
		return nil, ErrTooManySignatures
	}
	f := structuredField{text: text}
	var members []fieldMember
	for {
		name := f.key()
		f.take('=')
		item := f.item(true)
		if f.bad {
			return nil, ErrSignatureMalformed
		}
		if slices.ContainsFunc(members, func(m fieldMember) bool { return m.name == name }) {
			return nil, ErrFieldRepeated
		}
		if len(members) == maxMembers {
			return nil, ErrTooManySignatures
		}
		members = append(members, fieldMember{name, item})
		if f.blanks(); f.at == len(f.text) {
			return members, nil
		}
		if f.take(','); f.bad {
			return nil, ErrSignatureMalformed
		}
		f.blanks()
	}
}

// peek returns the next byte, and 0 at the end.
func (f *structuredField) peek() byte {
	if f.bad || f.at == len(f.text) {
		return 0
	}
	return f.text[f.at]
}

// take steps over a byte that must be there.
func (f *structuredField) take(c byte) {
	if f.peek() != c {
		f.bad = true
		return
	}
	f.at++
}

// blanks steps over blanks between members.
func (f *structuredField) blanks() {
	for f.peek() == ' ' || f.peek() == '\t' {
		f.at++
	}
}

// while steps over bytes of a kind and returns them. There must be one.
func (f *structuredField) while(is func(byte) bool) string {
	from := f.at
	for f.at < len(f.text) && is(f.text[f.at]) {
		f.at++
	}
	if f.at == from {
		f.bad = true
	}
	return f.text[from:f.at]
}

func (f *structuredField) key() string {
	if c := f.peek(); c != '*' && (c < 'a' || c > 'z') {
		f.bad = true
		return ""
	}
	return f.while(func(c byte) bool {
		return c >= 'a' && c <= 'z' || isDigit(c) || strings.IndexByte("_-.*", c) >= 0
	})
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// item reads a value and its parameters. Only a member's value may be a list.
func (f *structuredField) item(outer bool) (i fieldItem) {
	from := f.at
	switch c := f.peek(); {
	case c == '(' && outer:
		i.kind = c
		i.inner = f.list()
	default:
		i = f.bare()
	}
	for f.peek() == ';' && !f.bad {
		f.at++
		name := f.key()
		value := fieldItem{kind: '?', number: 1}
		if f.peek() == '=' {
			f.at++
			value = f.bare()
		}
		if _, twice := i.parameter(name); twice || len(i.parameters) == maxParameters {
			f.bad = true
		}
		if !f.bad {
			i.parameters = append(i.parameters, fieldParameter{name, value})
		}
	}
	i.text = f.text[from:f.at]
	return i
}

// list reads an inner list.
func (f *structuredField) list() (inner []fieldItem) {
	f.take('(')
	for f.peek() != ')' && !f.bad {
		if len(inner) > 0 {
			f.take(' ')
		}
		if len(inner) == maxComponents {
			f.bad = true
		}
		if !f.bad {
			inner = append(inner, f.item(false))
		}
	}
	f.take(')')
	return inner
}

// bare reads a value without parameters.
func (f *structuredField) bare() (i fieldItem) {
	from := f.at
	switch c := f.peek(); {
	case c == '"':
		i.kind = c
		i.value = f.quoted()
	case c == ':':
		i.kind = c
		f.take(c)
		end := strings.IndexByte(f.text[f.at:], ':')
		if end < 0 {
			f.bad = true
			return i
		}
		bytes, err := strictBase64.DecodeString(f.text[f.at : f.at+end])
		if err != nil || strings.ContainsAny(f.text[f.at:f.at+end], "\r\n") {
			f.bad = true
			return i
		}
		i.value = string(bytes)
		f.at += end + 1
	case c == '?':
		i.kind = c
		f.take(c)
		if c := f.peek(); c != '0' && c != '1' {
			f.bad = true
			return i
		}
		i.number = int64(f.peek() - '0')
		f.at++
	case isDigit(c) || c == '-':
		i.kind = '0'
		i.number = f.integer()
	case c == '*' || isAlphanumeric(c):
		i.kind = 'a'
		i.value = f.while(func(c byte) bool {
			return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~:/", c) >= 0
		})
	default:
		f.bad = true
	}
	i.text = f.text[from:f.at]
	return i
}

// quoted reads a string.
func (f *structuredField) quoted() string {
	var b strings.Builder
	f.take('"')
	for {
		c := f.peek()
		switch {
		case c == '"':
			f.at++
			return b.String()
		case c == '\\':
			f.at++
			if c = f.peek(); c != '"' && c != '\\' {
				f.bad = true
				return ""
			}
		case c < ' ' || c > '~':
			f.bad = true
			return ""
		}
		b.WriteByte(c)
		f.at++
	}
}

// integer reads an integer as it is serialised: without zeros in front.
func (f *structuredField) integer() (n int64) {
	negative := f.peek() == '-'
	if negative {
		f.at++
	}
	digits := f.while(isDigit)
	if len(digits) > maxFieldDigits || len(digits) > 1 && digits[0] == '0' || f.peek() == '.' {
		f.bad = true
		return 0
	}
	for i := range len(digits) {
		n = n*10 + int64(digits[i]-'0')
	}
	if negative {
		f.bad = f.bad || n == 0
		return -n
	}
	return n
}

// quoteField writes a string as a structured field has it. The text must be printable ASCII.
func quoteField(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
