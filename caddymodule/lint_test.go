package caddymodule

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hookseal/hookseal/policy"
	"github.com/hookseal/hookseal/verifiers"
)

// lintSecrets are set while a Caddyfile is linted.
var lintSecrets = map[string]string{
	"LINT_A":     "Zq8v1LxJ0sTn5yWc2RfKb7Hd",
	"LINT_SAME":  "Zq8v1LxJ0sTn5yWc2RfKb7Hd",
	"LINT_B":     "m3Gk9QpXa6Uo4EiVr8Ns0DtB",
	"LINT_SHORT": "Hk3b9Lq",
	"LINT_WORD":  "my-secret-of-github",
	"LINT_PLAID": "client-id:Zq8v1LxJ0sTn5yWc2RfKb7Hd",
	"LINT_FLAT":  "aaaaaaaaaaaabbbbbbbbbbbb",
}

func lintFile(t *testing.T, text string, args ...string) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range lintSecrets {
		t.Setenv(name, value)
	}
	out, err := runCommand("", append([]string{"lint", path}, args...)...)
	for _, value := range lintSecrets {
		if strings.Contains(out+fmt.Sprint(err), value) {
			t.Errorf("a secret is printed:\n%s", out)
		}
	}
	return out, err
}

func TestWhatLintFindsAndWhere(t *testing.T) {
	for name, test := range map[string]struct {
		caddyfile string
		want      []string // line, severity and check
	}{
		"names in place of secrets": {`localhost {
	webhook_verify aws-sns {
		secret arn:aws:sns:us-east-1:123456789012:a
		secret {$LINT_ARN:arn:aws:sns:us-east-1:123456789012:b}
	}
}
http://localhost {
	webhook_verify aws-sns {
		name other
		secret arn:aws:sns:us-east-1:123456789012:a
	}
}`, []string{"2 warning body_uncovered", "8 warning body_uncovered"}},
		"a malformed name": {`localhost {
	webhook_verify aws-sns {
		secret MyTopic
	}
}`, []string{"2 error adapt"}},
		"no names in place of secrets": {`localhost {
	webhook_verify plaid {
		secret client-id:in-the-open
	}
}`, []string{"3 error secret_literal"}},
		"secrets of fetched keys": {`localhost {
	webhook_verify plaid {
		secret {env.LINT_PLAID}
	}
}
http://localhost {
	webhook_verify plaid {
		name other
		secret {env.LINT_PLAID}
	}
}`, []string{"7 warning secret_equal"}},
		"nothing": {`localhost {
	webhook_verify github {
		secret {env.LINT_A}
	}
	webhook_route {
		event push order.* {
			respond 200
		}
		when ` + "`body.a == 1`" + ` {
			respond 201
		}
		event order.*.* {
			respond 202
		}
	}
}`, nil},
		"shadowed rules": {`localhost {
	webhook_verify github {
		secret {env.LINT_A}
	}
	webhook_route {
		event order.** {
			respond 200
		}
		event order.created {
			respond 201
		}
		event order.paid push {
			respond 202
		}
		when ` + "`body.a == 1`" + ` {
			respond 203
		}
		when ` + "`body.a == 1`" + ` {
			respond 204
		}
	}
}`, []string{"9 error rule_shadowed", "12 warning rule_shadowed", "18 error rule_shadowed"}},
		"shadowed route": {`localhost {
	route {
		handle /a* {
			webhook_verify github {
				secret {env.LINT_A}
			}
		}
		handle /a/b {
			webhook_verify slack {
				secret {env.LINT_B}
			}
		}
	}
}`, []string{"9 error route_shadowed"}},
		"two for one path": {`localhost {
	handle /a {
		webhook_verify github {
			secret {env.LINT_A}
		}
	}
	handle /a {
		webhook_verify stripe {
			secret {env.LINT_B}
		}
	}
}`, []string{"8 error verified_twice", "8 note replay_window"}},
		"nothing verifies": {`localhost {
	handle /a {
		webhook_verify github {
			secret {env.LINT_A}
		}
	}
	handle /b {
		webhook_route {
			event push {
				respond 200
			}
		}
	}
	handle /c {
		webhook_sign standard {
			secret {env.LINT_C}
		}
	}
	handle /d {
		webhook_route {
			standalone
			otherwise {
				respond 200
			}
		}
	}
}`, []string{"8 error route_unverified", "15 error sign_unverified"}},
		"verified outside": {`localhost {
	webhook_verify github {
		secret {env.LINT_A}
	}
	handle /a {
		webhook_route {
			otherwise reject
		}
	}
}`, nil},
		"weak and equal secrets": {`localhost {
	handle /a {
		webhook_verify github {
			secret {env.LINT_A} new
			secret {env.LINT_SAME} old
		}
	}
	handle /b {
		webhook_verify slack {
			secret {env.LINT_SAME}
			secret {env.LINT_WORD}
		}
	}
	handle /c {
		webhook_verify gitea {
			secret {env.LINT_FLAT}
			secret {env.LINT_SHORT}
			allow_short
		}
		webhook_sign generic {
			secret {env.LINT_FLAT}
		}
	}
}`, []string{"3 warning secret_equal", "9 warning secret_equal", "9 warning secret_weak", "15 warning secret_weak", "15 warning secret_weak", "20 error secret_equal", "20 warning secret_weak"}},
		"secrets that aren't set": {`localhost {
	webhook_verify github {
		secret {env.LINT_NOT_SET}
		secret {file./no/such/file}
	}
}`, nil},
		"baked secret": {`localhost {
	webhook_verify github {
		secret {$LINT_A}
	}
}`, []string{"3 error secret_baked"}},
		"literal secret": {`localhost {
	webhook_verify github {
		secret Zq8v1LxJ0sTn5yWc2RfKb7Hd
	}
}`, []string{"3 error secret_literal"}},
		"schemes": {`localhost {
	handle /a {
		webhook_verify gitlab-token {
			secret {env.LINT_A}
			mode monitor
		}
	}
	handle /b {
		webhook_verify github-sha1 {
			secret {env.LINT_B}
			allow_weak
		}
	}
	handle /c {
		webhook_verify shopify {
			secret {env.LINT_C}
			replay_window 1h
		}
	}
}`, []string{"3 warning body_uncovered", "3 warning monitor", "9 warning weak_scheme", "15 warning replay_window"}},
		"no public URL": {`localhost {
	webhook_verify square {
		secret {env.LINT_A}
	}
}`, []string{"2 error public_url"}},
		"a secret in the wrong place": {`localhost {
	webhook_verify {$LINT_A}
}`, []string{"2 error adapt"}},
		"a secret in a block": {`localhost {
	handle /x {
		webhook_verify github {
			secret {$LINT_A}
		}
	}
}`, []string{"4 error secret_baked"}},
		"what doesn't load in a block": {`localhost {
	handle /x {
		webhook_verify github {
			secert {env.LINT_A}
		}
	}
}`, []string{"4 error adapt"}},
		"what doesn't load": {`localhost {
	webhook_verify github {
		secert {env.LINT_A}
	}
}`, []string{"3 error adapt"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := lintFile(t, test.caddyfile+"\n", "--json")
			var findings []finding
			if err := json.Unmarshal([]byte(out), &findings); err != nil {
				t.Fatalf("%v in:\n%s", err, out)
			}
			var got []string
			fails := false
			for _, f := range findings {
				got = append(got, fmt.Sprintf("%d %s %s", lineOf(f.Position), f.Severity, f.Check))
				fails = fails || f.Severity == severityError
				if f.Text == "" || f.Remedy == "" {
					t.Errorf("no text or remedy: %v", f)
				}
			}
			slices.SortStableFunc(got, func(a, b string) int {
				if a, b := strings.Fields(a), strings.Fields(b); a[0] == b[0] {
					return strings.Compare(a[1]+a[2], b[1]+b[2])
				}
				return 0
			})
			want := slices.Clone(test.want)
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q\n%s", got, want, out)
			}
			if fails != (err != nil) {
				t.Errorf("got error %v", err)
			}
		})
	}
}

func TestLintPrintsLinesForEditors(t *testing.T) {
	out, err := lintFile(t, "localhost {\n\twebhook_route {\n\t\totherwise reject\n\t}\n}\n")
	if want := "Caddyfile:2: error: no webhook_verify stands before this webhook_route: it answers 403: put one before it, or write standalone [route_unverified]\n"; out != want || err == nil || err.Error() != "there is 1 error" {
		t.Errorf("got error %v and %q", err, out)
	}
	if _, err := runCommand("", "lint", "no-such-file"); err == nil {
		t.Error("a file that isn't there is without mistakes")
	}
}

// Our own examples are what people copy.
func TestExamplesAreWithoutFindings(t *testing.T) {
	for _, name := range []string{"../Caddyfile.example"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range lint(name, text) {
			if f.Severity == severityError {
				t.Errorf("%v", f)
			}
		}
	}
}

func TestPatternsCoverWhatTheyMatch(t *testing.T) {
	for _, test := range []struct {
		wider, narrower string
		covers          bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"a.*", "a.b", true}, {"a.*", "a", false}, {"a.*", "a.b.c", false}, {"a.*", "a.**", false},
		{"a.**", "a.b.c", true}, {"a.**", "a.*", true}, {"a.**", "a.**", true}, {"a.**", "a", false}, {"**", "a.*", true}, {"**", "**", true},
		{"*", "**", false}, {"*.b", "a.b", true}, {"a.b", "*.b", false}, {"a.*.*", "a.**", false},
	} {
		if got := coversPattern(test.wider, test.narrower); got != test.covers {
			t.Errorf("%s covers %s: got %t", test.wider, test.narrower, got)
		}
	}
}

// TestShadowedRulesNeverMatch: whatever the patterns are, no event gets to a rule of which lint says so.
func TestShadowedRulesNeverMatch(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	segments := []string{"a", "b", "*", "**"}
	pattern := func() string {
		parts := []string{segments[random.IntN(3)]}
		for range random.IntN(3) {
			parts = append(parts, segments[random.IntN(3)])
		}
		if random.IntN(4) == 0 {
			parts[len(parts)-1] = "**"
		}
		return strings.Join(parts, ".")
	}
	var events []string
	for _, a := range []string{"a", "b", "c"} {
		events = append(events, a)
		for _, b := range []string{"a", "b", "c"} {
			events = append(events, a+"."+b, a+"."+b+".a", a+"."+b+".c", a+"."+b+".c.c")
		}
	}
	found := 0
	for range 2000 {
		var rules []RouteRule
		for range 1 + random.IntN(4) {
			rule := RouteRule{Event: []string{pattern()}}
			if random.IntN(3) == 0 {
				rule.Event = append(rule.Event, pattern())
			}
			rules = append(rules, rule)
		}
		never := shadowed(rules)
		for _, event := range events {
			for i, rule := range rules {
				if !slices.ContainsFunc(rule.Event, func(text string) bool { return matchesEvent(t, text, event) }) {
					continue
				}
				if strings.Contains(never[i], "can never match") {
					t.Fatalf("%s gets to rule %d of %v: %s", event, i+1, rules, never[i])
				}
				break
			}
		}
		found += len(never)
	}
	if found < 500 {
		t.Errorf("only %d were found", found)
	}
}

func matchesEvent(t *testing.T, text, event string) bool {
	t.Helper()
	pattern, err := policy.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return pattern.Match(event)
}

// A provider that was renamed would be looked for in vain.
func TestRetrySpansAreOfPresets(t *testing.T) {
	for name := range retrySpans {
		if _, ok := verifiers.Preset(name); !ok {
			t.Errorf("%s is no preset", name)
		}
	}
}
