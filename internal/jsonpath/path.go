package jsonpath

import (
	"errors"
	"strconv"
	"strings"
)

// Path leads from a text's value to one value inside it, step by step.
type Path struct {
	text  string
	steps []string
}

// ParsePath reads a path: keys with dots between them, as in "event.type" or "entry.0.id". A
// step of digits is an index where it meets an array. A dot or a backslash that belongs to a key
// is written with a backslash before it.
func ParsePath(text string) (Path, error) {
	var steps []string
	var step strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\\':
			i++
			if i == len(text) {
				return Path{}, errors.New("JSON path ends with a backslash")
			}
			step.WriteByte(text[i])
		case '.':
			steps = append(steps, step.String())
			step.Reset()
		default:
			step.WriteByte(c)
		}
	}
	steps = append(steps, step.String())
	for _, s := range steps {
		if s == "" {
			return Path{}, errors.New("JSON path has an empty step")
		}
	}
	return Path{text: text, steps: steps}, nil
}

// String returns the path as it was written.
func (p Path) String() string { return p.text }

// Find follows the path through the JSON in text.
func (p Path) Find(text []byte) (Value, error) {
	v, err := Parse(text)
	if err != nil {
		return Value{}, err
	}
	for _, step := range p.steps {
		if v.Kind() == Array {
			i, convErr := strconv.ParseUint(step, 10, 31)
			switch {
			case errors.Is(convErr, strconv.ErrRange):
				return Value{}, ErrMissing
			case convErr != nil:
				return Value{}, ErrType
			}
			v, err = v.Index(int(i))
		} else {
			v, err = v.Get(step)
		}
		if err != nil {
			return Value{}, err
		}
	}
	return v, nil
}
