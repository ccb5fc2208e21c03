package caddymodule_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

// answersSite has a path for each of the refusals.
const answersSite = `
handle /github {
	webhook_verify github {
		secret {env.SECRET_OF_GITHUB}
		max_body 1KiB
	}
	reverse_proxy APP
}
handle /monitored {
	webhook_verify github {
		name monitored
		mode monitor
		secret {env.SECRET_OF_GITHUB}
		max_body 1KiB
	}
	reverse_proxy APP
}
handle /no-rule {
	webhook_verify generic {
		secret {env.SECRET_OF_GENERIC}
	}
	webhook_route {
		event nothing.of.the.kind {
			respond 200
		}
		otherwise reject
	}
}
handle /not-verified {
	webhook_route {
		otherwise {
			respond 200
		}
	}
}
`

// refusals are the ways to be refused that answersSite has.
var refusals = []struct {
	name   string
	status int
	send   func(g *gateway) *answer
}{
	{"a forgery", 401, func(g *gateway) *answer {
		return g.post("/github", newSenderOf(g.t, "github", "another secret than ours").headerOf(newBody()), newBody())
	}},
	{"no signature", 401, func(g *gateway) *answer { return g.post("/github", nil, newBody()) }},
	{"nothing verified before the rules", 403, func(g *gateway) *answer { return g.post("/not-verified", nil, newBody()) }},
	{"no rule for it", 403, func(g *gateway) *answer {
		body := newBody()
		return g.post("/no-rule", newSender(g.t, "generic").headerOf(body), body)
	}},
	{"a method", 405, func(g *gateway) *answer {
		return g.do(g.request(http.MethodPut, "/github", nil, strings.NewReader("{}")))
	}},
	{"a method, while monitoring", 405, func(g *gateway) *answer { return g.do(g.request(http.MethodGet, "/monitored", nil, nil)) }},
	{"a body that is announced to be too large", 413, func(g *gateway) *answer {
		return g.dial().writeHead("/github", nil, "Content-Length: 1025").answer()
	}},
	{"a body that is announced to be too large, while monitoring", 413, func(g *gateway) *answer {
		return g.dial().writeHead("/monitored", nil, "Content-Length: 1025").answer()
	}},
	{"a body that turns out to be too large", 413, func(g *gateway) *answer {
		header := newSender(g.t, "github").headerOf(nil)
		// 1025 bytes and no end.
		return g.dial().writeHead("/github", header, "Transfer-Encoding: chunked").write("401\r\n" + strings.Repeat("x", 1025) + "\r\n").answer()
	}},
	{"a body that ends early", 400, func(g *gateway) *answer {
		header := newSender(g.t, "github").headerOf(nil)
		return g.dial().writeHead("/github", header, "Content-Length: 100").write("too short").ends().answer()
	}},
	{"a chunked body that ends early", 400, func(g *gateway) *answer {
		header := newSender(g.t, "github").headerOf(nil)
		return g.dial().writeHead("/github", header, "Transfer-Encoding: chunked").write("5\r\nshort\r\n").ends().answer()
	}},
	{"a chunked body that is none", 400, func(g *gateway) *answer {
		header := newSender(g.t, "github").headerOf(nil)
		return g.dial().writeHead("/github", header, "Transfer-Encoding: chunked").write("not a size\r\n").answer()
	}},
}

func TestEveryRefusalHasItsStatusAndNoWord(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, answersSite)
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			a := r.send(g.within(t)).wants(t, r.status)
			if a.body != "" {
				t.Errorf("says %q", a.body)
			}
			if allow := a.header.Get("Allow"); (allow == "POST") != (r.status == 405) {
				t.Errorf("Allow: %q", allow)
			}
			app.none()
		})
	}
}

// Every refusal goes through caddyhttp.Error, and what that carries is the same for all of them.
func TestHandleErrorsDressesEveryRefusalAndLearnsNothing(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, answersSite+`
handle_errors {
	header Dressed yes
	respond "{err.status_code} {err.status_text} {err.message} {err.trace}"
}`)
	var words string
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			a := r.send(g.within(t)).wants(t, r.status)
			if a.header.Get("Dressed") != "yes" {
				t.Error("handle_errors didn't run")
			}
			said, ok := strings.CutPrefix(a.body, fmt.Sprintf("%d %s ", r.status, http.StatusText(r.status)))
			if !ok {
				t.Fatalf("says %q", a.body)
			}
			if words == "" {
				words = said
			}
			if said != words || !strings.Contains(said, "delivery refused") {
				t.Errorf("says %q, and another refusal %q", said, words)
			}
			app.none()
		})
	}
}

// What the sender is told about coming again survives the dressing.
func TestHandleErrorsDressesWhatMayBeSentAgain(t *testing.T) {
	app, hold, store := newApp(t), newHold(t), newStore(t)
	app.answers(hold.ServeHTTP)
	g := start(t, `{
GLOBALS
webhook_gateway {
	replay webhook_test
	body_timeout 300ms
}
}
SITE {
	`+verifyBlock("github")+`
	reverse_proxy APP
	handle_errors {
		respond "dressed {err.status_code} {err.message}"
	}
}`, "APP", app.address())
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	dressed := func(a *answer, status int, retryAfter string) {
		t.Helper()
		if want := fmt.Sprintf("dressed %d delivery refused", status); a.wants(t, status).body != want {
			t.Errorf("says %q and not %q", a.body, want)
		}
		if got := a.header.Get("Retry-After"); got != retryAfter {
			t.Errorf("%d: Retry-After: %q", status, got)
		}
	}
	store.fails(errOutage)
	dressed(g.post("/", header, body), 503, "5")
	store.fails(nil)
	first := g.send(g.request(http.MethodPost, "/", header, bytes.NewReader(body)))
	wait(t, "the delivery", hold.arrived)
	dressed(g.post("/", header, body), 409, "5")
	hold.release <- 200
	first.answer().wants(t, 200)
	dressed(g.dial().writeHead("/", header, "Content-Length: 100").write("slow").answer(), 408, "")
}

// Nobody learns from an answer which check a forgery failed, or that it failed none but the last.
func TestEveryReasonNotToVerifyIsAnsweredAlike(t *testing.T) {
	t.Setenv("SNS_TOPIC", "arn:aws:sns:us-east-1:123456789012:MyTopic")
	app := newApp(t)
	g := startSite(t, app, `
handle /github {
	`+verifyBlock("github")+`
	reverse_proxy APP
}
handle /stripe {
	`+verifyBlock("stripe")+`
	reverse_proxy APP
}
handle /standard {
	`+verifyBlock("standard")+`
	reverse_proxy APP
}
handle /acme {
	`+verifyBlock("acme", "custom {\nsignature header:X-Acme-Signature\nkey_id header:X-Acme-Key\n}")+`
	reverse_proxy APP
}
handle /sns {
	webhook_verify aws-sns {
		secret {env.SNS_TOPIC}
	}
	reverse_proxy APP
}`)
	body := newBody()
	github := newSender(t, "github").headerOf(body)
	stripe := newSender(t, "stripe").headerOf(body)
	standard := newSender(t, "standard").headerOf(body)
	signedAt := func(at time.Time) http.Header {
		return newSender(t, "stripe").sign(verifiers.Message{Body: body, Time: at})
	}
	without := func(h http.Header, name string) http.Header {
		h = h.Clone()
		h.Del(name)
		return h
	}
	set := func(h http.Header, name, value string) http.Header { return with(without(h, name), name, value) }
	tests := []struct {
		reason, path string
		header       http.Header
	}{
		{"signature_missing", "/github", nil},
		{"signature_malformed", "/github", header("X-Hub-Signature-256", "sha256=abc")},
		{"signature_mismatch", "/github", set(github, "X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64))},
		{"field_repeated", "/github", with(github, "X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64))},
		{"too_many_signatures", "/stripe", set(stripe, "Stripe-Signature", stripe.Get("Stripe-Signature")+strings.Repeat(",v1="+strings.Repeat("0", 64), 16))},
		{"timestamp_missing", "/stripe", set(stripe, "Stripe-Signature", "v1="+strings.Repeat("0", 64))},
		{"timestamp_malformed", "/stripe", set(stripe, "Stripe-Signature", "t=-1,v1="+strings.Repeat("0", 64))},
		{"timestamp_too_old", "/stripe", signedAt(time.Now().Add(-time.Hour))},
		{"timestamp_too_new", "/stripe", signedAt(time.Now().Add(time.Hour))},
		{"field_missing", "/standard", without(standard, "Webhook-Id")},
		{"key_unknown", "/acme", header("X-Acme-Signature", strings.Repeat("0", 64), "X-Acme-Key", "another")},
		{"signature_weak", "/sns", nil},
		{"topic_not_allowed", "/sns", nil},
		{"field_ambiguous", "/standard", set(standard, "Webhook-Id", "an.id")},
	}
	// Those of challenges are those of TestChallengesAreAnsweredAsTheirVectorsSay.
	seen := map[string]bool{"challenge_malformed": true, "challenge_refused": true, "challenge_text": true}
	var first *answer
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			g := g.within(t)
			var a *answer
			sent := body
			if test.path == "/sns" {
				version := map[string]string{"signature_weak": "1", "topic_not_allowed": "2"}[test.reason]
				sent = fmt.Appendf(nil, `{"Type":"Notification","SignatureVersion":%q,"Signature":"eA==","Message":"","MessageId":"","TopicArn":"another","Timestamp":%q}`, version, time.Now().UTC().Format(time.RFC3339))
			}
			grew := g.increase(func() { a = g.post(test.path, test.header, sent) },
				"caddy_webhook_deliveries_total", "verdict", "rejected", "reason", test.reason)
			if grew != 1 {
				t.Errorf("reason %s was counted %v times", test.reason, grew)
			}
			seen[test.reason] = true
			a.wants(t, 401)
			a.header.Del("Date")
			if first == nil {
				first = a
			}
			if got, want := fmt.Sprint(*a), fmt.Sprint(*first); got != want {
				t.Errorf("answered %s, and another reason %s", got, want)
			}
		})
	}
	for _, reason := range verifiers.Reasons() {
		if !seen[reason] {
			t.Errorf("reason %s has no test", reason)
		}
	}
	app.none()
}

func TestACopyOfADeliveredWebhookIsAcknowledgedAndNotForwarded(t *testing.T) {
	for _, test := range []struct {
		option string
		status int
	}{{"", 200}, {"on_duplicate 208", 208}, {"on_duplicate 303", 303}, {"on_duplicate 410", 410}} {
		t.Run(test.option, func(t *testing.T) {
			app := newAppThat(t, status(202))
			g := startVerify(t, app, "github", test.option)
			body := newBody()
			header := newSender(t, "github").headerOf(body)
			g.post("/", header, body).wants(t, 202)
			app.one()
			for range 2 {
				a := g.post("/", header, body).wants(t, test.status)
				if a.body != "" || a.header.Get("Retry-After") != "" {
					t.Errorf("answered %v %q", a.header, a.body)
				}
			}
			app.none()
		})
	}
}

func TestACopyOfAWebhookInFlightIsToldToComeAgain(t *testing.T) {
	app, hold := newApp(t), newHold(t)
	app.answers(hold.ServeHTTP)
	g := startVerify(t, app, "github")
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	first := g.send(g.request(http.MethodPost, "/", header, bytes.NewReader(body)))
	wait(t, "the delivery", hold.arrived)
	wantsRetryAfter(t, g.post("/", header, body).wants(t, 409))
	app.one()
	hold.release <- 200
	first.answer().wants(t, 200)
	g.post("/", header, body).wants(t, 200)
	app.none()
}

func wantsRetryAfter(t *testing.T, a *answer) {
	t.Helper()
	if got := a.header.Get("Retry-After"); got != "5" {
		t.Errorf("Retry-After: %q", got)
	}
	if a.body != "" {
		t.Errorf("says %q", a.body)
	}
}

func TestABodyThatComesTooSlowlyIsRefused(t *testing.T) {
	app := newApp(t)
	g := start(t, "{\nGLOBALS\nwebhook_gateway {\nbody_timeout 200ms\n}\n}\nSITE {\n"+verifyBlock("github")+"\nreverse_proxy APP\n}", "APP", app.address())
	header := newSender(t, "github").headerOf(nil)
	for _, length := range []string{"Content-Length: 100", "Transfer-Encoding: chunked"} {
		g.dial().writeHead("/", header, length).write("3\r\nabc").answer().wants(t, 408)
	}
	app.none()
}

// Over HTTP/2 a body has a deadline of its own, and not its connection.
func TestABodyThatComesTooSlowlyOverHTTP2IsRefused(t *testing.T) {
	app := newApp(t)
	g := start(t, "{\nGLOBALS\nservers {\nprotocols h1 h2c\n}\nwebhook_gateway {\nbody_timeout 200ms\n}\n}\nSITE {\n"+verifyBlock("github")+"\nreverse_proxy APP\n}", "APP", app.address())
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: patience}
	for range 2 { // on one connection
		slow, end := io.Pipe()
		a, err := exchange(client, g.request(http.MethodPost, "/", newSender(t, "github").headerOf(nil), slow))
		_ = end.Close()
		if err != nil {
			t.Fatal(err)
		}
		if a.wants(t, 408).proto != "HTTP/2.0" {
			t.Errorf("spoke %s", a.proto)
		}
	}
	app.none()
	body := newBody()
	if a, err := exchange(client, g.request(http.MethodPost, "/", newSender(t, "github").headerOf(body), bytes.NewReader(body))); err != nil || a.status != 200 {
		t.Errorf("the next delivery: %v, %v", a, err)
	}
}

func TestBodiesInFlightHoldNoMoreMemoryThanTheyMay(t *testing.T) {
	app, hold := newApp(t), newHold(t)
	app.answers(hold.ServeHTTP)
	g := start(t, "{\nGLOBALS\nwebhook_gateway {\nmax_in_flight 16KiB\n}\n}\nSITE {\n"+verifyBlock("github", "max_body 6KiB")+"\nreverse_proxy APP\n}", "APP", app.address())
	s := newSender(t, "github")
	deliver := func(size int) *http.Request {
		body := append(newBody(), bytes.Repeat([]byte(" "), size)...)
		return g.request(http.MethodPost, "/", s.headerOf(body), bytes.NewReader(body))
	}
	var holding []*sent
	for range 2 { // buffers of 8 KiB
		holding = append(holding, g.send(deliver(5<<10)))
		wait(t, "the delivery", hold.arrived)
	}
	wantsRetryAfter(t, g.do(deliver(5<<10)).wants(t, 503))
	if n := len(app.take()); n != 2 {
		t.Errorf("%d deliveries reached the app", n)
	}
	// What takes no more than its connection finds room.
	holding = append(holding, g.send(deliver(0)))
	wait(t, "the small delivery", hold.arrived)
	for _, s := range holding {
		hold.release <- 200
		s.answer().wants(t, 200)
	}
	hold.release <- 200
	g.do(deliver(5<<10)).wants(t, 200)
}

// Ed25519 needs the body twice while it is checked or signed, and that counts.
func TestCopiesOfBodiesHoldNoMoreMemoryThanTheyMay(t *testing.T) {
	t.Setenv("PUBLIC_KEY", internalPublic)
	t.Setenv("PRIVATE_KEY", internalPrivate)
	app, hold := newApp(t), newHold(t)
	g := start(t, `{
GLOBALS
webhook_gateway {
	max_in_flight 16KiB
}
}
SITE {
handle /held { `+"\n"+verifyBlock("github", "max_body 6KiB")+`
	reverse_proxy APP
}
handle /checked {
	webhook_verify standard {
		secret {env.PUBLIC_KEY}
		max_body 6KiB
	}
	reverse_proxy APP
}
handle /signed { `+"\n"+verifyBlock("generic", "max_body 6KiB")+`
	webhook_sign standard {
		secret {env.PRIVATE_KEY}
		max_body 6KiB
	}
	reverse_proxy APP
}
handle /alone {
	webhook_sign standard {
		secret {env.PRIVATE_KEY}
		standalone
		max_body 6KiB
	}
	reverse_proxy APP
}
}`, "APP", app.address())
	body := append(newBody(), bytes.Repeat([]byte(" "), 5<<10)...) // a buffer of 8 KiB
	app.answers(hold.ServeHTTP)
	held := g.send(g.request(http.MethodPost, "/held", newSender(t, "github").headerOf(body), bytes.NewReader(body)))
	wait(t, "the delivery", hold.arrived)
	app.answers(status(200))
	app.take()
	headers := map[string]http.Header{
		"/checked": newSenderOf(t, "standard", internalPrivate).headerOf(body),
		"/signed":  newSender(t, "generic").headerOf(body),
		"/alone":   nil,
	}
	for path, header := range headers {
		wantsRetryAfter(t, g.post(path, header, body).wants(t, 503))
	}
	app.none()
	hold.release <- 200
	held.answer().wants(t, 200)
	for path, header := range headers {
		g.post(path, header, body).wants(t, 200)
		app.one()
	}
}

const outageSite = "{\nGLOBALS\nwebhook_gateway {\nreplay webhook_test\nOPTION\n}\n}\nSITE {\nlog\n%s\nreverse_proxy APP\n}"

func TestAReplayOutageClosesTheGateAndTellsTheSenderToComeAgain(t *testing.T) {
	app, store := newApp(t), newStore(t)
	g := start(t, strings.ReplaceAll(outageSite, "%s", verifyBlock("github")), "OPTION", "", "APP", app.address())
	store.fails(errOutage)
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	a := g.post("/", header, body).wants(t, 503)
	wantsRetryAfter(t, a)
	app.none()
	store.fails(nil)
	g.post("/", header, body).wants(t, 200)
	app.one()
}

func TestAReplayOutageOpensTheGateOnlyByChoiceAndOnlyToWhatVerifies(t *testing.T) {
	app, store := newApp(t), newStore(t)
	g := start(t, strings.ReplaceAll(outageSite, "%s", verifyBlock("github")), "OPTION", "on_replay_outage open", "APP", app.address())
	store.fails(errOutage)
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	for range 2 {
		g.post("/", header, body).wants(t, 200)
		if got := app.one(); !bytes.Equal(got.body, body) {
			t.Errorf("got %q", got.body)
		}
	}
	g.post("/", header, newBody()).wants(t, 401)
	app.none()
	if len(g.log.find(message("replay store can't check: the delivery goes on unchecked"))) != 2 {
		t.Errorf("the log doesn't say so:\n%s", g.log.text())
	}
}

// A sender that doesn't wait must not make the store's answer "could not check", which
// "on_replay_outage open" would take for leave to let a copy through.
func TestASenderThatHangsUpBeforeTheClaimDoesNotGetAroundIt(t *testing.T) {
	app, store := newApp(t), newStore(t)
	g := start(t, strings.ReplaceAll(outageSite, "%s", "route {\nwebhook_test_hook outer\n"+verifyBlock("github")+"\nreverse_proxy APP\n}"),
		"OPTION", "on_replay_outage open", "APP", app.address())
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	g.post("/", header, body).wants(t, 200)
	app.one()

	outer := captureContext(t, "outer")
	claiming := make(chan struct{})
	store.before = func(context.Context) {
		close(claiming)
		<-outer.Done()
	}
	w := g.dial().writeHead("/", header, contentLength(body)).write(string(body))
	wait(t, "the claim", claiming)
	w.conn.Close()
	g.log.await(t, 1, message("webhook is a duplicate"))
	app.none()
}

// The whole body was read before anything was checked: argo-workflows GHSA-jcc8-g2q4-9fxq and
// tektoncd/triggers#2021. Here it may still be on its way when the answer stands.
func TestARefusalByTheHeadersDoesNotReadTheBody(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github", "max_body 10MiB")
	for _, length := range []string{"Content-Length: 100000", "Content-Length: 10000000", "Transfer-Encoding: chunked"} {
		g.dial().writeHead("/", nil, length).answer().wants(t, 401)
	}
	app.none()
}
