package caddymodule_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// site is a whole Caddyfile of one site.
func site(directives string) string { return "{\nGLOBALS\n}\nSITE {\nlog\n" + directives + "\n}\n" }

// A reload that forgets its claims lets every delivery through once more: hookaido#209; a rejected
// one too: caddy-ratelimit's Cleanup. Collectors that belong to a configuration start at zero with
// the next: caddy-ratelimit PR#85.
func TestAReloadAcceptedOrRejectedKeepsClaimsAndCounts(t *testing.T) {
	verify := verifyBlock("github") + "\nreverse_proxy APP"
	for _, test := range []struct {
		name, caddyfile string
		status          int
	}{
		{"the same again", site(verify), 200},
		{"changed", site(verifyBlock("github", "max_body 1MiB", "replay_window 48h") + "\nreverse_proxy APP"), 200},
		{"a smaller store", "{\nGLOBALS\nwebhook_gateway {\nreplay memory {\nmax_entries 500\n}\n}\n}\nSITE {\nlog\n" + verify + "\n}", 200},
		{"without webhooks", site("respond 404"), 200},
		{"rejected by us", site(verifyBlock("github", "secret {env.NOT_SET}") + "\nreverse_proxy APP"), 400},
		{"rejected by another module", site(verify + "\nbasic_auth {\nuser not-a-hash\n}"), 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			app := newApp(t)
			g := startVerify(t, app, "github")
			body := newBody()
			header := newSender(t, "github").headerOf(body)
			accepted := []string{"caddy_webhook_deliveries_total", "route", "github", "reason", "accepted"}
			before := g.metric(accepted[0], accepted[1:]...)
			g.post("/", header, body).wants(t, 200)
			app.one()

			if status, text := g.reload(test.caddyfile); status != test.status {
				t.Fatalf("the reload was answered %d: %s", status, text)
			}
			if test.name == "without webhooks" {
				if status, text := g.reload(site(verify)); status != 200 {
					t.Fatalf("the reload was answered %d: %s", status, text)
				}
			}
			g.client.CloseIdleConnections() // the old listener closes them
			g.post("/", header, body).wants(t, 200)
			app.none()
			if got := g.metric(accepted[0], accepted[1:]...) - before; got != 1 {
				t.Errorf("%v deliveries were counted as accepted and not 1", got)
			}
		})
	}
}

func TestADeliveryInFlightSurvivesAReload(t *testing.T) {
	app, hold := newApp(t), newHold(t)
	app.answers(hold.ServeHTTP)
	g := startVerify(t, app, "github")
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	first := g.send(g.request(http.MethodPost, "/", header, bytes.NewReader(body)))
	wait(t, "the delivery", hold.arrived)
	if status, text := g.reload(site(verifyBlock("github") + "\nreverse_proxy APP")); status != 200 {
		t.Fatalf("the reload was answered %d: %s", status, text)
	}
	g.post("/", header, body).wants(t, 409)
	hold.release <- 200
	first.answer().wants(t, 200)
	g.post("/", header, body).wants(t, 200)
	app.one()
}

// A reload that takes the check away for a moment is an open gate: hookaido GHSA-rcpp-44rf-jxvj.
func TestNothingUnsignedGetsInWhileConfigurationsChange(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github")
	config := g.adapt(site(verifyBlock("github") + "\nreverse_proxy APP"))
	done := make(chan error, 1)
	go func() {
		for range 10 {
			if err := caddy.Load(config, true); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	header := header("X-Hub-Signature-256", "sha256=0000000000000000000000000000000000000000000000000000000000000000")
	for sent := 0; ; sent++ {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			if sent == 0 {
				t.Fatal("nothing was sent")
			}
			app.none()
			return
		default:
		}
		// The listener changes hands, so a connection may fail; an answer must be a refusal.
		if a, err := exchange(g.client, g.request(http.MethodPost, "/", header, bytes.NewReader(newBody()))); err == nil {
			a.wants(t, 401)
		}
	}
}
