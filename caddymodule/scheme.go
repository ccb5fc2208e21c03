package caddymodule

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/hookseal/hookseal/verifiers"
)

// schemeOf returns the preset of a name, or the custom scheme under that name. What says what the
// configuration calls it.
func schemeOf(what, name string, custom *verifiers.Scheme) (verifiers.Scheme, error) {
	preset, isPreset := verifiers.Preset(name)
	switch {
	case custom == nil && !isPreset:
		return preset, fmt.Errorf("%s %q is unknown: %s, or describe it with custom { … }", what, name, presetHint(name))
	case custom == nil:
		return preset, nil
	case isPreset:
		return preset, fmt.Errorf("%s %q is a preset: give the custom scheme another name", what, name)
	}
	scheme := *custom
	scheme.Name = name
	return scheme, nil
}

// presetList says where the names of the presets are: there are too many for an error message.
const presetList = `"hookseal webhook providers" lists those there are`

// presetHint helps whoever wrote the name of a preset that isn't there.
func presetHint(name string) string {
	nearest, least := "", min(3, len(name)/3+1) // more typing errors than one in three letters make another word
	var schemes, titled []string                // where the provider has several, or goes by other names
	for _, s := range verifiers.Presets() {
		if n := distance(name, s.Name); n < least {
			nearest, least = s.Name, n
		}
		if name != "" && strings.HasPrefix(s.Name, name+"-") {
			schemes = append(schemes, s.Name)
		}
		if slices.ContainsFunc(strings.FieldsFunc(s.Title, isNoLetter), func(word string) bool { return strings.EqualFold(word, name) }) {
			titled = append(titled, s.Name)
		}
	}
	switch {
	case len(schemes) > 0:
		return "use " + either(schemes) + "; " + presetList
	case len(titled) > 0:
		return "use " + either(titled) + " if that is what you mean; " + presetList
	case nearest != "":
		return "use " + nearest + " if that is what you mean; " + presetList
	}
	return presetList
}

// isNoLetter reports whether a character parts the words of a title.
func isNoLetter(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }

// distance returns how many letters have to be put in, left out or exchanged to make a word of the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
