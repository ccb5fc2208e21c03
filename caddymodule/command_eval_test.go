package caddymodule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

const evalCaddyfile = `hooks.example.com {
	handle /github* {
		webhook_verify github {
			secret {env.EVAL_SECRET} current
		}
		webhook_route {
			require ` + "`body.amount < 1000`" + `
			event release {
				respond 200
			}
			when ` + "`body.absent == 1`" + ` {
				respond 201
			}
			when ` + "`event == \"push\" && key == \"current\" && body.type == \"invoice.paid\"`" + ` {
				respond 202
			}
			otherwise reject
		}
	}
	handle /forgotten {
		webhook_route {
			event push {
				respond 200
			}
		}
	}
	handle /client {
		webhook_route {
			standalone
			when ` + "`cidr(\"10.0.0.0/8\")`" + ` {
				respond 200
			}
		}
	}
	handle /other {
		webhook_route {
			standalone
			require ` + "`method == \"PUT\"`" + `
			otherwise reject
		}
	}
}
`

func TestEvalShowsWhatEachRuleCameTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(path, []byte(evalCaddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	header := signedFields(t, "github", capturedBody, time.Now())
	message := rawMessage(header, capturedBody)
	github, _ := verifiers.Preset("github")
	t.Setenv("EVAL_SECRET", github.SampleSecret())

	out, err := runCommand(message, "eval", "--config", path, "--path", "/github")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"webhook_route at Caddyfile:6\n", `provider "github", event "push", id "evt_1", verified: yes`,
		"require 1  body.amount < 1000\n             is true; cost ", "; reads body.amount\n",
		"rule 1     event release\n             event matches: false\n",
		"rule 2     body.absent == 1\n             can't be evaluated, at 1:5: no such key or index (missing_key); cost ",
		"             is true; cost ", "; reads body.type, event, key\n", "  => rule 3 at Caddyfile:14\n",
	} {
		if !strings.Contains(out, part) {
			t.Errorf("lacks %q:\n%s", part, out)
		}
	}

	// In JSON, with another body: not verified, and refused.
	out, err = runCommand(rawMessage(header, `{"amount":5000}`), "eval", "--config", path, "--path", "/github/x", "--json")
	if err == nil || err.Error() != "the delivery would be refused" {
		t.Errorf("got error %v", err)
	}
	var got []outcome
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Decision != "refused before the rules, which would come to: refused by require 1" || got[0].Verified != "signature does not match" || got[0].Event != "push" || len(got[0].Rules) != 4 {
		t.Errorf("got %+v", got)
	}
	if strings.Contains(out, "5000") {
		t.Errorf("the body is printed:\n%s", out)
	}

	// One that the rules would let in is refused all the same, if it doesn't verify.
	out, err = runCommand(rawMessage(header, `{"amount":5,"type":"invoice.paid"}`), "eval", "--config", path, "--path", "/github")
	if err == nil || !strings.Contains(out, "  => refused before the rules, which would come to: no rule: otherwise reject\n") {
		t.Errorf("got error %v and:\n%s", err, out)
	}

	// Without the secret the rules see what the delivery claims.
	t.Setenv("EVAL_SECRET", "")
	out, _ = runCommand(message, "eval", "--config", path, "--path", "/github", "--event", "release")
	if !strings.Contains(out, "verified: secret 1: {env.EVAL_SECRET} is not set or empty\n") || !strings.Contains(out, "  => rule 1 at Caddyfile:8\n") {
		t.Errorf("got:\n%s", out)
	}

	// Of several paths it is the one that was asked for.
	out, err = runCommand(message, "eval", "--config", path, "--path", "/other")
	if err == nil || !strings.Contains(out, "webhook_route at Caddyfile:36\n") || !strings.Contains(out, "  => refused by require 1\n") {
		t.Errorf("got error %v and:\n%s", err, out)
	}
	// Where nobody verifies, and the rules don't stand alone, the answer is 403.
	out, err = runCommand(message, "eval", "--config", path, "--path", "/forgotten", "--event", "push")
	if err == nil || !strings.Contains(out, "  => refused before the rules, which would come to: rule 1 at Caddyfile:22\n") {
		t.Errorf("got error %v and:\n%s", err, out)
	}

	// Rules may ask for the client, of whom no capture knows.
	for client, decision := range map[string]string{"10.1.2.3": "rule 1 at Caddyfile:30", "192.0.2.1": "no rule: it goes on to the next handler", "": "no rule: it goes on to the next handler"} {
		out, _ = runCommand(message, "eval", "--config", path, "--path", "/client", "--client", client)
		if !strings.Contains(out, "  => "+decision+"\n") || strings.Contains(out, "can't be evaluated") != (client == "") {
			t.Errorf("%s: got\n%s", client, out)
		}
	}
	if _, err := runCommand(message, "eval", "--config", path, "--path", "/client", "--client", "x"); err == nil || !strings.Contains(err.Error(), "--client") {
		t.Errorf("got error %v", err)
	}
	if _, err := runCommand(message, "eval", "--config", path, "--path", "/nowhere"); err == nil || err.Error() != "no webhook_route is on the way of /nowhere" {
		t.Errorf("got error %v", err)
	}
}

func TestPathsMatchAsCaddyMatchesThem(t *testing.T) {
	for _, test := range []struct {
		pattern, path string
		want          bool
	}{
		{"/a", "/a", true}, {"/a", "/a/", false}, {"/a*", "/ab", true}, {"/a/*", "/a", false}, {"*.json", "/x.json", true}, {"*b*", "/abc", true}, {"*", "/", true},
	} {
		if got := matchesPath(test.pattern, test.path); got != test.want {
			t.Errorf("%s matches %s: got %t", test.pattern, test.path, got)
		}
	}
}
