package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/hookseal/hookseal/verifiers"
)

// TestThePageIsThatOfTheTable: a provider that was added or changed is so on the page too.
func TestThePageIsThatOfTheTable(t *testing.T) {
	var want bytes.Buffer
	write(&want, verifiers.Presets())
	got, err := os.ReadFile("../../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/providers.md is out of date: go run ./internal/providerpage >docs/providers.md")
	}
}

// TestThePageSaysAllOfEveryProvider: no word of the vocabulary comes out as nothing.
func TestThePageSaysAllOfEveryProvider(t *testing.T) {
	for _, s := range verifiers.Presets() {
		var page bytes.Buffer
		writeScheme(&page, s)
		for _, row := range []string{"signature", "encoding", "algorithm", "secret", "signed content", "time", "a copy is known by", "evidence", "source"} {
			if !strings.Contains(page.String(), "- **"+row+"**: ") {
				t.Errorf("%s: no %s", s.Name, row)
			}
		}
		if strings.Contains(page.String(), "``") || strings.Contains(page.String(), "%!") {
			t.Errorf("%s:\n%s", s.Name, page.String())
		}
	}
}

// TestThePageTellsTheMethodFromTheURL: a signature that covers the one need not cover the other.
func TestThePageTellsTheMethodFromTheURL(t *testing.T) {
	for name, want := range map[string]string{
		"github": "method and URL", "square": "the method", "twilio": "the method", "hubspot-v2": "", "contentful": "", "rfc9421": "",
	} {
		scheme, _ := verifiers.Preset(name)
		got := ""
		for _, words := range []string{"method and URL", "the method", "the URL"} {
			if strings.HasSuffix(", "+uncovered(scheme), ", "+words) {
				got = words
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
