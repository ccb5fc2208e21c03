package outbound

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

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
	s.mu.RUnlock()
	if err != nil {
		return nil, false, err
	}
	found, more := listing[*attempt, *attempt]{
		list: func() []*attempt { return s.attemptsOf(m, e) },
		id:   (*attempt).text,
		keep: func(a *attempt) bool {
			return (m == nil || a.message == m) && (e == nil || a.endpoint == e) &&
				(f.Status == nil || *f.Status == a.status) &&
				(f.CodeClass == nil || *f.CodeClass == int(a.code)/100*100) &&
				f.lets(a.message, time.UnixMilli(idMilli(a.id)))
		},
		public: func(a *attempt) *attempt { return a },
	}.page(s, p)
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
