package outbound

import (
	"context"
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
	if err == nil && e.Disabled {
		err = errDisabled
	}
	var lost []*message
	if err == nil {
		lost = e.lost(r)
	}
	s.mu.RUnlock()
	if err != nil {
		return 0, err
	}
	return len(lost), s.ask(ctx, e, lost...)
}

// lost returns the messages of an endpoint's application that it did not get.
func (e *endpoint) lost(r Recovery) []*message {
	var lost []*message
	for _, m := range e.app.messages {
		if at := m.at(); at.Before(r.Since) || !r.Until.IsZero() && at.After(r.Until) {
			continue
		}
		d := m.delivery(e)
		if r.Missing && d == nil && e.gets(m) || !r.Missing && d != nil && d.status == Failed {
			lost = append(lost, m)
		}
	}
	return lost
}

// ask writes the wish that messages be sent to an endpoint again, and returns when that is on disk.
func (s *session) ask(ctx context.Context, e *endpoint, messages ...*message) error {
	var asked []*entry
	for _, m := range messages {
		head := &attemptHead{Message: m.text(), Endpoint: e.ID, At: s.hub.now().UnixMilli(), Resend: true}
		wish := &entry{head: head}
		wish.applied = func(c *container, i int) {
			if c.err == nil && s.applyAttempt(c.position, i, head) != nil {
				s.line.look(e)
			}
		}
		if err := s.attemptLog.add(wish); err != nil {
			return outside(err)
		}
		asked = append(asked, wish)
	}
	for _, wish := range asked {
		select {
		case <-wish.done:
			if wish.err != nil {
				return outside(wish.err)
			}
		case <-ctx.Done():
			return ErrUnavailable
		}
	}
	return nil
}
