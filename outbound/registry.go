package outbound

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"time"
)

// storedEndpoint is an endpoint as the registry keeps it. Of one that comes from the configuration it
// keeps only whether it is disabled.
type storedEndpoint struct {
	Endpoint
	Secrets []secret `json:"secrets,omitempty"`
	Enabled int64    `json:"enabled_at,omitempty"` // Unix ms
}

// registering opens the registry for one change.
func (h *Hub) register() (s *session, done func(), err error) {
	s, err = h.open()
	if err != nil {
		return nil, nil, err
	}
	s.registering.Lock()
	return s, s.registering.Unlock, nil
}

// registryTimeout bounds a change of the registry. Whoever asked for it may be gone by then: half a change
// that nobody knows of is worse than a whole one.
const registryTimeout = 15 * time.Second

// keep writes a value of the registry.
func (s *session) keep(ctx context.Context, key string, value any) error {
	encoded, err := json.Marshal(value)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), registryTimeout)
	defer cancel()
	return s.told(s.books.Registry.Put(ctx, key, encoded))
}

// forget removes a value of the registry.
func (s *session) forget(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), registryTimeout)
	defer cancel()
	return s.told(s.books.Registry.Delete(ctx, key))
}

// told ends the session if it isn't known any more what the registry says.
func (s *session) told(err error) error {
	err, known := outside(err), err
	if err == ErrUnavailable {
		s.lose(known)
	}
	return err
}

func appKey(id string) string      { return "app/" + id }
func endpointKey(id string) string { return "endpoint/" + id }

// typeKey is of a fixed length and form, whatever the name.
func typeKey(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "type/" + hex.EncodeToString(sum[:])
}

// fixedID is the id of what the configuration names, which is the same whenever it is read.
func fixedID(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	return formatID(prefix, rawID(sum[:16]))
}

// CreateApplication adds an application: UID (optional), Name, RateLimit and Metadata count. Errors of
// this and all that follow: ErrNotFound, ErrExists, ErrManaged, *InvalidError, ErrUnavailable, ErrFull,
// ErrTooLarge; where a value comes with ErrExists it is the one that exists.
func (h *Hub) CreateApplication(ctx context.Context, a Application) (Application, error) {
	s, done, err := h.register()
	if err != nil {
		return Application{}, err
	}
	defer done()
	if known, err := s.look(a.UID); err == nil {
		return known.Application, ErrExists
	}
	a.ID = formatID(prefixApplication, s.ids.next(h.now()))
	a.CreatedAt = h.now().UTC()
	return s.keepApplication(ctx, a)
}

// look returns an application under the lock.
func (s *session) look(ref string) (*application, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.application(ref)
}

// keepApplication writes an application and puts it into the index.
func (s *session) keepApplication(ctx context.Context, a Application) (Application, error) {
	a.UpdatedAt = s.hub.now().UTC()
	if err := a.check(); err != nil {
		return Application{}, err
	}
	if err := s.keep(ctx, appKey(a.ID), a); err != nil {
		return Application{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putApplication(a)
	return a, nil
}

// Application returns an application by its id or uid.
func (h *Hub) Application(app string) (Application, error) {
	s, err := h.open()
	if err != nil {
		return Application{}, err
	}
	a, err := s.look(app)
	if err != nil {
		return Application{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return a.Application, nil
}

// ChangeApplication applies change to an application and keeps the result.
func (h *Hub) ChangeApplication(ctx context.Context, app string, change func(*Application)) (Application, error) {
	s, done, err := h.register()
	if err != nil {
		return Application{}, err
	}
	defer done()
	known, err := s.look(app)
	if err != nil {
		return Application{}, err
	}
	// Only who holds the registry changes applications.
	a := known.Application
	change(&a)
	a.ID, a.CreatedAt = known.ID, known.CreatedAt
	if known.UID == DefaultApplication && a.UID != known.UID {
		return Application{}, &InvalidError{"UID", "the application " + DefaultApplication + " keeps its uid: the configuration's endpoints belong to it"}
	}
	if other, err := s.look(a.UID); err == nil && other != known {
		return other.Application, ErrExists
	}
	return s.keepApplication(ctx, a)
}

// DeleteApplication removes an application with its endpoints; what waits for them is dropped.
func (h *Hub) DeleteApplication(ctx context.Context, app string) error {
	s, done, err := h.register()
	if err != nil {
		return err
	}
	defer done()
	a, err := s.look(app)
	if err != nil {
		return err
	}
	for _, e := range a.endpoints {
		if e.Managed {
			return ErrManaged
		}
	}
	// Endpoints of an application that is gone are not read, so it goes first, and with it all the rest.
	if err := s.forget(ctx, appKey(a.ID)); err != nil {
		return err
	}
	endpoints := slices.Clone(a.endpoints)
	s.mu.Lock()
	s.dropApplication(a)
	s.mu.Unlock()
	for _, e := range endpoints {
		_ = s.forget(ctx, endpointKey(e.ID)) // what is left of one takes a little room, and does nothing
	}
	return nil
}

// CreateEventType adds an event type.
func (h *Hub) CreateEventType(ctx context.Context, t EventType) (EventType, error) {
	s, done, err := h.register()
	if err != nil {
		return EventType{}, err
	}
	defer done()
	s.mu.RLock()
	known := s.types[t.Name]
	s.mu.RUnlock()
	if known != nil {
		return *known, ErrExists
	}
	t.CreatedAt = h.now().UTC()
	return s.keepEventType(ctx, t)
}

// keepEventType writes an event type and puts it into the index.
func (s *session) keepEventType(ctx context.Context, t EventType) (EventType, error) {
	t.UpdatedAt = s.hub.now().UTC()
	if err := t.check(); err != nil {
		return EventType{}, err
	}
	if err := s.keep(ctx, typeKey(t.Name), t); err != nil {
		return EventType{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.types[t.Name] = &t
	return t, nil
}

// EventType returns an event type by its name.
func (h *Hub) EventType(name string) (EventType, error) {
	s, err := h.open()
	if err != nil {
		return EventType{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t := s.types[name]; t != nil {
		return *t, nil
	}
	return EventType{}, ErrNotFound
}

// ChangeEventType applies change to an event type and keeps the result.
func (h *Hub) ChangeEventType(ctx context.Context, name string, change func(*EventType)) (EventType, error) {
	s, done, err := h.register()
	if err != nil {
		return EventType{}, err
	}
	defer done()
	t, err := h.EventType(name)
	if err != nil {
		return EventType{}, err
	}
	created := t.CreatedAt
	change(&t)
	t.Name, t.CreatedAt = name, created
	return s.keepEventType(ctx, t)
}

// DeleteEventType removes an event type.
func (h *Hub) DeleteEventType(ctx context.Context, name string) error {
	s, done, err := h.register()
	if err != nil {
		return err
	}
	defer done()
	if _, err := h.EventType(name); err != nil {
		return err
	}
	if err := s.forget(ctx, typeKey(name)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.types, name)
	return nil
}

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
	defer s.mu.Unlock()
	s.dropEndpoint(e)
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
