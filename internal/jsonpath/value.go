// Package jsonpath reads single values out of a JSON text without decoding the rest of it.
//
// It is the one place that decides what a JSON path means, for the schemes in verifiers and for
// the rules in policy, so that both read the same value out of the same bytes:
//
//   - A key that stands twice in one object is ambiguous: reading it is [ErrAmbiguous]. Parsers
//     disagree on which of the two counts, and a gate must not guess what the app behind it does.
//   - Keys compare exactly, after their escapes are decoded; letter case matters.
//   - Nesting deeper than [MaxDepth] is [ErrDepth]. Nothing here recurses.
//   - An integer literal is an int64, above that a uint64, above that [ErrRange]; it is never
//     rounded. A literal with a fraction or an exponent is a float64.
//   - What is read is checked strictly (escapes, UTF-8, surrogates, number grammar, commas and
//     colons of every object on the path, nothing after the value). What is stepped over is only
//     checked for balanced brackets and closed strings: that is what makes it cheap.
//   - Who takes an object or an array as a whole calls [Value.Check] first, which reads all of it
//     by these rules: after it, nothing inside the value can turn out to be unreadable.
package jsonpath

import (
	"bytes"
	"errors"
)

// MaxDepth is how many brackets may be open at once in a value that is stepped over or checked.
const MaxDepth = 1024

// The errors of this package, one per reason, so that callers can count them apart. None holds
// any of the text.
var (
	// ErrSyntax means that the text isn't JSON where it was looked at.
	ErrSyntax = errors.New("not valid JSON")
	// ErrDepth means that the text nests deeper than MaxDepth.
	ErrDepth = errors.New("JSON nested too deeply")
	// ErrMissing means that an object has no such key, or an array no such index.
	ErrMissing = errors.New("no such key in the JSON")
	// ErrAmbiguous means that an object has the key more than once.
	ErrAmbiguous = errors.New("key stands more than once in a JSON object")
	// ErrType means that the value is there and of another type than was asked for.
	ErrType = errors.New("JSON value of another type")
	// ErrRange means that a number doesn't fit any number type.
	ErrRange = errors.New("JSON number out of range")
	// ErrSize means that a value holds more values than Check was told to accept.
	ErrSize = errors.New("JSON value holds too many values")
)

// Kind is the type of a JSON value.
type Kind uint8

// The kinds of JSON value. The zero Kind stands for no value.
const (
	Null Kind = iota + 1
	Bool
	Number
	String
	Array
	Object
)

// Value is one JSON value inside a text. It shares the text's memory and must not outlive it.
// The zero Value is no value: everything read from it is ErrMissing.
type Value struct {
	// text begins with the value's first byte. For the value of a whole text it runs to the
	// text's end, with whatever follows the value; every read checks that only blanks do.
	text []byte
}

// Parse returns the value that text holds. It looks at the first byte of the value only; the
// errors of the rest come when it is read.
func Parse(text []byte) (Value, error) {
	i := blanks(text, 0)
	if i == len(text) {
		return Value{}, ErrSyntax
	}
	v := Value{text: text[i:]}
	if v.Kind() == 0 {
		return Value{}, ErrSyntax
	}
	return v, nil
}

// Kind tells the type of the value from its first byte.
func (v Value) Kind() Kind {
	if len(v.text) == 0 {
		return 0
	}
	switch c := v.text[0]; {
	case c == '{':
		return Object
	case c == '[':
		return Array
	case c == '"':
		return String
	case c == 't' || c == 'f':
		return Bool
	case c == 'n':
		return Null
	case c == '-' || (c >= '0' && c <= '9'):
		return Number
	}
	return 0
}

// Get returns the member key of an object. It reads the object to its end, because a second
// member of that name would make the answer ambiguous.
func (v Value) Get(key string) (Value, error) {
	var found Value
	err := v.members(func(name, value []byte) error {
		same, err := equalKey(name, key)
		if err != nil || !same {
			return err
		}
		if found.text != nil {
			return ErrAmbiguous
		}
		found.text = value
		return nil
	})
	if err != nil {
		return Value{}, err
	}
	if found.text == nil {
		return Value{}, ErrMissing
	}
	return found, nil
}

// Index returns element i of an array, counted from 0.
func (v Value) Index(i int) (Value, error) {
	var found Value
	n := 0
	err := v.elements(func(value []byte) error {
		if n == i {
			found.text = value
		}
		n++
		return nil
	})
	if err != nil {
		return Value{}, err
	}
	if found.text == nil {
		return Value{}, ErrMissing
	}
	return found, nil
}

// Elements returns the elements of an array, in order.
func (v Value) Elements() ([]Value, error) {
	var all []Value
	err := v.EachElement(func(element Value) error {
		all = append(all, element)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// EachElement calls visit with each element of an array, in order, until visit returns an error,
// which it returns. An error in the array itself may come after some elements were visited.
func (v Value) EachElement(visit func(Value) error) error {
	return v.elements(func(value []byte) error { return visit(Value{text: value}) })
}

// EachMember calls visit with the decoded name and the value of each member of an object, in the
// text's order, until visit returns an error, which it returns. A name that stands twice is
// visited twice: only a value that passed [Value.Check] is known to have none.
func (v Value) EachMember(visit func(name string, value Value) error) error {
	return v.members(func(name, value []byte) error {
		key, err := unquote(name)
		if err != nil {
			return err
		}
		return visit(key, Value{text: value})
	})
}

// Raw returns the exact bytes of a member or an element. They are the text's own: don't change them.
// Of the value of a whole text they run to the text's end.
func (v Value) Raw() []byte { return v.text }

// Len returns how many bytes a read of the value looks at, at most.
func (v Value) Len() int { return len(v.text) }

// Keys returns the names of an object's members, in the text's order. A name that stands twice
// is ErrAmbiguous.
func (v Value) Keys() ([]string, error) {
	var all []string
	seen := make(map[string]struct{})
	err := v.members(func(name, _ []byte) error {
		key, err := unquote(name)
		if err != nil {
			return err
		}
		if _, twice := seen[key]; twice {
			return ErrAmbiguous
		}
		seen[key] = struct{}{}
		all = append(all, key)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// members calls visit with each member of an object: the name between its quotes, undecoded,
// and the value's exact bytes.
func (v Value) members(visit func(name, value []byte) error) error {
	if err := v.want(Object); err != nil {
		return err
	}
	var open brackets
	t := v.text
	i := blanks(t, 1)
	if i < len(t) && t[i] == '}' {
		return atEnd(t, i+1)
	}
	for {
		if i >= len(t) || t[i] != '"' {
			return ErrSyntax
		}
		end, err := stringEnd(t, i+1)
		if err != nil {
			return err
		}
		name := t[i+1 : end]
		i = blanks(t, end+1)
		if i >= len(t) || t[i] != ':' {
			return ErrSyntax
		}
		i = blanks(t, i+1)
		after, err := open.skip(t, i)
		if err != nil {
			return err
		}
		if err := visit(name, t[i:after]); err != nil {
			return err
		}
		var last bool
		if i, last, err = following(t, after, '}'); last || err != nil {
			return err
		}
	}
}

// elements calls visit with the exact bytes of each element of an array.
func (v Value) elements(visit func(value []byte) error) error {
	if err := v.want(Array); err != nil {
		return err
	}
	var open brackets
	t := v.text
	i := blanks(t, 1)
	if i < len(t) && t[i] == ']' {
		return atEnd(t, i+1)
	}
	for {
		after, err := open.skip(t, i)
		if err != nil {
			return err
		}
		if err := visit(t[i:after]); err != nil {
			return err
		}
		var last bool
		if i, last, err = following(t, after, ']'); last || err != nil {
			return err
		}
	}
}

// following returns the index of what follows the comma behind a value that ended before i. Last
// says that no comma is there but the closing bracket, and nothing behind it.
func following(t []byte, i int, closing byte) (next int, last bool, err error) {
	i = blanks(t, i)
	switch {
	case i == len(t):
		return 0, false, ErrSyntax
	case t[i] == ',':
		return blanks(t, i+1), false, nil
	case t[i] == closing:
		return 0, true, atEnd(t, i+1)
	}
	return 0, false, ErrSyntax
}

// want checks that v is of kind k.
func (v Value) want(k Kind) error {
	switch v.Kind() {
	case k:
		return nil
	case 0:
		return ErrMissing
	}
	return ErrType
}

// blanks returns the index of the first byte at or after i that isn't JSON white space.
func blanks(t []byte, i int) int {
	for i < len(t) && (t[i] == ' ' || t[i] == '\n' || t[i] == '\r' || t[i] == '\t') {
		i++
	}
	return i
}

// atEnd checks that nothing but blanks follows index i.
func atEnd(t []byte, i int) error {
	if blanks(t, i) != len(t) {
		return ErrSyntax
	}
	return nil
}

// skip returns the index after the value that begins at i. No bracket may be open.
func (open *brackets) skip(t []byte, i int) (int, error) {
	if i < len(t) && (t[i] == '{' || t[i] == '[') {
		return open.skim(t, i)
	}
	return skipScalar(t, i)
}

// skipScalar returns the index after the string, number, boolean or null that begins at i.
func skipScalar(t []byte, i int) (int, error) {
	if i >= len(t) {
		return 0, ErrSyntax
	}
	switch c := t[i]; {
	case c == '"':
		end, err := stringEnd(t, i+1)
		return end + 1, err
	case c == 't':
		return literal(t, i, "true")
	case c == 'f':
		return literal(t, i, "false")
	case c == 'n':
		return literal(t, i, "null")
	case c == '-' || (c >= '0' && c <= '9'):
		for i++; i < len(t) && isNumberByte(t[i]); i++ {
		}
		return i, nil
	}
	return 0, ErrSyntax
}

func literal(t []byte, i int, word string) (int, error) {
	if len(t)-i < len(word) || string(t[i:i+len(word)]) != word {
		return 0, ErrSyntax
	}
	return i + len(word), nil
}

func isNumberByte(c byte) bool {
	return (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}

// stringEnd returns the index of the quote that closes the string whose text begins at start.
func stringEnd(t []byte, start int) (int, error) {
	for i := start; i < len(t); i++ {
		n := bytes.IndexByte(t[i:], '"')
		if n < 0 {
			break
		}
		i += n
		escapes := 0
		for k := i - 1; k >= start && t[k] == '\\'; k-- {
			escapes++
		}
		if escapes%2 == 0 {
			return i, nil
		}
	}
	return 0, ErrSyntax
}
