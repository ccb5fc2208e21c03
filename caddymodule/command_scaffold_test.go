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
	secrets, handshakes := t.TempDir(), 0
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
		for option, needed := range map[string]bool{
			"allow_weak\n":        scheme.Weak(),
			"public_url https://": scheme.CoversURL(),
			"} label\n":           verifiers.ChallengeLabel(scheme.Challenge) != "",
		} {
			if strings.Contains(out, option) != needed {
				t.Errorf("%s: %q should be there: %t", scheme.Name, option, needed)
			}
		}
		if comes := scheme.Name == "asana" || scheme.Name == "notion"; strings.Contains(out, "webhook handshake "+scheme.Name+" --open") != comes {
			t.Errorf("%s: how the secret comes should be said: %t", scheme.Name, comes)
		}
		if name, ok := strings.CutPrefix(secretValueOf(scheme), "{env."); ok {
			t.Setenv(strings.TrimSuffix(name, "}"), scheme.SampleSecret())
		} else if err := os.WriteFile(filepath.Join(secrets, scheme.Name), []byte(scheme.SampleSecret()), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"_VERIFY_TOKEN": "sample", "_ENCRYPT_KEY": sampleEncryptKey} {
			if strings.Contains(out, "{env."+variableOfScheme(scheme)+name+"}") {
				handshakes++
				t.Setenv(variableOfScheme(scheme)+name, value)
			}
		}
		all.WriteString(strings.ReplaceAll(out, "/run/secrets", secrets))
	}
	if handshakes < 3 {
		t.Errorf("only %d options of handshakes", handshakes)
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

// TestScaffoldsVerify: what is printed for a provider lets in what that provider sends, and lint finds no error in it.
func TestScaffoldsVerify(t *testing.T) {
	for _, scheme := range verifiers.Presets() {
		t.Setenv(variableOfScheme(scheme)+"_VERIFY_TOKEN", "sample")
		t.Setenv(variableOfScheme(scheme)+"_ENCRYPT_KEY", sampleEncryptKey)
		v, host, ok := scaffoldVector(t, scheme)
		if !ok {
			t.Errorf("%s has no vector that can be tried", scheme.Name)
			continue
		}
		out, err := runCommand("", "scaffold", scheme.Name, "--host", host)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(v.Secrets[0].Text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv(variableOfScheme(scheme)+"_WEBHOOK_SECRET", v.Secrets[0].Text)
		if scheme.NamesReceiver() {
			out = strings.Replace(out, "secret "+scheme.SampleSecret()+"\n", "secret "+v.Secrets[0].Text+"\n", 1)
		}
		out = strings.ReplaceAll(out, "/run/secrets/"+scheme.Name, file)
		for _, label := range []string{"key-id", "label"} {
			out = strings.ReplaceAll(out, "} "+label+"\n", "} "+v.Secrets[0].Label+"\n")
		}
		if v.AllowShort {
			out = strings.Replace(out, "webhook_verify "+scheme.Name+" {\n", "webhook_verify "+scheme.Name+" {\nallow_short\n", 1)
		}
		if !v.accepts(t, out, v.message()) {
			t.Errorf("%s: %s isn't let in by\n%s", scheme.Name, v.Name, out)
		}
		for _, f := range lint("Caddyfile", []byte(out)) {
			if f.Severity == severityError {
				t.Errorf("%s: %v", scheme.Name, f)
			}
		}
	}
}

// scaffoldVector returns a genuine delivery to a host by https, with one secret.
func scaffoldVector(t *testing.T, scheme verifiers.Scheme) (v capturedVector, host string, ok bool) {
	t.Helper()
	for _, short := range []bool{false, true} {
		for _, v := range capturedVectors(t, scheme.Name) {
			host, isHTTPS := strings.CutPrefix(orElse(v.PublicURL, "https://hooks.example.com"), "https://")
			plain := isHTTPS && !strings.ContainsAny(host, ":/") && (v.Method == "" || v.Method == "POST")
			weak := strings.Contains(v.Body, `"SignatureVersion" : "1"`) || strings.Contains(v.Body, `"SignatureVersion":"1"`)
			if v.Valid != nil && len(v.Secrets) == 1 && plain && v.AllowShort == short && !weak {
				return v, host, true
			}
		}
	}
	return v, "", false
}

// TestScaffoldsTakeAnyAddressOfASite: whatever may begin a site may be the host, and the public URL is one.
func TestScaffoldsTakeAnyAddressOfASite(t *testing.T) {
	for host, public := range map[string]string{
		"hooks.example.com:8443": "https://hooks.example.com:8443",
		"http://localhost:9001":  "http://localhost:9001",
		":9001":                  "https://hooks.example.com",
	} {
		out, err := runCommand("", "scaffold", "square", "--host", host)
		if err != nil || !strings.Contains(out, "public_url "+public+"\n") {
			t.Errorf("%s: got error %v and\n%s", host, err, out)
		}
		if _, err := caddyfileJSON(out); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestScaffoldsAreOfProvidersAndHosts(t *testing.T) {
	for want, args := range map[string][]string{
		`provider "githib" is unknown: use github`: {"githib"},
		`provider "lark" is unknown: use feishu`:   {"lark"}, // by its title
		`use ms-graph or ms-teams`:                 {"microsoft"},
		`use hubspot-v1, hubspot-v2 or hubspot-v3`: {"hubspot"},
		`can't stand in a Caddyfile`:               {"github", "--host", "a {\nrespond 200\n}"},
		`"" can't stand`:                           {"github", "--upstream", ""},
	} {
		if out, err := runCommand("", append([]string{"scaffold"}, args...)...); err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("%q: got error %v and %q", args, err, out)
		}
	}
}
