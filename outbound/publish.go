package outbound

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"
)

// idempotencyKey is a hash of an application and an idempotency key or an event id of it, so that it takes
// the same room whatever it is made of.
type idempotencyKey [16]byte

func hashKey(kind, app, text string) idempotencyKey {
	sum := sha256.Sum256([]byte(kind + "\x00" + app + "\x00" + text))
	return idempotencyKey(sum[:16])
}

// keyOf returns the key that a log has.
func keyOf(b []byte) (k idempotencyKey) {
	copy(k[:], b)
	return k
}

// publishTimeout bounds how long a publisher waits for its message to be on disk. After it the message may
// still get there.
const publishTimeout = 15 * time.Second

// Publish accepts a message: EventType and Payload are required; of an application that isn't there,
// ErrNotFound. When it returns without an error the message is on disk, and every endpoint that subscribes
// to it will get it. ErrExists comes with the message that has the event id already. A message whose
// idempotency key was used before is not published again; the one of the first time is returned. After
// ErrUnavailable the message may have been accepted or not: publishing it again with the same event id or
// idempotency key is safe.
func (h *Hub) Publish(ctx context.Context, app string, m Message) (Message, error) {
	s, err := h.open()
	if err != nil {
		return Message{}, err
	}
	if err := m.check(); err != nil {
		return Message{}, err
	}
	if m.DeliverAt.After(h.now().Add(maxWait)) {
		return Message{}, &InvalidError{"DeliverAt", "is more than 30 days ahead: publish it later"}
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.roomFor(len(m.Payload)); err != nil {
		return Message{}, err
	}
	for {
		a, err := s.application(app)
		if err != nil {
			return Message{}, err
		}
		if t := s.types[m.EventType]; t != nil && t.Archived {
			return Message{}, &InvalidError{"EventType", "is archived: it takes no new messages"}
		}
		keys := publishKeys(a.ID, &m)
		if known := s.published(a, keys, &m); known != nil {
			return s.again(ctx, known, &m)
		}
		writing := s.writing(keys)
		if writing == nil {
			return s.publish(ctx, a, keys, m)
		}
		// The same is being written: what becomes of it decides.
		s.mu.Unlock()
		select {
		case <-writing:
			s.mu.Lock()
		case <-ctx.Done():
			s.mu.Lock()
			return Message{}, ErrUnavailable
		}
	}
}

// messageKeys are what a message is known by before it has an id. Either may be zero.
type messageKeys struct{ event, idempotency idempotencyKey }

func publishKeys(app string, m *Message) (k messageKeys) {
	if m.EventID != "" {
		k.event = hashKey("event", app, m.EventID)
	}
	if m.IdempotencyKey != "" {
		k.idempotency = hashKey("key", app, m.IdempotencyKey)
	}
	return k
}

// published returns the message that was published with the same keys, nil if there is none.
func (s *session) published(a *application, k messageKeys, m *Message) *message {
	if known := s.keys[k.idempotency]; known != nil && m.IdempotencyKey != "" && s.hub.now().Sub(known.at()) < IdempotencyWindow {
		return known
	}
	if m.EventID != "" {
		return a.events[m.EventID]
	}
	return nil
}

// again answers for a message that was published before.
func (s *session) again(ctx context.Context, known *message, m *Message) (Message, error) {
	first := known.public()
	repeated := m.IdempotencyKey != "" && s.keys[hashKey("key", known.app.ID, m.IdempotencyKey)] == known
	s.mu.Unlock()
	err := s.fill(ctx, &first, known)
	s.mu.Lock()
	switch {
	case !repeated:
		return first, ErrExists
	case err != nil && !errors.Is(err, ErrGone):
		return Message{}, ErrUnavailable
	}
	return first, nil
}

// writing returns what is closed when a message of the same keys has been written, nil if none is.
func (s *session) writing(k messageKeys) <-chan struct{} {
	for _, key := range []idempotencyKey{k.event, k.idempotency} {
		if done := s.pending[key]; done != nil {
			return done
		}
	}
	return nil
}

// publish writes a message. The lock is held, before and after.
func (s *session) publish(ctx context.Context, a *application, k messageKeys, m Message) (Message, error) {
	now := s.hub.now()
	id := s.ids.next(now)
	head := &messageHead{
		ID: formatID(prefixMessage, id), App: a.ID, EventID: m.EventID, EventType: m.EventType,
		Channels: m.Channels, Tags: m.Tags, ContentType: m.ContentType, Headers: m.Headers, Only: m.Only != "",
	}
	if at := now.UnixMilli(); at != idMilli(id) {
		head.Accepted = at
	}
	if k.idempotency != (idempotencyKey{}) {
		head.Key = k.idempotency[:]
	}
	if !m.DeliverAt.IsZero() && m.DeliverAt.After(now) {
		head.DeliverAt = m.DeliverAt.UnixMilli()
	}
	indexed := head.indexed(a, id, 0, 0, len(m.Payload), 0)
	to, err := a.targets(indexed, m.Only)
	if err != nil {
		return Message{}, err
	}
	indexed.size += uint32(len(to) * idLength)
	written := &entry{head: head, to: to, body: m.Payload}
	done := make(chan struct{})
	for _, key := range []idempotencyKey{k.event, k.idempotency} {
		if key != (idempotencyKey{}) {
			s.pending[key] = done
		}
	}
	end := func() {
		for _, key := range []idempotencyKey{k.event, k.idempotency} {
			delete(s.pending, key)
		}
		close(done)
	}
	accepted := indexed.public()
	accepted.ContentType, accepted.Headers, accepted.Payload = m.ContentType, m.Headers, m.Payload
	written.applied = func(c *container, i int) {
		end()
		if c.err != nil {
			return
		}
		s.accepted(c, i, indexed, k.idempotency, to)
		if published := s.hub.hooks.Published; published != nil {
			c.tell(func() { published(accepted, len(to)) })
		}
	}
	if err := s.messageLog.add(written); err != nil {
		end()
		return Message{}, err
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-written.done:
		if written.err != nil {
			return Message{}, outside(written.err)
		}
		return accepted, nil
	case <-ctx.Done():
		return Message{}, ErrUnavailable
	}
}

// accepted adds a message that is on disk to the index. The lock is held.
func (s *session) accepted(c *container, i int, m *message, key idempotencyKey, to []string) {
	if i == 0 {
		s.payloads.add(c.position, c.record)
	}
	m.position, m.index = c.position, uint32(i)
	if s.apps[m.app.ID] != m.app { // it was deleted meanwhile
		m.app = s.nowhere
		s.order = append(s.order, slot{m.position, m})
		return
	}
	first, _ := s.hub.current().Schedule.Delay(1, 0)
	s.addMessage(m, key, to, s.hub.now().Add(first))
	for _, d := range m.deliveries {
		s.line.look(d.endpoint)
	}
}

// targets returns the ids of the endpoints that get a message.
func (a *application) targets(m *message, only string) ([]string, error) {
	var to []string
	if only != "" {
		e, err := a.endpoint(only)
		if err != nil {
			return nil, err
		}
		if e.Disabled {
			return nil, errDisabled
		}
		return append(to, e.ID), nil
	}
	for _, e := range a.endpoints {
		if !e.Disabled && e.gets(m) {
			to = append(to, e.ID)
		}
	}
	return to, nil
}

var errDisabled = &InvalidError{"Endpoint", "is disabled: enable it first"}

// outside turns what a journal says into what callers of a hub are told.
func outside(err error) error {
	if err == nil || errors.Is(err, ErrFull) || errors.Is(err, ErrTooLarge) {
		return err
	}
	return ErrUnavailable
}

// settle finishes the entries of a container that was written, or could not be.
func (s *session) settle(c *container) {
	if c.err != nil && !errors.Is(c.err, ErrFull) && !errors.Is(c.err, ErrTooLarge) {
		s.lose(c.err) // before anything that it concerns is begun anew
	}
	s.mu.Lock()
	if c.err == nil {
		s.bytes += uint64(len(c.record))
		if _, attempts := c.entries[0].head.(*attemptHead); attempts {
			s.addContainer(c.position, len(c.record))
		}
	}
	for i, e := range c.entries {
		e.err = c.err
		e.applied(c, i)
		close(e.done)
	}
	s.mu.Unlock()
	for _, tell := range c.told {
		tell()
	}
}
