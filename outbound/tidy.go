package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
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
	size := uint64(payload + messageOverhead)
	if size > limit {
		return ErrTooLarge
	}
	full := s.bytes+size > limit
	if full {
		s.missing = max(s.missing, size)
	}
	if full || s.bytes > limit/10*9 {
		select {
		case s.tidy <- struct{}{}:
		default:
		}
	}
	if full {
		return ErrFull
	}
	return nil
}

// trim forgets the oldest messages that may go, with their attempts.
func (s *session) trim(ctx context.Context) error {
	for {
		if err := s.measure(ctx); err != nil {
			return err
		}
		p := s.plan(true)
		if err := s.carry(ctx, p.carry); errors.Is(err, ErrFull) {
			p = s.plan(false)
		} else if err != nil {
			return err
		}
		if p.slots > 0 {
			if err := s.books.Messages.Trim(ctx, p.through); err != nil {
				return err
			}
			s.mu.Lock()
			s.forgetMessages(p.slots)
			s.mu.Unlock()
		}
		if err := s.trimAttempts(ctx); err != nil || !p.again {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.missing = 0
			return err
		}
	}
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

// trimPlan says what is to be forgotten: the oldest slots, up to a position, after what waits among them
// was carried on.
type trimPlan struct {
	slots   int
	through uint64
	carry   []*message
	again   bool // whether there may be more to forget
}

// plan finds what may go: what is older than it has to be kept, and more of the oldest if the logs take too
// much. What waits stays: if carry is set it is carried on where that makes more room than it takes,
// otherwise nothing behind it goes either.
func (s *session) plan(carry bool) (best trimPlan) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	settings := s.hub.current()
	oldest := s.hub.now().Add(-settings.RetainFor).UnixMilli()
	// Make a little more room than is missing, so that not every message has to wait for it.
	var tooMuch uint64
	if most := settings.RetainBytes / 10 * 8; s.bytes+s.missing > settings.RetainBytes/10*9 {
		tooMuch = s.bytes + s.missing - most
	}
	var p trimPlan
	var freed, carried uint64
	for p.slots < len(s.order) {
		position := s.order[p.slots].position
		wanted := freed < tooMuch
		for ; p.slots < len(s.order) && s.order[p.slots].position == position; p.slots++ {
			slot := s.order[p.slots]
			m := slot.message
			switch {
			case slot.left():
				wanted = true
			case m.waits(oldest):
				carried += uint64(m.size)
				p.carry = append(p.carry, m)
			default:
				freed += s.bytesOf(m)
				wanted = wanted || m.accepted < oldest
			}
		}
		p.through = position
		if !wanted || len(p.carry) > 0 && !carry {
			break
		}
		if carried*2 <= freed {
			best = p
			best.again = tooMuch > 0
		}
	}
	return best
}

// waits reports whether an attempt of the message is still to come. What waits for a disabled endpoint
// counts until it is old.
func (m *message) waits(oldest int64) bool {
	return slices.ContainsFunc(m.deliveries, func(d *delivery) bool {
		return d.status == Sending || d.state() == Waiting && (!d.endpoint.Disabled || m.accepted >= oldest)
	})
}

// carry writes messages that wait to the end of the log, so that what is behind them can go.
func (s *session) carry(ctx context.Context, messages []*message) error {
	for some := range slices.Chunk(messages, carryAtOnce) {
		var entries []*entry
		for _, m := range some {
			e, err := s.carried(ctx, m)
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		for _, e := range entries {
			if err := s.messageLog.add(e); err != nil {
				return err
			}
		}
		for _, e := range entries {
			if <-e.done; e.err != nil {
				return e.err
			}
		}
	}
	return nil
}

// carryAtOnce is how many messages are carried on together.
const carryAtOnce = 100

// carried is the entry of a message at its new place.
func (s *session) carried(ctx context.Context, m *message) (*entry, error) {
	// Nobody else moves messages.
	record, err := s.containerAt(ctx, m.position)
	if err != nil {
		return nil, err
	}
	header, _, err := openContainer(record)
	if err != nil {
		return nil, err
	}
	encoded, body, err := entryAt(record, int(m.index))
	if err != nil {
		return nil, err
	}
	head := new(messageHead)
	if json.Unmarshal(encoded, head) != nil {
		return nil, errContainer
	}
	to, err := header.set(head.To)
	if err != nil {
		return nil, err
	}
	return &entry{head: head, to: to, body: body, applied: func(c *container, i int) {
		if c.err == nil {
			s.move(m, c.position, i)
		}
	}}, nil
}

// forgetMessages takes the messages of the oldest slots out of the index. The lock is held.
func (s *session) forgetMessages(slots int) {
	gone := make(map[*message]bool, slots)
	apps := make(map[*application]bool)
	endpoints := make(map[*endpoint]bool)
	for _, slot := range s.order[:slots] {
		m := slot.message
		if slot.left() {
			continue
		}
		gone[m] = true
		apps[m.app] = true
		if s.messages[m.id] == m {
			delete(s.messages, m.id)
		}
		if m.app.events[m.eventID] == m {
			delete(m.app.events, m.eventID)
		}
		for _, d := range m.deliveries {
			s.unqueue(d)
			d.status = Failed
			endpoints[d.endpoint] = true
		}
		for _, a := range m.attempts {
			endpoints[a.endpoint] = true
			s.release(a.position)
		}
		for _, position := range s.wishes[m] {
			s.release(position)
		}
		delete(s.wishes, m)
		s.attempts -= len(m.attempts)
	}
	s.order = slices.Clone(s.order[slots:])
	maps.DeleteFunc(s.keys, func(_ idempotencyKey, m *message) bool { return gone[m] })
	for a := range apps {
		a.messages = slices.Clip(slices.DeleteFunc(a.messages, func(m *message) bool { return gone[m] }))
	}
	for e := range endpoints {
		e.attempts = slices.Clip(slices.DeleteFunc(e.attempts, func(a *attempt) bool { return gone[a.message] }))
		if e.deleted && len(e.attempts) == 0 && len(e.waiting) == 0 && e.flight == 0 && s.endpoints[e.ID] == e {
			delete(s.endpoints, e.ID)
		}
	}
}

// trimAttempts forgets the oldest containers of attempts of which no message is kept.
func (s *session) trimAttempts(ctx context.Context) error {
	s.mu.RLock()
	n := 0
	var through uint64
	for n < len(s.containers) && s.containers[n].live == 0 {
		through = s.containers[n].position
		n++
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
