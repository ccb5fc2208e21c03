package caddymodule

import (
	"fmt"

	"github.com/hookseal/hookseal/verifiers"
)

// schemeOf returns the preset of a name, or the custom scheme under that name. What says what the
// configuration calls it.
func schemeOf(what, name string, custom *verifiers.Scheme) (verifiers.Scheme, error) {
	preset, isPreset := verifiers.Preset(name)
	switch {
	case custom == nil && !isPreset:
		return preset, fmt.Errorf("%s %q is unknown: use %s, or describe it with custom { … }", what, name, presetNames())
	case custom == nil:
		return preset, nil
	case isPreset:
		return preset, fmt.Errorf("%s %q is a preset: give the custom scheme another name", what, name)
	}
	scheme := *custom
	scheme.Name = name
	return scheme, nil
}

func presetNames() string {
	var names []string
	for _, s := range verifiers.Presets() {
		names = append(names, s.Name)
	}
	return either(names)
}
