package outbound

import (
	"context"
	"slices"
	"time"
)

// tidyEvery is how often the logs are looked at for what can be forgotten.
const tidyEvery = time.Minute

// keepTidy forgets what is older than it has to be kept, or takes room that is needed, until the context
// ends.
func (s *session) keepTidy(ctx context.Context) {
	ticker := time.NewTicker(tidyEvery)
	defer ticker.Stop()
	for {
		if err := s.trim(ctx); err != nil && ctx.Err() == nil {
			s.lose(err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-s.tidy:
		}
	}
}

// roomFor returns ErrFull if a message with a payload of some size would take more than may be kept, and
// has the logs trimmed before it comes to that. The lock is held.
func (s *session) roomFor(payload int) error {
	limit := s.hub.current().RetainBytes
	if s.bytes > limit/10*9 {
		select {
		case s.tidy <- struct{}{}:
		default:
		}
	}
	if s.bytes+uint64(payload+messageOverhead) > limit {
		return ErrFull
	}
	return nil
}

// trim forgets the oldest messages that may go, with their attempts.
func (s *session) trim(ctx context.Context) error {
	if err := s.measure(ctx); err != nil {
		return err
	}
	s.mu.RLock()
	count, through := s.outdated()
	s.mu.RUnlock()
	if count > 0 {
		if err := s.books.Messages.Trim(ctx, through); err != nil {
			return err
		}
		s.mu.Lock()
		s.forgetMessages(count)
		s.mu.Unlock()
	}
	return s.trimAttempts(ctx)
}

// measure asks how much the logs take.
func (s *session) measure(ctx context.Context) error {
	messages, err := s.books.Messages.Bytes(ctx)
	if err != nil {
		return err
	}
	attempts, err := s.books.Attempts.Bytes(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.bytes = messages + attempts
	s.mu.Unlock()
	return nil
}

// outdated returns how many of the oldest messages may go, and the position up to which that is. Whole
// containers go, and nothing behind a message that still waits. The lock is held.
func (s *session) outdated() (count int, through uint64) {
	settings := s.hub.current()
	oldest := s.hub.now().Add(-settings.RetainFor)
	// Make a little more room than is missing, so that not every message has to wait for it.
	var tooMuch uint64
	if most := settings.RetainBytes / 10 * 8; s.bytes > settings.RetainBytes/10*9 {
		tooMuch = s.bytes - most
	}
	var freed uint64
	for i := 0; i < len(s.order); {
		position, n := s.order[i].position, i
		for n < len(s.order) && s.order[n].position == position {
			m := s.order[n]
			if m.waits() || !m.at().Before(oldest) && freed >= tooMuch {
				return count, through
			}
			freed += uint64(m.size)
			n++
		}
		i, count, through = n, n, position
	}
	return count, through
}

// waits reports whether an attempt of the message is still to come. What waits for a disabled endpoint
// doesn't count.
func (m *message) waits() bool {
	return slices.ContainsFunc(m.deliveries, func(d *delivery) bool {
		return (d.status == Waiting || d.status == Sending) && !d.endpoint.deleted && !d.endpoint.Disabled || d.status == Sending
	})
}

// forgetMessages takes the oldest messages out of the index. The lock is held.
func (s *session) forgetMessages(count int) {
	gone := make(map[*message]bool, count)
	apps := make(map[*application]bool)
	endpoints := make(map[*endpoint]bool)
	for _, m := range s.order[:count] {
		gone[m] = true
		apps[m.app] = true
		delete(s.messages, m.id)
		if m.app.events[m.eventID] == m {
			delete(m.app.events, m.eventID)
		}
		for _, d := range m.deliveries {
			s.unqueue(d)
			d.status = Failed
		}
		for _, a := range m.attempts {
			endpoints[a.endpoint] = true
		}
		s.attempts -= len(m.attempts)
	}
	s.order = slices.Clone(s.order[count:])
	for key, m := range s.keys {
		if gone[m] {
			delete(s.keys, key)
		}
	}
	for a := range apps {
		a.messages = slices.Clip(slices.DeleteFunc(a.messages, func(m *message) bool { return gone[m] }))
	}
	for e := range endpoints {
		e.attempts = slices.Clip(slices.DeleteFunc(e.attempts, func(a *attempt) bool { return gone[a.message] }))
		if e.deleted && len(e.attempts) == 0 && e.flight == 0 {
			delete(s.endpoints, e.ID)
		}
	}
}

// trimAttempts forgets the attempts that were recorded before the oldest message was accepted: they are of
// messages that are gone.
func (s *session) trimAttempts(ctx context.Context) error {
	s.mu.RLock()
	n := 0
	for n < len(s.containers) && (len(s.order) == 0 || s.containers[n].at < s.order[0].at().UnixMilli()) {
		n++
	}
	var through uint64
	if n > 0 {
		through = s.containers[n-1].position
	}
	s.mu.RUnlock()
	if n == 0 {
		return nil
	}
	if err := s.books.Attempts.Trim(ctx, through); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.containers = slices.Clone(s.containers[n:])
	return nil
}
