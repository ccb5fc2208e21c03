package caddymodule_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// reloadable is a configuration with something to change in it.
func reloadable(comment string) string {
	return "{\nGLOBALS\n}\nSITE {\nlog\nheader X-Config " + comment + "\n" + verifyBlock("github") + "\nreverse_proxy APP\n}\n"
}

// broken are configurations that are rejected, each in another step of loading it.
var broken = map[string]string{
	"the route doesn't provision": "{\nGLOBALS\n}\nSITE {\n" + verifyBlock("github") + "\nreverse_proxy APP\n}\nhttp://OTHER {\nwebhook_verify stripe {\nsecret {env.NEVER_SET_ANYWHERE}\n}\n}",
	"another app doesn't start":   "{\nGLOBALS\n}\nSITE {\n" + verifyBlock("github") + "\nreverse_proxy APP\n}\nhttp://TAKEN {\nrespond 200\n}",
}

// hookaido#209, and the Cleanup of caddy-ratelimit after a reload that was rejected: the claims were
// forgotten and every captured delivery could be replayed.
func TestClaimsOutliveReloads(t *testing.T) {
	app := newApp(t)
	taken := newApp(t)
	g := start(t, reloadable("first"), "APP", app.address(), "OTHER", freeAddress(t), "TAKEN", taken.address())
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	g.post("/", header, body).wants(t, 200)
	app.one()
	stillClaimed := func(when, config string) {
		t.Helper()
		a := g.postAfterReload("/", header, body).wants(t, 200)
		app.none()
		if got := a.header.Get("X-Config"); got != config {
			t.Fatalf("%s: answered by configuration %q and not %q", when, got, config)
		}
	}
	stillClaimed("before", "first")

	if status, text := g.reload(reloadable("second")); status != 200 {
		t.Fatal(text)
	}
	stillClaimed("after a reload", "second")

	for name, caddyfile := range broken {
		if status, _ := g.reload(caddyfile); status == 200 {
			t.Fatalf("%s: the configuration was accepted", name)
		}
		stillClaimed(name, "second")
	}

	// Not even a configuration without webhooks lets them go: the one after it would let all in.
	if status, text := g.reload("{\nGLOBALS\n}\nSITE {\nrespond 404\n}"); status != 200 {
		t.Fatal(text)
	}
	g.postAfterReload("/", header, body).wants(t, 404)
	if status, text := g.reload(reloadable("third")); status != 200 {
		t.Fatal(text)
	}
	stillClaimed("after a configuration without webhooks", "third")

	body = newBody()
	g.postAfterReload("/", newSender(t, "github").headerOf(body), body).wants(t, 200)
	app.one()
}

// postAfterReload sends a body that may be sent twice.
func (g *gateway) postAfterReload(path string, header http.Header, body []byte) *answer {
	g.t.Helper()
	return g.persist(func() (*answer, error) {
		return exchange(g.client, g.request(http.MethodPost, path, header, bytes.NewReader(body)))
	})
}

// caddy-ratelimit PR#85, mercure: counts that began again, or were gone, after a reload.
func TestMetricsGoOnOverReloads(t *testing.T) {
	app := newApp(t)
	g := start(t, reloadable("first"), "APP", app.address(), "OTHER", freeAddress(t), "TAKEN", app.address())
	deliver := func() {
		body := newBody()
		g.postAfterReload("/", newSender(t, "github").headerOf(body), body).wants(t, 200)
	}
	const name = "caddy_webhook_deliveries_total"
	labels := []string{"route", "github", "provider", "github", "verdict", "verified", "reason", "accepted"}
	before := g.metric(name, labels...)
	deliver()
	want := before + 1
	check := func(when string) {
		t.Helper()
		if got := g.metric(name, labels...); got != want {
			t.Errorf("%s: counted %v and not %v", when, got, want)
		}
	}
	check("at first")
	if status, text := g.reload(reloadable("second")); status != 200 {
		t.Fatal(text)
	}
	check("after a reload")
	deliver()
	want++
	check("after a reload and a delivery")
	for name, caddyfile := range broken {
		if status, _ := g.reload(caddyfile); status == 200 {
			t.Fatalf("%s: the configuration was accepted", name)
		}
		deliver()
		want++
		check(name)
	}
}

func TestADeliveryInFlightOutlivesAReload(t *testing.T) {
	for _, accepted := range []bool{true, false} {
		app, hold := newApp(t), newHold(t)
		app.answers(hold.ServeHTTP)
		g := start(t, reloadable("first"), "APP", app.address())
		body := newBody()
		header := newSender(t, "github").headerOf(body)
		first := g.send(g.request(http.MethodPost, "/", header, bytes.NewReader(body)))
		wait(t, "the delivery", hold.arrived)
		if status, text := g.reload(reloadable("second")); status != 200 {
			t.Fatal(text)
		}
		g.postAfterReload("/", header, body).wants(t, 409)
		app.one()

		app.answers(status(200))
		code := map[bool]int{true: 200, false: 500}[accepted]
		hold.release <- code
		first.answer().wants(t, code)
		g.log.await(t, 1, settled)
		g.post("/", header, body).wants(t, 200)
		if n := len(app.take()); (n == 0) != accepted {
			t.Errorf("accepted: %v, and the retry reached the app %d times", accepted, n)
		}
	}
}

// hookaido GHSA-rcpp-44rf-jxvj: authentication was off for a moment in each reload.
func TestNoReloadOpensARoute(t *testing.T) {
	app := newApp(t)
	g := start(t, reloadable("first"), "APP", app.address(), "OTHER", freeAddress(t), "TAKEN", app.address())
	const reloads = 12
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range reloads {
			config := reloadable(fmt.Sprint(n))
			switch n % 3 {
			case 1:
				config = broken["the route doesn't provision"]
			case 2:
				config = broken["another app doesn't start"]
			}
			g.reload(config)
		}
	}()
	sender := newSender(t, "github")
	accepted := 0
	for n := 0; ; n++ {
		body := newBody()
		if a, err := exchange(g.client, g.request(http.MethodPost, "/", header("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64)), bytes.NewReader(body))); err == nil && a.status != 401 {
			t.Fatalf("a forgery was answered %d", a.status)
		}
		// A connection may be closed under a request that is on its way; then nothing reached the app.
		if a, err := exchange(g.client, g.request(http.MethodPost, "/", sender.headerOf(body), bytes.NewReader(body))); err == nil {
			a.wants(t, 200)
			accepted++
		}
		select {
		case <-done:
			forwarded := app.take()
			if len(forwarded) < accepted || accepted == 0 {
				t.Errorf("%d were accepted and %d forwarded", accepted, len(forwarded))
			}
			for _, got := range forwarded {
				if got.header.Get("Webhook-Verified-Key") != "current" {
					t.Errorf("an unverified delivery reached the app: %v", got.header)
				}
			}
			return
		default:
		}
	}
}

// tektoncd/triggers#406: a secret that is fetched with each request is as slow as where it is kept.
// It is read when the configuration loads and not again.
func TestSecretsAreReadWhenTheConfigurationLoads(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github")
	t.Setenv(variableOf("github"), "another secret, which is not loaded")
	body := newBody()
	g.post("/", newSender(t, "github").headerOf(body), body).wants(t, 200)
	g.post("/", newSenderOf(t, "github", "another secret, which is not loaded").headerOf(body), body).wants(t, 401)
	app.one()
	if status, text := g.reload("{\nGLOBALS\n}\nSITE {\n" + verifyBlock("github") + "\nreverse_proxy APP\nheader X-Config second\n}"); status != 200 {
		t.Fatal(text)
	}
	g.postAfterReload("/", newSenderOf(t, "github", "another secret, which is not loaded").headerOf(newBody()), body).wants(t, 401)
	body = newBody()
	g.postAfterReload("/", newSenderOf(t, "github", "another secret, which is not loaded").headerOf(body), body).wants(t, 200)
	app.one()
}
