package verifiers

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPresetsAreComplete: every preset compiles, says where it is documented, and is found by its
// name; the list is in the order of names.
func TestPresetsAreComplete(t *testing.T) {
	var names []string
	for _, scheme := range Presets() {
		names = append(names, scheme.Name)
		if _, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{})); err != nil {
			t.Error(err)
		}
		if u, err := url.Parse(scheme.Reference); err != nil || u.Scheme != "https" || scheme.Title == "" || !strings.HasSuffix(scheme.Note, ".") {
			t.Errorf("%s: title %q, reference %q, note %q", scheme.Name, scheme.Title, scheme.Reference, scheme.Note)
		}
		if scheme.Evidence != Confirmed && scheme.Evidence != Unconfirmed {
			t.Errorf("%s: evidence %q", scheme.Name, scheme.Evidence)
		}
		if found, ok := Preset(scheme.Name); !ok || found.Title != scheme.Title {
			t.Errorf("%s: %v", scheme.Name, found)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("%v", names)
	}
	for _, name := range []string{"", "GitHub", "github ", "custom"} {
		if found, ok := Preset(name); ok {
			t.Errorf("%q is %v", name, found)
		}
	}
}

// TestAPresetIsACopy: who changes a preset, or a scheme that a verifier was made of, changes nothing
// for others.
func TestAPresetIsACopy(t *testing.T) {
	spoil := func(s *Scheme) {
		s.ID[0] = "header:Spoilt"
		s.Event[0] = "header:Spoilt"
		s.Signature.List.Key = "spoilt"
		s.Timestamp.Tolerance = 1000 * time.Hour
		s.Alternative.Timestamp.Tolerance = 1000 * time.Hour
	}
	scheme, _ := Preset("standard")
	v, err := New(scheme, identitySecrets, Options{Now: clock(referenceNow)})
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(Message{ID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	spoil(&scheme)
	for i, s := range Presets() {
		if s.Name == "standard" {
			all := Presets()
			spoil(&all[i])
		}
	}
	again, _ := Preset("standard")
	fresh, err := New(again, identitySecrets, Options{Now: clock(referenceNow)})
	if err != nil {
		t.Fatal(err)
	}
	for _, verifier := range []*Verifier{v, fresh} {
		if d, err := verify(verifier, Request{Header: header}, nil); err != nil || d.ID != "1" || verifier.Tolerance() != DefaultTolerance {
			t.Errorf("%v, %v, %v", d, err, verifier.Tolerance())
		}
	}
}

// TestTheSameBytesMayBeAnotherDelivery: of these nothing in the body tells the next delivery from a copy, such as
// when a branch is pushed back and forth, so that a copy is rather let through than a new one lost.
func TestTheSameBytesMayBeAnotherDelivery(t *testing.T) {
	var alike []string
	for _, scheme := range Presets() {
		if scheme.Alike {
			alike = append(alike, scheme.Name)
		}
	}
	if want := []string{"dropbox", "gitlab-token", "ms-graph", "twilio", "twilio-shared-key"}; !slices.Equal(alike, want) {
		t.Errorf("%v, want %v", alike, want)
	}
}
