package verifiers

import (
	"slices"
	"testing"
)

// TestAPublicURLIsTriedWithAndWithoutItsPort: and with no other.
func TestAPublicURLIsTriedWithAndWithoutItsPort(t *testing.T) {
	for publicURL, want := range map[string][]string{
		"https://a.example":         {"https://a.example", "https://a.example:443"},
		"http://a.example/b":        {"http://a.example/b", "http://a.example:80/b"},
		"https://a.example:8443":    {"https://a.example:8443", "https://a.example"},
		"https://a.example:443/b/c": {"https://a.example:443/b/c", "https://a.example/b/c"},
		"https://[::1]:8443":        {"https://[::1]:8443", "https://[::1]"},
		"https://[::1]":             {"https://[::1]", "https://[::1]:443"},
	} {
		e, err := openTwilio(setup{publicURL: publicURL})
		if err != nil || !slices.Equal(e.(twilio).origins, want) {
			t.Errorf("%s: %v, %v", publicURL, e, err)
		}
	}
}

// TestAWeakSchemeInCodeNeedsTheWord: SHA-1 is not used unless the configuration says so.
func TestAWeakSchemeInCodeNeedsTheWord(t *testing.T) {
	weak := 0
	for _, scheme := range codedPresets {
		if !scheme.Weak() {
			continue
		}
		weak++
		options := optionsOf(scheme, Options{})
		options.AllowWeak = false
		if _, err := New(scheme, secretsOf(scheme), options); err == nil {
			t.Errorf("%s is used without AllowWeak", scheme.Name)
		}
	}
	if weak != 7 {
		t.Errorf("%d are weak", weak)
	}
}

// TestASchemeThatCoversTheURLNeedsThePublicOne: CoversURL says which do.
func TestASchemeThatCoversTheURLNeedsThePublicOne(t *testing.T) {
	covering := 0
	for _, scheme := range Presets() {
		options := optionsOf(scheme, Options{})
		options.PublicURL = ""
		_, err := New(scheme, secretsOf(scheme), options)
		if (err != nil) != scheme.CoversURL() {
			t.Errorf("%s: covers the URL: %t; without a public one: %v", scheme.Name, scheme.CoversURL(), err)
		}
		if scheme.CoversURL() {
			covering++
		}
	}
	if covering < 2 {
		t.Errorf("only %d cover the URL", covering)
	}
}
