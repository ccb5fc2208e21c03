package caddymodule_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/hookseal/hookseal/verifiers"
)

// urlScheme signs everything that a directive might have rewritten. Its public URL comes from the
// configuration: twilio/twilio-node#321 and vellum-ai/vellum-assistant#5235 took it from Host and
// X-Forwarded-*, which whoever sends the request also sends.
var urlScheme = verifiers.Scheme{
	Name:      "acme",
	Signature: verifiers.Signature{From: "header:X-Acme-Signature"},
	Content:   "{http_method} {url}\n{body}",
	Event:     []string{"json:type"},
}

const urlBlock = `webhook_verify acme {
	secret {env.SECRET_OF_ACME}
	name NAME
	public_url https://hooks.example.com
	custom {
		signature header:X-Acme-Signature
		content "{http_method} {url}
{body}"
		event json:type
	}
}`

// signURL signs a delivery to a path of the public URL.
func signURL(t *testing.T, method, target string, body []byte) http.Header {
	t.Helper()
	v, err := verifiers.New(urlScheme, []verifiers.Secret{verifiers.NewSecret("", secrets["acme"])}, verifiers.Options{PublicURL: "https://hooks.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	h, err := v.Sign(verifiers.Message{Method: method, Target: target, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestVerificationSeesTheRequestAsItWasSentAndTheAppAsItWasRewritten(t *testing.T) {
	app := newApp(t)
	block := func(name string) string { return strings.ReplaceAll(urlBlock, "NAME", name) }
	g := startSite(t, app, `
handle /handle/* {
	`+block("handle")+`
	reverse_proxy APP
}
handle_path /path/* {
	`+block("path")+`
	reverse_proxy APP
}
route /route/* {
	`+block("route")+`
	reverse_proxy APP
}
route /uri/* {
	uri strip_prefix /uri
	uri replace /a /b
	`+block("uri")+`
	reverse_proxy APP
}
route /rewrite/* {
	rewrite * /rewritten?with=query
	`+block("rewrite")+`
	reverse_proxy APP
}
route /method/* {
	method PUT
	`+block("method")+`
	reverse_proxy APP
}
@rule path /rule/*
rewrite @rule /rule/rewritten
handle /rule/* {
	`+block("rule")+`
	webhook_route {
		require `+"`path == '/rule/sent me' && query['q'] == '1' && method == 'POST'`"+`
	}
	reverse_proxy APP
}`)
	for _, test := range []struct{ sent, method, got string }{
		{"/handle/a%20b?q=1", "POST", "/handle/a%20b?q=1"},
		{"/path/a/b?q=1", "POST", "/a/b?q=1"},
		{"/route/a?q=1", "POST", "/route/a?q=1"},
		{"/uri/a?q=1", "POST", "/b?q=1"},
		{"/rewrite/a?q=1", "POST", "/rewritten?with=query"},
		{"/method/a", "PUT", "/method/a"},
		{"/rule/sent%20me?q=1", "POST", "/rule/rewritten?q=1"},
	} {
		t.Run(test.sent, func(t *testing.T) {
			g := g.within(t)
			body := newBody()
			header := with(signURL(t, "POST", test.sent, body), "X-Forwarded-Host", "evil.example.com", "X-Forwarded-Proto", "ftp")
			g.post(test.sent, header, body).wants(t, 200)
			got := app.one()
			if got.method != test.method || got.target != test.got {
				t.Errorf("the app got %s %s and not %s %s", got.method, got.target, test.method, test.got)
			}
			if !bytes.Equal(got.body, body) {
				t.Errorf("the app got %q", got.body)
			}
			for _, forged := range []http.Header{
				signURL(t, "PUT", test.sent, newBody()), signURL(t, "POST", test.got+"x", newBody()), signURL(t, "POST", test.sent, newBody()),
			} {
				g.post(test.sent, forged, newBody()).wants(t, 401)
			}
			app.none()
		})
	}
}

// The limit of an outer request_body holds, and its answer is the one for a body over the limit.
func TestALimitOfRequestBodyPassesThrough(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, "request_body {\nmax_size 1KiB\n}\n"+verifyBlock("github")+"\nreverse_proxy APP")
	body := bytes.Repeat([]byte("x"), 1025)
	header := newSender(t, "github").headerOf(body)
	g.post("/", header, body).wants(t, 413)
	g.dial().writeHead("/", header, "Transfer-Encoding: chunked").write("401\r\n"+string(body)+"\r\n0\r\n\r\n").answer().wants(t, 413)
	app.none()
	g.post("/", newSender(t, "github").headerOf(body[:1024]), body[:1024])
	if got := app.take(); len(got) > 1 || len(got) == 1 && len(got[0].body) != 1024 {
		t.Errorf("the app got %v", got)
	}
}

// caddyserver/caddy#6739: a limit that only bites when somebody reads. Ours bites whoever reads.
func TestTheBodyLimitHoldsAlsoWhenNobodyReadsTheBody(t *testing.T) {
	g := startSite(t, nil, verifyBlock("github", "max_body 1KiB")+"\nrespond 200")
	body := bytes.Repeat(newBody(), 10)
	header := newSender(t, "github").headerOf(body)
	g.post("/", header, body).wants(t, 413)
	g.dial().writeHead("/", header, "Transfer-Encoding: chunked").write("2000\r\n"+string(body)).answer().wants(t, 413)
}

// The matcher is a rule for whatever directive takes a matcher, and never one for what nothing
// has verified.
func TestTheMatcherMatchesOnlyWhatWasVerified(t *testing.T) {
	g := startSite(t, nil, `
@push webhook event push
@opened webhook when "event == 'other' && body.action == 'opened'"
route /verified {
	`+verifyBlock("github")+`
	respond @push "push"
	respond @opened "opened"
	respond "else"
}
route /unverified {
	respond @push "push"
	respond "else"
}`)
	for _, test := range []struct{ path, event, body, want string }{
		{"/verified", "push", `{}`, "push"},
		{"/verified", "other", `{"action":"opened"}`, "opened"},
		{"/verified", "other", `{"action":"closed"}`, "else"},
		{"/verified", "other", `{}`, "else"},
		{"/verified", "other", `no JSON`, "else"},
		{"/unverified", "push", `{}`, "else"},
	} {
		body := []byte(test.body + strings.Repeat(" ", int(lastID.Add(1)%1000)))
		header := newSender(t, "github").sign(verifiers.Message{Event: test.event, Body: body})
		if a := g.post(test.path, header, body).wants(t, 200); a.body != test.want {
			t.Errorf("%s %s %s: %q and not %q", test.path, test.event, test.body, a.body, test.want)
		}
	}
}
