package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// maxPutOff bounds how long a subscriber can put off its next attempt with Retry-After.
const maxPutOff = time.Hour

// recordBackoff is how long an attempt waits to be recorded again when the journal is full.
const recordBackoff = time.Second

// try makes an attempt and records it. Nothing else is attempted in its place before it is on disk, so
// that what could not be recorded is made again, and never more of it than is in flight.
func (s *session) try(d *delivery, settings Settings) {
	defer s.inFlight.Done()
	began := s.hub.now()
	s.mu.Lock()
	e, m := d.endpoint.Endpoint, d.message.public()
	signing, err := d.endpoint.signer(e.Scheme, began)
	trigger, number := d.trigger, int(d.number)+1
	s.mu.Unlock()

	answer, ok := s.send(e, &m, d.message, signing, err, began, settings.Timeout)
	if !ok {
		s.giveBack(d)
		return
	}
	took := s.hub.now().Sub(began)
	head := &attemptHead{
		ID: formatID(prefixAttempt, s.ids.next(began)), Message: m.ID, Endpoint: e.ID, At: began.UnixMilli(),
		URL: e.URL, Took: took.Milliseconds(), Number: number, Code: answer.Code, Trigger: trigger,
		Failed: answer.Problem != "" || answer.Code < 200 || answer.Code > 299,
	}
	head.Next = settings.next(head, answer, s.hub.jitter())
	body := answer.Body
	if answer.Problem != "" {
		body = []byte(answer.Problem)
	}
	s.record(d, head, body, m)
}

// send makes the attempt itself. It is not ok if it was cut off, or its payload could not be read now.
func (s *session) send(e Endpoint, m *Message, indexed *message, signing *signer, err error, began time.Time, timeout time.Duration) (answer Answer, ok bool) {
	if err != nil {
		return Answer{Problem: problemUnsigned}, true
	}
	if err := s.fill(s.cut, m, indexed); err != nil {
		if errors.Is(err, ErrGone) || errors.Is(err, errContainer) {
			return Answer{Problem: problemPayload}, true
		}
		if s.cut.Err() == nil {
			s.lose(err)
		}
		return Answer{}, false
	}
	header, err := signing.header(e, *m, began)
	if err != nil {
		return Answer{Problem: problemUnsigned}, true
	}
	ctx, cancel := context.WithTimeout(s.cut, timeout)
	defer cancel()
	answer = s.hub.sender().Send(ctx, e.URL, header, m.Payload)
	// What has run out of its own time is over, also if it was cut off before it got round to saying so.
	return answer, answer.Code != 0 || !errors.Is(ctx.Err(), context.Canceled)
}

// What the record of an attempt says that never got as far as the network.
const (
	problemUnsigned = "could not be signed with the endpoint's secrets"
	problemPayload  = "the payload is gone"
)

// next returns when the next attempt is due, 0 for never.
func (s *Settings) next(a *attemptHead, answer Answer, jitter float64) int64 {
	if !a.Failed || answer.Code == http.StatusGone || answer.Problem == problemPayload {
		return 0
	}
	delay, ok := s.Schedule.Delay(a.Number+1, jitter)
	if !ok {
		return 0
	}
	return a.At + a.Took + max(delay, min(answer.RetryAfter, maxPutOff)).Milliseconds()
}

// record writes what came of an attempt, and settles its delivery when that is on disk.
func (s *session) record(d *delivery, head *attemptHead, body []byte, m Message) {
	for {
		recorded := &entry{head: head, body: body}
		recorded.applied = func(c *container, i int) {
			if c.err == nil {
				s.recorded(c, i, d, head, body, m)
			}
		}
		err := s.attemptLog.add(recorded)
		if err == nil {
			<-recorded.done
			err = recorded.err
		}
		switch {
		case err == nil:
			s.hub.solved()
			return
		case errors.Is(err, ErrTooLarge) && len(body) > 0:
			body = nil
			continue
		case !errors.Is(err, ErrFull):
			s.giveBack(d)
			return
		}
		s.hub.problem(err)
		select {
		case <-time.After(recordBackoff):
		case <-s.cut.Done():
			s.giveBack(d)
			return
		}
	}
}

// recorded settles a delivery whose attempt is on disk. The lock is held.
func (s *session) recorded(c *container, i int, d *delivery, head *attemptHead, body []byte, m Message) {
	d.status = Waiting // until applyAttempt says otherwise
	s.applyAttempt(c.position, i, head)
	e := d.endpoint
	s.landed(d)
	if head.Failed {
		s.judge(e, head)
	}
	if attempted := s.hub.hooks.Attempted; attempted != nil {
		a, to := head.public(), e.Endpoint
		a.Response = string(body)
		c.tell(func() { attempted(a, m, to) })
	}
}

// giveBack makes a delivery wait again as it did before its attempt, of which nothing is known.
func (s *session) giveBack(d *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.status = Waiting
	s.queue(d)
	s.landed(d)
}

// minFailures is how many attempts at the least must have failed for an endpoint to be disabled.
const minFailures = 5

// judge disables an endpoint whose attempts say that it is gone, or that have failed for too long. The lock
// is held.
func (s *session) judge(e *endpoint, a *attemptHead) {
	switch {
	case e.deleted || e.Disabled:
	case a.Code == http.StatusGone:
		s.disable(e, DisabledGone)
	case e.failures >= minFailures && time.Duration(a.At-e.failing)*time.Millisecond >= s.hub.current().DisableAfter:
		s.disable(e, DisabledFailing)
	}
}

// disable disables an endpoint. The lock is held, so the registry is told afterwards.
func (s *session) disable(e *endpoint, reason DisabledFor) {
	e.Disabled, e.DisabledFor = true, reason
	e.UpdatedAt = s.hub.now().UTC()
	disabled := e.Endpoint
	s.inFlight.Go(func() {
		if told := s.hub.hooks.Disabled; told != nil {
			told(disabled)
		}
		for {
			s.registering.Lock()
			err := s.keepEndpoint(s.cut, e)
			s.registering.Unlock()
			if !errors.Is(err, ErrFull) {
				return // what is lost besides is found anew by its next failure
			}
			s.hub.problem(err)
			select {
			case <-time.After(recordBackoff):
			case <-s.cut.Done():
				return
			}
		}
	})
}

// fill reads a message's payload, and what else only the log has of it.
func (s *session) fill(ctx context.Context, m *Message, indexed *message) error {
	for {
		s.mu.RLock()
		position, index := indexed.position, indexed.index
		s.mu.RUnlock()
		err := s.fillFrom(ctx, m, position, index)
		if !errors.Is(err, ErrGone) {
			return err
		}
		s.mu.RLock()
		carried := indexed.position != position
		s.mu.RUnlock()
		if !carried {
			return err
		}
	}
}

func (s *session) fillFrom(ctx context.Context, m *Message, position uint64, index uint32) error {
	record, err := s.containerAt(ctx, position)
	if err != nil {
		return err
	}
	head, body, err := entryAt(record, int(index))
	if err != nil {
		return err
	}
	var h messageHead
	if json.Unmarshal(head, &h) != nil || h.ID != m.ID {
		return errContainer
	}
	m.ContentType, m.Headers, m.Payload = h.ContentType, h.Headers, body
	return nil
}

// containerAt reads a container of the log of messages.
func (s *session) containerAt(ctx context.Context, position uint64) ([]byte, error) {
	if record, ok := s.payloads.get(position); ok {
		return record, nil
	}
	record, err := s.books.Messages.Read(ctx, position)
	if err == nil {
		s.payloads.add(position, record)
	}
	return record, err
}

// public returns the message as it is known outside, without what only the log has.
func (m *message) public() Message {
	p := Message{
		ID: m.text(), App: m.app.ID, EventID: m.eventID, EventType: m.eventType,
		Channels: m.channels, Tags: m.tags, Time: m.at(),
	}
	if m.deliverAt != 0 {
		p.DeliverAt = time.UnixMilli(m.deliverAt).UTC()
	}
	return p
}

// public returns the attempt as it is known outside.
func (h *attemptHead) public() Attempt {
	a := Attempt{
		ID: h.ID, Message: h.Message, Endpoint: h.Endpoint, URL: h.URL, Time: time.UnixMilli(h.At).UTC(),
		Took: time.Duration(h.Took) * time.Millisecond, Number: h.Number, Code: h.Code, Trigger: h.Trigger,
	}
	if h.Failed {
		a.Status = Failed
	}
	if h.Next != 0 {
		a.Next = time.UnixMilli(h.Next).UTC()
	}
	return a
}
