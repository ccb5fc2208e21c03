package outbound

import (
	"container/heap"
	"context"
	"time"
)

// line is the endpoints that the dispatcher is to look at: those that may have something to begin now,
// in turn, and those that it is to look at later.
type line struct {
	ready  []*endpoint
	alarms alarms
	flight int // attempts that are being made, of all endpoints
	wake   chan struct{}
}

func newLine() line { return line{wake: make(chan struct{}, 1)} }

// look makes the dispatcher look at an endpoint. The session's lock is held.
func (l *line) look(e *endpoint) {
	if !e.ready {
		e.ready = true
		l.ready = append(l.ready, e)
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// later makes the dispatcher look at an endpoint at a time.
func (l *line) later(e *endpoint, at time.Time) {
	e.alarm = at
	if e.rank < 0 {
		heap.Push(&l.alarms, e)
		return
	}
	heap.Fix(&l.alarms, e.rank)
}

// dispatch begins attempts as they become due, until the context ends.
func (s *session) dispatch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if next := s.begin(); !next.IsZero() {
			timer.Reset(next.Sub(s.hub.now()))
		}
		select {
		case <-ctx.Done():
			return
		case <-s.line.wake:
		case <-timer.C:
		}
	}
}

// begin begins what is due, the endpoints in turn, and returns when to look again.
func (s *session) begin() (next time.Time) {
	if s.isLost() {
		return next
	}
	settings := s.hub.current()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.hub.now()
	l := &s.line
	for len(l.alarms) > 0 && !l.alarms[0].alarm.After(now) {
		l.look(heap.Pop(&l.alarms).(*endpoint))
	}
	for len(l.ready) > 0 && l.flight < settings.MaxAttempts {
		e := l.ready[0]
		l.ready[0] = nil
		l.ready = l.ready[1:]
		e.ready = false
		concurrency := settings.Concurrency
		if e.failing != 0 || l.flight >= settings.MaxAttempts/2 {
			concurrency = min(concurrency, narrowConcurrency)
		}
		d, at := e.due(now, concurrency, settings.longest())
		switch {
		case d != nil:
			s.unqueue(d)
			d.status = Sending
			e.flight++
			l.flight++
			s.inFlight.Add(1)
			go s.try(d, settings)
			l.look(e)
		case !at.IsZero():
			l.later(e, at)
		}
	}
	if len(l.alarms) > 0 {
		next = l.alarms[0].alarm
	}
	return next
}

// narrowConcurrency is how many attempts are in flight at the most to an endpoint whose last one failed, and
// to any while half of MaxAttempts is in flight: many slow subscribers would otherwise take up all of them,
// and delay the others.
const narrowConcurrency = 2

// due returns the delivery to attempt now, or else when to look again: never, if that is the zero time.
// Nothing waits longer than the longest wait there is: what seems to was put off by a clock that was wrong.
func (e *endpoint) due(now time.Time, concurrency int, longest time.Duration) (*delivery, time.Time) {
	if e.Disabled || e.deleted || e.flight >= concurrency || len(e.waiting) == 0 {
		return nil, time.Time{}
	}
	d := e.waiting[0]
	at := time.UnixMilli(d.next)
	if d.number == 0 && d.message.deliverAt != 0 {
		longest += maxWait
	}
	if at.After(now.Add(longest)) {
		at = now
	}
	if e.RateLimit > 0 && e.free.After(at) {
		at = e.free
	}
	if at.After(now) {
		return nil, at
	}
	if e.RateLimit > 0 {
		e.free = now.Add(time.Second / time.Duration(e.RateLimit))
	}
	return d, time.Time{}
}

// landed takes an attempt that is over, and recorded or given up, out of the count.
func (s *session) landed(d *delivery) {
	d.endpoint.flight--
	s.line.flight--
	s.line.look(d.endpoint)
}

// alarms is a heap of endpoints, the one to be looked at first at its top.
type alarms []*endpoint

// Len returns how many there are.
func (h alarms) Len() int { return len(h) }

// Less orders by when the dispatcher is to look.
func (h alarms) Less(i, j int) bool { return h[i].alarm.Before(h[j].alarm) }

// Swap swaps two.
func (h alarms) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].rank, h[j].rank = i, j
}

// Push adds one at the end.
func (h *alarms) Push(x any) {
	e := x.(*endpoint)
	e.rank = len(*h)
	*h = append(*h, e)
}

// Pop takes the one at the end.
func (h *alarms) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	e.rank = -1
	return e
}
