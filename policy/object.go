package policy

import (
	"bytes"
	"errors"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// maxValues is how many JSON values or form fields something may hold that is taken as a whole.
const maxValues = 250_000

// jsonClass is the class of an error of jsonpath.
func jsonClass(err error) Class {
	switch {
	case errors.Is(err, jsonpath.ErrMissing):
		return MissingKey
	case errors.Is(err, jsonpath.ErrAmbiguous):
		return AmbiguousKey
	case errors.Is(err, jsonpath.ErrDepth):
		return TooDeep
	case errors.Is(err, jsonpath.ErrType):
		return WrongType
	case errors.Is(err, jsonpath.ErrRange):
		return NumberRange
	case errors.Is(err, jsonpath.ErrSize):
		return TooLarge
	}
	return InvalidJSON
}

// read returns a JSON value as CEL's: an object or an array as a place, all else as what it is.
func (s *scope) read(value jsonpath.Value) (ref.Val, Class) {
	switch value.Kind() {
	case jsonpath.Object:
		return &object{scope: s, value: value}, ""
	case jsonpath.Array:
		return &array{scope: s, value: value}, ""
	}
	s.spend(value.Len())
	scalar, err := readScalar(value)
	if err != nil {
		return nil, jsonClass(err)
	}
	return scalar, ""
}

func readScalar(value jsonpath.Value) (ref.Val, error) {
	switch value.Kind() {
	case jsonpath.String:
		text, err := value.Text()
		return types.String(text), err
	case jsonpath.Number:
		number, err := value.Number()
		switch n := number.(type) {
		case int64:
			return types.Int(n), err
		case uint64:
			return types.Uint(n), err
		case float64:
			return types.Double(n), err
		}
		return nil, err
	case jsonpath.Bool:
		b, err := value.Bool()
		return types.Bool(b), err
	}
	_, err := value.IsNull()
	return types.NullValue, err
}

// survey counts what makes a JSON text slow to read. No value in the text can have more of it.
func (s *scope) survey(text []byte) {
	for _, c := range []byte{',', '[', '{'} {
		s.cache.parts += bytes.Count(text, []byte{c})
	}
	s.cache.escapes += bytes.Count(text, []byte{'\\'})
}

// stepping returns the work of stepping over a value: its bytes, each member or element, and each
// escape, because a name that has any is decoded to be compared. In most texts that is two or three
// for each byte; in one that somebody made to be slow, all of it in short parts or escapes, twenty.
func (s *scope) stepping(value jsonpath.Value) int {
	n := value.Len()
	return n + 32*min(s.cache.parts, n/4) + 24*min(s.cache.escapes, n/2)
}

// object is a JSON object as a place.
type object struct {
	unread
	scope *scope
	value jsonpath.Value
	all   ref.Val // what whole returned, if that was no error

	// The members that were asked for, because rules tend to ask for the same few. The first
	// has its room here: most objects are asked for one.
	first member
	more  []member
}

// member is the answer to one question to an object: a value, or nil if there is no such member.
type member struct {
	name  string
	value ref.Val
}

// maxMembers bounds what one object remembers, for names that an expression makes up.
const maxMembers = 16

// Get implements place.
func (o *object) Get(key ref.Val) ref.Val {
	name, ok := key.(types.String)
	if !ok {
		return failed(WrongType)
	}
	value, class := o.get(string(name))
	if class != "" {
		return failed(class)
	}
	return value
}

func (o *object) get(name string) (ref.Val, Class) {
	if o.first.name == name && o.first.value != nil {
		return o.first.value, ""
	}
	for _, m := range o.more {
		if m.name == name {
			if m.value == nil {
				return nil, MissingKey
			}
			return m.value, ""
		}
	}
	o.scope.spend(o.scope.stepping(o.value))
	value, err := o.value.Get(name)
	if err != nil {
		if errors.Is(err, jsonpath.ErrMissing) {
			o.remember(name, nil)
		}
		return nil, jsonClass(err)
	}
	read, class := o.scope.read(value)
	if class == "" {
		o.remember(name, read)
	}
	return read, class
}

func (o *object) remember(name string, value ref.Val) {
	if o.first.value == nil && value != nil {
		o.first = member{name, value}
	} else if len(o.more) < maxMembers {
		o.more = append(o.more, member{name, value})
	}
}

// IsSet implements place.
func (o *object) IsSet(key ref.Val) ref.Val { return isSet(o.Get(key)) }

func (o *object) whole() ref.Val {
	if o.all == nil {
		o.scope.spend(2 * o.scope.stepping(o.value)) // a check takes about twice as long
		if err := o.value.Check(maxValues); err != nil {
			return failed(jsonClass(err))
		}
		o.all = &record{scope: o.scope, value: o.value}
	}
	return o.all
}

// array is a JSON array as a place.
type array struct {
	unread
	scope *scope
	value jsonpath.Value
	all   ref.Val // as in object

	// The element that was asked for last. A rule that asks for several iterates.
	index int
	last  ref.Val
}

// Get implements place.
func (a *array) Get(key ref.Val) ref.Val {
	i, err := types.GetOrError(key)
	if err != nil {
		return failed(WrongType)
	}
	if a.last != nil && a.index == i {
		return a.last
	}
	a.scope.spend(a.scope.stepping(a.value))
	value, err := a.value.Index(i)
	if err != nil {
		return failed(jsonClass(err))
	}
	read, class := a.scope.read(value)
	if class != "" {
		return failed(class)
	}
	a.index, a.last = i, read
	return read
}

// IsSet implements place. An array has no members to be asked for.
func (a *array) IsSet(key ref.Val) ref.Val { return isSet(a.Get(key)) }

func (a *array) whole() ref.Val {
	if a.all == nil {
		a.scope.spend(2 * a.scope.stepping(a.value))
		if err := a.value.Check(maxValues); err != nil {
			return failed(jsonClass(err))
		}
		a.all = newList(a.scope, a.value)
	}
	return a.all
}
