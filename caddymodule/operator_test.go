package caddymodule_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestMonitoringLetsThroughAndMarksWhatItWouldHaveRefused(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github", "mode monitor", "max_body 1KiB")
	body := newBody()
	good := newSender(t, "github").headerOf(body)
	forged := with(good, "Webhook-Verified-Id", "forged")
	forged.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64))

	g.post("/", forged, body).wants(t, 200)
	got := app.one()
	if !bytes.Equal(got.body, body) || got.header.Get("Webhook-Verified") != "false" {
		t.Errorf("the app got %v", got.header)
	}
	for name := range got.header {
		if strings.HasPrefix(name, "Webhook-Verified-") {
			t.Errorf("the app got %s", name)
		}
	}
	for range 2 { // the second is a copy
		g.post("/", good, body).wants(t, 200)
		if got := app.one(); got.header.Get("Webhook-Verified-Provider") != "github" || got.header.Get("Webhook-Verified") != "" {
			t.Errorf("the app got %v", got.header)
		}
	}
	g.post("/", good, make([]byte, 2<<10)).wants(t, 413)
	app.none()
	for _, want := range []string{`"verdict":"unverified","reason":"signature_mismatch"`, `"verdict":"duplicate"`} {
		if !strings.Contains(g.log.text(), want) {
			t.Errorf("the log has no %s", want)
		}
	}
}

// Every reason that is met in a hundred hostile deliveries comes from the closed list, and nothing
// secret is in what the process writes: hookaido GHSA-cpfq-rj4r-hh5c, adnanh/webhook#85.
func TestLogsAndConfigHoldNoSecretNoExpectedSignatureAndNoBody(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github")
	s := newSender(t, "github")
	marker := "body-" + newID()
	body := []byte(`{"action":"` + marker + `"}`)
	expected := s.headerOf(body).Get("X-Hub-Signature-256")
	for _, signature := range []string{"", "sha256=00", "sha1=" + strings.Repeat("0", 40), "sha256=" + strings.Repeat("0", 64)} {
		header := header("X-GitHub-Event", "push")
		if signature != "" {
			header.Set("X-Hub-Signature-256", signature)
		}
		a := g.post("/", header, body).wants(t, 401)
		if a.body != "" {
			t.Errorf("the answer says %q", a.body)
		}
	}
	g.log.await(t, 4, message("webhook rejected"))
	written := g.log.text() + g.askAdmin(http.MethodGet, "/config/").wants(t, 200).body + g.askAdmin(http.MethodGet, "/metrics").wants(t, 200).body
	for name, secret := range map[string]string{"secret": secrets["github"], "expected signature": strings.TrimPrefix(expected, "sha256="), "body": marker} {
		if strings.Contains(written, secret) {
			t.Errorf("the %s is written", name)
		}
	}
	app.none()
}

func TestRulesDecideOverHTTP(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, verifyBlock("github")+"\nwebhook_route {\nrequire `body.tenant == \"acme\"`\n"+
		"event push release.* {\nrespond event\n}\nwhen `body.action in [\"opened\"]` {\nrespond when\n}\notherwise reject\n}")
	s := newSender(t, "github")
	send := func(event, members string) *answer {
		body := []byte(`{"n":"` + newID() + `"` + members + `}`)
		header := s.headerOf(body)
		header.Set("X-GitHub-Event", event)
		return g.post("/", header, body)
	}
	for _, test := range []struct {
		event, members string
		status         int
		body           string
	}{
		{"push", `,"tenant":"acme"`, 200, "event"},
		{"release.minor", `,"tenant":"acme"`, 200, "event"},
		{"issues", `,"tenant":"acme","action":"opened"`, 200, "when"},
		{"issues", `,"tenant":"acme","action":"closed"`, 403, ""},
		{"issues", `,"tenant":"acme"`, 403, ""},                     // the key is missing: no match
		{"issues", `,"tenant":"acme","action":7`, 403, ""},          // another type: no match
		{"push", `,"tenant":"other"`, 403, ""},                      // denied
		{"push", ``, 403, ""},                                       // can't be evaluated: denied
		{"push", `,"tenant":"acme","tenant":"acme"`, 403, ""},       // ambiguous: denied
		{"push", `,"tenant":"acme"} trailing`, 403, ""},             // not JSON: denied
		{"push", `,"tenant":"acme","\u0074enant":"other"`, 403, ""}, // the same key, escaped
	} {
		a := send(test.event, test.members)
		if a.status != test.status || a.body != test.body {
			t.Errorf("%s %s: answered %d %q, want %d %q", test.event, test.members, a.status, a.body, test.status, test.body)
		}
	}
	if n := g.metric("caddy_webhook_rule_errors_total", "route", "github", "rule", "require 1"); n < 3 {
		t.Errorf("%v errors of the requirement were counted", n)
	}
	app.none()
}

func TestRoutingWithoutVerificationIsRefusedUnlessToldToStandAlone(t *testing.T) {
	g := startSite(t, nil, "handle /alone {\nwebhook_route {\nstandalone\nwhen `header[\"x-kind\"] == \"a\"` {\nrespond alone\n}\notherwise reject\n}\n}\n"+
		"handle {\nwebhook_route {\nevent * {\nrespond event\n}\notherwise {\nrespond other\n}\n}\n}")
	g.post("/", nil, nil).wants(t, 403)
	g.post("/alone", header("X-Kind", "b"), nil).wants(t, 403)
	if a := g.post("/alone", header("X-Kind", "a"), nil).wants(t, 200); a.body != "alone" {
		t.Errorf("answered %q", a.body)
	}
}

func TestPlaceholdersSayWhatWasVerified(t *testing.T) {
	g := startSite(t, nil, verifyBlock("standard", "name partner")+
		"\nrespond \"{http.webhook.provider} {http.webhook.event} {http.webhook.id} {http.webhook.timestamp} {http.webhook.key} {http.webhook.verdict}\"")
	body := newBody()
	header := newSender(t, "standard").headerOf(body)
	want := strings.Join([]string{"standard", "push", header.Get("Webhook-Id"), header.Get("Webhook-Timestamp"), "current", "verified"}, " ")
	if a := g.post("/", header, body).wants(t, 200); a.body != want {
		t.Errorf("answered %q, want %q", a.body, want)
	}
}

// Floods and traps: the next good delivery is served, and no memory is held.
func TestAfterEveryKindOfBadInputTheNextDeliveryIsServed(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, verifyBlock("github")+"\nwebhook_route {\nrequire `has(body.action) || !has(body.action)`\n}\nreverse_proxy APP")
	s := newSender(t, "github")
	for name, send := range map[string]func(t *testing.T){
		"64 KiB of headers": func(t *testing.T) {
			g.dial().writeHead("/", header("X-Fill", strings.Repeat("x", 64<<10)), "Content-Length: 0").answer().wants(t, 431)
		},
		"10,000 signatures": func(t *testing.T) {
			g.post("/", header("X-Hub-Signature-256", strings.Repeat("sha256=,", 1<<10)), newBody()).wants(t, 401)
		},
		"100,000 brackets": func(t *testing.T) {
			body := []byte(`{"n":"` + newID() + `","deep":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`)
			g.post("/", s.headerOf(body), body).wants(t, 403)
		},
		"a body that stops": func(t *testing.T) {
			body := newBody()
			conn := g.dial()
			conn.writeHead("/", s.headerOf(body), "Content-Length: 100000").write(string(body))
			conn.conn.Close()
			g.log.await(t, 1, func(l logLine) bool { return l.Webhook["reason"] == "body_incomplete" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			send(t)
			app.none()
			body := newBody()
			g.post("/", s.headerOf(body), body).wants(t, 200)
			if got := app.one(); !slices.Equal(got.body, body) {
				t.Error("the app got another body")
			}
		})
	}
	if n := g.metric("caddy_webhook_in_flight_bytes"); n != 0 {
		t.Errorf("%v bytes are still held", n)
	}
}
