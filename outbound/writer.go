package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
)

// writer writes the entries of one log. Those that arrive while a write is under way are gathered
// and go into the next one together.
type writer struct {
	log Log
	max int // size of a container

	// settle is called when a container was written, or could not be, with its entries.
	settle func(c *container)

	mu     sync.Mutex
	queue  []*entry
	closed error // why nothing is taken any more
	wake   chan struct{}
}

// entry is one entry on its way into a log.
type entry struct {
	head any      // whose JSON becomes the head
	to   []string // the set of endpoints; see setNumber
	body []byte

	// applied is called under the session's lock when the entry is on disk, or with the error that
	// kept it from getting there.
	applied func(c *container, index int)
	done    chan struct{} // closed after applied
	err     error         // set before done is closed

	encoded []byte // head
}

// container is a record with its entries.
type container struct {
	entries  []*entry
	record   []byte
	position uint64
	err      error
	told     []func()
}

// tell makes somebody outside be told when the session's lock is free again.
func (c *container) tell(f func()) { c.told = append(c.told, f) }

// maxGather bounds the entries of a container, so that a read of one doesn't bring in too much.
const maxGather = 256 << 10

func newWriter(log Log, maxRecord int, settle func(*container)) *writer {
	return &writer{log: log, max: maxRecord, settle: settle, wake: make(chan struct{}, 1)}
}

// containerOverhead is what a container takes besides its entries: a header without sets.
const containerOverhead = 64

// size is what an entry adds to a container at the most.
func (e *entry) size() int {
	size := partSize(len(e.encoded)) + partSize(len(e.body)) + len(`00000000`) // of messageHead.To
	for _, id := range e.to {
		size += len(id) + len(`"",`)
	}
	return size
}

// add queues an entry, which will be settled. Errors: ErrTooLarge, or why nothing is taken.
func (w *writer) add(e *entry) error {
	var err error
	if e.encoded, err = json.Marshal(e.head); err != nil {
		return err
	}
	if e.size()+containerOverhead > w.max {
		return ErrTooLarge
	}
	e.done = make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed != nil {
		return w.closed
	}
	w.queue = append(w.queue, e)
	w.poke()
	return nil
}

// run writes until it was ended and has written everything, the context ends, or the log is lost. All
// that was added is settled then.
func (w *writer) run(ctx context.Context) {
	for {
		entries, ended := w.take()
		if len(entries) == 0 {
			if ended {
				return
			}
			select {
			case <-w.wake:
			case <-ctx.Done():
				w.abandon()
				return
			}
			continue
		}
		c := gather(entries)
		c.position, c.err = w.log.Append(ctx, c.record)
		w.settle(c)
		if c.err != nil && !errors.Is(c.err, ErrFull) && !errors.Is(c.err, ErrTooLarge) {
			w.abandon()
			return
		}
	}
}

// end makes add refuse entries and run return when those that were added are written.
func (w *writer) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = ErrUnavailable
	w.poke()
}

// abandon ends at once: what is queued is settled as not written.
func (w *writer) abandon() {
	w.end()
	w.mu.Lock()
	left := w.queue
	w.queue = nil
	w.mu.Unlock()
	if len(left) > 0 {
		w.settle(&container{entries: left, err: ErrUnavailable})
	}
}

// poke makes run look at the queue. The lock is held.
func (w *writer) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take takes as many entries off the queue as fit into one container, and tells whether no more come.
func (w *writer) take() (taken []*entry, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	size, n := containerOverhead, 0
	for _, e := range w.queue {
		size += e.size()
		if n > 0 && size > min(w.max, maxGather) {
			break
		}
		n++
	}
	taken = w.queue[:n:n]
	w.queue = w.queue[n:]
	if len(w.queue) == 0 {
		w.queue = nil
	}
	return taken, w.closed != nil
}

// gather makes a container of entries.
func gather(entries []*entry) *container {
	c := &container{entries: entries}
	var header containerHeader
	sets := make(map[string]int)
	var rest []byte
	for _, e := range entries {
		if m, ok := e.head.(*messageHead); ok {
			key := strings.Join(e.to, " ")
			number, known := sets[key]
			if !known {
				number = len(header.Sets)
				sets[key] = number
				header.Sets = append(header.Sets, e.to)
			}
			if m.To != number {
				m.To = number
				e.encoded, _ = json.Marshal(m) // as in add, where it had no error
			}
		}
		rest = appendPart(appendPart(rest, e.encoded), e.body)
	}
	encoded, _ := json.Marshal(header)
	c.record = append(appendPart(make([]byte, 0, len(encoded)+len(rest)+8), encoded), rest...)
	return c
}

// set returns a set of endpoints by its number.
func (h containerHeader) set(number int) ([]string, error) {
	if number < 0 || number >= len(h.Sets) {
		return nil, errContainer
	}
	return h.Sets[number], nil
}
