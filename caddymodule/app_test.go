package caddymodule_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// app is what stands behind the gateway. It records what arrives.
type app struct {
	t      *testing.T
	server *httptest.Server

	mu       sync.Mutex
	answer   http.HandlerFunc
	received []received
}

// received is one request that arrived.
type received struct {
	method, target, proto string
	length                int64
	header, trailer       http.Header
	body                  []byte
	err                   error // of reading the body
}

// newApp runs an app that answers 200 to everything.
func newApp(t *testing.T) *app {
	t.Helper()
	a := &app{t: t, answer: func(http.ResponseWriter, *http.Request) {}}
	a.server = httptest.NewServer(a)
	t.Cleanup(a.server.Close)
	return a
}

// newAppThat runs an app with an answer of its own.
func newAppThat(t *testing.T, answer http.HandlerFunc) *app {
	t.Helper()
	a := newApp(t)
	a.answers(answer)
	return a
}

// ServeHTTP reads the body, records the request and answers.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	a.mu.Lock()
	a.received = append(a.received, received{r.Method, r.RequestURI, r.Proto, r.ContentLength, r.Header.Clone(), r.Trailer.Clone(), body, err})
	answer := a.answer
	a.mu.Unlock()
	answer(w, r)
}

// answers sets what the app answers from now on.
func (a *app) answers(answer http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = answer
}

// status is an answer of nothing but a status.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func (a *app) address() string { return strings.TrimPrefix(a.server.URL, "http://") }

// take returns what has arrived since it was last asked.
func (a *app) take() []received {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.received
	a.received = nil
	return all
}

// one returns the request that has arrived, and fails the test unless it is one.
func (a *app) one() received {
	a.t.Helper()
	all := a.take()
	if len(all) != 1 {
		a.t.Fatalf("%d requests reached the app and not 1", len(all))
	}
	return all[0]
}

// none fails the test if anything has arrived.
func (a *app) none() {
	a.t.Helper()
	if all := a.take(); len(all) != 0 {
		a.t.Fatalf("%d requests reached the app: %s %s %v", len(all), all[0].method, all[0].target, all[0].header)
	}
}
