package caddymodule_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

func TestOfManyCopiesAtOnceExactlyOneIsForwarded(t *testing.T) {
	app, hold := newApp(t), newHold(t)
	app.answers(hold.ServeHTTP)
	g := startVerify(t, app, "github")
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	const copies = 64
	var all []*sent
	for range copies {
		all = append(all, g.send(g.request(http.MethodPost, "/", header, bytes.NewReader(body))))
	}
	// The app answers only when every other copy has been answered, so that all of them overlap.
	conflicts := func(l logLine) bool { return l.Webhook["reason"] == "in_flight" && l.Msg == "webhook is a duplicate" }
	g.log.await(t, copies-1, conflicts)
	hold.release <- 200
	answers := make(map[int]int)
	for _, s := range all {
		answers[s.answer().status]++
	}
	if answers[200] != 1 || answers[409] != copies-1 {
		t.Errorf("answered %v", answers)
	}
	app.one()
	g.post("/", header, body).wants(t, 200)
	app.none()
}

// Law 3: claims are keyed on signed material. The signature's text can be written in several ways
// (hex case, base64 padding bits, the order of a list), and ShipfoxHQ/shipfox#709 keyed on the
// unsigned X-GitHub-Delivery: each would be another delivery of the same webhook.
func TestADeliveryIsClaimedOnceHoweverItsUnsignedPartsAreWritten(t *testing.T) {
	upperHex := func(s string) string {
		prefix, digits, ok := strings.Cut(s, "=")
		if !ok {
			return strings.ToUpper(s)
		}
		return prefix + "=" + strings.ToUpper(digits)
	}
	set := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}
	edit := func(name string, f func(string) string) func(http.Header) {
		return func(h http.Header) { h.Set(name, f(h.Get(name))) }
	}
	add := func(text string) func(string) string { return func(s string) string { return s + text } }
	tests := map[string]map[string]func(http.Header){
		"github": {
			"hex case":              edit("X-Hub-Signature-256", upperHex),
			"another delivery id":   set("X-GitHub-Delivery", "another"),
			"no delivery id":        func(h http.Header) { h.Del("X-GitHub-Delivery") },
			"another event":         set("X-GitHub-Event", "issues"),
			"more headers":          set("X-More", "yes"),
			"another content type":  set("Content-Type", "text/plain"),
			"another header's case": func(h http.Header) { h["X-HUB-SIGNATURE-256"] = h["X-Hub-Signature-256"]; h.Del("X-Hub-Signature-256") },
		},
		"generic": {
			"hex case": edit("X-Webhook-Signature", upperHex),
		},
		"gstable": {
			"hex case": edit("X-GStable-Signature", upperHex),
		},
		"slack": {
			"hex case":      edit("X-Slack-Signature", upperHex),
			"a retry count": set("X-Slack-Retry-Num", "1"),
		},
		"stripe": {
			"another version first": edit("Stripe-Signature", func(s string) string { return "v0=" + strings.Repeat("0", 64) + "," + s }),
			"the time last": edit("Stripe-Signature", func(s string) string {
				at, rest, _ := strings.Cut(s, ",")
				return rest + "," + at
			}),
			"another signature last":  edit("Stripe-Signature", add(",v1="+strings.Repeat("0", 64))),
			"another signature first": edit("Stripe-Signature", func(s string) string { return "v1=" + strings.Repeat("0", 64) + "," + s }),
			"spaces":                  edit("Stripe-Signature", func(s string) string { return strings.ReplaceAll(s, ",", ", ") }),
		},
		"standard": {
			"another version first":  edit("Webhook-Signature", func(s string) string { return "v1a,AAAA " + s }),
			"another signature last": edit("Webhook-Signature", add(" v1,"+strings.Repeat("A", 43)+"=")),
			"twice":                  edit("Webhook-Signature", func(s string) string { return s + " " + s }),
			"the names of Svix": func(h http.Header) {
				for _, name := range []string{"Id", "Timestamp", "Signature"} {
					h["Svix-"+name] = h["Webhook-"+name]
					h.Del("Webhook-" + name)
				}
			},
		},
	}
	app := newApp(t)
	var site strings.Builder
	for provider := range tests {
		fmt.Fprintf(&site, "handle /%s {\n%s\nreverse_proxy APP\n}\n", provider, verifyBlock(provider))
	}
	g := startSite(t, app, site.String())
	for provider, edits := range tests {
		edits["another query"] = func(http.Header) {}
		for name, change := range edits {
			t.Run(provider+"/"+name, func(t *testing.T) {
				g := g.within(t)
				body := newBody()
				header := newSender(t, provider).headerOf(body)
				g.post("/"+provider, header, body).wants(t, 200)
				app.one()
				changed := header.Clone()
				change(changed)
				g.post("/"+provider+"?another=query", changed, body).wants(t, 200)
				app.none()
				if len(g.log.find(func(l logLine) bool {
					return l.Request.URI == "/"+provider+"?another=query" && l.Webhook["reason"] == "already_delivered"
				})) == 0 {
					t.Errorf("not a duplicate:\n%s", g.log.text())
				}
			})
		}
	}
}

// base64 has texts of one signature that differ in padding bits: they are no signature at all.
func TestASignatureWithPaddingBitsIsRefused(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "standard")
	body := newBody()
	header := newSender(t, "standard").headerOf(body)
	signature := header.Get("Webhook-Signature")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	last := strings.IndexByte(alphabet, signature[len(signature)-2])
	for _, bits := range []int{1, 2, 3} {
		header.Set("Webhook-Signature", signature[:len(signature)-2]+string(alphabet[last|bits])+"=")
		if last&bits != 0 {
			t.Fatal("a signature with padding bits was sent")
		}
		g.post("/", header, body).wants(t, 401)
	}
	app.none()
}

// A provider's retry is signed anew: it has another time and another signature, and the same id.
func TestARetryWithTheSignedIDAndANewTimeIsTheSameDelivery(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, "handle /standard {\n"+verifyBlock("standard")+"\nreverse_proxy APP\n}\nhandle /stripe {\n"+verifyBlock("stripe")+
		"\nreverse_proxy APP\n}\nhandle /gstable {\n"+verifyBlock("gstable")+"\nreverse_proxy APP\n}\nhandle /slack {\n"+verifyBlock("slack")+"\nreverse_proxy APP\n}")
	for _, provider := range []string{"standard", "stripe", "gstable", "slack"} {
		s := newSender(t, provider)
		body, id := newBody(), newID()
		signed := func(ago time.Duration) http.Header {
			return s.sign(verifiers.Message{ID: id, Body: body, Time: time.Now().Add(-ago)})
		}
		g.post("/"+provider, signed(2*time.Minute), body).wants(t, 200)
		app.one()
		for _, ago := range []time.Duration{2 * time.Minute, time.Minute, 0, -time.Minute} {
			g.post("/"+provider, signed(ago), body).wants(t, 200)
		}
		app.none()
		// The same body with another id is another delivery where the header has the id.
		if provider == "standard" {
			g.post("/standard", s.sign(verifiers.Message{ID: newID(), Body: body}), body).wants(t, 200)
			app.one()
		}
	}
}

// hookaido GHSA-cmwq-5829-xw24: claimed before verified, so that whoever knows an id can take it away
// from the delivery that will have it, or fill the store.
func TestAForgeryClaimsNothing(t *testing.T) {
	app, store := newApp(t), newStore(t)
	g := start(t, "{\nGLOBALS\nwebhook_gateway {\nreplay webhook_test\n}\n}\nSITE {\n"+verifyBlock("standard")+"\nreverse_proxy APP\n}", "APP", app.address())
	body := newBody()
	header := newSender(t, "standard").headerOf(body)
	for range 100 {
		forged := newSenderOf(t, "standard", "Zm9yZ2VkLXNlY3JldC0wMTIzNDU2Nzg5YWI=").sign(verifiers.Message{ID: header.Get("Webhook-Id"), Body: body})
		g.post("/", forged, body).wants(t, 401)
	}
	old := newSender(t, "standard").sign(verifiers.Message{ID: header.Get("Webhook-Id"), Body: body, Time: time.Now().Add(-time.Hour)})
	g.post("/", old, body).wants(t, 401)
	app.none()
	if n := store.claims(); n != 0 {
		t.Errorf("%d forgeries were claimed", n)
	}
	g.post("/", header, body).wants(t, 200)
	app.one()
}

// hookaido before 2.11: only the first of several signatures was compared while a secret was rolled.
func TestEverySecretIsTriedOnEverySignatureWhileOneIsRolled(t *testing.T) {
	app := newApp(t)
	t.Setenv("SECRET_TO_COME", "whsec_bmV3LXNlY3JldC0wMTIzNDU2Nzg5YWJjZGVmZ2g=")
	g := startSite(t, app, verifyBlock("standard", "secret {env.SECRET_TO_COME} next")+"\nreverse_proxy APP")
	current, next, other := secrets["standard"], "whsec_bmV3LXNlY3JldC0wMTIzNDU2Nzg5YWJjZGVmZ2g=", "b3RoZXItc2VjcmV0LTAxMjM0NTY3ODlhYmNkZWY="
	for _, test := range []struct {
		signers []string
		key     string
	}{
		{[]string{current}, "current"}, {[]string{next}, "next"}, {[]string{next, current}, "current"}, {[]string{other, other, next}, "next"},
		{[]string{other, current, other}, "current"}, {[]string{other}, ""}, {[]string{other, other}, ""},
	} {
		body := newBody()
		a := g.post("/", newSenderOf(t, "standard", test.signers...).headerOf(body), body)
		if test.key == "" {
			a.wants(t, 401)
			app.none()
			continue
		}
		a.wants(t, 200)
		if got := app.one().header.Get("Webhook-Verified-Key"); got != test.key {
			t.Errorf("signed by %d secrets: key %q and not %q", len(test.signers), got, test.key)
		}
	}
}

func TestRoutesKeepTheirClaimsApart(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, "handle /one {\n"+verifyBlock("github", "name one")+"\nreverse_proxy APP\n}\nhandle /two {\n"+verifyBlock("github", "name two")+"\nreverse_proxy APP\n}")
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	for _, path := range []string{"/one", "/two"} {
		g.post(path, header, body).wants(t, 200)
		app.one()
	}
	for _, path := range []string{"/one", "/two"} {
		g.post(path, header, body).wants(t, 200)
		app.none()
	}
}

func TestWithReplayOffCopiesComeThrough(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github", "replay off")
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	for range 3 {
		g.post("/", header, body).wants(t, 200)
		app.one()
	}
	g.post("/", header, newBody()).wants(t, 401)
	app.none()
}

// camunda/connectors#8989: kept for less than two tolerances, a claim lapses while a copy is fresh. The
// signed time may be as far in the future as it may be in the past, and the store is told to
// remember the delivery for longer than both.
func TestAClaimOutlivesTheTimeInWhichACopyIsAccepted(t *testing.T) {
	app, store := newApp(t), newStore(t)
	g := start(t, "{\nGLOBALS\nwebhook_gateway {\nreplay webhook_test\n}\n}\nSITE {\nhandle /default {\n"+verifyBlock("stripe", "name default")+
		"\nreverse_proxy APP\n}\nhandle /tolerant {\n"+verifyBlock("stripe", "name tolerant", "tolerance 1h")+"\nreverse_proxy APP\n}\nhandle /github {\n"+
		verifyBlock("github")+"\nreverse_proxy APP\n}\n}", "APP", app.address())
	for _, test := range []struct {
		path, provider string
		least          time.Duration
	}{{"/default", "stripe", 10 * time.Minute}, {"/tolerant", "stripe", 2 * time.Hour}, {"/github", "github", 24 * time.Hour}} {
		body := newBody()
		g.post(test.path, newSender(t, test.provider).headerOf(body), body).wants(t, 200)
		if got := store.lastWindow(); got < test.least {
			t.Errorf("%s: claimed for %v and not for %v at least", test.path, got, test.least)
		}
	}
}

// The key in the log is of signed material and nothing else, and tells nothing of it.
func TestTheKeyOfAClaimIsAHashAndNotTheSignature(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github")
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	g.post("/", header, body).wants(t, 200)
	key := g.log.await(t, 1, settled)[0].Webhook["claim"]
	if raw, err := hex.DecodeString(key); err != nil || len(raw) != 32 {
		t.Errorf("the key is %q", key)
	}
	if strings.Contains(header.Get("X-Hub-Signature-256"), key) {
		t.Error("the key is the signature")
	}
}
