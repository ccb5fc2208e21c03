package caddymodule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/hookseal/hookseal/verifiers"
)

// TestScaffoldsOfAllProvidersLoad: each is formatted, and all of them load together, with nothing but
// their secrets set.
func TestScaffoldsOfAllProvidersLoad(t *testing.T) {
	var all strings.Builder
	secrets := t.TempDir()
	all.WriteString("{\nauto_https off\n}\n")
	for _, scheme := range verifiers.Presets() {
		out, err := runCommand("", "scaffold", scheme.Name, "--host", scheme.Name+".example.com")
		if err != nil {
			t.Fatal(err)
		}
		if string(caddyfile.Format([]byte(out))) != out {
			t.Errorf("%s: is not as caddy fmt writes it:\n%s", scheme.Name, out)
		}
		for _, part := range []string{scheme.Title, scheme.Reference, "webhook_verify " + scheme.Name + " {", "reverse_proxy localhost:3000"} {
			if !strings.Contains(out, part) {
				t.Errorf("%s: lacks %q", scheme.Name, part)
			}
		}
		for option, needed := range map[string]bool{"allow_weak\n": scheme.Weak(), "public_url https://": scheme.CoversURL()} {
			if strings.Contains(out, option) != needed {
				t.Errorf("%s: %q should be there: %t", scheme.Name, option, needed)
			}
		}
		if name, ok := strings.CutPrefix(secretValueOf(scheme), "{env."); ok {
			t.Setenv(strings.TrimSuffix(name, "}"), scheme.SampleSecret())
		} else if err := os.WriteFile(filepath.Join(secrets, scheme.Name), []byte(scheme.SampleSecret()), 0o600); err != nil {
			t.Fatal(err)
		}
		all.WriteString(strings.ReplaceAll(out, "/run/secrets", secrets))
	}
	config, err := caddyfileJSON(all.String())
	if err != nil {
		t.Fatal(err)
	}
	var loaded caddy.Config
	if err := json.Unmarshal(config, &loaded); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&loaded); err != nil {
		t.Fatal(err)
	}
}

func TestScaffoldsAreOfProvidersAndHosts(t *testing.T) {
	for want, args := range map[string][]string{
		`provider "githib" is unknown: use github`: {"githib"},
		`can't stand in a Caddyfile`:               {"github", "--host", "a {\nrespond 200\n}"},
		`"" can't stand`:                           {"github", "--upstream", ""},
	} {
		if out, err := runCommand("", append([]string{"scaffold"}, args...)...); err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("%q: got error %v and %q", args, err, out)
		}
	}
}
