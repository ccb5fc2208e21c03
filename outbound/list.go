package outbound

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// cut returns the page of a list that is sorted by id, of what keep lets through, and whether there is
// more behind it (with Before: before it).
func cut[T any](list []T, p Page, id func(T) string, keep func(T) bool) (page []T, more bool) {
	from, to := 0, len(list)
	search := func(bound string) (int, bool) {
		return slices.BinarySearchFunc(list, bound, func(t T, bound string) int { return cmp.Compare(id(t), bound) })
	}
	behind := func(bound string) int { i, _ := search(bound); return i }
	past := func(bound string) int {
		i, found := search(bound)
		if found {
			i++
		}
		return i
	}
	// A page that ends before something is read from there backwards, and turned around.
	up := p.Descending == (p.Before != "")
	switch bound := cmp.Or(p.After, p.Before); {
	case bound == "":
	case up:
		from = past(bound)
	default:
		to = behind(bound)
	}
	for n := to - from; n > 0; n-- {
		i := from
		if !up {
			i = to - 1
		}
		if item := list[i]; keep == nil || keep(item) {
			if len(page) == p.Limit {
				more = true
				break
			}
			page = append(page, item)
		}
		if up {
			from++
		} else {
			to--
		}
	}
	if p.Before != "" {
		slices.Reverse(page)
	}
	return page, more
}

// turn makes the values that callers get of those in the index.
func turn[T, U any](list []T, public func(T) U) []U {
	out := make([]U, 0, len(list))
	for _, item := range list {
		out = append(out, public(item))
	}
	return out
}

// Applications lists applications, and whether there are more behind the page.
func (h *Hub) Applications(p Page) (page []Application, more bool) {
	s, err := h.open()
	if err != nil {
		return nil, false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := slices.SortedFunc(maps.Values(s.apps), func(a, b *application) int { return cmp.Compare(a.ID, b.ID) })
	apps, more := cut(all, p, func(a *application) string { return a.ID }, nil)
	return turn(apps, func(a *application) Application { return a.Application }), more
}

// EventTypes lists event types in the order of their names.
func (h *Hub) EventTypes(p Page, archived bool) (page []EventType, more bool) {
	s, err := h.open()
	if err != nil {
		return nil, false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := slices.SortedFunc(maps.Values(s.types), func(a, b *EventType) int { return cmp.Compare(a.Name, b.Name) })
	types, more := cut(all, p, func(t *EventType) string { return t.Name }, func(t *EventType) bool { return archived || !t.Archived })
	return turn(types, func(t *EventType) EventType { return *t }), more
}

// Endpoints lists the endpoints of an application.
func (h *Hub) Endpoints(app string, p Page) (page []Endpoint, more bool, err error) {
	s, err := h.open()
	if err != nil {
		return nil, false, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, err := s.application(app)
	if err != nil {
		return nil, false, err
	}
	endpoints, more := cut(a.endpoints, p, func(e *endpoint) string { return e.ID }, nil)
	return turn(endpoints, func(e *endpoint) Endpoint { return e.Endpoint }), more, nil
}

// lets reports whether a message, or what came of it at a time, is let through.
func (f *MessageFilter) lets(m *message, at time.Time) bool {
	return (len(f.EventTypes) == 0 || slices.Contains(f.EventTypes, m.eventType)) &&
		(f.Channel == "" || slices.Contains(m.channels, f.Channel)) &&
		(f.Tag == "" || slices.Contains(m.tags, f.Tag)) &&
		(f.Since.IsZero() || at.After(f.Since)) && (f.Until.IsZero() || at.Before(f.Until))
}

// Message returns a message by its id or event id, with its payload if content is set.
func (h *Hub) Message(ctx context.Context, app, ref string, content bool) (Message, error) {
	s, err := h.open()
	if err != nil {
		return Message{}, err
	}
	s.mu.RLock()
	a, err := s.application(app)
	var m *message
	var found Message
	if err == nil {
		if m, err = s.message(a, ref); err == nil {
			found = m.public()
		}
	}
	s.mu.RUnlock()
	if err == nil && content {
		err = s.read(ctx, &found, m)
	}
	return found, err
}

// read fills in what only the log has of a message.
func (s *session) read(ctx context.Context, public *Message, m *message) error {
	switch err := s.fill(ctx, public, m); err {
	case nil:
		return nil
	case ErrGone: // trimmed since
		return ErrNotFound
	default:
		return ErrUnavailable
	}
}

// Messages lists messages of an application.
func (h *Hub) Messages(ctx context.Context, app string, f MessageFilter, p Page, content bool) (page []Message, more bool, err error) {
	s, err := h.open()
	if err != nil {
		return nil, false, err
	}
	s.mu.RLock()
	a, err := s.application(app)
	var messages []*message
	if err == nil {
		messages, more = cut(a.messages, p, (*message).text, func(m *message) bool { return f.lets(m, m.at()) })
	}
	page = turn(messages, (*message).public)
	s.mu.RUnlock()
	for i := range page {
		if content && err == nil {
			err = s.read(ctx, &page[i], messages[i])
		}
	}
	return page, more, err
}

// Attempt returns an attempt of a message by its id.
func (h *Hub) Attempt(ctx context.Context, app, message, ref string) (Attempt, error) {
	s, err := h.open()
	if err != nil {
		return Attempt{}, err
	}
	s.mu.RLock()
	a, err := s.application(app)
	var found *attempt
	if err == nil {
		m, missing := s.message(a, message)
		if err = missing; err == nil {
			i := slices.IndexFunc(m.attempts, func(a *attempt) bool { return a.text() == ref })
			if err = ErrNotFound; i >= 0 {
				found, err = m.attempts[i], nil
			}
		}
	}
	s.mu.RUnlock()
	if err != nil {
		return Attempt{}, err
	}
	return (&attemptReader{session: s}).read(ctx, found)
}

// attemptReader reads the records of attempts. It keeps the last container, since the attempts of a page
// mostly stand in few containers, one behind the other.
type attemptReader struct {
	session  *session
	position uint64
	record   []byte
}

func (r *attemptReader) read(ctx context.Context, a *attempt) (Attempt, error) {
	if r.record == nil || r.position != a.position {
		record, err := r.session.books.Attempts.Read(ctx, a.position)
		if err == ErrGone { // trimmed since
			return Attempt{}, ErrNotFound
		}
		if err != nil {
			return Attempt{}, ErrUnavailable
		}
		r.position, r.record = a.position, record
	}
	head, body, err := entryAt(r.record, int(a.index))
	if err != nil {
		return Attempt{}, err
	}
	var h attemptHead
	if json.Unmarshal(head, &h) != nil || h.ID != a.text() {
		return Attempt{}, errContainer
	}
	public := h.public()
	public.Response = string(body)
	return public, nil
}

// Attempts lists attempts of an application.
func (h *Hub) Attempts(ctx context.Context, app string, f AttemptFilter, p Page) (page []Attempt, more bool, err error) {
	s, err := h.open()
	if err != nil {
		return nil, false, err
	}
	s.mu.RLock()
	m, e, err := s.ends(app, f.Message, f.Endpoint)
	var found []*attempt
	if err == nil {
		all := s.attemptsOf(m, e)
		found, more = cut(all, p, (*attempt).text, func(a *attempt) bool {
			return (m == nil || a.message == m) && (e == nil || a.endpoint == e) &&
				(f.Status == nil || *f.Status == a.status) &&
				(f.CodeClass == nil || *f.CodeClass == int(a.code)/100*100) &&
				f.lets(a.message, time.UnixMilli(idMilli(a.id)))
		})
	}
	s.mu.RUnlock()
	reader := &attemptReader{session: s}
	for _, a := range found {
		public, err := reader.read(ctx, a)
		switch {
		case err == ErrNotFound: // trimmed since
		case err != nil:
			return nil, false, err
		default:
			page = append(page, public)
		}
	}
	return page, more, err
}

func (s *session) attemptsOf(m *message, e *endpoint) []*attempt {
	if m != nil {
		return m.attempts
	}
	return e.attempts
}

// ends returns the message and the endpoint that are named, nil for what isn't. At least one must be.
func (s *session) ends(app, message, endpoint string) (m *message, e *endpoint, err error) {
	a, err := s.application(app)
	if err == nil && message != "" {
		m, err = s.message(a, message)
	}
	if err == nil && endpoint != "" {
		e, err = a.endpoint(endpoint)
	}
	if err == nil && m == nil && e == nil {
		err = &InvalidError{"Message", "name a message, an endpoint or both"}
	}
	return m, e, err
}

// Deliveries lists the deliveries of a message, in the order of their endpoints, or those to an endpoint,
// in the order of their messages.
func (h *Hub) Deliveries(app string, f DeliveryFilter, p Page) (page []Delivery, more bool, err error) {
	s, err := h.open()
	if err != nil {
		return nil, false, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	m, e, err := s.ends(app, f.Message, f.Endpoint)
	if err != nil {
		return nil, false, err
	}
	lets := func(d *delivery) bool {
		return d != nil && (e == nil || d.endpoint == e) && (f.Status == nil || *f.Status == d.status) && f.lets(d.message, d.message.at())
	}
	if m != nil {
		found, more := cut(m.deliveries, p, func(d *delivery) string { return d.endpoint.ID }, lets)
		return turn(found, (*delivery).public), more, nil
	}
	found, more := cut(e.app.messages, p, (*message).text, func(m *message) bool { return lets(m.delivery(e)) })
	return turn(found, func(m *message) Delivery { return m.delivery(e).public() }), more, nil
}

// public returns the delivery as it is known outside.
func (d *delivery) public() Delivery {
	p := Delivery{Message: d.message.public(), Endpoint: d.endpoint.Endpoint, Status: d.status, Attempts: int(d.made)}
	if d.status == Waiting {
		p.Next = time.UnixMilli(d.next).UTC()
	}
	return p
}

// EndpointStats counts the deliveries to an endpoint of messages that were accepted since a time and
// until another; a zero time leaves that bound out.
func (h *Hub) EndpointStats(app, endpoint string, since, until time.Time) (Counts, error) {
	var counts Counts
	s, err := h.open()
	if err != nil {
		return counts, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, err := s.find(app, endpoint)
	if err != nil {
		return counts, err
	}
	f := MessageFilter{Since: since, Until: until}
	for _, m := range e.app.messages {
		d := m.delivery(e)
		if d == nil || !f.lets(m, m.at()) {
			continue
		}
		switch d.status {
		case Succeeded:
			counts.Succeeded++
		case Waiting:
			counts.Waiting++
		case Failed:
			counts.Failed++
		case Sending:
			counts.Sending++
		}
	}
	return counts, nil
}
