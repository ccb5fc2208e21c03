package outbound

import (
	"context"
	"slices"
	"time"
)

// Resend sends a message to an endpoint again, now, and as the schedule says if that fails.
func (h *Hub) Resend(ctx context.Context, app, message, endpoint string) error {
	s, err := h.open()
	if err != nil {
		return err
	}
	s.mu.RLock()
	m, e, err := s.ends(app, message, endpoint)
	if err == nil && (m == nil || e == nil) {
		err = ErrNotFound
	}
	if err == nil && e.Disabled {
		err = errDisabled
	}
	s.mu.RUnlock()
	if err != nil {
		return err
	}
	return s.ask(ctx, e, m)
}

// Recovery says what Recover sends again.
type Recovery struct {
	// Since and Until bound when the messages were accepted. A zero Until stands for now.
	Since, Until time.Time
	// Missing sends the messages that were never sent to the endpoint although it subscribes to them,
	// instead of those that failed.
	Missing bool
}

// Recover sends an endpoint again what failed, and returns how many messages that is.
func (h *Hub) Recover(ctx context.Context, app, endpoint string, r Recovery) (int, error) {
	s, err := h.open()
	if err != nil {
		return 0, err
	}
	s.mu.RLock()
	e, err := s.find(app, endpoint)
	var a *application
	if err == nil {
		a = e.app
	}
	if err == nil && e.Disabled {
		err = errDisabled
	}
	s.mu.RUnlock()
	if err != nil {
		return 0, err
	}
	var lost []*message
	s.eachMessage(a, func(m *message) {
		if e.lost(m, r) {
			lost = append(lost, m)
		}
	})
	return len(lost), s.ask(ctx, e, lost...)
}

// lost reports whether an endpoint did not get a message.
func (e *endpoint) lost(m *message, r Recovery) bool {
	if at := m.at(); at.Before(r.Since) || !r.Until.IsZero() && at.After(r.Until) {
		return false
	}
	d := m.delivery(e)
	if r.Missing {
		return d == nil && !m.only && e.gets(m)
	}
	return d != nil && d.state() == Failed
}

// askAtOnce is how many wishes wait to be written together.
const askAtOnce = 1000

// ask writes the wish that messages be sent to an endpoint again, and returns when that is on disk.
func (s *session) ask(ctx context.Context, e *endpoint, messages ...*message) error {
	for some := range slices.Chunk(messages, askAtOnce) {
		var asked []*entry
		for _, m := range some {
			asked = append(asked, s.wish(e, m))
		}
		for _, wish := range asked {
			if err := s.attemptLog.add(wish); err != nil {
				return outside(err)
			}
		}
		for _, wish := range asked {
			select {
			case <-wish.done:
			case <-ctx.Done():
				return ErrUnavailable
			}
			if wish.err != nil {
				return outside(wish.err)
			}
		}
	}
	return nil
}

// wish is the entry that says that a message is to be sent to an endpoint again.
func (s *session) wish(e *endpoint, m *message) *entry {
	head := &attemptHead{Message: m.text(), Endpoint: e.ID, At: s.hub.now().UnixMilli(), Resend: true}
	return &entry{head: head, applied: func(c *container, i int) {
		if c.err == nil && s.applyAttempt(c.position, i, head) != nil {
			s.line.look(e)
		}
	}}
}
