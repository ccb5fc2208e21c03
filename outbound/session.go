package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// session is a hub while it has its journal open.
type session struct {
	hub   *Hub
	books *Books

	// mu guards the index and the dispatcher's line.
	mu sync.RWMutex
	*index
	line line

	// registering is held while the registry is changed, so that a change is made of the last one.
	registering sync.Mutex

	ids        ids
	began      time.Time
	nowhere    *application // that of messages whose own was deleted
	loading    bool
	refused    error // why an endpoint of the configuration was left out while loading
	messageLog *writer
	attemptLog *writer
	payloads   *cache
	pending    map[idempotencyKey]chan struct{} // closed when the message of the key has been written, or not
	managed    map[string]*storedEndpoint       // what the registry says of the configuration's endpoints

	tidy      chan struct{}   // asks for the logs to be trimmed
	inFlight  sync.WaitGroup  // attempts
	cut       context.Context // ends when attempts in flight are not waited for any more
	cutNow    context.CancelFunc
	lostOnce  sync.Once
	lost      chan struct{}
	lostError error
}

func newSession(h *Hub, books *Books) *session {
	s := &session{
		hub:      h,
		books:    books,
		index:    newIndex(),
		began:    h.now().UTC(),
		nowhere:  new(application),
		loading:  true,
		payloads: newCache(cacheBytes),
		pending:  make(map[idempotencyKey]chan struct{}),
		managed:  make(map[string]*storedEndpoint),
		tidy:     make(chan struct{}, 1),
		lost:     make(chan struct{}),
	}
	s.line = newLine()
	s.cut, s.cutNow = context.WithCancel(context.Background())
	s.messageLog = newWriter(books.Messages, books.MaxRecord, s.settle)
	s.attemptLog = newWriter(books.Attempts, books.MaxRecord, s.settle)
	return s
}

// lose ends the session: its journal can't be relied on any more.
func (s *session) lose(err error) {
	s.lostOnce.Do(func() {
		s.lostError = err
		close(s.lost)
	})
}

// isLost reports whether the session has ended.
func (s *session) isLost() bool {
	select {
	case <-s.lost:
		return true
	default:
		return false
	}
}

// load makes the index of what the journal says.
func (s *session) load(ctx context.Context) error {
	if err := s.loadRegistry(ctx); err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	settings := s.hub.current()
	if err := s.configure(ctx, settings); err != nil {
		return err
	}
	err := s.books.Messages.Replay(ctx, 0, func(position uint64, record []byte) error {
		s.bytes += uint64(len(record))
		return eachEntry(record, func(header containerHeader, i int, head messageHead, body []byte) error {
			to, err := header.set(head.To)
			if err != nil {
				return err
			}
			return s.replayMessage(position, i, &head, len(body), to)
		})
	})
	if err != nil {
		return fmt.Errorf("messages: %w", err)
	}
	err = s.books.Attempts.Replay(ctx, 0, func(position uint64, record []byte) error {
		s.bytes += uint64(len(record))
		s.addContainer(position, len(record))
		return eachEntry(record, func(_ containerHeader, i int, head attemptHead, _ []byte) error {
			s.applyAttempt(position, i, &head)
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("attempts: %w", err)
	}
	return nil
}

// loadRegistry reads the applications, then what belongs to them.
func (s *session) loadRegistry(ctx context.Context) error {
	var endpoints []*storedEndpoint
	err := s.books.Registry.Each(ctx, func(key string, value []byte) error {
		kind, _, _ := strings.Cut(key, "/")
		var err error
		switch kind {
		case "app":
			var a Application
			if err = json.Unmarshal(value, &a); err == nil {
				s.putApplication(a)
			}
		case "type":
			t := new(EventType)
			if err = json.Unmarshal(value, t); err == nil {
				s.types[t.Name] = t
			}
		case "endpoint":
			e := new(storedEndpoint)
			if err = json.Unmarshal(value, e); err == nil {
				endpoints = append(endpoints, e)
			}
		}
		if err != nil {
			return fmt.Errorf("%s can't be read", key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range endpoints {
		app := s.apps[e.App]
		if app == nil {
			continue // its application was deleted
		}
		if e.Managed {
			s.managed[e.ID] = e
			continue
		}
		compiled, err := newSubscriber(e.Endpoint, e.Secrets, e.Enabled, s.hub.now())
		if err != nil {
			return fmt.Errorf("endpoint %s: %w", e.ID, err)
		}
		s.putEndpoint(app, e.Endpoint, compiled)
	}
	return nil
}

// replayMessage adds a message of the log to the index.
func (s *session) replayMessage(position uint64, i int, head *messageHead, payload int, to []string) error {
	id, ok := parseID(prefixMessage, head.ID)
	if !ok {
		return errContainer
	}
	s.ids.above(id)
	app := s.apps[head.App]
	if app == nil {
		// It was deleted. What it leaves in the log has to be trimmed all the same.
		m := head.indexed(s.nowhere, id, position, i, payload, len(to))
		s.order = append(s.order, slot{position, m})
		return nil
	}
	if m := s.messages[id]; m != nil { // it was carried on
		s.move(m, position, i)
		return nil
	}
	m := head.indexed(app, id, position, i, payload, len(to))
	first, _ := s.hub.current().Schedule.Delay(1, 0)
	due := time.UnixMilli(m.accepted)
	if due.After(s.began) {
		due = s.began // the clock was wrong then, or is now
	}
	s.addMessage(m, keyOf(head.Key), to, due.Add(first))
	return nil
}

// move tells the index that a message stands elsewhere in the log.
func (s *session) move(m *message, position uint64, i int) {
	m.position, m.index = position, uint32(i)
	s.order = append(s.order, slot{position, m})
}

// indexed returns what the index keeps of a message to a number of endpoints.
func (h *messageHead) indexed(app *application, id rawID, position uint64, i, payload, to int) *message {
	m := &message{
		id: id, app: app, eventID: h.EventID, eventType: h.EventType, channels: h.Channels, tags: h.Tags, only: h.Only,
		accepted: h.Accepted, deliverAt: h.DeliverAt, position: position, index: uint32(i),
		size: uint32(payload + messageOverhead + to*idLength),
	}
	if m.accepted == 0 {
		m.accepted = idMilli(id)
	}
	return m
}

// messageOverhead is about what a message takes in the log besides its payload and its endpoints.
const messageOverhead = 200

// applyAttempt adds an entry of the log of attempts to the index, and returns its delivery: nil for what
// belongs to a message that is gone.
func (s *session) applyAttempt(position uint64, i int, head *attemptHead) *delivery {
	if c := s.container(position); c != nil {
		c.entries++
	}
	id, ok := parseID(prefixMessage, head.Message)
	m := s.messages[id]
	if !ok || m == nil {
		return nil
	}
	e := s.ghost(head.Endpoint, m.app)
	if head.Resend {
		s.hold(position)
		s.wishes[m] = append(s.wishes[m], position)
		return s.resend(m, e, head.At)
	}
	a := &attempt{message: m, endpoint: e, position: position, index: uint32(i), code: uint16(head.Code)}
	if a.id, ok = parseID(prefixAttempt, head.ID); !ok {
		return nil
	}
	s.hold(position)
	switch {
	case !head.Failed:
		e.succeed()
	default:
		a.status = Failed
		if head.At >= e.enabled {
			settings := s.hub.current()
			e.fail(head.At, settings.quiet())
		}
	}
	return s.addAttempt(a, head.At, head.Next, head.Number)
}

// writeTimeout bounds how long a stop waits for what is being written.
const writeTimeout = 5 * time.Second

// run works until the context ends or the journal is lost, and lets the attempts in flight end.
func (s *session) run(ctx context.Context) error {
	// The writers go on while attempts in flight end.
	writing, stopWriting := context.WithCancel(context.Background())
	var writers, workers sync.WaitGroup
	writers.Go(func() { s.messageLog.run(writing) })
	writers.Go(func() { s.attemptLog.run(writing) })
	s.lookAtAll()
	working, stop := context.WithCancel(ctx)
	workers.Go(func() { s.dispatch(working) })
	workers.Go(func() { s.keepTidy(working) })

	select {
	case <-ctx.Done():
	case <-s.books.Lost:
		s.lose(ErrLost)
	case <-s.lost:
	}
	stop()
	workers.Wait()
	if ctx.Err() == nil {
		s.cutNow()
	} else {
		drained := time.AfterFunc(s.hub.current().Drain, s.cutNow)
		defer drained.Stop()
	}
	// A lost journal ends the writers by itself; until then what is in flight is recorded.
	go func() {
		<-s.lost
		stopWriting()
	}()
	s.inFlight.Wait()
	s.cutNow()
	s.messageLog.end()
	s.attemptLog.end()
	late := time.AfterFunc(writeTimeout, stopWriting)
	defer late.Stop()
	writers.Wait()
	stopWriting()
	s.lose(ErrUnavailable)
	if errors.Is(s.lostError, ErrUnavailable) {
		return nil
	}
	return s.lostError
}

// lookAtAll makes the dispatcher look at every endpoint.
func (s *session) lookAtAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.endpoints {
		s.line.look(e)
	}
}
