package caddymodule_test

import (
	"bytes"
	"context"
	"net/http"
	"testing"
)

// Otherwise the sender's retry is refused and the event is lost: hookaido#249, hookdeck/outpost#670.
func TestWhatTheAppDidNotAcceptComesThroughWhenItIsSentAgain(t *testing.T) {
	for name, refuse := range map[string]http.HandlerFunc{
		"500":         status(500),
		"404":         status(404),
		"302":         status(302),
		"early hints": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(503) },
		"abort":       func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			app := newAppThat(t, refuse)
			g := startVerify(t, app, "github")
			body := newBody()
			header := newSender(t, "github").headerOf(body)
			if a := g.post("/", header, body); a.status/100 == 2 {
				t.Fatalf("answered %d", a.status)
			}
			app.one()
			app.answers(status(200))
			g.post("/", header, body).wants(t, 200)
			app.one()
			g.post("/", header, body).wants(t, 200)
			app.none()
		})
	}
}

func TestADeliveryToAnAppThatIsDownComesThroughLater(t *testing.T) {
	g := startSite(t, nil, verifyBlock("github")+"\nreverse_proxy DOWN", "DOWN", freeAddress(t))
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	for range 2 { // a claim that was kept would be answered 200
		g.post("/", header, body).wants(t, 502)
	}
}

func TestADeliveryThatTheAppTakesTooLongForComesThroughAgain(t *testing.T) {
	app, hold := newApp(t), newHold(t)
	app.answers(hold.ServeHTTP)
	g := start(t, "{\nGLOBALS\nwebhook_gateway {\nforward_timeout 50ms\n}\n}\nSITE {\n"+verifyBlock("github")+"\nreverse_proxy APP\n}", "APP", app.address())
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	if a := g.post("/", header, body); a.status/100 != 5 {
		t.Fatalf("answered %d", a.status)
	}
	app.answers(status(200))
	g.post("/", header, body).wants(t, 200)
	if n := len(app.take()); n != 2 {
		t.Errorf("%d deliveries reached the app", n)
	}
}

// Senders give up after seconds and try again; the app would do the work twice.
func TestASenderThatHangsUpDoesNotCancelTheAppAndItsRetryIsADuplicate(t *testing.T) {
	app := newApp(t)
	arrived, release, outcome := make(chan struct{}, 1), make(chan struct{}), make(chan error, 1)
	app.answers(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-release
		outcome <- r.Context().Err()
	})
	g := startVerify(t, app, "github")
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	ctx, hangUp := context.WithCancel(t.Context())
	sent := g.send(g.request(http.MethodPost, "/", header, bytes.NewReader(body)).WithContext(ctx))
	wait(t, "the delivery", arrived)
	hangUp()
	if r := wait(t, "the sender's end", sent.done); r.err == nil {
		t.Fatal("the sender did not hang up")
	}
	close(release)
	if err := wait(t, "the app's end", outcome); err != nil {
		t.Errorf("the app's request was cancelled: %v", err)
	}
	g.log.await(t, 1, message("webhook delivered"))
	g.post("/", header, body).wants(t, 200)
	app.one()
}

// The claim is settled by the status, not by whether the whole answer got through.
func TestAnAppThatAcceptedAndThenBrokeOffHasAccepted(t *testing.T) {
	app := newAppThat(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half"))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	g := startVerify(t, app, "github")
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	_, _ = exchange(g.client, g.request(http.MethodPost, "/", header, bytes.NewReader(body)))
	g.log.await(t, 1, message("webhook delivered"))
	g.post("/", header, body).wants(t, 200)
	app.one()
}
