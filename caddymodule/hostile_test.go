package caddymodule_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

// hostileSite has the presets, each under its name, and a route whose rule reads the body.
func hostileSite(t *testing.T, app *app) *gateway {
	t.Helper()
	var site strings.Builder
	for _, name := range endToEnd {
		fmt.Fprintf(&site, "handle /%s {\n%s\nreverse_proxy APP\n}\n", name, verifyBlock(name))
	}
	site.WriteString("handle /reads {\n" + verifyBlock("github", "name reads") + "\nwebhook_route {\nrequire `body.a.a != 'x'`\n}\nreverse_proxy APP\n}\n")
	return start(t, `{
GLOBALS
webhook_gateway {
	body_timeout 200ms
}
servers {
	max_header_size 2MB
}
}
SITE {
log
`+site.String()+"}", "APP", app.address())
}

// wantsHealthy fails the test unless the next good delivery is served, and nothing is left of what was
// done to the gateway before.
func (g *gateway) wantsHealthy(app *app) {
	g.t.Helper()
	app.take()
	for _, path := range []string{"/github", "/stripe"} {
		body := newBody()
		g.post(path, newSender(g.t, path[1:]).headerOf(body), body).wants(g.t, 200)
		if got := app.one(); !bytes.Equal(got.body, body) {
			g.t.Errorf("the app got %q", got.body)
		}
	}
	g.awaitMetric("caddy_webhook_in_flight_bytes", 0)
	for _, line := range g.log.find(func(l logLine) bool { return strings.Contains(l.text, "panic") }) {
		g.t.Errorf("panicked: %s", line.text)
	}
}

// awaitMetric waits until a metric has a value.
func (g *gateway) awaitMetric(name string, want float64) {
	g.t.Helper()
	var got float64
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if got = g.metric(name); got == want {
			return
		}
	}
	g.t.Fatalf("%s is %v and not %v", name, got, want)
}

// argo-events sliced signature[7:], and argo-cd CVE-2025-59538 is of the same kind: a short header was
// a panic.
func TestShortAndOddSignaturesAreRefusedAndNeverPanic(t *testing.T) {
	app := newApp(t)
	g := hostileSite(t, app)
	odd := []string{"", " ", "s", "sha256", "sha256=", "sha256=0", "=", ",", ",,", "v", "v1", "v1,", "v1=", "v1,=", "v1, ", "t=", "t=,v1=", "t=1", "v0=", "\xff", "v1," + strings.Repeat("=", 44),
		strings.Repeat("g", 64), "sha256=" + strings.Repeat("g", 64), strings.Repeat("0", 63), "sha256=" + strings.Repeat("0", 65), "v1," + strings.Repeat("A", 44)}
	for _, preset := range endToEnd {
		p, ok := verifiers.Preset(preset)
		if !ok {
			t.Fatalf("%s is no preset", preset)
		}
		name := strings.TrimPrefix(p.Signature.From, "header:")
		body := newBody()
		genuine := newSender(t, p.Name).headerOf(body)
		for _, value := range odd {
			h := genuine.Clone()
			h.Del(name)
			h[name] = []string{value}
			g.post("/"+p.Name, h, body).wants(t, 401)
		}
		// And every beginning of the right one.
		whole := genuine.Get(name)
		for n := range len(whole) {
			h := genuine.Clone()
			h.Set(name, whole[:n])
			if value := whole[:n]; strings.TrimSpace(value) != value {
				continue
			}
			g.post("/"+p.Name, h, body).wants(t, 401)
		}
		app.none()
	}
	g.wantsHealthy(app)
}

func TestHeadersOfManyKilobytesAreRefused(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, "handle /github {\n"+verifyBlock("github")+"\nreverse_proxy APP\n}\nhandle /stripe {\n"+verifyBlock("stripe")+"\nreverse_proxy APP\n}")
	body := newBody()
	h := newSender(t, "github").headerOf(body)
	g.post("/github", with(h, "X-Large", strings.Repeat("x", 64<<10)), body).wants(t, 431)
	many := h.Clone()
	for n := range 8000 {
		many.Set(fmt.Sprint("X-", n), "x")
	}
	g.post("/github", many, body).wants(t, 431)
	app.none()
	g.wantsHealthy(app)
}

func TestTenThousandSignaturesCostNoMoreThanSixteen(t *testing.T) {
	app := newApp(t)
	g := hostileSite(t, app)
	body := newBody()
	stripe := newSender(t, "stripe").headerOf(body).Get("Stripe-Signature")
	for name, value := range map[string]string{
		"signatures before": strings.Replace(stripe, ",", strings.Repeat(",v1="+strings.Repeat("0", 64), 10_000)+",", 1),
		"signatures behind": stripe + strings.Repeat(",v1="+strings.Repeat("0", 64), 10_000),
		"short ones":        strings.Repeat("v1=0,", 10_000) + stripe,
		"times":             strings.Repeat("t=1,", 10_000) + stripe,
	} {
		grew := g.increase(func() { g.post("/stripe", header("Stripe-Signature", value), body).wants(t, 401) }, "caddy_webhook_body_bytes_count", "route", "stripe")
		if grew != 0 {
			t.Errorf("%s: the body was read", name)
		}
	}
	// Nothing of these is a candidate.
	for _, value := range []string{stripe + strings.Repeat(",", 10_000), stripe + strings.Repeat(",v2=0", 10_000), strings.Repeat(" ,", 10_000) + stripe} {
		body := newBody()
		g.post("/stripe", header("Stripe-Signature", value), body).wants(t, 401)
	}
	app.none()
	g.wantsHealthy(app)
}

func TestDeeplyNestedJSONIsForwardedAndDeniedByARuleThatReadsIt(t *testing.T) {
	app := newApp(t)
	g := hostileSite(t, app)
	const deep = 100_000
	for _, text := range []string{
		strings.Repeat("[", deep) + strings.Repeat("]", deep),
		strings.Repeat(`{"a":`, deep) + "1" + strings.Repeat("}", deep),
		strings.Repeat(`{"a":[`, deep),
		`{"id":` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + `,"type":` + strings.Repeat("[", deep),
	} {
		body := padded(text)
		for _, provider := range []string{"github", "stripe", "standard"} {
			g.post("/"+provider, newSender(t, provider).headerOf(body), body).wants(t, 200)
			if got := app.one(); !bytes.Equal(got.body, body) {
				t.Errorf("%s: the app got %d bytes and not %d", provider, len(got.body), len(body))
			}
		}
		g.post("/reads", newSender(t, "github").headerOf(body), body).wants(t, 403)
		app.none()
	}
	g.wantsHealthy(app)
}

func TestABodyThatStopsAndOneThatDripsEndInAnAnswer(t *testing.T) {
	app := newApp(t)
	g := hostileSite(t, app)
	h := newSender(t, "github").headerOf(nil)
	for _, length := range []string{"Content-Length: 10000000", "Transfer-Encoding: chunked"} {
		g.dial().writeHead("/github", h, length).answer().wants(t, 408)
		g.dial().writeHead("/github", h, length).ends().answer().wants(t, 400)

		// Each byte comes, and none of them wins more time.
		w := g.dial().writeHead("/github", h, length)
		go func() {
			drop := []byte("x")
			if strings.HasPrefix(length, "Transfer") {
				drop = []byte("1\r\nx\r\n")
			}
			for {
				if _, err := w.conn.Write(drop); err != nil {
					return
				}
			}
		}()
		if line := w.line(); !strings.HasPrefix(line, "HTTP/1.1 408") {
			t.Errorf("%s: %s", length, line)
		}
		w.conn.Close()
	}
	app.none()
	g.wantsHealthy(app)
}

// argo-cd CVE-2024-40634, argo-workflows GHSA-jcc8-g2q4-9fxq, tektoncd/triggers#2021: whoever could reach
// the endpoint could fill the memory. A length that is announced is worth nothing, and what has arrived a
// buffer of four times its size.
func TestAnAnnouncedLengthIsNotWorthItsMemory(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, "handle /github {\n"+verifyBlock("github")+"\nreverse_proxy APP\n}\nhandle /stripe {\n"+verifyBlock("stripe")+"\nreverse_proxy APP\n}")
	g.awaitMetric("caddy_webhook_in_flight_bytes", 0)
	h := newSender(t, "github").headerOf(nil)
	var wires []*wire
	for n := range 20 {
		length := "Content-Length: 25000000"
		if n%2 == 1 {
			length = "Transfer-Encoding: chunked"
		}
		wires = append(wires, g.dial().writeHead("/github", h, length).write("1000\r\n"+strings.Repeat("x", 4096)+"\r\n"))
	}
	g.awaitMetric("caddy_webhook_in_flight_bytes", 20*16<<10)
	for _, w := range wires {
		w.ends().answer().wants(t, 400)
	}
	app.none()
	g.wantsHealthy(app)
}

// frain-dev/convoy's ingest cut a large body off without a word. A body is whole or refused.
func TestABodyAtTheLimitIsWholeAndOneOverItIsRefused(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github", "max_body 100KiB", "name "+newID())
	s := newSender(t, "github")
	for _, size := range []int{100<<10 - 1, 100 << 10, 100<<10 + 1, 101 << 10} {
		for _, chunked := range []bool{false, true} {
			body := append(newBody(), bytes.Repeat([]byte("x"), size)...)[:size]
			req := g.request(http.MethodPost, "/", s.headerOf(body), bytes.NewReader(body))
			if chunked {
				req.ContentLength = -1
			}
			a := g.do(req)
			if size > 100<<10 {
				a.wants(t, 413)
				app.none()
				continue
			}
			a.wants(t, 200)
			if got := app.one(); !bytes.Equal(got.body, body) {
				t.Errorf("the app got %d bytes and not %d", len(got.body), size)
			}
		}
	}
}
