package outbound_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/outbound/journaltest"
)

// rig is a hub on a journal, with subscribers that answer as a test says. Its time is that of a bubble of
// testing/synctest.
type rig struct {
	*testing.T
	journal  *journaltest.Memory
	settings Settings
	*Hub

	mu       sync.Mutex
	sent     []sent
	answer   func(ctx context.Context, s sent) Answer
	problems []error
	leftOut  []error
	disabled []Endpoint
	attempts []Attempt

	stop func()
}

// sent is an attempt as a subscriber sees it.
type sent struct {
	url    string
	header http.Header
	body   string
	at     time.Time
}

// accept is a subscriber that accepts everything.
func accept(context.Context, sent) Answer { return Answer{Code: 204} }

// refuse is a subscriber that refuses everything.
func refuse(context.Context, sent) Answer { return Answer{Code: 500, Body: []byte("no")} }

// inBubble runs a test with a rig that has started.
func inBubble(t *testing.T, test func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{T: t, journal: journaltest.NewMemory(), answer: accept}
		r.start()
		defer r.end()
		test(r)
	})
}

// start starts a hub on the journal, as a new process would.
func (r *rig) start() {
	r.Helper()
	r.Hub = New(r.journal, func(Settings) Sender { return r }, r.settings, Hooks{
		Problem: func(err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.problems = append(r.problems, err)
		},
		LeftOut: func(err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.leftOut = append(r.leftOut, err)
		},
		Disabled: func(e Endpoint) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.disabled = append(r.disabled, e)
		},
		Attempted: func(a Attempt, _ Message, _ Endpoint) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.attempts = append(r.attempts, a)
		},
	})
	r.SetJitter(func() float64 { return 0.5 })
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Hub.Run(ctx) }()
	r.stop = func() {
		r.Helper()
		cancel()
		if err := <-ended; err != nil {
			r.Errorf("the hub ended with %v", err)
		}
		r.stop = func() {}
	}
	synctest.Wait()
}

func (r *rig) end() { r.stop() }

// restart stops the hub and starts another on the same journal.
func (r *rig) restart() {
	r.Helper()
	r.stop()
	r.start()
}

// Send is the network.
func (r *rig) Send(ctx context.Context, url string, header http.Header, body []byte) Answer {
	s := sent{url, header.Clone(), string(body), time.Now()}
	r.mu.Lock()
	r.sent = append(r.sent, s)
	answer := r.answer
	r.mu.Unlock()
	return answer(ctx, s)
}

// answers changes how the subscribers answer.
func (r *rig) answers(answer func(context.Context, sent) Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// sentTo returns what was sent to a URL.
func (r *rig) sentTo(url string) []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.sent), func(s sent) bool { return s.url != url })
}

// app makes an application.
func (r *rig) app() Application {
	r.Helper()
	a, err := r.CreateApplication(r.Context(), Application{Name: "test"})
	if err != nil {
		r.Fatal(err)
	}
	return a
}

// endpoint makes an endpoint at https://<host>/.
func (r *rig) endpoint(app, host string, events ...string) Endpoint {
	r.Helper()
	e, err := r.CreateEndpoint(r.Context(), app, Endpoint{URL: "https://" + host + "/", Events: events}, "")
	if err != nil {
		r.Fatal(err)
	}
	return e
}

// publish publishes a message of a type.
func (r *rig) publish(app, event, payload string) Message {
	r.Helper()
	m, err := r.Publish(r.Context(), app, Message{EventType: event, Payload: []byte(payload)})
	if err != nil {
		r.Fatal(err)
	}
	return m
}

// status returns how a message stands with an endpoint.
func (r *rig) status(app, message, endpoint string) Delivery {
	r.Helper()
	found, _, err := r.Deliveries(app, DeliveryFilter{Message: message, Endpoint: endpoint}, Page{Limit: 10})
	if err != nil || len(found) != 1 {
		r.Fatalf("%d deliveries, %v", len(found), err)
	}
	return found[0]
}

// wants fails the test unless a message stands with an endpoint as it should.
func (r *rig) wants(app string, m Message, e Endpoint, want Status, attempts int) {
	r.Helper()
	synctest.Wait()
	if d := r.status(app, m.ID, e.ID); d.Status != want || d.Attempts != attempts {
		r.Errorf("is %v after %d attempts, want %v after %d", d.Status, d.Attempts, want, attempts)
	}
}
