package api

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// distinct is the keyword uniqueItems. The checker's own hashes elements in a way that lets a payload have
// many that hash alike, and compares all those with each other.
type distinct struct{}

// Validate adds an error if two elements of an array are equal.
func (distinct) Validate(ctx *jsonschema.ValidatorContext, value any) {
	array, ok := value.([]any)
	if !ok {
		return
	}
	seen := make(map[string]int, len(array))
	for i, element := range array {
		text := string(appendCanonical(nil, element))
		if j, twice := seen[text]; twice {
			ctx.AddError(&kind.UniqueItems{Duplicates: [2]int{j, i}})
			return
		}
		seen[text] = i
	}
}

// appendCanonical appends a text that a decoded JSON value has in common with those that are equal to it,
// and with no other.
func appendCanonical(text []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(text, 'z')
	case bool:
		return strconv.AppendBool(text, v)
	case string:
		text = append(strconv.AppendInt(append(text, 's'), int64(len(v)), 10), ':')
		return append(text, v...)
	case json.Number:
		number, ok := new(big.Rat).SetString(v.String())
		if !ok {
			number = new(big.Rat)
		}
		return append(append(text, number.RatString()...), ';')
	case []any:
		text = append(text, '[')
		for _, element := range v {
			text = appendCanonical(text, element)
		}
		return append(text, ']')
	case map[string]any:
		text = append(text, '{')
		for _, name := range slices.Sorted(maps.Keys(v)) {
			text = appendCanonical(appendCanonical(text, name), v[name])
		}
		return append(text, '}')
	}
	return text
}
