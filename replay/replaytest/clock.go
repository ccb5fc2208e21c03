package replaytest

import (
	"sync"
	"time"
)

// Clock is a clock that stands still until a test moves it. Its methods may be called from many
// goroutines at once.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows some moment of the year 2026, the same one every time.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, time.March, 14, 15, 9, 26, 0, time.UTC)}
}

// Now returns what the clock shows. Stores take it in the place of [time.Now].
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock by d, backwards if d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
