package caddymodule

import (
	"errors"
	"sync"
	"time"
)

// oneTime is where the secrets of handshakes lie until an operator fetches them. Asana and Notion send the
// secret of a new webhook to its URL, unsigned, so that anybody else could send one too. That is why
//
//   - nothing is taken unless an operator has just opened a window for the route, and then once only: if
//     somebody else was faster, the provider's own handshake fails, and the operator sees that;
//   - what was taken verifies nothing. It becomes a secret of the route when a person has put it where the
//     route's secrets come from;
//   - it can be read once, through the admin API, and is gone after a while.
//
// It belongs to the process, because a reload may come between the window and the fetching.
type oneTime struct {
	now func() time.Time

	mu      sync.Mutex
	windows map[string]*oneTimeWindow // by route
}

// oneTimeWindow is the time in which a route takes a secret, and the secret.
type oneTimeWindow struct {
	until   time.Time // the window's end; then that of the secret
	secret  func() string
	from    string // the address that it came from
	at      time.Time
	refused int // how many others came after it
	forget  *time.Timer
}

const (
	// defaultOpen and maxOpen are how long a window is open.
	defaultOpen = 10 * time.Minute
	maxOpen     = time.Hour

	// keptOnce is how long a secret waits to be fetched.
	keptOnce = 10 * time.Minute
)

// oneTimeSecrets are those of the process.
var oneTimeSecrets = &oneTime{now: time.Now, windows: make(map[string]*oneTimeWindow)}

// open opens a route's window, and forgets what an earlier one has brought.
func (o *oneTime) open(route string, open time.Duration) (until time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.close(route)
	w := &oneTimeWindow{until: o.now().Add(open)}
	w.forget = time.AfterFunc(open, func() { o.expire(route, w) })
	o.windows[route] = w
	return w.until
}

// close ends a window. The caller holds the lock.
func (o *oneTime) close(route string) {
	if w := o.windows[route]; w != nil {
		w.forget.Stop()
		delete(o.windows, route)
	}
}

// expire ends a window whose time is over, so that its secret doesn't lie in memory for longer.
func (o *oneTime) expire(route string, w *oneTimeWindow) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.windows[route] == w {
		delete(o.windows, route)
	}
}

// current returns the route's window if its time isn't over. The caller holds the lock.
func (o *oneTime) current(route string) *oneTimeWindow {
	w := o.windows[route]
	if w == nil || !o.now().Before(w.until) {
		o.close(route)
		return nil
	}
	return w
}

// offer takes the secret of a handshake, if the route's window is open and nothing has come yet.
func (o *oneTime) offer(route, from string, secret func() string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.current(route)
	switch {
	case w == nil:
		return false
	case w.secret != nil:
		w.refused++
		return false
	}
	w.secret, w.from, w.at = secret, from, o.now()
	w.until = w.at.Add(keptOnce)
	w.forget.Reset(keptOnce)
	return true
}

// The errors of take.
var (
	errWindowClosed = errors.New("no window is open for this route, or its time is over: open one")
	errNoneYet      = errors.New("no handshake has come yet")
)

// take returns what a route's handshake has brought, once.
func (o *oneTime) take(route string) (oneTimeWindow, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.current(route)
	switch {
	case w == nil:
		return oneTimeWindow{}, errWindowClosed
	case w.secret == nil:
		return *w, errNoneYet
	}
	o.close(route)
	return *w, nil
}
