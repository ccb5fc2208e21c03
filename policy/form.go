package policy

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// form is an application/x-www-form-urlencoded text as a place: a body of that type, or the
// query. As with JSON, a field that stands twice is ambiguous, what is read is decoded strictly,
// and what is stepped over isn't decoded: of a form that is read at all, that is the values of the
// other fields.
type form struct {
	unread
	scope *scope
	raw   string
	all   ref.Val

	// The fields by their decoded names, once the form has been read, or why they can't be.
	fields    map[string]field
	class     Class
	ambiguous bool // whether any field stands twice
}

// field is one field of a form.
type field struct {
	raw   string
	value ref.Val // nil until it is decoded
	twice bool
}

// Get implements place.
func (f *form) Get(key ref.Val) ref.Val {
	name, ok := key.(types.String)
	if !ok {
		return failed(WrongType)
	}
	if class := f.read(); class != "" {
		return failed(class)
	}
	value, class := f.get(string(name))
	if class != "" {
		return failed(class)
	}
	return value
}

func (f *form) get(name string) (ref.Val, Class) {
	found, ok := f.fields[name]
	switch {
	case !ok:
		return nil, MissingKey
	case found.twice:
		return nil, AmbiguousKey
	case found.value != nil:
		return found.value, ""
	}
	f.scope.spend(4 * len(found.raw))
	text, class := decodeField(found.raw)
	if class != "" {
		return nil, class
	}
	found.value = types.String(text)
	f.fields[name] = found
	return found.value, ""
}

// IsSet implements place.
func (f *form) IsSet(key ref.Val) ref.Val { return isSet(f.Get(key)) }

func (f *form) whole() ref.Val {
	if f.all != nil {
		return f.all
	}
	if class := f.read(); class != "" {
		return failed(class)
	}
	if f.ambiguous {
		return failed(AmbiguousKey)
	}
	f.scope.spend(128 * len(f.fields))
	all := make(map[string]ref.Val, len(f.fields))
	for name := range f.fields {
		value, class := f.get(name)
		if class != "" {
			return failed(class)
		}
		all[name] = value
	}
	f.all = types.NewMap(types.DefaultTypeAdapter, all)
	return f.all
}

// read finds the fields, unless that has been done.
func (f *form) read() Class {
	if f.fields == nil && f.class == "" {
		// An evaluation can end in the middle of it: only all of the fields are kept.
		f.fields, f.ambiguous, f.class = f.findFields()
	}
	return f.class
}

func (f *form) findFields() (fields map[string]field, ambiguous bool, class Class) {
	f.scope.spend(4 * len(f.raw))
	fields = make(map[string]field)
	n := 0
	for pair := range strings.SplitSeq(f.raw, "&") {
		if pair == "" {
			continue
		}
		if n++; n > maxValues {
			return nil, false, TooLarge
		}
		f.scope.spend(128)
		// Some parsers end a field here and some don't: the text means two things.
		if strings.Contains(pair, ";") {
			return nil, false, InvalidForm
		}
		name, value, _ := strings.Cut(pair, "=")
		name, class := decodeField(name)
		if class != "" {
			return nil, false, class
		}
		_, twice := fields[name]
		fields[name] = field{raw: value, twice: twice}
		ambiguous = ambiguous || twice
	}
	return fields, ambiguous, ""
}

// decodeField decodes a field's name or value.
func decodeField(text string) (string, Class) {
	text, err := url.QueryUnescape(text)
	if err != nil || !utf8.ValidString(text) {
		return "", InvalidForm
	}
	return text, ""
}
