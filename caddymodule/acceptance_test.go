package caddymodule_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// settled matches the log lines that say what became of a forwarded delivery.
func settled(l logLine) bool {
	return l.Webhook["verdict"] == "verified" && (l.Msg == "webhook delivered" || l.Msg == "webhook not accepted by the app: its claim is given back")
}

// hookaido#249 and hookdeck/outpost#670: a delivery that was claimed and not delivered, so that the
// sender's retry was refused and the event was lost.
func TestADeliveryThatTheAppDidNotAcceptComesThroughAgain(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github")
	for _, code := range []int{300, 301, 302, 304, 400, 401, 404, 409, 410, 429, 500, 502, 503, 504, 599} {
		body := newBody()
		header := newSender(t, "github").headerOf(body)
		app.answers(status(code))
		g.post("/", header, body).wants(t, code)
		g.post("/", header, body).wants(t, code)
		app.answers(status(200))
		g.post("/", header, body).wants(t, 200)
		for _, got := range app.take() {
			if !bytes.Equal(got.body, body) {
				t.Errorf("%d: the app got %q", code, got.body)
			}
		}
		g.post("/", header, body).wants(t, 200)
		app.none()
	}
}

func TestADeliveryThatTheAppAcceptedIsForwardedOnce(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github")
	for _, code := range []int{200, 201, 202, 204, 206, 226, 299} {
		body := newBody()
		header := newSender(t, "github").headerOf(body)
		app.answers(status(code))
		g.post("/", header, body).wants(t, code)
		app.one()
		g.post("/", header, body).wants(t, 200)
		app.none()
	}
}

// Every way in which a handler can end without having accepted.
func TestAClaimIsGivenBackHoweverTheHandlersFail(t *testing.T) {
	g := startSite(t, nil, "route {\n"+verifyBlock("github")+"\nwebhook_test_hook failing\n}")
	for name, fail := range map[string]hookFunc{
		"an error":               func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error { return fmt.Errorf("failed") },
		"an error with a status": func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error { return caddyhttp.Error(422, nil) },
		"an error with a status of success": func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error {
			return caddyhttp.Error(200, fmt.Errorf("failed"))
		},
		"an abort": func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error { panic(http.ErrAbortHandler) },
		"a panic":  func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error { panic("failed") },
		"an abort after an answer that is no success": func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
			w.WriteHeader(500)
			panic(http.ErrAbortHandler)
		},
		"an abort after early hints": func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
			w.WriteHeader(103)
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := g.within(t)
			body := newBody()
			header := newSender(t, "github").headerOf(body)
			calls := 0
			setHook(t, "failing", func(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
				calls++
				return fail(w, r, next)
			})
			before := len(g.log.find(settled))
			for n := range 2 {
				_, _ = exchange(g.client, g.request(http.MethodPost, "/", header, bytes.NewReader(body)))
				lines := g.log.await(t, before+n+1, settled)
				if reason := lines[before+n].Webhook["reason"]; reason != "not_accepted" {
					t.Errorf("the reason is %s", reason)
				}
			}
			if calls != 2 {
				t.Errorf("the handler was called %d times and not 2", calls)
			}
			setHook(t, "failing", func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
				w.WriteHeader(200)
				return nil
			})
			g.post("/", header, body).wants(t, 200)
			setHook(t, "failing", func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error {
				t.Error("a copy of an accepted delivery went on")
				return nil
			})
			g.post("/", header, body).wants(t, 200)
		})
	}
}

// The app has accepted, whatever becomes of the rest of its answer.
func TestAnAnswerThatBreaksOffAfterTheAppAcceptedKeepsTheClaim(t *testing.T) {
	g := startSite(t, nil, "route {\n"+verifyBlock("github")+"\nwebhook_test_hook breaking\n}")
	for name, answer := range map[string]hookFunc{
		"after the status": func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
			w.WriteHeader(202)
			panic(http.ErrAbortHandler)
		},
		"in the body": func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
			_, _ = io.WriteString(w, "half of")
			panic(http.ErrAbortHandler)
		},
		"with an error": func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
			w.WriteHeader(204)
			return fmt.Errorf("failed")
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := g.within(t)
			setHook(t, "breaking", answer)
			body := newBody()
			header := newSender(t, "github").headerOf(body)
			before := len(g.log.find(settled))
			_, _ = exchange(g.client, g.request(http.MethodPost, "/", header, bytes.NewReader(body)))
			if lines := g.log.await(t, before+1, settled); lines[before].Webhook["reason"] != "accepted" {
				t.Errorf("the log says %s", lines[before].text)
			}
			g.post("/", header, body).wants(t, 200)
		})
	}
}

// Caddy answers 200 where no handler does. A sender would take that for a delivery.
func TestADeliveryThatNobodyAnswersIsNotAccepted(t *testing.T) {
	app := newAppThat(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "raw")
		w.WriteHeader(http.StatusSwitchingProtocols) // unasked: the proxy passes nothing on
	})
	for name, behind := range map[string]string{
		"no handler":                 "",
		"no rule that matches":       "webhook_route {\nevent other {\nrespond 200\n}\n}",
		"a handler that only passes": "request_header X-A b",
		"an upgrade by the app":      "reverse_proxy APP",
	} {
		t.Run(name, func(t *testing.T) {
			g := startSite(t, app, verifyBlock("github")+"\n"+behind)
			body := newBody()
			header := newSender(t, "github").headerOf(body)
			for range 2 { // a claim that was kept would be answered 200
				g.post("/", header, body).wants(t, 502)
			}
			if n := len(g.log.find(message("webhook is a duplicate"))); n != 0 {
				t.Errorf("%d duplicates", n)
			}
		})
	}
}

func TestEarlyHintsAreNoAnswer(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github")
	for final, again := range map[int]int{500: 500, 200: 200} {
		app.answers(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusProcessing)
			w.WriteHeader(final)
		})
		body := newBody()
		header := newSender(t, "github").headerOf(body)
		g.post("/", header, body).wants(t, final)
		app.one()
		g.post("/", header, body).wants(t, again)
		if n := len(app.take()); (n == 1) != (final == 500) {
			t.Errorf("%d: %d copies were forwarded", final, n)
		}
	}
}

func TestADeadAppGivesTheClaimBack(t *testing.T) {
	app := newApp(t)
	dead := freeAddress(t)
	g := startSite(t, app, verifyBlock("github")+"\n@dead header X-Dead yes\nreverse_proxy @dead DEAD\nreverse_proxy APP", "DEAD", dead)
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	g.post("/", with(header, "X-Dead", "yes"), body).wants(t, 502)
	g.post("/", with(header, "X-Dead", "yes"), body).wants(t, 502)
	g.post("/", header, body).wants(t, 200)
	app.one()
	g.post("/", header, body).wants(t, 200)
	app.none()
}

func TestAnAppThatTakesTooLongGivesTheClaimBack(t *testing.T) {
	app, hold := newApp(t), newHold(t)
	g := start(t, "{\nGLOBALS\nwebhook_gateway {\nforward_timeout 300ms\n}\n}\nSITE {\nlog\n"+verifyBlock("github")+"\nreverse_proxy APP\n}", "APP", app.address())
	app.answers(hold.ServeHTTP)
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	g.post("/", header, body).wants(t, 504)
	app.one()
	hold.release <- 200 // too late
	app.answers(status(200))
	g.post("/", header, body)
	if lines := g.log.await(t, 2, settled); lines[1].Webhook["reason"] == "accepted" {
		g.post("/", header, body).wants(t, 200)
	}
	if n := len(app.take()); n != 1 {
		t.Errorf("the retry reached the app %d times", n)
	}
}

// Senders give up after seconds and try again. What the app works on is not worth less for that.
func TestASenderThatHangsUpDoesNotCancelTheApp(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, "route {\nwebhook_test_hook outer\n"+verifyBlock("github")+"\nreverse_proxy APP\n}")
	for _, test := range []struct {
		answer int
		reason string
		again  int // requests that the sender's retry makes
	}{{200, "accepted", 0}, {500, "not_accepted", 1}} {
		outer := captureContext(t, "outer")
		canceled := make(chan bool, 1)
		arrived := make(chan struct{})
		app.answers(func(w http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-outer.Done() // the gateway knows that the sender is gone
			canceled <- r.Context().Err() != nil
			w.WriteHeader(test.answer)
		})
		body := newBody()
		header := newSender(t, "github").headerOf(body)
		before := len(g.log.find(settled))
		w := g.dial().writeHead("/", header, contentLength(body)).write(string(body))
		wait(t, "the delivery", arrived)
		w.conn.Close()
		if wait(t, "the app's answer", canceled) {
			t.Error("the app's request was canceled")
		}
		lines := g.log.await(t, before+1, settled)
		if got := lines[before].Webhook["reason"]; got != test.reason {
			t.Errorf("the app answered %d: %s", test.answer, got)
		}
		app.one()
		app.answers(status(200))
		g.post("/", header, body).wants(t, 200)
		if n := len(app.take()); n != test.again {
			t.Errorf("the app answered %d: the retry reached it %d times", test.answer, n)
		}
	}
}

// A claim is settled whatever has become of the sender and of the time limit.
func TestSettlingIsNotCanceledByTheSenderOrTheTimeLimit(t *testing.T) {
	app, store, hold := newApp(t), newStore(t), newHold(t)
	app.answers(hold.ServeHTTP)
	g := start(t, "{\nGLOBALS\nwebhook_gateway {\nreplay webhook_test\nforward_timeout 300ms\n}\n}\nSITE {\nlog\n"+verifyBlock("github")+"\nreverse_proxy APP\n}", "APP", app.address())
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	g.post("/", header, body).wants(t, 504)
	if len(store.settled) != 1 || store.settled[0] || store.contexts[0] != nil {
		t.Errorf("settled %v under %v", store.settled, store.contexts)
	}
}

// A store that can't record is no reason to tell the sender that its delivery failed: the app has it.
func TestAnOutageWhileSettlingIsLoggedAndNotAnswered(t *testing.T) {
	app, store := newApp(t), newStore(t)
	app.answers(func(http.ResponseWriter, *http.Request) { store.fails(errOutage) })
	g := start(t, "{\nGLOBALS\nwebhook_gateway {\nreplay webhook_test\n}\n}\nSITE {\nlog\n"+verifyBlock("github")+"\nreverse_proxy APP\n}", "APP", app.address())
	body := newBody()
	g.post("/", newSender(t, "github").headerOf(body), body).wants(t, 200)
	lines := g.log.await(t, 1, message("claim could not be settled"))
	if l := lines[0]; l.Level != "error" || !l.Accepted || l.Error != errOutage.Error() || len(l.Webhook["claim"]) != 64 {
		t.Errorf("the log says %s", l.text)
	}
}
