package caddymodule_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// A proxy drops what Connection names and acts on Upgrade. If the rules still saw those fields, a
// sender could show the gate one request and the app another.
func TestTheRulesSeeTheRequestThatTheAppGets(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, verifyBlock("github")+"\nwebhook_route {\nwhen `body.n.startsWith(\"evil\")` {\nrespond 403\n}\n}\nreverse_proxy APP")
	s := newSender(t, "github")
	for _, lines := range [][]string{
		{"Content-Encoding: gzip", "Connection: Content-Encoding"},
		{"Content-Encoding: gzip", "Connection: close, content-encoding"},
		{"Content-Type: application/x-www-form-urlencoded", "Connection: Content-Type"},
	} {
		body := `{"n":"evil` + newID() + `"}`
		g.dial().writeHead("/", s.headerOf([]byte(body)), append(lines, "Content-Length: "+strconv.Itoa(len(body)))...).write(body).answer().wants(t, 403)
	}
	app.none()

	body := string(newBody())
	header := s.headerOf([]byte(body))
	g.dial().writeHead("/", header, "Connection: X-Hub-Signature-256", "Content-Length: "+strconv.Itoa(len(body))).write(body).answer().wants(t, 401)
	app.none()
}

func TestNothingBehindTheGateIsUpgraded(t *testing.T) {
	app := newAppThat(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "raw")
			w.WriteHeader(http.StatusSwitchingProtocols)
		}
	})
	g := startVerify(t, app, "generic")
	body := string(newBody())
	header := newSender(t, "generic").headerOf([]byte(body))
	g.dial().writeHead("/", header, "Connection: Upgrade", "Upgrade: raw", "Content-Length: "+strconv.Itoa(len(body))).write(body).answer().wants(t, 200)
	if got := app.one().header; got.Get("Upgrade") != "" || got.Get("Connection") != "" {
		t.Errorf("the app got %v", got)
	}
}

// Rules would be got around by any spelling of a path that the site's matchers read as the same.
func TestRulesReadThePathAsMatchersDo(t *testing.T) {
	g := startSite(t, nil, "handle /path* {\n"+verifyBlock("github")+"\nwebhook_route {\nwhen `path.startsWith(\"/path/danger\")` {\nrespond 403\n}\n}\nrespond through\n}\nrespond elsewhere 404")
	s := newSender(t, "github")
	for _, target := range []string{"/path/danger", "//path/danger", "/x/../path/danger", "/path/./danger", "/path/%64anger", "http://" + g.host + "/path/danger"} {
		body := string(newBody())
		a := g.dial().writeHead(target, s.headerOf([]byte(body)), "Content-Length: "+strconv.Itoa(len(body))).write(body).answer()
		if a.status == 200 {
			t.Errorf("%s got through", target)
		}
	}
}

// Connections that announce a body and send none hold nothing of the bound, so that however many there
// are, they don't keep others out.
func TestAnnouncedBodiesThatDoNotComeTakeNothingOfTheBound(t *testing.T) {
	app := newApp(t)
	g := start(t, "{\nGLOBALS\nwebhook_gateway {\nmax_in_flight 256KiB\n}\n}\nSITE {\n"+verifyBlock("github", "max_body 120KiB")+"\nreverse_proxy APP\n}", "APP", app.address())
	s := newSender(t, "github")
	for range 80 {
		w := g.dial().writeHead("/", s.headerOf(newBody()), "Content-Length: 65535", "Expect: 100-continue")
		if line := w.line(); !strings.HasPrefix(line, "HTTP/1.1 100") {
			t.Fatalf("the body is not read: %s", line)
		}
	}
	if held := g.metric("caddy_webhook_in_flight_bytes"); held != 0 {
		t.Errorf("they hold %v bytes", held)
	}
	body := bytes.Repeat(newBody(), 100)
	g.post("/", s.headerOf(body), body).wants(t, 200)
	app.one()
}

// Big bodies leave room for small ones.
func TestBigBodiesDoNotKeepSmallOnesOut(t *testing.T) {
	app, hold := newApp(t), newHold(t)
	g := start(t, "{\nGLOBALS\nwebhook_gateway {\nmax_in_flight 512KiB\n}\n}\nSITE {\n"+verifyBlock("github", "max_body 200KiB")+"\nreverse_proxy APP\n}", "APP", app.address())
	s := newSender(t, "github")
	big := func() *http.Request {
		body := fmt.Appendf(nil, `{"n":%q,"pad":%q}`, newID(), strings.Repeat("x", 190<<10))
		return g.request(http.MethodPost, "/", s.headerOf(body), strings.NewReader(string(body)))
	}
	app.answers(hold.ServeHTTP)
	first := g.send(big())
	wait(t, "the delivery", hold.arrived)
	g.do(big()).wants(t, 503)
	app.answers(status(200))
	body := newBody()
	g.post("/", s.headerOf(body), body).wants(t, 200)
	hold.release <- 200
	first.answer().wants(t, 200)
}

func TestTheMatchersFailuresAreCounted(t *testing.T) {
	g := startSite(t, nil, verifyBlock("github")+"\n@m webhook when `body.nope == 1`\nrespond @m matched\nrespond otherwise")
	body := newBody()
	if n := g.increase(func() {
		if a := g.post("/", newSender(t, "github").headerOf(body), body).wants(t, 200); a.body != "otherwise" {
			t.Errorf("answered %q", a.body)
		}
	}, "caddy_webhook_rule_errors_total", "rule", "matcher", "error", "missing_key"); n != 1 {
		t.Errorf("%v failures were counted and not 1", n)
	}
}

func TestPlaceholdersSpeakOfTheInnermostVerification(t *testing.T) {
	g := startSite(t, nil, "route {\n"+verifyBlock("github")+"\n"+verifyBlock("generic")+"\nrespond \"{http.webhook.provider} {http.request.header.Webhook-Verified-Provider}\"\n}")
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	for name, values := range newSender(t, "generic").headerOf(body) {
		header[name] = values
	}
	if a := g.post("/", header, body).wants(t, 200); a.body != "generic generic" {
		t.Errorf("answered %q", a.body)
	}
}
