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
// and what is stepped over isn't decoded.
type form struct {
	unread
	scope *scope
	raw   string
	all   ref.Val
}

// Get implements place.
func (f *form) Get(key ref.Val) ref.Val {
	name, ok := key.(types.String)
	if !ok {
		return failed(WrongType)
	}
	f.scope.spend(len(f.raw))
	var found string
	times := 0
	class := f.fields(func(field, value string) Class {
		if field == string(name) {
			found = value
			times++
		}
		return ""
	})
	switch {
	case class != "":
		return failed(class)
	case times == 0:
		return failed(MissingKey)
	case times > 1:
		return failed(AmbiguousKey)
	}
	value, class := decodeField(found)
	if class != "" {
		return failed(class)
	}
	return types.String(value)
}

// IsSet implements place.
func (f *form) IsSet(key ref.Val) ref.Val { return isSet(f.Get(key)) }

func (f *form) whole() ref.Val {
	if f.all != nil {
		return f.all
	}
	f.scope.spend(2 * len(f.raw))
	all := make(map[string]string)
	class := f.fields(func(field, value string) Class {
		if _, twice := all[field]; twice {
			return AmbiguousKey
		}
		if len(all) == maxValues {
			return TooLarge
		}
		value, class := decodeField(value)
		all[field] = value
		return class
	})
	if class != "" {
		return failed(class)
	}
	f.all = types.NewMap(types.DefaultTypeAdapter, all)
	return f.all
}

// fields calls visit with each field's decoded name and undecoded value, until visit returns a
// class.
func (f *form) fields(visit func(field, value string) Class) Class {
	for pair := range strings.SplitSeq(f.raw, "&") {
		if pair == "" {
			continue
		}
		// Some parsers end a field here and some don't: the text means two things.
		if strings.Contains(pair, ";") {
			return InvalidForm
		}
		field, value, _ := strings.Cut(pair, "=")
		field, class := decodeField(field)
		if class == "" {
			class = visit(field, value)
		}
		if class != "" {
			return class
		}
	}
	return ""
}

// decodeField decodes a field's name or value.
func decodeField(text string) (string, Class) {
	text, err := url.QueryUnescape(text)
	if err != nil || !utf8.ValidString(text) {
		return "", InvalidForm
	}
	return text, ""
}
