package caddymodule_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/hookseal/hookseal/verifiers"
)

// What webhook_sign signs with in these tests.
const (
	internalSecret  = "whsec_aW50ZXJuYWwtc2VjcmV0LTAxMjM0NTY3ODlhYmNkZWY="
	previousSecret  = "whsec_cHJldmlvdXMtc2VjcmV0LTAxMjM0NTY3ODlhYmNkZWY="
	internalPrivate = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
	internalPublic  = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
)

// signBlock is a webhook_sign with the internal secret.
func signBlock(t *testing.T, scheme string, options ...string) string {
	t.Helper()
	t.Setenv("INTERNAL_SECRET", internalSecret)
	return fmt.Sprintf("webhook_sign %s {\nsecret {env.INTERNAL_SECRET}\n%s\n}", scheme, strings.Join(options, "\n"))
}

// opens verifies what arrived at the app as the scheme's receivers do.
func (got received) opens(t *testing.T, scheme, secret string) verifiers.Delivery {
	t.Helper()
	s := newSenderOf(t, scheme, secret)
	check, err := s.verifier.Check(verifiers.Request{Method: got.method, Header: got.header, Target: got.target})
	if err != nil {
		t.Fatalf("%v: %v", err, got.header)
	}
	defer check.Close()
	d, err := check.Verify(got.body)
	if err != nil {
		t.Fatalf("%v: %v", err, got.header)
	}
	return d
}

func TestWhatWasVerifiedIsSignedForTheApp(t *testing.T) {
	for _, outer := range []string{"github", "gstable", "slack", "standard", "stripe", "generic"} {
		for _, inner := range []string{"standard", "generic", "github", "gstable", "stripe"} {
			t.Run(outer+" as "+inner, func(t *testing.T) {
				app := newApp(t)
				g := startSite(t, app, verifyBlock(outer)+"\n"+signBlock(t, inner)+"\nreverse_proxy APP")
				body := newBody()
				header := newSender(t, outer).headerOf(body)
				g.post("/in", header, body).wants(t, 200)
				got := app.one()
				if !bytes.Equal(got.body, body) {
					t.Errorf("the app got %q", got.body)
				}
				if d := got.opens(t, inner, internalSecret); d.Event != "push" && inner != "standard" || inner == "standard" && d.ID == "" {
					t.Errorf("the app reads %v", d)
				}
				if got.header.Get("Webhook-Verified-Provider") != outer {
					t.Errorf("the app isn't told who sent it: %v", got.header)
				}
				// A copy is a copy, and what is forged reaches nobody.
				g.post("/in", header, body).wants(t, 200)
				g.post("/in", header, append(body, ' ')).wants(t, 401)
				app.none()
			})
		}
	}
}

// Two senders may give their deliveries the same ids, which must not make them copies of each other to an
// app that has both.
func TestTheSignedIDIsThatOfTheClaim(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, `
handle /stripe { `+"\n"+verifyBlock("stripe")+"\n"+signBlock(t, "standard")+`
	reverse_proxy APP
}
handle /other { `+"\n"+verifyBlock("stripe", "name other")+"\n"+signBlock(t, "standard")+`
	reverse_proxy APP
}`)
	stripe := newSender(t, "stripe")
	body := fmt.Appendf(nil, `{"id":%q,"type":"charge.succeeded"}`, newID())
	seen := make(map[string]string)
	for _, path := range []string{"/stripe", "/other"} {
		// A retry is signed anew and has another body. It is the same delivery.
		for i, code := range []int{503, 200} {
			app.answers(status(code))
			body := append(bytes.Clone(body), bytes.Repeat([]byte(" "), i)...)
			g.post(path, stripe.headerOf(body), body).wants(t, code)
			id := app.one().opens(t, "standard", internalSecret).ID
			if of, is := seen[id]; is && of != path || !is && i > 0 || !claimID.MatchString(id) {
				t.Errorf("%s, try %d: id %q", path, i+1, id)
			}
			seen[id] = path
		}
	}
	line := g.log.await(t, 4, settled)[3]
	if claim := line.Webhook["claim"]; seen["msg_"+claim] != "/other" {
		t.Errorf("the log says %q and the app was told %v", claim, seen)
	}
}

func TestAnotherIDIsSignedByChoiceWhereItCanBe(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, `
handle /stripe { `+"\n"+verifyBlock("stripe")+"\n"+signBlock(t, "standard", "id {http.webhook.id}")+`
	reverse_proxy APP
}
handle /given {`+"\n"+verifyBlock("generic")+"\n"+signBlock(t, "standard", "id {http.request.header.X-Id}")+`
	reverse_proxy APP
}`)
	id := newID()
	// A dot would part the id from the time, and Node would read the last one as another.
	for given, want := range map[string]string{id: "^" + id + "$", "a.b": claimID.String(), "bestellung-ü": claimID.String(), "": claimID.String()} {
		body := fmt.Appendf(nil, `{"id":%q,"type":"charge.succeeded","n":%q}`, given, newID())
		g.post("/stripe", newSender(t, "stripe").headerOf(body), body).wants(t, 200)
		if d := app.one().opens(t, "standard", internalSecret); !regexp.MustCompile(want).MatchString(d.ID) {
			t.Errorf("Stripe's %q: id %q", given, d.ID)
		}
		body = newBody()
		g.post("/given", with(newSender(t, "generic").headerOf(body), "X-Id", given), body).wants(t, 200)
		if d := app.one().opens(t, "standard", internalSecret); !regexp.MustCompile(want).MatchString(d.ID) {
			t.Errorf("given %q: id %q", given, d.ID)
		}
	}
}

var claimID = regexp.MustCompile(`^msg_[0-9a-f]{64}$`)

func TestASendersOwnFieldsOfTheSchemeAreRemoved(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, verifyBlock("github")+"\n"+signBlock(t, "standard")+"\nreverse_proxy APP")
	body := newBody()
	forged := newSenderOf(t, "standard", previousSecret).sign(verifiers.Message{ID: "msg_forged", Body: body})
	header := newSender(t, "github").headerOf(body)
	for name, values := range forged {
		header[name] = append(values, values...)
		header[strings.Replace(name, "Webhook", "Svix", 1)] = values
		header[strings.ReplaceAll(name, "-", "_")] = values
	}
	g.post("/", header, body).wants(t, 200)
	got := app.one()
	if d := got.opens(t, "standard", internalSecret); d.ID == "msg_forged" {
		t.Errorf("the app reads %v", d)
	}
	for name, values := range got.header {
		if strings.HasPrefix(name, "Svix-") || strings.Contains(name, "_") || strings.HasPrefix(name, "Webhook-") && len(values) != 1 {
			t.Errorf("%s: %q", name, values)
		}
	}
}

// While a secret rolls receivers have one or the other.
func TestEverySecretSigns(t *testing.T) {
	t.Setenv("PREVIOUS_SECRET", previousSecret)
	t.Setenv("PRIVATE_KEY", internalPrivate)
	app := newApp(t)
	more := "secret {env.PREVIOUS_SECRET}\nsecret {env.PRIVATE_KEY}"
	g := startSite(t, app, verifyBlock("github")+"\n"+signBlock(t, "standard", more)+"\nreverse_proxy APP")
	body := newBody()
	g.post("/", newSender(t, "github").headerOf(body), body).wants(t, 200)
	got := app.one()
	for _, secret := range []string{internalSecret, previousSecret, internalPrivate, internalPublic} {
		got.opens(t, "standard", secret)
	}
	if names := regexp.MustCompile(`v1a?,`).FindAllString(got.header.Get("Webhook-Signature"), -1); strings.Join(names, " ") != "v1, v1, v1a," {
		t.Errorf("signatures %q", names)
	}
	if text := g.log.text(); strings.Contains(text, internalPrivate[5:30]) || strings.Contains(text, internalSecret[6:]) {
		t.Error("the log has a secret")
	}
}

func TestKeysThatReceiversCanNotDoWithAreRefused(t *testing.T) {
	g := startSite(t, nil, "respond 200")
	t.Setenv("PUBLIC_KEY", internalPublic)
	t.Setenv("PRIVATE_KEY", internalPrivate)
	for name, test := range map[string]struct{ secrets, problem string }{
		"a public key":           {"secret {env.PUBLIC_KEY}\n", "secret 1 is a public key, which can't sign"},
		"more than they'd check": {strings.Repeat("secret {env.PRIVATE_KEY}\n", 5), "secret 5: one public key more than the 4"},
	} {
		code, text := g.reload("{\nGLOBALS\n}\nSITE {\nwebhook_sign standard {\n" + test.secrets + "}\n}")
		if code != 400 || !strings.Contains(text, test.problem) || !strings.Contains(text, "Caddyfile:") {
			t.Errorf("%s: %d %s", name, code, text)
		}
	}
}

func TestNothingIsSignedThatWasNotVerified(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, `
handle /bare {`+"\n"+signBlock(t, "standard")+`
	reverse_proxy APP
}
handle /monitor {`+"\n"+verifyBlock("github", "mode monitor")+"\n"+signBlock(t, "standard")+`
	reverse_proxy APP
}`)
	body := newBody()
	g.post("/bare", newSender(t, "github").headerOf(body), body).wants(t, 403)
	app.none()

	// What is only watched goes on, but not as if it were genuine.
	forged := newSenderOf(t, "standard", internalSecret).sign(verifiers.Message{ID: newID(), Body: body})
	g.post("/monitor", forged, body).wants(t, 200)
	got := app.one()
	for name := range got.header {
		if strings.HasPrefix(name, "Webhook-") && name != "Webhook-Verified" {
			t.Errorf("%s: %q", name, got.header[name])
		}
	}
	if got.header.Get("Webhook-Verified") != "false" || !bytes.Equal(got.body, body) {
		t.Errorf("%v %q", got.header, got.body)
	}
	// What would have been dropped as a copy is genuine.
	header := newSender(t, "github").headerOf(body)
	for range 2 {
		g.post("/monitor", header, body).wants(t, 200)
		app.one().opens(t, "standard", internalSecret)
	}
}

// Only the bytes that were verified may get a signature of ours.
func TestABodyThatWasReplacedIsNotSigned(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, "route {\n"+verifyBlock("github")+"\nwebhook_test_hook replacing\n"+signBlock(t, "standard")+"\nreverse_proxy APP\n}")
	setHook(t, "replacing", func(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
		r.Body = io.NopCloser(strings.NewReader("{}"))
		return next.ServeHTTP(w, r)
	})
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	g.post("/", header, body).wants(t, 500)
	app.none()
	setHook(t, "replacing", func(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
		return next.ServeHTTP(w, r)
	})
	g.post("/", header, body).wants(t, 200)
	app.one().opens(t, "standard", internalSecret)
}

func TestStandingAloneItSignsWhatAnAppSends(t *testing.T) {
	partner := newApp(t)
	g := startSite(t, partner, signBlock(t, "standard", "standalone", "max_body 64KiB")+"\nreverse_proxy APP")
	sent := func(body []byte, headers http.Header) verifiers.Delivery {
		t.Helper()
		g.post("/partner?x=1", headers, body).wants(t, 200)
		got := partner.one()
		if !bytes.Equal(got.body, body) || got.length != int64(len(body)) || got.target != "/partner?x=1" {
			t.Errorf("%s: %d bytes of %q", got.target, got.length, got.body)
		}
		for name := range got.header {
			if strings.HasPrefix(name, "Webhook-Verified") {
				t.Errorf("%s: %q", name, got.header[name])
			}
		}
		return got.opens(t, "standard", internalSecret)
	}
	uuid7 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	first, second := sent([]byte("{}"), nil), sent([]byte("{}"), nil)
	if !uuid7.MatchString(first.ID) || first.ID == second.ID {
		t.Errorf("ids %q and %q", first.ID, second.ID)
	}
	if d := sent([]byte("no JSON\x00"), header("Webhook-Id", "order-7", "Webhook-Verified-Id", "x", "Connection", "Webhook-Signature")); d.ID != "order-7" {
		t.Errorf("id %q, want the app's own", d.ID)
	}
	sent(nil, nil)
	sent(bytes.Repeat([]byte("x"), 64<<10), nil)

	for _, id := range []string{"order.7", "order-ü"} { // another id would make each of the app's tries another message
		g.post("/", header("Webhook-Id", id), []byte("{}")).wants(t, 500)
	}
	g.post("/", nil, bytes.Repeat([]byte("x"), 64<<10+1)).wants(t, 413)
	req := g.request(http.MethodPost, "/", nil, io.MultiReader(bytes.NewReader(bytes.Repeat([]byte("x"), 64<<10+1)))) // chunked
	g.do(req).wants(t, 413)
	partner.none()
}

// A proxy's retry sends the whole body again, with a signature that still holds.
func TestARetrySendsWhatWasSigned(t *testing.T) {
	for _, site := range []struct{ name, directives string }{
		{"verified", verifyBlock("github") + "\nSIGN"},
		{"standalone", "SIGN\n"},
	} {
		for _, f := range failing {
			t.Run(site.name+", the first "+f.name, func(t *testing.T) {
				app := newApp(t)
				option := ""
				if site.name == "standalone" {
					option = "standalone"
				}
				g := startSite(t, app, strings.Replace(site.directives, "SIGN", signBlock(t, "standard", option), 1)+`
reverse_proxy FAILING APP {
	lb_policy first
	lb_retries 1
	lb_retry_match method POST
	fail_duration 1h
}`, "FAILING", upstream(t, f.serve))
				body := bytes.Repeat(newBody(), 100)
				a := g.post("/", newSender(t, "github").headerOf(body), body)
				got := app.take()
				if a.status != 200 && len(got) == 0 {
					return // a try that failed whole
				}
				if len(got) != 1 || !bytes.Equal(got[0].body, body) {
					t.Fatalf("%d: %d requests", a.status, len(got))
				}
				got[0].opens(t, "standard", internalSecret)
			})
		}
	}
}
