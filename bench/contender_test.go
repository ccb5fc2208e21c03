package main

import (
	"slices"
	"strings"
	"testing"
)

func TestPlainCaddyIsAlwaysTheFirstContender(t *testing.T) {
	for list, want := range map[string][]string{
		"plain,event":    {"plain", "event"},
		"event,plain":    {"plain", "event"},
		"body, buffered": {"plain", "body", "buffered"},
		"twin,twin":      {"plain", "twin"},
	} {
		chosen, err := parseContenders(list)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range chosen {
			got = append(got, c.name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", list, got, want)
		}
	}
	if _, err := parseContenders("plain,nginx"); err == nil {
		t.Error("an unknown contender was accepted")
	}
}

// What differs between two configurations shall be what is compared, and nothing else.
func TestConfigurationsDifferInTheHandlersOnly(t *testing.T) {
	for _, c := range contenders {
		got := c.caddyfile("127.0.0.1:8080", "127.0.0.1:9090", "")
		bare := strings.Replace(got, strings.ReplaceAll(c.handlers[1:], "UPSTREAM", "127.0.0.1:9090"), "", 1)
		want := contender{handlers: "\n"}.caddyfile("127.0.0.1:8080", "127.0.0.1:9090", "")
		if bare != want {
			t.Errorf("contender %s: besides its handlers it has\n%s\nwant\n%s", c.name, bare, want)
		}
	}
}
