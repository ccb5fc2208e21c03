package caddymodule_test

import (
	"net/http"
	"testing"
)

// hold is an app's answer that comes when the test lets it.
type hold struct {
	t       *testing.T
	arrived chan struct{}
	release chan int // statuses
}

func newHold(t *testing.T) *hold {
	return &hold{t, make(chan struct{}, 128), make(chan int, 128)}
}

// ServeHTTP waits for a status and answers it.
func (h *hold) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.arrived <- struct{}{}
	select {
	case code := <-h.release:
		w.WriteHeader(code)
	case <-h.t.Context().Done():
	}
}

// sent is a request under way.
type sent struct {
	t    *testing.T
	done chan sentResult
}

type sentResult struct {
	answer *answer
	err    error
}

// send sends a request without waiting for its answer.
func (g *gateway) send(req *http.Request) *sent {
	s := &sent{g.t, make(chan sentResult, 1)}
	go func() {
		a, err := exchange(g.client, req)
		s.done <- sentResult{a, err}
	}()
	return s
}

// answer waits for the answer.
func (s *sent) answer() *answer {
	s.t.Helper()
	r := wait(s.t, "an answer", s.done)
	if r.err != nil {
		s.t.Fatal(r.err)
	}
	return r.answer
}
