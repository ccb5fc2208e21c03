package caddymodule_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hookseal/hookseal/verifiers"
)

// identity returns the fields of a header that an app could take for ours, whatever it does with
// the names.
func identity(h http.Header) map[string]string {
	found := make(map[string]string)
	for name, values := range h {
		folded := strings.Map(func(r rune) rune {
			if r == '_' || r == '.' {
				return '-'
			}
			return r
		}, strings.ToLower(name))
		if strings.HasPrefix(folded, "webhook-verified") {
			found[folded] += strings.Join(values, "|")
		}
	}
	return found
}

// A client's own "verified" header must not reach the app under any spelling that becomes the same
// name in a WSGI, CGI or PHP app. Caddy drops names with underscores and dots by itself, unless a
// server is told to expect them.
func TestAClientCanNotSayThatItWasVerified(t *testing.T) {
	app := newApp(t)
	g := start(t, `{
GLOBALS
servers {
	expected_underscore_headers Webhook_Verified_* Webhook_Verified webhook-verified_id
	expected_dot_headers Webhook.Verified.* Webhook.Verified
}
}
SITE {
	handle /verified {
		`+verifyBlock("stripe")+`
		reverse_proxy APP
	}
	handle /monitored {
		`+verifyBlock("github", "mode monitor")+`
		reverse_proxy APP
	}
	reverse_proxy APP
}`, "APP", app.address())
	forged := []string{
		"Webhook-Verified: true", "webhook-verified-id: forged", "WEBHOOK-VERIFIED-KEY: forged", "Webhook-Verified-Provider: forged",
		"Webhook_Verified_Id: forged", "webhook_verified_event: forged", "Webhook_Verified: true", "Webhook-Verified_Id: forged",
		"Webhook.Verified.Id: forged", "webhook.verified: true", "Webhook-Verified-Timestamp: 1", "Webhook-Verified-Timestamp: 2",
		"Webhook-Verified-Anything: forged", "Webhook-VerifiedX: forged", "wEbHoOk-VeRiFiEd-EvEnT: forged",
	}
	body := newBody()
	header := newSender(t, "stripe").headerOf(body)
	g.dial().writeHead("/verified", header, append(forged, contentLength(body))...).write(string(body)).answer().wants(t, 200)
	got := identity(app.one().header)
	at := strings.TrimPrefix(strings.Split(header.Get("Stripe-Signature"), ",")[0], "t=")
	want := map[string]string{
		"webhook-verified-provider": "stripe", "webhook-verified-event": "push", "webhook-verified-key": "current",
		"webhook-verified-id": strings.Split(string(body), `"`)[3], "webhook-verified-timestamp": at,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the app got %v and not %v", got, want)
	}

	body = newBody()
	g.dial().writeHead("/monitored", nil, append(forged, contentLength(body))...).write(string(body)).answer().wants(t, 200)
	got = identity(app.one().header)
	if want := map[string]string{"webhook-verified": "false"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the app got %v and not %v", got, want)
	}

	// Without us they would have arrived.
	g.dial().writeHead("/", nil, forged...).answer().wants(t, 200)
	if got := app.one().header; got["Webhook_verified_id"] == nil || got["Webhook.verified.id"] == nil {
		t.Errorf("the app got %v", got)
	}
}

// A proxy removes the fields that the client's Connection field names, ours among them.
func TestAClientsConnectionFieldCanNotTakeOurHeadersAway(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github")
	for _, lines := range [][]string{
		{"Connection: Webhook-Verified-Id"},
		{"Connection: close, webhook-verified-key, WEBHOOK-VERIFIED-PROVIDER"},
		{"Connection: close ,\twebhook-verified-id ,,", "Connection: X-Drop, Webhook-Verified-Event", "connection: Webhook-Verified"},
		{"Connection: keep-alive"},
	} {
		body := newBody()
		header := newSender(t, "github").headerOf(body)
		g.dial().writeHead("/", header, append(lines, contentLength(body), "X-Drop: me")...).write(string(body)).answer().wants(t, 200)
		received := app.one()
		got := identity(received.header)
		want := map[string]string{
			"webhook-verified-provider": "github", "webhook-verified-event": "push", "webhook-verified-key": "current",
			"webhook-verified-id": header.Get("X-GitHub-Delivery"),
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: the app got %v and not %v", lines, got, want)
		}
		if dropped := received.header.Get("X-Drop") == ""; dropped != strings.Contains(fmt.Sprint(lines), "X-Drop") {
			t.Errorf("%q: the other names in the field must keep their meaning", lines)
		}
	}
}

// Values come from whoever signs, or from unsigned headers. They must not be able to end a header
// field or a log line.
func TestIdentityNeverCarriesControlCharacters(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, "handle /stripe {\n"+verifyBlock("stripe")+"\nreverse_proxy APP\n}\nhandle /github {\n"+verifyBlock("github")+"\nreverse_proxy APP\n}")
	for _, text := range []string{"a\\r\\nX-Evil: yes", "a\\nb", "a\\u0000b", "a\\tb", "a\\u007fb", "a\\u0085b", "\\u001b[31m", " a ", strings.Repeat("a", 1000), "\\ud800"} {
		for _, template := range []string{`{"id":"` + newID() + `","type":"%s"}`, `{"id":"%s","type":"push","n":"` + newID() + `"}`} {
			body := fmt.Appendf(nil, template, text)
			a := g.post("/stripe", newSender(t, "stripe").headerOf(body), body).wants(t, 200)
			if a.body != "" {
				t.Errorf("says %q", a.body)
			}
			got := app.one()
			if got.header.Get("X-Evil") != "" {
				t.Errorf("%s: a header field was smuggled in: %v", body, got.header)
			}
			for name, value := range identity(got.header) {
				if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffd' }) || len(value) > 512 || value != strings.TrimSpace(value) {
					t.Errorf("%s: %q", name, value)
				}
			}
		}
	}
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	header["X-Github-Event"] = []string{strings.Repeat("e", 600)}
	g.post("/github", header, body).wants(t, 200)
	if got := app.one().header.Get("Webhook-Verified-Event"); got != "" {
		t.Errorf("an event of %d bytes", len(got))
	}
}

// An empty or absent value is no field: an app can tell "no id" from "the id is empty".
func TestWhatADeliveryDoesNotHaveIsNotSaid(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github")
	body := newBody()
	header := newSender(t, "github").sign(verifiers.Message{Body: body})
	g.post("/", header, body).wants(t, 200)
	if got := identity(app.one().header); fmt.Sprint(got) != fmt.Sprint(map[string]string{"webhook-verified-provider": "github", "webhook-verified-key": "current"}) {
		t.Errorf("the app got %v", got)
	}
}
