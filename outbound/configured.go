package outbound

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Check returns what is wrong with the settings, as New and Configure would find it. What is wrong with
// one endpoint is an *InvalidError.
func (s Settings) Check() error {
	_, err := s.normalized()
	return err
}

// normalized returns the settings with their defaults, or what is wrong with them.
func (s Settings) normalized() (Settings, error) {
	if s.Schedule == nil {
		s.Schedule = DefaultSchedule()
	}
	s.Timeout = orDefault(s.Timeout, DefaultTimeout)
	s.Concurrency = orDefault(s.Concurrency, DefaultConcurrency)
	s.MaxAttempts = orDefault(s.MaxAttempts, DefaultMaxAttempts)
	s.DisableAfter = orDefault(s.DisableAfter, DefaultDisableAfter)
	s.RetainFor = orDefault(s.RetainFor, DefaultRetainFor)
	s.RetainBytes = orDefault(s.RetainBytes, DefaultRetainBytes)
	s.Drain = orDefault(s.Drain, s.Timeout+DrainMargin)
	switch {
	case s.Timeout < 0 || s.Concurrency < 0 || s.MaxAttempts < 0 || s.DisableAfter < 0 || s.RetainFor < 0 || s.Drain < 0:
		return s, errors.New("settings: a number is negative")
	}
	if err := s.Schedule.Check(); err != nil {
		return s, err
	}
	names := make(map[string]bool)
	for i, c := range s.Endpoints {
		e, err := c.endpoint()
		if err == nil && names[e.UID] {
			err = &InvalidError{"UID", fmt.Sprintf("two endpoints are named %q", e.UID)}
		}
		if err == nil {
			err = e.check(s.Egress)
		}
		if err == nil {
			_, err = newSubscriber(e, c.keys(), 0, time.Time{})
		}
		if err != nil {
			return s, fmt.Errorf("endpoint %d: %w", i+1, err)
		}
		names[e.UID] = true
	}
	return s, nil
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// endpoint returns the endpoint that the configuration describes.
func (c ConfiguredEndpoint) endpoint() (Endpoint, error) {
	e := c.Endpoint
	switch {
	case e.UID == "":
		return e, &InvalidError{"UID", "is needed, so that the endpoint is known again when the configuration is read again"}
	case len(c.Secrets) == 0:
		return e, &InvalidError{"Secret", "is needed"}
	}
	e.ID = fixedID(prefixEndpoint, DefaultApplication+"/"+e.UID)
	e.Managed = true
	return e, nil
}

// keys returns the secrets, which the configuration keeps for as long as it wants.
func (c ConfiguredEndpoint) keys() []secret {
	var keys []secret
	for _, text := range c.Secrets {
		keys = append(keys, secret{Text: text})
	}
	return keys
}

// configure makes the configuration's endpoints those of the default application. While the session is
// loading, one whose uid is taken is left out; afterwards it makes the whole configuration fail.
func (s *session) configure(ctx context.Context, settings Settings) error {
	s.registering.Lock()
	defer s.registering.Unlock()
	app, err := s.look(DefaultApplication)
	switch {
	case err != nil && len(settings.Endpoints) == 0:
		return nil
	case err != nil:
		a := Application{ID: formatID(prefixApplication, s.ids.next(s.hub.now())), UID: DefaultApplication, Name: DefaultApplication, CreatedAt: s.hub.now().UTC()}
		if _, err := s.keepApplication(ctx, a); err != nil {
			return err
		}
		app, _ = s.look(DefaultApplication)
	}
	type change struct {
		Endpoint
		subscriber
	}
	var changes []change
	for _, c := range settings.Endpoints {
		e, err := c.endpoint()
		if err != nil {
			return err
		}
		e.App = app.ID
		// Compiling takes longest, and needs no lock.
		compiled, err := newSubscriber(e, c.keys(), 0, s.hub.now())
		if err != nil {
			return err
		}
		changes = append(changes, change{e, compiled})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = nil
	for _, c := range changes {
		if other := app.uids[c.UID]; other != nil && other.ID != c.ID {
			s.refused = fmt.Errorf("endpoint %q is left out: another one of that uid was made through the API: delete it there, or name this one otherwise", c.UID)
			if !s.loading {
				return s.refused
			}
		}
	}
	// Nothing can fail from here on.
	left := make(map[string]*endpoint)
	for _, e := range app.endpoints {
		if e.Managed {
			left[e.ID] = e
		}
	}
	for _, c := range changes {
		if other := app.uids[c.UID]; other != nil && other.ID != c.ID {
			continue
		}
		c.Endpoint, c.enabled = s.state(c.Endpoint)
		s.line.look(s.putEndpoint(app, c.Endpoint, c.subscriber))
		delete(left, c.ID)
	}
	for _, e := range left {
		s.dropEndpoint(e)
	}
	return nil
}

// lookAgain takes up an endpoint of the configuration that was left out, if it can be now.
func (h *Hub) lookAgain(ctx context.Context, s *session) {
	s.mu.RLock()
	refused := s.refused != nil
	s.mu.RUnlock()
	if !refused {
		return
	}
	h.configuring.Lock()
	defer h.configuring.Unlock()
	if err := s.configure(context.WithoutCancel(ctx), h.current()); err != nil && h.hooks.LeftOut != nil {
		h.hooks.LeftOut(err)
	}
}

// state returns an endpoint of the configuration with what is known of it besides: since when there is
// one, whether it is disabled and when it was last enabled. The lock is held.
func (s *session) state(e Endpoint) (_ Endpoint, enabled int64) {
	known, kept := s.endpoints[e.ID], s.managed[e.ID]
	e.CreatedAt, e.UpdatedAt = s.began, s.began
	switch {
	case known != nil && !known.deleted:
		e.CreatedAt, e.UpdatedAt, enabled = known.CreatedAt, known.UpdatedAt, known.enabled
		e.Disabled, e.DisabledFor = known.Disabled, known.DisabledFor
	case kept != nil:
		e.CreatedAt, e.UpdatedAt, enabled = kept.CreatedAt, kept.UpdatedAt, kept.Enabled
		e.Disabled, e.DisabledFor = kept.Disabled, kept.DisabledFor
	}
	return e, enabled
}
