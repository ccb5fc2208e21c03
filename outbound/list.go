package outbound

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// atOnce is how many entries of a list are looked at before others get the lock.
const atOnce = 4096

// cut returns the page of a list that is sorted by id, of what keep lets through, and whether there is
// more behind it (with Before: before it). If it has looked at as many entries as it may and not come to an
// end, resume is the id of the last.
func cut[T any](list []T, p Page, id func(T) string, keep func(T) bool, most int) (page []T, more bool, resume string) {
	from, to := 0, len(list)
	search := func(bound string) (int, bool) {
		return slices.BinarySearchFunc(list, bound, func(t T, bound string) int { return cmp.Compare(id(t), bound) })
	}
	// A page that ends before something is read from there backwards, and turned around.
	up := p.Descending == (p.Before != "")
	if bound := cmp.Or(p.After, p.Before); bound != "" {
		i, found := search(bound)
		switch {
		case !up:
			to = i
		case found:
			from = i + 1
		default:
			from = i
		}
	}
	for n := 0; from < to; n++ {
		i := from
		if !up {
			i = to - 1
		}
		item := list[i]
		if n == most {
			return page, false, resume
		}
		resume = id(item)
		if keep == nil || keep(item) {
			if len(page) == p.Limit {
				return page, true, ""
			}
			page = append(page, item)
		}
		if up {
			from++
		} else {
			to--
		}
	}
	return page, false, ""
}

// listing is a list and what is shown of it.
type listing[T, U any] struct {
	list   func() []T // called under the lock
	id     func(T) string
	keep   func(T) bool // nil for everything
	public func(T) U    // called under the lock
	most   int          // how many entries are looked at before others get the lock. Default: atOnce.
}

// page returns a page. However long the list, others get the lock meanwhile.
func (l listing[T, U]) page(s *session, p Page) (page []U, more bool) {
	limit := p.Limit
	for {
		s.mu.RLock()
		part, more, resume := cut(l.list(), p, l.id, l.keep, orDefault(l.most, atOnce))
		for _, item := range part {
			page = append(page, l.public(item))
		}
		s.mu.RUnlock()
		if resume == "" {
			if p.Before != "" {
				slices.Reverse(page)
			}
			return page, more
		}
		if p.Before != "" {
			p.Before = resume
		} else {
			p.After = resume
		}
		p.Limit = limit - len(page)
	}
}

// eachMessage calls each with an application's messages, under the lock, which others get meanwhile.
func (s *session) eachMessage(a *application, each func(*message)) {
	var last *message
	for {
		s.mu.RLock()
		from := 0
		if last != nil {
			i, found := slices.BinarySearchFunc(a.messages, last, byMessageID)
			if from = i; found {
				from++
			}
		}
		some := a.messages[from:]
		some = some[:min(len(some), atOnce)]
		for _, m := range some {
			each(m)
			last = m
		}
		s.mu.RUnlock()
		if len(some) < atOnce {
			return
		}
	}
}

// Applications lists applications, and whether there are more behind the page.
func (h *Hub) Applications(p Page) (page []Application, more bool) {
	s, err := h.open()
	if err != nil {
		return nil, false
	}
	return listing[*application, Application]{
		list: func() []*application {
			return slices.SortedFunc(maps.Values(s.apps), func(a, b *application) int { return cmp.Compare(a.ID, b.ID) })
		},
		id:     func(a *application) string { return a.ID },
		public: func(a *application) Application { return a.Application },
	}.page(s, p)
}

// EventTypes lists event types in the order of their names.
func (h *Hub) EventTypes(p Page, archived bool) (page []EventType, more bool) {
	s, err := h.open()
	if err != nil {
		return nil, false
	}
	return listing[*EventType, EventType]{
		list: func() []*EventType {
			return slices.SortedFunc(maps.Values(s.types), func(a, b *EventType) int { return cmp.Compare(a.Name, b.Name) })
		},
		id:     func(t *EventType) string { return t.Name },
		keep:   func(t *EventType) bool { return archived || !t.Archived },
		public: func(t *EventType) EventType { return *t },
	}.page(s, p)
}

// Endpoints lists the endpoints of an application.
func (h *Hub) Endpoints(app string, p Page) (page []Endpoint, more bool, err error) {
	s, err := h.open()
	if err != nil {
		return nil, false, err
	}
	a, err := s.look(app)
	if err != nil {
		return nil, false, err
	}
	page, more = listing[*endpoint, Endpoint]{
		list:   func() []*endpoint { return a.endpoints },
		id:     func(e *endpoint) string { return e.ID },
		public: func(e *endpoint) Endpoint { return e.Endpoint },
	}.page(s, p)
	return page, more, nil
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
	a, err := s.look(app)
	if err != nil {
		return nil, false, err
	}
	messages, more := listing[*message, *message]{
		list:   func() []*message { return a.messages },
		id:     (*message).text,
		keep:   func(m *message) bool { return f.lets(m, m.at()) },
		public: func(m *message) *message { return m },
	}.page(s, p)
	for _, m := range messages {
		public := m.public()
		if content {
			if err := s.read(ctx, &public, m); err == ErrNotFound { // trimmed since
				continue
			} else if err != nil {
				return nil, false, err
			}
		}
		page = append(page, public)
	}
	return page, more, nil
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
	m, e, err := s.ends(app, f.Message, f.Endpoint)
	s.mu.RUnlock()
	if err != nil {
		return nil, false, err
	}
	lets := func(d *delivery) bool {
		return d != nil && (e == nil || d.endpoint == e) && (f.Status == nil || *f.Status == d.state()) && f.lets(d.message, d.message.at())
	}
	if m != nil {
		page, more = listing[*delivery, Delivery]{
			list:   func() []*delivery { return m.deliveries },
			id:     func(d *delivery) string { return d.endpoint.ID },
			keep:   lets,
			public: (*delivery).public,
		}.page(s, p)
		return page, more, nil
	}
	page, more = listing[*message, Delivery]{
		list:   func() []*message { return e.app.messages },
		id:     (*message).text,
		keep:   func(m *message) bool { return lets(m.delivery(e)) },
		public: func(m *message) Delivery { return m.delivery(e).public() },
	}.page(s, p)
	return page, more, nil
}

// public returns the delivery as it is known outside.
func (d *delivery) public() Delivery {
	p := Delivery{Message: d.message.public(), Endpoint: d.endpoint.Endpoint, Status: d.state(), Attempts: int(d.made)}
	if p.Status == Waiting {
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
	e, err := s.find(app, endpoint)
	var a *application
	if err == nil {
		a = e.app
	}
	s.mu.RUnlock()
	if err != nil {
		return counts, err
	}
	f := MessageFilter{Since: since, Until: until}
	s.eachMessage(a, func(m *message) {
		d := m.delivery(e)
		if d == nil || !f.lets(m, m.at()) {
			return
		}
		switch d.state() {
		case Succeeded:
			counts.Succeeded++
		case Waiting:
			counts.Waiting++
		case Failed:
			counts.Failed++
		case Sending:
			counts.Sending++
		}
	})
	return counts, nil
}
