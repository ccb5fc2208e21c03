package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// maxInPlace is how many schemas may apply to one value, each counted as often as it is reached. With
// references there can be 2^n of them in a schema of n lines.
const maxInPlace = 10_000

// price is what it takes to compare one value with the keywords of a schema, those with other schemas
// left out. The unit is that of entering a schema, about a microsecond.
type price struct {
	// inPlace are the schemas that apply to the same value.
	inPlace []*jsonschema.Schema

	plain int
	// Computing with numbers is exact and slow. Those of limits are computed with if the value is a
	// number, and those of enum and const also with the numbers inside one.
	limits, compared int
}

// prices walks through all that a compiled schema leads to, and returns what each costs. The error says
// what is without a bound.
func prices(root *jsonschema.Schema) (map[*jsonschema.Schema]price, error) {
	w := walk{
		of:       make(map[*jsonschema.Schema]price),
		expanded: make(map[*jsonschema.Schema]int),
	}
	for w.enter(root); len(w.left) > 0; {
		s := w.left[len(w.left)-1]
		w.left = w.left[:len(w.left)-1]
		if _, err := w.expand(s); err != nil {
			return nil, err
		}
		for _, part := range w.of[s].inPlace {
			w.enter(part)
		}
		for _, part := range inside(s) {
			w.enter(part)
		}
	}
	return w.of, nil
}

type walk struct {
	of   map[*jsonschema.Schema]price
	left []*jsonschema.Schema
	// expanded has how many schemas apply in place with each, 0 while that is being counted.
	expanded map[*jsonschema.Schema]int
}

func (w *walk) enter(s *jsonschema.Schema) {
	if _, known := w.of[s]; known {
		return
	}
	w.of[s] = priceOf(s)
	w.left = append(w.left, s)
}

func (w *walk) expand(s *jsonschema.Schema) (int, error) {
	switch n, known := w.expanded[s]; {
	case known && n == 0:
		return 0, errors.New("the schema leads back to itself without going into the value")
	case known:
		return n, nil
	case s.DynamicRef != nil, s.RecursiveRef != nil:
		return 0, errors.New("the schema has $dynamicRef or $recursiveRef: use $ref")
	}
	w.expanded[s] = 0
	n := 1
	for _, part := range inPlace(s) {
		more, err := w.expand(part)
		if err != nil {
			return 0, err
		}
		if n += more; n > maxInPlace {
			return 0, fmt.Errorf("the schema applies more than %d schemas to one value, its references followed", maxInPlace)
		}
	}
	w.expanded[s] = n
	return n, nil
}

// inPlace returns the schemas that apply to the same value as one does.
func inPlace(s *jsonschema.Schema) []*jsonschema.Schema {
	if s.Ref != nil && s.DraftVersion < 2019 {
		return []*jsonschema.Schema{s.Ref} // what stands beside it is ignored
	}
	var parts []*jsonschema.Schema
	for _, part := range []*jsonschema.Schema{s.Ref, s.Not, s.If, s.Then, s.Else} {
		if part != nil {
			parts = append(parts, part)
		}
	}
	parts = append(append(append(parts, s.AllOf...), s.AnyOf...), s.OneOf...)
	for _, part := range s.DependentSchemas {
		parts = append(parts, part)
	}
	for _, part := range s.Dependencies {
		parts = appendSchemas(parts, part)
	}
	return parts
}

// inside returns the schemas that apply to what a value has in it, or to its names.
func inside(s *jsonschema.Schema) []*jsonschema.Schema {
	var parts []*jsonschema.Schema
	for _, part := range []any{
		s.PropertyNames, s.AdditionalProperties, s.UnevaluatedProperties, s.PrefixItems, s.Items, s.Items2020,
		s.AdditionalItems, s.UnevaluatedItems, s.Contains, s.ContentSchema,
	} {
		parts = appendSchemas(parts, part)
	}
	for _, part := range s.Properties {
		parts = append(parts, part)
	}
	for _, part := range s.PatternProperties {
		parts = append(parts, part)
	}
	return parts
}

// appendSchemas appends what a keyword has, if that is a schema or several.
func appendSchemas(parts []*jsonschema.Schema, part any) []*jsonschema.Schema {
	switch part := part.(type) {
	case *jsonschema.Schema:
		if part != nil {
			parts = append(parts, part)
		}
	case []*jsonschema.Schema:
		parts = append(parts, part...)
	}
	return parts
}

// The prices of what is cheaper than entering a schema, as how many of them come to one.
const (
	namesPerUnit  = 8
	valuesPerUnit = 16
	bytesPerUnit  = 128
	stepsPerUnit  = 64 // of a pattern's program, at one byte
)

func priceOf(s *jsonschema.Schema) price {
	names := len(s.Required) + len(s.Dependencies) + len(s.DependentSchemas) + len(s.DependentRequired)
	for _, required := range s.DependentRequired {
		names += len(required)
	}
	for _, dependency := range s.Dependencies {
		if required, ok := dependency.([]string); ok {
			names += len(required)
		}
	}
	var has contents
	if s.Const != nil {
		has.add(*s.Const)
	}
	if s.Enum != nil {
		has.add(s.Enum.Values)
	}
	limits := 0
	for _, limit := range []bool{s.Minimum != nil, s.Maximum != nil, s.ExclusiveMinimum != nil, s.ExclusiveMaximum != nil, s.MultipleOf != nil, isInteger(s)} {
		if limit {
			limits++
		}
	}
	return price{inPlace: inPlace(s), plain: names/namesPerUnit + has.values/valuesPerUnit, limits: limits, compared: has.numbers}
}

// isInteger reports whether a schema wants an integer, which 1.0 is.
func isInteger(s *jsonschema.Schema) bool {
	return s.Types != nil && slices.Contains(s.Types.ToStrings(), "integer")
}

// contents counts what a decoded JSON value has in it, itself included.
type contents struct {
	values, bytes int
	numbers       int // each as often as it is heavier than a common one
	heaviest      int // number
}

func (c *contents) add(value any) {
	c.values++
	switch v := value.(type) {
	case string:
		c.bytes += len(v)
	case json.Number:
		weight := weightOf(v)
		c.numbers += weight
		c.heaviest = max(c.heaviest, weight)
	case []any:
		for _, element := range v {
			c.add(element)
		}
	case map[string]any:
		for name, member := range v {
			c.bytes += len(name)
			c.add(member)
		}
	}
}

// weightOf returns how many times as long as with a common number it takes to compute with one.
func weightOf(number json.Number) int {
	_, exponent, _ := strings.Cut(strings.ToLower(number.String()), "e")
	n, _ := strconv.Atoi(exponent)
	return 1 + (len(number)+max(n, -n))/64
}
