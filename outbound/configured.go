package outbound

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
// loading, one that can't be is left out and told of; afterwards it makes the whole configuration fail.
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
	s.mu.Lock()
	defer s.mu.Unlock()
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
		if other := app.uids[e.UID]; other != nil && other.ID != e.ID {
			err := fmt.Errorf("endpoint %q: another one of that uid was made through the API: remove it there, or name this one otherwise", e.UID)
			if s.loading {
				s.refused = err
				continue
			}
			return err
		}
		e, enabled := s.state(e)
		e.App = app.ID
		compiled, err := newSubscriber(e, c.keys(), enabled, s.hub.now())
		if err != nil {
			return err
		}
		changes = append(changes, change{e, compiled})
	}
	// Nothing can fail from here on.
	left := slices.DeleteFunc(slices.Clone(app.endpoints), func(e *endpoint) bool { return !e.Managed })
	for _, c := range changes {
		s.line.look(s.putEndpoint(app, c.Endpoint, c.subscriber))
		left = slices.DeleteFunc(left, func(other *endpoint) bool { return other.ID == c.ID })
	}
	for _, e := range left {
		s.dropEndpoint(e)
	}
	return nil
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
