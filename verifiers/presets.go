package verifiers

import (
	"slices"
	"strings"
)

// presets are the schemes that ship, in the order of their names. To add a provider, add a literal to the
// table of its family and its vectors to testdata/vectors.
var presets = inOrder(standardPresets, developmentPresets, paymentPresets, messagingPresets, workPresets, codedPresets)

// aliases are other names that presets are found by.
var aliases = map[string]string{"standard-webhooks": "standard"}

func inOrder(families ...[]Scheme) []Scheme {
	all := slices.Concat(families...)
	slices.SortFunc(all, func(a, b Scheme) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Presets returns the schemes that ship, in the order of their names.
func Presets() []Scheme {
	all := make([]Scheme, len(presets))
	for i, s := range presets {
		all[i] = s.clone()
	}
	return all
}

// Preset returns the scheme of that name. "standard-webhooks" is another name of "standard".
func Preset(name string) (Scheme, bool) {
	if other, ok := aliases[name]; ok {
		name = other
	}
	for _, s := range presets {
		if s.Name == name {
			return s.clone(), true
		}
	}
	return Scheme{}, false
}
