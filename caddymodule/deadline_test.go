package caddymodule

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Deliveries share a deadline, which is never earlier than theirs and at most 1/64 later.
func TestADeadlineIsSharedAndNeverEarly(t *testing.T) {
	d := deadlines{after: 64 * time.Hour}
	begin := time.Now()
	distinct := make(map[context.Context]bool)
	for minutes := range 180 {
		now := begin.Add(time.Duration(minutes) * time.Minute)
		ctx := d.next(now)
		distinct[ctx] = true
		due, ok := ctx.Deadline()
		if late := due.Sub(now.Add(d.after)); !ok || late < 0 || late > time.Hour {
			t.Errorf("after %d minutes: %s later than asked for", minutes, late)
		}
	}
	if len(distinct) != 3 {
		t.Errorf("%d deadlines in 3 hours, want one an hour", len(distinct))
	}
}

// A delivery's context ends with its deadline, not with its sender, and says which it was; and a
// context made from it learns of it.
func TestADeliveryEndsByItsDeadlineAlone(t *testing.T) {
	type nameKey struct{}
	sender, hangUp := context.WithCancel(context.WithValue(t.Context(), nameKey{}, "sender"))
	due, end := newManualDeadline()
	delivery := &delivery{}
	ctx, cancel := context.WithCancel(&deliveryContext{Context: due, of: sender, delivery: delivery})
	defer cancel()
	if ctx.Value(nameKey{}) != "sender" || ctx.Value(deliveryKey{}) != delivery {
		t.Error("values are lost")
	}
	hangUp()
	if ctx.Err() != nil {
		t.Errorf("the sender's hanging up ended it: %v", ctx.Err())
	}
	end()
	<-ctx.Done()
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Errorf("ended with %v", ctx.Err())
	}
}

// newManualDeadline returns a context that ends as if by its time when end is called.
func newManualDeadline() (ctx context.Context, end func()) {
	done := make(chan struct{})
	return &manualDeadline{Context: context.Background(), done: done}, func() { close(done) }
}

type manualDeadline struct {
	context.Context
	done chan struct{}
}

func (m *manualDeadline) Done() <-chan struct{} { return m.done }
func (m *manualDeadline) Err() error {
	select {
	case <-m.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
