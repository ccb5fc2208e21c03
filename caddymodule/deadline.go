package caddymodule

import (
	"context"
	"sync/atomic"
	"time"
)

// deadlines gives deliveries contexts that end after a time. Those that begin shortly after one
// another share one, and with it its timer: a timer of its own for every delivery wakes a thread
// of the runtime for every delivery.
type deadlines struct {
	after   time.Duration
	current atomic.Pointer[deadline]
}

// deadline is a context and the time until which it is handed out.
type deadline struct {
	context.Context
	shared time.Time
}

// deadlineShare is the part of its time by which a deadline may be late.
const deadlineShare = 64

// next returns a context that ends after the time, or up to 1/64 of it later.
func (d *deadlines) next(now time.Time) context.Context {
	current := d.current.Load()
	if current == nil || !now.Before(current.shared) {
		slack := d.after / deadlineShare
		ctx, cancel := context.WithDeadline(context.Background(), now.Add(d.after+slack))
		_ = cancel // it ends by its time alone
		current = &deadline{ctx, now.Add(slack)}
		d.current.Store(current)
	}
	return current
}
