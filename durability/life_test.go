package durability

import (
	"sync"
	"time"
)

// lives are the times in which a gateway had the journal, one after the other. Nothing that belongs to
// one of them happens in another: see subscriber.rest.
type lives struct {
	mu  sync.Mutex
	all []life
}

// life is one of them.
type life struct {
	from, to time.Time
	// lost is how many attempts at one delivery may have ended without being recorded: one at the most is
	// in flight when a gateway is killed, none when it is stopped.
	lost int
}

// begin begins a life. It is called before there is anything that belongs to it.
func (l *lives) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, life{from: time.Now()})
}

// end ends the present life.
func (l *lives) end(lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := &l.all[len(l.all)-1]
	last.to, last.lost = time.Now(), lost
}

// now returns the number of the present life and when it began.
func (l *lives) now() (int, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := len(l.all) - 1
	return last, l.all[last].from
}

// at returns the number of the life to which a time belongs, -1 if it is none.
func (l *lives) at(t time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, life := range l.all {
		// What the gateway writes down is cut to the millisecond.
		if !t.Before(life.from.Truncate(time.Millisecond)) && (life.to.IsZero() || t.Before(life.to)) {
			return i
		}
	}
	return -1
}
