package caddymodule

import (
	"net/http"
	"sync"
	"time"
)

// arrival is a body on its way in, which must have arrived by a certain time.
type arrival struct {
	due           time.Time
	writer        http.ResponseWriter // of its request
	overdue       bool
	before, after *arrival // in the ring, while it isn't overdue
}

// arrivals cuts bodies off that take too long to arrive. All of them share one timer, which mostly
// fires for none: a connection's own deadline, set for every body, wakes a thread of the runtime for
// every body, and that costs more than verification.
type arrivals struct {
	limit time.Duration

	mu    sync.Mutex
	ring  arrival     // its neighbours are the first that is due and the last
	timer *time.Timer // runs while the ring holds any
}

func newArrivals(limit time.Duration) *arrivals {
	all := &arrivals{limit: limit}
	all.ring.before, all.ring.after = &all.ring, &all.ring
	all.timer = time.AfterFunc(limit, all.fire)
	all.timer.Stop()
	return all
}

// expect begins to watch a body. done must be called when it has been read.
func (all *arrivals) expect(a *arrival) {
	all.mu.Lock()
	defer all.mu.Unlock()
	a.due = time.Now().Add(all.limit)
	last := all.ring.before
	if last == &all.ring {
		all.timer.Reset(all.limit)
	}
	a.before, a.after = last, &all.ring
	last.after, all.ring.before = a, a
}

// done ends the watch, and lifts the deadline of a body that was cut off, so that its sender can be
// answered. After it the connection is left alone.
func (all *arrivals) done(a *arrival) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if a.overdue {
		a.cutOff(time.Time{})
		return
	}
	a.unlink()
}

func (a *arrival) unlink() {
	a.before.after, a.after.before = a.after, a.before
	a.before, a.after = nil, nil
}

// cutOff ends reading at a time. A writer without deadlines, as tests have, leaves the body to the
// server's own timeouts.
func (a *arrival) cutOff(at time.Time) {
	_ = http.NewResponseController(a.writer).SetReadDeadline(at)
}

// fire cuts off what is overdue.
func (all *arrivals) fire() {
	all.mu.Lock()
	defer all.mu.Unlock()
	now := time.Now()
	for first := all.ring.after; first != &all.ring; first = all.ring.after {
		if first.due.After(now) {
			all.timer.Reset(first.due.Sub(now))
			return
		}
		first.unlink()
		first.overdue = true
		first.cutOff(now)
	}
}
