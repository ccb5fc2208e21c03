// Package outbound answers "who else must hear of it, and did they?"
//
// A [Hub] takes events from internal apps as messages, keeps them in a [Journal] and posts each to
// the endpoints that subscribe to it, signed, until they have accepted it or the schedule ends. What
// it says it has accepted is on disk, and is sent to every endpoint at least once.
package outbound

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Hub publishes messages to endpoints. Make one with New, and call Run.
type Hub struct {
	journal   Journal
	newSender func(Settings) Sender
	hooks     Hooks
	now       func() time.Time
	jitter    func() float64

	configuring sync.Mutex
	settings    atomic.Pointer[inForce]
	session     atomic.Pointer[session] // nil while the journal isn't open
	troubled    atomic.Bool
}

// inForce are settings and what was made of them.
type inForce struct {
	Settings
	sender Sender
	err    error // why they can't be used
}

// New returns a hub on a journal. Nothing happens before Run.
func New(journal Journal, sender func(Settings) Sender, settings Settings, hooks Hooks) *Hub {
	h := &Hub{journal: journal, newSender: sender, hooks: hooks, now: time.Now, jitter: rand.Float64}
	normal, err := settings.normalized()
	h.settings.Store(&inForce{Settings: normal, err: err})
	if err == nil {
		h.settings.Store(&inForce{Settings: normal, sender: sender(normal)})
	}
	return h
}

func (h *Hub) current() Settings { return h.settings.Load().Settings }
func (h *Hub) sender() Sender    { return h.settings.Load().sender }

// reopenAfter is how long a hub waits before it opens a journal again that it has lost.
const reopenAfter = time.Second

// Run opens the journal and makes attempts until the context ends. Then it lets those in flight end
// and closes the journal. A journal that is lost is opened again. The error is one that opening the
// journal again can't mend.
func (h *Hub) Run(ctx context.Context) error {
	if err := h.settings.Load().err; err != nil {
		return err
	}
	defer func() { release(h.sender()) }()
	for ctx.Err() == nil {
		books, err := h.journal.Open(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		err = h.use(ctx, books)
		if closed := books.Close(); err == nil {
			err = closed
		}
		if err == nil {
			continue
		}
		h.problem(err)
		select {
		case <-time.After(reopenAfter):
		case <-ctx.Done():
		}
	}
	return nil
}

// use works with an open journal until the context ends or the journal is lost.
func (h *Hub) use(ctx context.Context, books *Books) error {
	s := newSession(h, books)
	if err := s.load(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	h.configuring.Lock()
	err := s.configure(ctx, h.current()) // what has changed while it loaded
	if err == nil {
		s.loading = false
		h.session.Store(s)
	}
	refused := s.refused
	h.configuring.Unlock()
	if err != nil {
		return err
	}
	h.solved()
	if refused != nil && h.hooks.LeftOut != nil {
		h.hooks.LeftOut(refused)
	}
	defer h.session.Store(nil)
	stop := context.AfterFunc(ctx, func() { h.session.Store(nil) }) // nothing new while attempts end
	defer stop()
	return s.run(ctx)
}

// Configure changes the settings, at once. After an error those before are still in force.
func (h *Hub) Configure(settings Settings) error {
	normal, err := settings.normalized()
	if err != nil {
		return err
	}
	h.configuring.Lock()
	defer h.configuring.Unlock()
	s := h.session.Load()
	if s != nil {
		if err := s.configure(s.cut, normal); err != nil {
			return err
		}
	}
	before := h.settings.Swap(&inForce{Settings: normal, sender: h.newSender(normal)})
	release(before.sender)
	if s != nil {
		s.lookAtAll()
	}
	return nil
}

// release gives up a sender that is replaced. Attempts that it is making go on.
func release(s Sender) {
	if c, ok := s.(interface{ Close() }); ok {
		c.Close()
	}
}

// open returns the session, or ErrUnavailable.
func (h *Hub) open() (*session, error) {
	if s := h.session.Load(); s != nil {
		return s, nil
	}
	return nil, ErrUnavailable
}

// Ready returns nil if the hub has its journal and is working, else ErrUnavailable.
func (h *Hub) Ready() error {
	_, err := h.open()
	return err
}

// problem tells of a problem with the journal.
func (h *Hub) problem(err error) {
	h.troubled.Store(true)
	if told := h.hooks.Problem; told != nil {
		told(err)
	}
}

// solved tells that the last problem is over, if there was one.
func (h *Hub) solved() {
	if h.troubled.Load() && h.troubled.Swap(false) && h.hooks.Problem != nil {
		h.hooks.Problem(nil)
	}
}

// Stats returns numbers about the hub.
func (h *Hub) Stats() Stats {
	s, err := h.open()
	if err != nil {
		return Stats{}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	stats := Stats{
		Ready: true, Messages: len(s.messages), Attempts: s.attempts, Bytes: s.bytes,
	}
	for _, e := range s.endpoints {
		if e.deleted {
			continue
		}
		stats.Endpoints++
		depth := len(e.waiting) + e.flight
		stats.Waiting += depth
		if depth > 0 || e.Disabled {
			stats.Queues = append(stats.Queues, QueueStats{Endpoint: e.Endpoint, Depth: depth, Oldest: e.oldest()})
		}
	}
	return stats
}

// oldest returns when the oldest message that waits was accepted.
func (q *queue) oldest() (oldest time.Time) {
	for _, d := range q.waiting {
		if at := d.message.at(); oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	return oldest
}
