package jsonpath

import (
	"slices"
	"strings"
)

// Pattern leads to several values: it is a path with steps "*" that stand for every element of an
// array, as in "items.*.id".
type Pattern struct {
	text  string
	paths []Path // between the steps "*"; one without steps is what it starts from itself
}

// IsPattern reports whether a path has a step "*". A key of that name is written `\*`.
func IsPattern(text string) bool { return slices.Contains(rawSteps(text), "*") }

// rawSteps cuts a path at its dots.
func rawSteps(text string) (steps []string) {
	from := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '.':
			steps = append(steps, text[from:i])
			from = i + 1
		}
	}
	return append(steps, text[from:])
}

// ParsePattern reads a path in which steps may be "*".
func ParsePattern(text string) (Pattern, error) {
	p := Pattern{text: text}
	steps := rawSteps(text)
	for {
		star := slices.Index(steps, "*")
		end := star
		if star < 0 {
			end = len(steps)
		}
		var path Path
		if end > 0 {
			var err error
			if path, err = ParsePath(strings.Join(steps[:end], ".")); err != nil {
				return Pattern{}, err
			}
		}
		p.paths = append(p.paths, path)
		if star < 0 {
			return p, nil
		}
		steps = steps[star+1:]
	}
}

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Each calls visit with each value that the pattern leads to in the JSON in text, in the text's order,
// until visit returns an error, which it returns. Where a step "*" meets anything but an array, or
// an element has no value at the rest of the pattern, that is the error that [Path.Find] would return;
// some values may have been visited by then. An array without elements has no values, which is no error.
func (p Pattern) Each(text []byte, visit func(Value) error) error {
	v, err := p.paths[0].Find(text)
	if err != nil {
		return err
	}
	if len(p.paths) == 1 {
		return visit(v)
	}
	rest := Pattern{paths: p.paths[1:]}
	return v.EachElement(func(element Value) error { return rest.Each(element.Raw(), visit) })
}
