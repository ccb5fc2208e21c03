package outbound

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
