package caddymodule

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

const criteriaCaddyfile = `hooks.example.com {
	handle /in {
		webhook_verify acme {
			name of-acme
			secret {env.CRITERIA_OLD} old {
				not_after 2026-01-01T00:00:00Z
			}
			secret {env.CRITERIA_NEW} new {
				not_before 2025-12-01T00:00:00Z
			}
			public_url https://hooks.example.com
			tolerance 10m
			custom {
				signature header:X-Acme-Signature
				timestamp header:X-Acme-Time
				content {timestamp}.{url}.{body}
			}
		}
		webhook_route {
			otherwise reject
		}
	}
	handle /short {
		webhook_verify github {
			secret {env.CRITERIA_SHORT}
		}
	}
	handle /weak {
		webhook_verify aws-sns {
			secret {env.CRITERIA_TOPIC}
		}
	}
}
`

// criteriaFile writes the Caddyfile, and returns its path and a message that acme signed with a secret at a time.
func criteriaFile(t *testing.T, secret string, at time.Time) (path, message string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(path, []byte(criteriaCaddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CRITERIA_OLD", "an-old-secret-of-acme-hush")
	t.Setenv("CRITERIA_NEW", "a-new-secret-of-acme-hush")
	a, err := adaptFile(path, []byte(criteriaCaddyfile))
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifiers.New(*a.verifies()[0].Scheme, []verifiers.Secret{verifiers.NewSecret("", secret)}, verifiers.Options{PublicURL: "https://hooks.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(verifiers.Message{Time: at, Body: []byte(capturedBody), Method: "POST", Target: "/in"})
	if err != nil {
		t.Fatal(err)
	}
	return path, rawMessage(header, capturedBody)
}

// A scheme of one's own is judged with all that its route says: its secrets, their times, its tolerance, its URL.
func TestADeliveryIsJudgedByARouteOfACaddyfile(t *testing.T) {
	before := time.Date(2025, 12, 15, 0, 0, 0, 0, time.UTC)
	after := time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		secret string
		at     time.Time
		later  time.Duration
		args   []string
		want   []string
	}{
		"the path's route":     {"a-new-secret-of-acme-hush", after, 0, nil, []string{"pass: a genuine delivery of acme", "secret 2 of the 2"}},
		"a route by its name":  {"an-old-secret-of-acme-hush", before, 0, []string{"--route", "of-acme"}, []string{"pass: ", "secret 1 of the 2"}},
		"its tolerance":        {"a-new-secret-of-acme-hush", after, 9 * time.Minute, nil, []string{"pass: "}},
		"another tolerance":    {"a-new-secret-of-acme-hush", after, 9 * time.Minute, []string{"--tolerance", "1m"}, []string{"fail: timestamp_too_old"}},
		"a secret out of use":  {"an-old-secret-of-acme-hush", after, 0, nil, []string{"fail: signature_mismatch", "not in use at the time of judging", "secret 1 of the 2"}},
		"another URL":          {"a-new-secret-of-acme-hush", after, 0, []string{"--public-url", "http://hooks.example.com"}, []string{"fail: ", "change public_url"}},
		"a secret of the flag": {"yet-another-of-acme-hush", after, 0, []string{"--secret-env", "CRITERIA_OTHER"}, []string{"pass: "}},
		"another secret":       {"yet-another-of-acme-hush", after, 0, nil, []string{"fail: signature_mismatch", "nothing that usually goes wrong"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CRITERIA_OTHER", "yet-another-of-acme-hush")
			path, message := criteriaFile(t, test.secret, test.at)
			out, err := runCommand(message, append([]string{"verify", "--config", path, "--now", test.at.Add(test.later).Format(time.RFC3339)}, test.args...)...)
			for _, want := range test.want {
				if !strings.Contains(out, want) {
					t.Errorf("lacks %q: %v\n%s", want, err, out)
				}
			}
			if strings.Contains(out+fmt.Sprint(err), "hush") {
				t.Errorf("a secret is printed:\n%s", out)
			}
		})
	}
}

// What verifies, and what the route isn't configured to let in, fails for that.
func TestWhatARouteDoesNotLetInFails(t *testing.T) {
	at := time.Now()
	path, message := criteriaFile(t, "a-new-secret-of-acme-hush", at)
	t.Setenv("CRITERIA_SHORT", "short-hush")
	out, err := runCommand(strings.Replace(message, "POST", "PUT", 1), "verify", "--config", path)
	if err == nil || !strings.HasPrefix(out, "fail: method_not_allowed (the delivery is a PUT: the route needs methods PUT)\n") {
		t.Errorf("got error %v and:\n%s", err, out)
	}
	github, _ := verifiers.Preset("github")
	v, err := verifiers.New(github, []verifiers.Secret{verifiers.NewSecret("", "short-hush")}, verifiers.Options{AllowShort: true})
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(verifiers.Message{Body: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	out, err = runCommand(rawMessage(header, "{}"), "verify", "--config", path, "--route", "github")
	if err == nil || !strings.HasPrefix(out, "fail: configuration (the gateway doesn't load the route: ") || !strings.Contains(out, "allow_short") || strings.Contains(out, "hush") {
		t.Errorf("got error %v and:\n%s", err, out)
	}

	// Without a Caddyfile it is noted what the route needs.
	t.Setenv("DOCTOR_SECRET", "short-hush")
	out, err = runCommand(strings.Replace(rawMessage(header, "{}"), "POST", "PUT", 1), "verify", "--provider", "github", "--secret-env", "DOCTOR_SECRET")
	if err != nil || !strings.Contains(out, "the route needs methods PUT") || !strings.Contains(out, "allow_short") {
		t.Errorf("got error %v and:\n%s", err, out)
	}
}

// A key that is given in a file is asked for nowhere; SNS's first version is weak, which the route has to allow.
func TestADeliveryVerifiesWithAKeyOfAFile(t *testing.T) {
	for _, name := range []string{"aws-sns", "paypal", "plaid"} {
		t.Run(name, func(t *testing.T) {
			for _, v := range capturedVectors(t, name) {
				if v.Valid == nil || len(v.Secrets) != 1 {
					continue
				}
				t.Setenv("DOCTOR_SECRET", v.Secrets[0].Text)
				file := filepath.Join(t.TempDir(), "key")
				for _, key := range v.Keys {
					if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				args := []string{"verify", "--provider", name, "--secret-env", "DOCTOR_SECRET", "--key-file", file, "--now", fmt.Sprint(v.Now)}
				out, err := runCommand(v.message(), args...)
				if err != nil || !strings.HasPrefix(out, "pass: a genuine delivery of "+name) {
					t.Errorf("%s: got error %v and:\n%s", v.Name, err, out)
				}
				if name == "aws-sns" && strings.Contains(v.Body, `"SignatureVersion" : "1"`) && !strings.Contains(out, "allow_weak") {
					t.Errorf("%s: nobody says that the route needs allow_weak:\n%s", v.Name, out)
				}
				// A key that is none can't be checked with, and says nothing of the delivery.
				if err := os.WriteFile(file, []byte("hush"), 0o600); err != nil {
					t.Fatal(err)
				}
				out, err = runCommand(v.message(), args...)
				if err == nil || !strings.HasPrefix(out, "fail: could_not_check ") || !strings.Contains(out, "--key-file") || strings.Contains(out, "hush") {
					t.Errorf("%s: got error %v and:\n%s", v.Name, err, out)
				}
				for _, key := range v.Keys {
					if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				// What became of the body is found out with the key too.
				out, err = runCommand(strings.Replace(v.message(), v.Body, v.Body+" ", 1), append(args, "--json")...)
				if name == "plaid" && (err == nil || !strings.Contains(out, `"body"`)) {
					t.Errorf("%s: got error %v and:\n%s", v.Name, err, out)
				}
				return
			}
			t.Error("no vector")
		})
	}
}

func TestCriteriaThatMakeNoSenseAreRefused(t *testing.T) {
	path, message := criteriaFile(t, "a-new-secret-of-acme-hush", time.Now())
	t.Setenv("DOCTOR_SECRET", "hush-hush-hush-hush")
	secret := []string{"--secret-env", "DOCTOR_SECRET"}
	key := append([]string{"--key-file", path}, secret...)
	for _, test := range []struct {
		args []string
		want string
	}{
		{append([]string{"--provider", "github", "--config", path}, secret...), "give --provider, or --config"},
		{append([]string{"--provider", "github", "--route", "x"}, secret...), "--route is one of the Caddyfile"},
		{append([]string{"--provider", "acme"}, secret...), "name a Caddyfile that describes it with --config"},
		{[]string{"--config", path, "--route", "x"}, `--route "x" is none of of-acme, github or aws-sns`},
		{[]string{"--config", path, "--url", "https://hooks.example.com/elsewhere"}, "name the webhook_verify with --route: of-acme, github or aws-sns"},
		{[]string{"--config", path, "--route", "github"}, "secret 1: {env.CRITERIA_SHORT} is not set or empty: set it, or give the secret with"},
		{[]string{"--config", path + "-not-there"}, "no such file"},
		{append([]string{"--config", path, "--secret-file", "x"}, secret...), "one of --secret-env and --secret-file"},
		{append([]string{"--provider", "github"}, key...), "--key-file: github signs with no key that is fetched"},
		{append([]string{"--provider", "github", "--headers", "-", "--body", "-"}, secret...), "can't both be standard input"},
	} {
		out, err := runCommand(message, append([]string{"verify"}, test.args...)...)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(out+err.Error(), "hush") {
			t.Errorf("%q: got error %v and %q", test.args, err, out)
		}
	}
}

func TestAHeaderAndABodyOfFilesVerify(t *testing.T) {
	at := time.Now()
	header := signedFields(t, "github", capturedBody, at)
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	signature := header.Get("X-Hub-Signature-256")
	for _, text := range []string{
		"X-GitHub-Event: push\nX-Hub-Signature-256: " + signature + "\n",
		fmt.Sprintf(`{"x-github-event":"push","x-hub-signature-256":[%q]}`, signature),
	} {
		out, err := runCommand("", "verify", "--provider", "github", "--secret-env", "DOCTOR_SECRET", "--headers", write("header", text), "--body", write("body", capturedBody))
		if err != nil || !strings.Contains(out, `event "push"`) {
			t.Errorf("got error %v and:\n%s", err, out)
		}
	}
	// A command line may name the file of its body, if it is one.
	command := "curl https://hooks.example.com/in -H 'X-Hub-Signature-256: " + signature + "' --data-binary @"
	for name, works := range map[string]bool{write("body", capturedBody): true, folder: false, "/dev/zero": false, filepath.Join(folder, "none"): false} {
		out, err := runCommand(command+name, "verify", "--provider", "github", "--secret-env", "DOCTOR_SECRET")
		if (err == nil) != works {
			t.Errorf("%s: got error %v and:\n%s", name, err, out)
		}
	}
}
