package outbound

import (
	"context"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"time"
)

// CreateEndpoint adds an endpoint to an application, with a secret; "" makes a new one.
func (h *Hub) CreateEndpoint(ctx context.Context, app string, e Endpoint, text string) (Endpoint, error) {
	s, done, err := h.register()
	if err != nil {
		return Endpoint{}, err
	}
	defer done()
	s.mu.RLock()
	a, err := s.application(app)
	if err == nil && e.UID != "" {
		if known := a.uids[e.UID]; known != nil {
			e, err = known.Endpoint, ErrExists
		}
	}
	s.mu.RUnlock()
	if err != nil {
		return e, err
	}
	if text == "" {
		text = NewSecret()
	}
	if err := checkSecret(e.Scheme, text); err != nil {
		return Endpoint{}, err
	}
	now := h.now().UTC()
	e.ID, e.App, e.Managed, e.CreatedAt = formatID(prefixEndpoint, s.ids.next(now)), a.ID, false, now
	return s.replaceEndpoint(ctx, a, Endpoint{}, e, []secret{{Text: text}}, now.UnixMilli())
}

// anywhere allows every URL.
var anywhere = Egress{AllowHTTP: true, AllowNets: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}

// replaceEndpoint writes an endpoint and puts it into the index.
func (s *session) replaceEndpoint(ctx context.Context, a *application, before, e Endpoint, secrets []secret, enabled int64) (Endpoint, error) {
	e.UpdatedAt = s.hub.now().UTC()
	egress := s.hub.current().Egress
	if e.URL == before.URL {
		egress = anywhere // it was allowed once, and is checked again at each attempt
	}
	if err := e.check(egress); err != nil {
		return Endpoint{}, err
	}
	compiled, err := newSubscriber(e, secrets, enabled, s.hub.now())
	if err != nil {
		return Endpoint{}, err
	}
	if err := s.keep(ctx, endpointKey(e.ID), storedEndpoint{e, secrets, enabled}); err != nil {
		return Endpoint{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.endpoints[e.ID]; known != nil && known.Disabled && !before.Disabled {
		// The hub has disabled it meanwhile, and is about to write that.
		e.Disabled, e.DisabledFor = true, known.DisabledFor
	}
	s.line.look(s.putEndpoint(a, e, compiled))
	return e, nil
}

// keepEndpoint writes an endpoint as the index has it. Registering is held.
func (s *session) keepEndpoint(ctx context.Context, e *endpoint) error {
	s.mu.RLock()
	stored, deleted := storedEndpoint{e.Endpoint, e.secrets, e.enabled}, e.deleted
	s.mu.RUnlock()
	if deleted {
		return nil
	}
	if stored.Managed {
		return s.keepManaged(ctx, stored.Endpoint, stored.Enabled)
	}
	return s.keep(ctx, endpointKey(stored.ID), stored)
}

// keepManaged writes what the registry keeps of an endpoint of the configuration.
func (s *session) keepManaged(ctx context.Context, e Endpoint, enabled int64) error {
	state := managedState(e, enabled)
	if err := s.keep(ctx, endpointKey(e.ID), state); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.managed[e.ID] = &state
	return nil
}

// managedState is what the registry keeps of an endpoint of the configuration.
func managedState(e Endpoint, enabled int64) storedEndpoint {
	return storedEndpoint{
		Endpoint: Endpoint{ID: e.ID, App: e.App, Managed: true, Disabled: e.Disabled, DisabledFor: e.DisabledFor, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt},
		Enabled:  enabled,
	}
}

// Endpoint returns an endpoint by its id or uid.
func (h *Hub) Endpoint(app, endpoint string) (Endpoint, error) {
	s, err := h.open()
	if err != nil {
		return Endpoint{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, err := s.find(app, endpoint)
	if err != nil {
		return Endpoint{}, err
	}
	return e.Endpoint, nil
}

// find returns an endpoint of an application. The lock is held.
func (s *session) find(app, endpoint string) (*endpoint, error) {
	a, err := s.application(app)
	if err != nil {
		return nil, err
	}
	return a.endpoint(endpoint)
}

// ChangeEndpoint applies change to an endpoint and keeps the result. Clearing Disabled also clears
// DisabledFor, and what waits goes on.
func (h *Hub) ChangeEndpoint(ctx context.Context, app, endpoint string, change func(*Endpoint)) (Endpoint, error) {
	s, done, err := h.register()
	if err != nil {
		return Endpoint{}, err
	}
	defer done()
	s.mu.RLock()
	known, err := s.find(app, endpoint)
	var before, e Endpoint
	if err == nil {
		before, e = known.Endpoint, known.Endpoint.clone()
	}
	s.mu.RUnlock()
	if err != nil {
		return Endpoint{}, err
	}
	change(&e)
	e.ID, e.App, e.Managed, e.CreatedAt = before.ID, before.App, before.Managed, before.CreatedAt
	s.mu.RLock()
	if other := known.app.uids[e.UID]; other != nil && other != known {
		e, err = other.Endpoint, ErrExists
	}
	s.mu.RUnlock()
	if err != nil {
		return e, err
	}
	enabled := known.enabled
	if !e.Disabled {
		e.DisabledFor = ""
		if before.Disabled {
			enabled = h.now().UnixMilli()
		}
	}
	if e.Managed {
		return s.changeManaged(ctx, known, before, e, enabled)
	}
	return s.replaceEndpoint(ctx, known.app, before, e, known.secrets, enabled)
}

// changeManaged enables or disables an endpoint of the configuration, which is all that can be changed
// of it.
func (s *session) changeManaged(ctx context.Context, known *endpoint, e, changed Endpoint, enabled int64) (Endpoint, error) {
	e.Disabled, e.DisabledFor = changed.Disabled, changed.DisabledFor
	if !reflect.DeepEqual(e, changed) {
		return Endpoint{}, ErrManaged
	}
	e.UpdatedAt = s.hub.now().UTC()
	if err := s.keepManaged(ctx, e, enabled); err != nil {
		return Endpoint{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	compiled := known.subscriber
	compiled.enabled = enabled
	s.line.look(s.putEndpoint(known.app, e, compiled))
	return e, nil
}

// clone returns a copy that shares no memory with e.
func (e Endpoint) clone() Endpoint {
	e.Events, e.Channels = slices.Clone(e.Events), slices.Clone(e.Channels)
	e.Headers, e.Metadata = maps.Clone(e.Headers), maps.Clone(e.Metadata)
	return e
}

// DeleteEndpoint removes an endpoint; what waits for it is dropped.
func (h *Hub) DeleteEndpoint(ctx context.Context, app, endpoint string) error {
	s, done, err := h.register()
	if err != nil {
		return err
	}
	defer done()
	s.mu.RLock()
	e, err := s.find(app, endpoint)
	s.mu.RUnlock()
	switch {
	case err != nil:
		return err
	case e.Managed:
		return ErrManaged
	}
	if err := s.forget(ctx, endpointKey(e.ID)); err != nil {
		return err
	}
	s.mu.Lock()
	s.dropEndpoint(e)
	s.mu.Unlock()
	go h.lookAgain(ctx, s) // which needs the registry
	return nil
}

// EndpointSecret returns the secret that an endpoint's attempts are signed with.
func (h *Hub) EndpointSecret(app, endpoint string) (string, error) {
	s, err := h.open()
	if err != nil {
		return "", err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, err := s.find(app, endpoint)
	switch {
	case err != nil:
		return "", err
	case e.Managed:
		return "", ErrManaged
	}
	return e.secrets[0].Text, nil
}

// maxSecrets bounds the secrets of an endpoint, old ones included.
const maxSecrets = 10

// RotateSecret gives an endpoint another secret; "" makes a new one. Attempts are signed with the old
// one too for as long as overlap (where the scheme has room for several signatures).
func (h *Hub) RotateSecret(ctx context.Context, app, endpoint, text string, overlap time.Duration) error {
	s, done, err := h.register()
	if err != nil {
		return err
	}
	defer done()
	s.mu.RLock()
	e, err := s.find(app, endpoint)
	var now Endpoint
	if err == nil {
		now = e.Endpoint
	}
	s.mu.RUnlock()
	switch {
	case err != nil:
		return err
	case now.Managed:
		return ErrManaged
	}
	if text == "" {
		text = NewSecret()
	}
	if err := checkSecret(now.Scheme, text); err != nil {
		return err
	}
	secrets := []secret{{Text: text}}
	for _, old := range e.secrets {
		until := h.now().Add(overlap).UnixMilli()
		if old.Until != 0 {
			until = min(until, old.Until)
		}
		if old.Text != text && until > h.now().UnixMilli() && len(secrets) < maxSecrets {
			secrets = append(secrets, secret{old.Text, until})
		}
	}
	_, err = s.replaceEndpoint(ctx, e.app, now, now, secrets, e.enabled)
	return err
}
