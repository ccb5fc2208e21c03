package caddymodule

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

// lintChecks returns the findings of a Caddyfile as file, line and check, but for notes.
func lintChecks(t *testing.T, text string, others ...string) (all []string) {
	t.Helper()
	folder := t.TempDir()
	path := filepath.Join(folder, "Caddyfile")
	for i := 0; i < len(others); i += 2 {
		if err := os.WriteFile(filepath.Join(folder, others[i]), []byte(others[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range lintSecrets {
		t.Setenv(name, value)
	}
	out, err := runCommand("", "lint", "--json", path)
	var findings []finding
	if err := json.Unmarshal([]byte(out), &findings); err != nil {
		t.Fatalf("%v in:\n%s", err, out)
	}
	fails := false
	for _, f := range findings {
		fails = fails || f.Severity == severityError
		if f.Position == "" || lineOf(f.Position) == 0 {
			t.Errorf("no file and line: %v", f)
		}
		if f.Severity != severityNote {
			all = append(all, f.Position+" "+f.Check)
		}
	}
	if fails != (err != nil) {
		t.Errorf("got error %v of:\n%s", err, out)
	}
	for _, value := range lintSecrets {
		if strings.Contains(out+fmt.Sprint(err), value) {
			t.Errorf("a secret is printed:\n%s", out)
		}
	}
	return all
}

const lintVerify = "webhook_verify github {\nsecret {env.LINT_A}\n}\n"
const lintRoute = "webhook_route {\notherwise reject\n}\n"

// TestWhereAWebhookRouteStands: what stands before a webhook_route counts, and only that, however blocks are put into
// each other.
func TestWhereAWebhookRouteStands(t *testing.T) {
	for name, test := range map[string]struct {
		caddyfile string
		others    []string
		want      []string
	}{
		"behind it":                {"localhost {\n" + lintVerify + lintRoute + "}\n", nil, nil},
		"in front of it":           {"localhost {\nroute {\n" + lintRoute + lintVerify + "}\n}\n", nil, []string{"Caddyfile:3 route_unverified"}},
		"in a route inside":        {"localhost {\nroute {\n" + lintVerify + "route /a {\nhandle {\n" + lintRoute + "}\n}\n}\n}\n", nil, nil},
		"in another handle":        {"localhost {\nhandle /a {\n" + lintVerify + "}\nhandle /b {\nroute {\n" + lintRoute + "}\n}\n}\n", nil, []string{"Caddyfile:9 route_unverified"}},
		"in a handle_path":         {"localhost {\nhandle_path /a/* {\n" + lintVerify + lintRoute + "}\n}\n", nil, nil},
		"in another site":          {"a.example {\n" + lintVerify + "}\nb.example {\n" + lintRoute + "}\n", nil, []string{"Caddyfile:7 route_unverified"}},
		"behind a matcher":         {"localhost {\n@post method POST\nwebhook_verify @post github {\nsecret {env.LINT_A}\n}\n" + lintRoute + "}\n", nil, nil},
		"in a rule":                {"localhost {\n" + lintVerify + "webhook_route {\nevent push {\n" + lintRoute + "}\n}\n}\n", nil, nil},
		"in a rule that verifies":  {"localhost {\nwebhook_route {\nstandalone\nwhen `method == \"POST\"` {\n" + lintVerify + lintRoute + "}\n}\n}\n", nil, nil},
		"for errors":               {"localhost {\n" + lintVerify + "handle_errors {\n" + lintRoute + "}\n}\n", nil, []string{"Caddyfile:6 route_unverified"}},
		"with a snippet":           {"(hook) {\n" + lintVerify + "}\nlocalhost {\nimport hook\n" + lintRoute + "}\n", nil, nil},
		"with a snippet of itself": {"(rules) {\n" + lintRoute + "}\nlocalhost {\nhandle /a {\nimport rules\n}\n}\n", nil, []string{"Caddyfile:2 route_unverified"}},
		"with a file":              {"localhost {\nimport verify.caddy\n" + lintRoute + "}\n", []string{"verify.caddy", lintVerify}, nil},
		"in a file":                {"localhost {\nimport *.caddy\n}\n", []string{"rules.caddy", "\n" + lintRoute}, []string{"rules.caddy:2 route_unverified"}},
		"with a named route":       {"&(verified) {\n" + lintVerify + "}\nlocalhost {\nroute {\ninvoke verified\n" + lintRoute + "}\n}\n", nil, nil},
		"in a named route":         {"&(rules) {\n" + lintRoute + "}\nlocalhost {\ninvoke rules\n}\n", nil, []string{"Caddyfile:2 route_unverified"}},
		"in a named route, behind": {"&(rules) {\n" + lintRoute + "}\nlocalhost {\n" + lintVerify + "invoke rules\n}\n", nil, nil},
		"in one that nobody calls": {"&(rules) {\n" + lintRoute + "}\nlocalhost {\n" + lintVerify + "}\n", nil, nil},
		"in a circle of them":      {"&(a) {\ninvoke b\n}\n&(b) {\ninvoke a\n}\nlocalhost {\ninvoke a\n" + lintVerify + lintRoute + "}\n", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := lintChecks(t, test.caddyfile, test.others...); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRoutesThatNothingGetsTo(t *testing.T) {
	for name, test := range map[string]struct {
		caddyfile string
		want      []string
	}{
		"behind a wider path":     {"localhost {\nroute {\nhandle /a* {\nrespond 200\n}\nhandle /a/b {\n" + lintVerify + "}\n}\n}\n", []string{"Caddyfile:7 route_shadowed"}},
		"before a wider path":     {"localhost {\nroute {\nhandle /a/b {\n" + lintVerify + "}\nhandle /a* {\nrespond 200\n}\n}\n}\n", nil},
		"as Caddy sorts them":     {"localhost {\nhandle /a* {\nrespond 200\n}\nhandle /a/b {\n" + lintVerify + "}\n}\n", nil},
		"behind all paths":        {"localhost {\nroute {\nhandle {\nrespond 200\n}\nhandle /a {\n" + lintVerify + "}\n}\n}\n", []string{"Caddyfile:7 route_shadowed"}},
		"behind the same matcher": {"localhost {\n@a header X-A b\nroute {\nhandle @a {\nrespond 200\n}\nhandle @a {\n" + lintVerify + "}\n}\n}\n", []string{"Caddyfile:8 route_shadowed"}},
		"behind another matcher":  {"localhost {\n@a header X-A b\n@b header X-A c\nroute {\nhandle @a {\nrespond 200\n}\nhandle @b {\n" + lintVerify + "}\n}\n}\n", nil},
		"behind an answer":        {"localhost {\nroute {\nrespond 200\n" + lintVerify + "}\n}\n", []string{"Caddyfile:4 route_shadowed"}},
		"behind some answers":     {"localhost {\nroute {\nrespond /health 200\n" + lintVerify + "}\n}\n", nil},
		"behind a proxy":          {"localhost {\nroute {\nroute {\nreverse_proxy app:80\n}\n" + lintVerify + "}\n}\n", []string{"Caddyfile:6 route_shadowed"}},
		"before a proxy":          {"localhost {\nreverse_proxy app:80\n" + lintVerify + "}\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := lintChecks(t, test.caddyfile); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestSecretsAreFoundWhereverTheyStand(t *testing.T) {
	t.Setenv("LINT_SAME_WHSEC", "whsec_"+lintSecrets["LINT_A"])
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(lintSecrets["LINT_A"]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		caddyfile string
		others    []string
		want      []string
	}{
		"a literal verify token":     {"localhost {\nwebhook_verify meta {\nsecret {env.LINT_A}\nverify_token hello\n}\n}\n", nil, []string{"Caddyfile:4 secret_literal"}},
		"a baked verify token":       {"localhost {\nwebhook_verify meta {\nsecret {env.LINT_A}\nverify_token {$LINT_B}\n}\n}\n", nil, []string{"Caddyfile:4 secret_baked"}},
		"a verify token":             {"localhost {\nwebhook_verify meta {\nsecret {env.LINT_A}\nverify_token {env.LINT_B}\n}\n}\n", nil, nil},
		"a baked one with a default": {"localhost {\nwebhook_verify github {\nsecret {$LINT_NOT_SET:" + lintSecrets["LINT_A"] + "}\n}\n}\n", nil, []string{"Caddyfile:3 secret_baked"}},
		"a baked one in a file":      {"localhost {\nimport *.caddy\n}\n", []string{"hook.caddy", "webhook_verify github {\nsecret {$LINT_A}\n}\n"}, []string{"hook.caddy:2 secret_baked"}},
		"a literal one in a file":    {"localhost {\nimport *.caddy\n}\n", []string{"hook.caddy", "webhook_verify github {\nsecret hello\n}\n"}, []string{"hook.caddy:2 secret_literal"}},
		"a misplaced one in a file":  {"localhost {\nimport *.caddy\n}\n", []string{"hook.caddy", "webhook_verify {$LINT_A}\n"}, []string{"hook.caddy:1 adapt"}},
		"of publishing":              {"localhost {\nwebhook_publish {\ntoken {$LINT_A}\n}\n}\n", nil, []string{"Caddyfile:3 secret_baked"}},
		"a weak one of publishing":   {"localhost {\nwebhook_publish {\ntoken {env.LINT_WORD}\n}\n}\n", nil, []string{"Caddyfile:2 secret_weak"}},
		"one for both": {"localhost {\nhandle /a {\n" + lintVerify + "}\nwebhook_publish {\ntoken {env.LINT_SAME}\n}\n}\n", nil,
			[]string{"Caddyfile:7 secret_equal"}},
		"the same in a file":          {"localhost {\nhandle /a {\n" + lintVerify + "}\nhandle /b {\nwebhook_verify slack {\nsecret {file." + file + "}\n}\n}\n}\n", nil, []string{"Caddyfile:8 secret_equal"}},
		"the same with a prefix":      {"localhost {\nhandle /a {\n" + lintVerify + "}\nhandle /b {\nwebhook_verify stripe {\nsecret {env.LINT_SAME_WHSEC}\n}\n}\n}\n", nil, []string{"Caddyfile:8 secret_equal"}},
		"the same, whatever its time": {"localhost {\nhandle /a {\n" + lintVerify + "}\nhandle /b {\nwebhook_verify slack {\nsecret {env.LINT_SAME} {\nnot_after 2099-01-01T00:00:00Z\n}\n}\n}\n}\n", nil, []string{"Caddyfile:8 secret_equal"}},
		"others":                      {"localhost {\nhandle /a {\n" + lintVerify + "}\nhandle /b {\nwebhook_verify slack {\nsecret {env.LINT_B}\n}\n}\n}\n", nil, nil},
		"topics, which are no secrets": {"localhost {\nhandle /a {\nwebhook_verify aws-sns {\nname a\nsecret {env.LINT_TOPIC}\n}\n}\nhandle /b {\nwebhook_verify aws-sns {\nname b\nsecret {env.LINT_TOPIC}\n}\n}\n}\n", nil,
			[]string{"Caddyfile:3 body_uncovered", "Caddyfile:9 body_uncovered"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("LINT_TOPIC", "arn:aws:sns:us-east-1:123456789012:test")
			if got := lintChecks(t, test.caddyfile, test.others...); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestReplayWindowsAreHeldAgainstRetries: of every provider whose span is known, a window that is a second shorter is
// found and one as long is not.
func TestReplayWindowsAreHeldAgainstRetries(t *testing.T) {
	if len(retrySpans) < 10 {
		t.Errorf("only %d spans are known", len(retrySpans))
	}
	for provider, span := range retrySpans {
		scheme, _ := verifiers.Preset(provider)
		file := func(option string) string {
			if scheme.CoversURL() {
				option += "\npublic_url https://example.com"
			}
			if scheme.Weak() {
				option += "\nallow_weak"
			}
			return fmt.Sprintf("localhost {\nwebhook_verify %s {\nsecret {env.LINT_NOT_SET}\n%s\n}\n}\n", provider, option)
		}
		for option, found := range map[string]bool{
			"replay off": true,
			"replay_window " + shortDuration(span-time.Second): true,
			"replay_window " + shortDuration(span):             false,
		} {
			got := lintChecks(t, file(option))
			if scheme.Timestamp != nil && 2*scheme.Timestamp.Tolerance >= span {
				continue // no window may be so short
			}
			if slices.Contains(got, "Caddyfile:2 replay_window") != found {
				t.Errorf("%s with %s: got %q", provider, option, got)
			}
		}
	}
}

// A scheme that signs the URL needs public_url, whichever it is; others are found without it.
func TestASchemeThatSignsTheURLNeedsPublicURL(t *testing.T) {
	signing := 0
	for _, scheme := range verifiers.Presets() {
		text := fmt.Sprintf("localhost {\nwebhook_verify %s {\nsecret {env.LINT_NOT_SET}\nallow_weak\n}\n}\n", scheme.Name)
		found := slices.Contains(lintChecks(t, text), "Caddyfile:2 public_url")
		if found != scheme.CoversURL() {
			t.Errorf("%s: public_url is missed: %t", scheme.Name, found)
		}
		if found {
			signing++
			text = strings.Replace(text, "allow_weak\n", "allow_weak\npublic_url https://example.com\n", 1)
			if slices.Contains(lintChecks(t, text), "Caddyfile:2 public_url") {
				t.Errorf("%s: public_url is there", scheme.Name)
			}
		}
	}
	if signing < 5 {
		t.Errorf("only %d sign the URL", signing)
	}
}

// A scheme that leaves the body out is said to, whichever it is.
func TestASchemeThatLeavesTheBodyOutIsFound(t *testing.T) {
	for _, scheme := range verifiers.Presets() {
		text := fmt.Sprintf("localhost {\nwebhook_verify %s {\nsecret {env.LINT_NOT_SET}\nallow_weak\npublic_url https://example.com\n}\n}\n", scheme.Name)
		if !scheme.CoversURL() {
			text = strings.Replace(text, "public_url https://example.com\n", "", 1)
		}
		got := lintChecks(t, text)
		if slices.Contains(got, "Caddyfile:2 body_uncovered") == scheme.CoversBody() {
			t.Errorf("%s: got %q", scheme.Name, got)
		}
		if slices.Contains(got, "Caddyfile:2 weak_scheme") != scheme.Weak() {
			t.Errorf("%s: got %q", scheme.Name, got)
		}
	}
}
