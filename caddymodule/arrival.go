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
	before, after *arrival
}

// arrivals cuts bodies off that take too long to arrive. All of them share one timer, which mostly
// fires for none: a connection's own deadline, set for every body, wakes a thread of the runtime for
// every body, and that costs more than verification.
type arrivals struct {
	mu    sync.Mutex
	ring  arrival // its neighbours are the first and the last
	timer *time.Timer
	fires time.Time // zero while the timer is off
}

// bodies are the arrivals of the process.
var bodies = newArrivals()

func newArrivals() *arrivals {
	all := new(arrivals)
	all.ring.before, all.ring.after = &all.ring, &all.ring
	all.timer = time.AfterFunc(time.Hour, all.fire)
	all.timer.Stop()
	return all
}

// expect begins to watch a body. done must be called when it has been read.
func (all *arrivals) expect(a *arrival) {
	all.mu.Lock()
	defer all.mu.Unlock()
	last := all.ring.before
	a.before, a.after = last, &all.ring
	last.after, all.ring.before = a, a
	all.arm(a.due)
}

// done ends the watch, and lifts the deadline of a body that was cut off, so that its sender can be
// answered. After it the connection is left alone.
func (all *arrivals) done(a *arrival) {
	all.mu.Lock()
	defer all.mu.Unlock()
	a.before.after, a.after.before = a.after, a.before
	if a.overdue {
		a.cutOff(time.Time{})
	}
}

// cutOff ends reading at a time. A writer without deadlines, as tests have, leaves the body to the
// server's own timeouts.
func (a *arrival) cutOff(at time.Time) {
	_ = http.NewResponseController(a.writer).SetReadDeadline(at)
}

// arm makes the timer fire at a time, if it doesn't fire before.
func (all *arrivals) arm(at time.Time) {
	if all.fires.IsZero() || at.Before(all.fires) {
		all.fires = at
		all.timer.Reset(time.Until(at))
	}
}

// fire cuts off what is overdue.
func (all *arrivals) fire() {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.fires = time.Time{}
	now := time.Now()
	for a := all.ring.after; a != &all.ring; a = a.after {
		switch {
		case a.overdue:
		case a.due.After(now):
			all.arm(a.due)
		default:
			a.overdue = true
			a.cutOff(now)
		}
	}
}
