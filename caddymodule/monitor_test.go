package caddymodule_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
)

func TestMonitoringForwardsEverythingAndMarksWhatDidNotVerify(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github", "mode monitor", "name monitored")
	if len(g.log.find(message("deliveries that don't verify are let through: mode monitor"))) == 0 {
		t.Error("the log doesn't warn")
	}
	body := newBody()
	genuine := newSender(t, "github").headerOf(body)
	delivered := func(reason, verdict string, f func()) {
		t.Helper()
		if grew := g.increase(f, "caddy_webhook_deliveries_total", "route", "monitored", "verdict", verdict, "reason", reason); grew != 1 {
			t.Errorf("%s %s was counted %v times", verdict, reason, grew)
		}
	}

	for _, test := range []struct {
		reason string
		header http.Header
	}{
		{"signature_missing", header("X-GitHub-Event", "push", "X-GitHub-Delivery", "claimed")},
		{"signature_mismatch", with(newSenderOf(t, "github", "another-secret-than-ours").headerOf(body))},
		{"signature_malformed", header("X-Hub-Signature-256", "sha1=00")},
	} {
		for range 2 { // nothing of it is claimed
			delivered(test.reason, "unverified", func() { g.post("/", test.header, body).wants(t, 200) })
			got := app.one()
			if !bytes.Equal(got.body, body) {
				t.Errorf("the app got %q", got.body)
			}
			if got, want := fmt.Sprint(identity(got.header)), "map[webhook-verified:false]"; got != want {
				t.Errorf("the app got %s and not %s", got, want)
			}
		}
	}
	lines := g.log.find(message("webhook let through unverified"))
	if len(lines) != 6 || lines[0].Level != "warn" || lines[0].Webhook["event"] != "push" || lines[0].Webhook["id"] != "claimed" {
		t.Errorf("the log has %v", lines)
	}

	delivered("accepted", "verified", func() { g.post("/", genuine, body).wants(t, 200) })
	if got := identity(app.one().header); got["webhook-verified-key"] != "current" || got["webhook-verified"] != "" {
		t.Errorf("the app got %v", got)
	}
	for range 2 {
		delivered("already_delivered", "duplicate", func() { g.post("/", genuine, body).wants(t, 200) })
		if got := identity(app.one().header); got["webhook-verified-key"] != "current" {
			t.Errorf("the app got %v", got)
		}
	}
}

func TestMonitoringForwardsCopiesInFlight(t *testing.T) {
	app, hold := newApp(t), newHold(t)
	app.answers(hold.ServeHTTP)
	g := startVerify(t, app, "github", "mode monitor")
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	var all []*sent
	for range 3 {
		all = append(all, g.send(g.request(http.MethodPost, "/", header, bytes.NewReader(body))))
		wait(t, "the delivery", hold.arrived)
	}
	for _, s := range all {
		hold.release <- 200
		s.answer().wants(t, 200)
	}
}

// Watching must not change what an outage does to deliveries: nothing.
func TestMonitoringForwardsDuringAnOutage(t *testing.T) {
	app, store := newApp(t), newStore(t)
	g := start(t, "{\nGLOBALS\nwebhook_gateway {\nreplay webhook_test\n}\n}\nSITE {\n"+verifyBlock("github", "mode monitor")+"\nreverse_proxy APP\n}", "APP", app.address())
	store.fails(errOutage)
	body := newBody()
	g.post("/", newSender(t, "github").headerOf(body), body).wants(t, 200)
	app.one()
}

func TestTheLimitsHoldWhileMonitoring(t *testing.T) {
	app := newApp(t)
	g := start(t, "{\nGLOBALS\nwebhook_gateway {\nbody_timeout 200ms\n}\n}\nSITE {\n"+verifyBlock("github", "mode monitor", "max_body 1KiB")+"\nreverse_proxy APP\n}", "APP", app.address())
	large := bytes.Repeat([]byte("x"), 1025)
	g.post("/", nil, large).wants(t, 413)
	g.dial().writeHead("/", nil, "Content-Length: 9").write("short").ends().answer().wants(t, 400)
	g.dial().writeHead("/", nil, "Content-Length: 9").write("short").answer().wants(t, 408)
	g.do(g.request(http.MethodGet, "/", nil, nil)).wants(t, 405)
	app.none()
}
