// Package outbound answers "who else must hear of it, and did they?"
//
// A [Hub] takes events from internal apps as messages, keeps them in a [Journal] and posts each to
// the endpoints that subscribe to it, signed, until they have accepted it or the schedule ends. What
// it says it has accepted is on disk, and is sent to every endpoint at least once.
package outbound

import (
	"context"
	"time"
)

// Hub publishes messages to endpoints. Make one with New, and call Run.
type Hub struct{}

// New returns a hub on a journal. Nothing happens before Run.
func New(journal Journal, sender func(Settings) Sender, settings Settings, hooks Hooks) *Hub {
	panic("to be written")
}

// Run opens the journal and makes attempts until the context ends. Then it lets those in flight end
// and closes the journal. A journal that is lost is opened again. The error is one that opening the
// journal again can't mend.
func (h *Hub) Run(ctx context.Context) error { panic("to be written") }

// Configure changes the settings, at once.
func (h *Hub) Configure(s Settings) error { panic("to be written") }

// Ready returns nil if the hub has its journal and is working, else ErrUnavailable.
func (h *Hub) Ready() error { panic("to be written") }

// Stats returns numbers about the hub.
func (h *Hub) Stats() Stats { panic("to be written") }

// CreateApplication adds an application: UID (optional), Name, RateLimit and Metadata count. Errors of
// this and all that follow: ErrNotFound, ErrExists, ErrManaged, *InvalidError, ErrUnavailable, ErrFull,
// ErrTooLarge; where a value comes with ErrExists it is the one that exists.
func (h *Hub) CreateApplication(ctx context.Context, a Application) (Application, error) {
	panic("to be written")
}

// Application returns an application by its id or uid.
func (h *Hub) Application(app string) (Application, error) { panic("to be written") }

// ChangeApplication applies change to an application and keeps the result.
func (h *Hub) ChangeApplication(ctx context.Context, app string, change func(*Application)) (Application, error) {
	panic("to be written")
}

// DeleteApplication removes an application with its endpoints; what waits for them is dropped.
func (h *Hub) DeleteApplication(ctx context.Context, app string) error { panic("to be written") }

// Applications lists applications, and whether there are more behind the page.
func (h *Hub) Applications(p Page) (page []Application, more bool) { panic("to be written") }

// CreateEventType adds an event type.
func (h *Hub) CreateEventType(ctx context.Context, t EventType) (EventType, error) {
	panic("to be written")
}

// EventType returns an event type by its name.
func (h *Hub) EventType(name string) (EventType, error) { panic("to be written") }

// ChangeEventType applies change to an event type and keeps the result.
func (h *Hub) ChangeEventType(ctx context.Context, name string, change func(*EventType)) (EventType, error) {
	panic("to be written")
}

// DeleteEventType removes an event type.
func (h *Hub) DeleteEventType(ctx context.Context, name string) error { panic("to be written") }

// EventTypes lists event types in the order of their names.
func (h *Hub) EventTypes(p Page, archived bool) (page []EventType, more bool) {
	panic("to be written")
}

// CreateEndpoint adds an endpoint to an application, with a secret; "" makes a new one.
func (h *Hub) CreateEndpoint(ctx context.Context, app string, e Endpoint, secret string) (Endpoint, error) {
	panic("to be written")
}

// Endpoint returns an endpoint by its id or uid.
func (h *Hub) Endpoint(app, endpoint string) (Endpoint, error) { panic("to be written") }

// ChangeEndpoint applies change to an endpoint and keeps the result. Clearing Disabled also clears
// DisabledFor, and what waits goes on.
func (h *Hub) ChangeEndpoint(ctx context.Context, app, endpoint string, change func(*Endpoint)) (Endpoint, error) {
	panic("to be written")
}

// DeleteEndpoint removes an endpoint; what waits for it is dropped.
func (h *Hub) DeleteEndpoint(ctx context.Context, app, endpoint string) error {
	panic("to be written")
}

// Endpoints lists the endpoints of an application.
func (h *Hub) Endpoints(app string, p Page) (page []Endpoint, more bool, err error) {
	panic("to be written")
}

// EndpointSecret returns the secret that an endpoint's attempts are signed with.
func (h *Hub) EndpointSecret(app, endpoint string) (string, error) { panic("to be written") }

// RotateSecret gives an endpoint another secret; "" makes a new one. Attempts are signed with the old
// one too for as long as overlap (where the scheme has room for several signatures).
func (h *Hub) RotateSecret(ctx context.Context, app, endpoint, secret string, overlap time.Duration) error {
	panic("to be written")
}

// Publish accepts a message: EventType and Payload are required; of an application that isn't there,
// ErrNotFound. When it returns without an error the message is on disk, and every endpoint that
// subscribes to it will get it. ErrExists comes with the message that has the event id already. A message
// whose idempotency key was used before is not published again; the one of the first time is returned.
func (h *Hub) Publish(ctx context.Context, app string, m Message) (Message, error) {
	panic("to be written")
}

// Message returns a message by its id or event id, with its payload if content is set.
func (h *Hub) Message(ctx context.Context, app, message string, content bool) (Message, error) {
	panic("to be written")
}

// Messages lists messages of an application.
func (h *Hub) Messages(ctx context.Context, app string, f MessageFilter, p Page, content bool) (page []Message, more bool, err error) {
	panic("to be written")
}

// Attempt returns an attempt of a message by its id.
func (h *Hub) Attempt(ctx context.Context, app, message, attempt string) (Attempt, error) {
	panic("to be written")
}

// Attempts lists attempts of an application.
func (h *Hub) Attempts(ctx context.Context, app string, f AttemptFilter, p Page) (page []Attempt, more bool, err error) {
	panic("to be written")
}

// Deliveries lists the deliveries of a message, in the order of their endpoints, or those to an endpoint,
// in the order of their messages.
func (h *Hub) Deliveries(app string, f DeliveryFilter, p Page) (page []Delivery, more bool, err error) {
	panic("to be written")
}

// EndpointStats counts the deliveries to an endpoint of messages that were accepted since a time and
// until another; a zero time leaves that bound out.
func (h *Hub) EndpointStats(app, endpoint string, since, until time.Time) (Counts, error) {
	panic("to be written")
}

// Resend sends a message to an endpoint again, now, and as the schedule says if that fails.
func (h *Hub) Resend(ctx context.Context, app, message, endpoint string) error {
	panic("to be written")
}

// Recovery says what Recover sends again.
type Recovery struct {
	// Since and Until bound when the messages were accepted. A zero Until stands for now.
	Since, Until time.Time
	// Missing sends the messages that were never sent to the endpoint although it subscribes to them,
	// instead of those that failed.
	Missing bool
}

// Recover sends an endpoint again what failed, and returns how many messages that is.
func (h *Hub) Recover(ctx context.Context, app, endpoint string, r Recovery) (int, error) {
	panic("to be written")
}
