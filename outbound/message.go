package outbound

import "time"

// Message is one published event.
type Message struct {
	// ID is given by the hub, "msg_…". Subscribers see it with every attempt.
	ID string
	// App is the id of its application.
	App string

	// EventID is the publisher's own id of it, or empty. An application has no two messages with the
	// same one; wherever an id is asked for, either will do.
	EventID string

	// EventType selects the endpoints, by their patterns.
	EventType string

	// Channels narrow the endpoints, and Tags can be searched for. Both may be empty.
	Channels, Tags []string

	// Time is when the message was accepted. DeliverAt is when it is sent, if that is later.
	Time, DeliverAt time.Time

	// ContentType is that of the payload. Default: application/json.
	ContentType string

	// Headers are sent along with every attempt: the attributes of a CloudEvent in binary mode.
	Headers map[string]string

	// Payload is what subscribers get, byte for byte.
	Payload []byte

	// IdempotencyKey makes publishing the same again return the message of the first time, for
	// IdempotencyWindow. Empty leaves that out.
	IdempotencyKey string

	// Only is the id of the one endpoint that gets the message, whatever it subscribes to. Empty
	// stands for all that subscribe.
	Only string
}

// IdempotencyWindow is how long an idempotency key is remembered, as by Svix.
const IdempotencyWindow = 12 * time.Hour
