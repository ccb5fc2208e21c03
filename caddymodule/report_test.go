package caddymodule_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/hookseal/hookseal/verifiers"
)

// reporting is a site that shows the placeholders in its answers and sends events to the test.
const reporting = `{
GLOBALS
events {
	on webhook_verified webhook_test
	on webhook_rejected webhook_test
	on webhook_duplicate webhook_test
}
}
SITE {
log
header X-Said "{http.webhook.provider}/{http.webhook.event}/{http.webhook.id}/{http.webhook.timestamp}/{http.webhook.key}"
header >X-Became "{http.webhook.verdict}/{http.webhook.reason}"
handle_errors {
	header X-Said "{http.webhook.provider}/{http.webhook.event}/{http.webhook.id}/{http.webhook.timestamp}/{http.webhook.key}"
	header X-Became "{http.webhook.verdict}/{http.webhook.reason}"
	respond {err.status_code}
}
route /stripe {
	webhook_verify stripe {
		name payments
		secret {env.SECRET_OF_STRIPE} rolled
		max_body 1KiB
	}
	webhook_test_hook app
	respond "{http.webhook.provider}/{http.webhook.event}/{http.webhook.id}/{http.webhook.timestamp}/{http.webhook.key}/{http.webhook.verdict}/{http.webhook.reason}"
}
route /monitored {
	webhook_verify github {
		name monitored
		mode monitor
		secret {env.SECRET_OF_GITHUB}
	}
	respond "{http.webhook.verdict}/{http.webhook.reason}"
}
}`

// One outcome goes to the status, the log, the access log, the event bus, the placeholders and the
// metrics, and all of them say the same.
func TestEverybodyIsToldTheSameOutcome(t *testing.T) {
	g := start(t, reporting)
	s := newSender(t, "stripe")
	at := time.Now().Add(-time.Minute)
	body := newBody()
	genuine := s.sign(verifiers.Message{Body: body, Time: at})
	app500 := newBody()

	for _, test := range []struct {
		name            string
		path            string
		header          http.Header
		body            []byte
		appAnswers      int
		status          int
		verdict, reason string
		message, level  string
		event           string
		known           bool // id, event, time and key are
	}{
		{"delivered", "/stripe", genuine, body, 200, 200, "verified", "accepted", "webhook delivered", "debug", "webhook_verified", true},
		{"a copy", "/stripe", genuine, body, 200, 200, "duplicate", "already_delivered", "webhook is a duplicate", "info", "webhook_duplicate", true},
		{"not accepted", "/stripe", s.sign(verifiers.Message{Body: app500, Time: at}), app500, 500, 500, "verified", "not_accepted", "webhook not accepted by the app: its claim is given back", "warn", "webhook_verified", true},
		{"forged", "/stripe", newSenderOf(t, "stripe", "another-secret-than-ours").headerOf(body), body, 0, 401, "rejected", "signature_mismatch", "webhook rejected", "info", "webhook_rejected", false},
		{"unsigned", "/stripe", nil, body, 0, 401, "rejected", "signature_missing", "webhook rejected", "info", "webhook_rejected", false},
		{"large", "/stripe", genuine, bytes.Repeat(body, 20), 0, 413, "rejected", "body_too_large", "webhook rejected", "info", "webhook_rejected", false},
		{"unverified", "/monitored", nil, body, 0, 200, "unverified", "signature_missing", "webhook let through unverified", "warn", "webhook_rejected", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := g.within(t)
			setHook(t, "app", func(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
				if test.appAnswers != 200 {
					w.WriteHeader(test.appAnswers)
					return nil
				}
				return next.ServeHTTP(w, r)
			})
			route, provider := "payments", "stripe"
			if test.path == "/monitored" {
				route, provider = "monitored", "github"
			}
			openLog()
			var a *answer
			grew := g.increase(func() { a = g.post(test.path, test.header, test.body).wants(t, test.status) },
				"caddy_webhook_deliveries_total", "route", route, "provider", provider, "verdict", test.verdict, "reason", test.reason)
			if grew != 1 {
				t.Errorf("the metric grew by %v", grew)
			}

			want := map[string]string{"route": route, "provider": provider, "verdict": test.verdict, "reason": test.reason}
			said := provider + "////"
			if test.known {
				want["event"], want["id"], want["timestamp"], want["key"] = "push", strings.Split(string(test.body), `"`)[3], fmt.Sprint(at.Unix()), "rolled"
				said = fmt.Sprintf("stripe/push/%s/%d/rolled", want["id"], at.Unix())
			}
			for where, match := range map[string]func(logLine) bool{"log": message(test.message), "access log": access(test.path)} {
				line := g.log.await(t, 1, match)[0]
				if len(line.Webhook["claim"]) == 64 == !test.known {
					t.Errorf("the %s has the claim %q", where, line.Webhook["claim"])
				}
				delete(line.Webhook, "claim")
				if fmt.Sprint(line.Webhook) != fmt.Sprint(want) {
					t.Errorf("the %s says %v and not %v", where, line.Webhook, want)
				}
				if where == "log" && (line.Level != test.level || line.Logger != "http.handlers.webhook_verify") {
					t.Errorf("logged as %s by %s", line.Level, line.Logger)
				}
			}

			e := wait(t, "an event", events)
			if e.name != test.event {
				t.Errorf("event %s and not %s", e.name, test.event)
			}
			for _, key := range []string{"event", "id", "timestamp", "key"} {
				if _, ok := want[key]; !ok {
					want[key] = ""
				}
			}
			if got := fmt.Sprint(e.data); got != fmt.Sprint(want) {
				t.Errorf("the event says %s and not %v", got, want)
			}
			if len(events) != 0 {
				t.Error("more than one event")
			}

			switch {
			case test.status >= 400 && test.appAnswers == 0, test.verdict == "duplicate":
				if got := a.header.Get("X-Became"); got != test.verdict+"/"+test.reason {
					t.Errorf("placeholders: %q", got)
				}
				if got := a.header.Get("X-Said"); test.status >= 400 && got != said {
					t.Errorf("placeholders: %q and not %q", got, said)
				}
			case test.status == 200 && test.known:
				if a.body != said+"/verified/" {
					t.Errorf("placeholders: %q and not %q", a.body, said)
				}
			case test.verdict == "unverified":
				if a.body != "unverified/"+test.reason {
					t.Errorf("placeholders: %q", a.body)
				}
			}
		})
	}
}

// Labels come from the configuration and from closed lists: no sender can make a series.
func TestNoSenderCanMakeASeries(t *testing.T) {
	g := start(t, strings.ReplaceAll(decisionsFor("series"), "decisions", "series"))
	body := newBody()
	g.post("/", newSender(t, "github").headerOf(body), body)
	series := func() int {
		n := 0
		for line := range strings.SplitSeq(g.askAdmin(http.MethodGet, "/metrics").wants(t, 200).body, "\n") {
			if strings.HasPrefix(line, "caddy_webhook_") {
				n++
			}
		}
		return n
	}
	before := series()
	for n := range 50 {
		body := newBody()
		h := newSender(t, "github").sign(verifiers.Message{ID: newID(), Event: fmt.Sprint("event-", n), Body: body})
		g.post(fmt.Sprint("/", n), h, body)
		g.post(fmt.Sprint("/", n), header("X-Hub-Signature-256", fmt.Sprint("sha", n, "=00"), "X-GitHub-Event", fmt.Sprint(n)), body)
	}
	if after := series(); after != before || before == 0 {
		t.Errorf("%d series became %d", before, after)
	}
}

// decisionsFor is the site decisions as a whole Caddyfile.
func decisionsFor(name string) string {
	return "{\nGLOBALS\n}\nSITE {\n" + strings.ReplaceAll(decisions, "name decisions", "name "+name) + "\n}"
}

func TestVerificationAndBodiesAreMeasured(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github", "name measured")
	body := newBody()
	h := newSender(t, "github").headerOf(body)
	for _, name := range []string{"caddy_webhook_verification_seconds_count", "caddy_webhook_body_bytes_count"} {
		if grew := g.increase(func() {
			g.post("/", h, body).wants(t, 200)
			g.post("/", header("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64)), body).wants(t, 401)
			g.post("/", nil, body).wants(t, 401) // not read, not verified
		}, name, "route", "measured", "provider", "github"); grew != 2 {
			t.Errorf("%s: %v observations and not 2", name, grew)
		}
	}
	if n := g.metric("caddy_webhook_replay_entries"); n < 1 {
		t.Errorf("%v replay entries", n)
	}
}
