package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// field is what a member of a JSON object comes to. A member that isn't there is not set; null is set,
// and has the zero value.
type field[T any] struct {
	set, null bool
	value     T
}

// given reports whether there is a value other than null.
func (f field[T]) given() bool { return f.set && !f.null }

// to assigns the value if the member is there, or, if all is set, the zero value if it isn't: what an
// update replaces as a whole and a patch leaves alone.
func (f field[T]) to(target *T, all bool) {
	if f.set || all {
		*target = f.value
	}
}

// renamed returns a member that has two names, of which clients use the newer or the older one.
func renamed[T any](newer, older field[T]) field[T] {
	if newer.given() || !older.set {
		return newer
	}
	return older
}

// fields reads the members of a JSON object and gathers what is wrong with them, so that all of it
// can be told at once.
type fields struct {
	of    map[string]jsonpath.Value
	loc   []string
	wrong []violation
}

// readFields reads a JSON object. No member may stand twice, since parsers disagree on which counts.
func readFields(text []byte, location ...string) (*fields, error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, notJSON("This is not valid JSON.", location)
	}
	value, err := jsonpath.Parse(text)
	if err != nil {
		return nil, notJSON("This is not valid JSON.", location)
	}
	return fieldsOf(value, location)
}

func fieldsOf(value jsonpath.Value, location []string) (*fields, error) {
	if value.Kind() != jsonpath.Object {
		return nil, notJSON("Must be an object.", location)
	}
	f := &fields{of: make(map[string]jsonpath.Value), loc: location}
	err := value.EachMember(func(name string, member jsonpath.Value) error {
		if _, twice := f.of[name]; twice {
			return jsonpath.ErrAmbiguous
		}
		f.of[name] = member
		return nil
	})
	switch {
	case errors.Is(err, jsonpath.ErrAmbiguous):
		return nil, notJSON("A member stands twice.", location)
	case errors.Is(err, jsonpath.ErrDepth):
		return nil, notJSON("This is nested too deeply.", location)
	case err != nil:
		return nil, notJSON("This is not valid JSON.", location)
	}
	return f, nil
}

func notJSON(message string, location []string) error {
	return &fault{
		status:     http.StatusUnprocessableEntity,
		violations: []violation{{Location: location, Message: message, Type: typeJSON}},
	}
}

// at is the location of a member.
func (f *fields) at(name string) []string {
	return append(append([]string(nil), f.loc...), name)
}

// refuse notes what is wrong with a member.
func (f *fields) refuse(name, message string) {
	f.wrong = append(f.wrong, violation{f.at(name), message, typeValue})
}

// need notes the members that are missing or null.
func (f *fields) need(names ...string) {
	for _, name := range names {
		value, ok := f.of[name]
		if null, _ := value.IsNull(); !ok || null {
			f.refuse(name, "This is required.")
		}
	}
}

// never notes the members that are null where null has no meaning.
func (f *fields) never(names ...string) {
	for _, name := range names {
		if null, _ := f.of[name].IsNull(); null {
			f.refuse(name, "Must not be null.")
		}
	}
}

// err returns what is wrong, or nil.
func (f *fields) err() error {
	if len(f.wrong) == 0 {
		return nil
	}
	return &fault{status: http.StatusUnprocessableEntity, violations: f.wrong}
}

// read reads a member with get. If that fails the member is refused with what it must be.
func read[T any](f *fields, name, must string, get func(jsonpath.Value) (T, error)) field[T] {
	value, ok := f.of[name]
	if !ok {
		return field[T]{}
	}
	if null, _ := value.IsNull(); null {
		return field[T]{set: true, null: true}
	}
	got, err := get(value)
	if err != nil {
		f.wrong = append(f.wrong, violation{f.at(name), must, typeJSON})
		return field[T]{}
	}
	return field[T]{set: true, value: got}
}

func (f *fields) text(name string) field[string] {
	return read(f, name, "Must be a string.", jsonpath.Value.Text)
}

func (f *fields) flag(name string) field[bool] {
	return read(f, name, "Must be true or false.", jsonpath.Value.Bool)
}

// number reads an integer within bounds.
func (f *fields) number(name string, low, high int64) field[int] {
	must := fmt.Sprintf("Must be an integer from %d to %d.", low, high)
	return read(f, name, must, func(v jsonpath.Value) (int, error) {
		n, err := v.Number()
		i, ok := n.(int64)
		if err == nil && (!ok || i < low || i > high) {
			err = jsonpath.ErrRange
		}
		return int(i), err
	})
}

func (f *fields) texts(name string) field[[]string] {
	return read(f, name, "Must be a list of strings.", func(v jsonpath.Value) ([]string, error) {
		all := []string{}
		err := v.EachElement(func(element jsonpath.Value) error {
			s, err := element.Text()
			all = append(all, s)
			return err
		})
		return all, err
	})
}

// some is texts of a list that stands for "all" if it is left out: an empty one is refused, because
// it looks like "none".
func (f *fields) some(name string) field[[]string] {
	list := f.texts(name)
	if list.given() && len(list.value) == 0 {
		f.refuse(name, "Must have at least one item, or be null.")
	}
	return list
}

func (f *fields) dictionary(name string) field[map[string]string] {
	return dictionaryOf(f, name, jsonpath.Value.Text)
}

// dictionaryOf reads an object whose values are strings, or what else get makes of them.
func dictionaryOf[T any](f *fields, name string, get func(jsonpath.Value) (T, error)) field[map[string]T] {
	return read(f, name, "Must be an object with strings as its values.", func(v jsonpath.Value) (map[string]T, error) {
		all := make(map[string]T)
		err := v.EachMember(func(name string, value jsonpath.Value) error {
			if _, twice := all[name]; twice {
				return jsonpath.ErrAmbiguous
			}
			got, err := get(value)
			all[name] = got
			return err
		})
		return all, err
	})
}

// mustBeTime is what is told about a time that can't be read.
const mustBeTime = "Must be a time as RFC 3339 writes it."

func (f *fields) moment(name string) field[time.Time] {
	return read(f, name, mustBeTime, func(v jsonpath.Value) (time.Time, error) {
		s, err := v.Text()
		if err != nil {
			return time.Time{}, err
		}
		return time.Parse(time.RFC3339Nano, s)
	})
}

// object reads a member that is an object, or returns nil.
func (f *fields) object(name string) *fields {
	return read(f, name, "Must be an object.", func(v jsonpath.Value) (*fields, error) {
		return fieldsOf(v, f.at(name))
	}).value
}

// raw reads a member without looking into it.
func (f *fields) raw(name string) field[jsonpath.Value] {
	return read(f, name, "", func(v jsonpath.Value) (jsonpath.Value, error) { return v, nil })
}
