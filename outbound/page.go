package outbound

import "time"

// Page says which part of a list is asked for. Lists are in the order of ids, which is that of
// creation.
type Page struct {
	// Limit is how many at the most, above zero.
	Limit int

	// After is the id (for event types, the name) behind which the page begins, in the order of the
	// list; Before is the id before which it ends. At most one is set.
	After, Before string

	// Descending lists the newest first.
	Descending bool
}

// MessageFilter narrows a list of messages. Its zero value lets all through.
type MessageFilter struct {
	// EventTypes, Channel and Tag have to match exactly.
	EventTypes   []string
	Channel, Tag string

	// Since and Until bound when the message was accepted (of attempts: when it began). Both are
	// exclusive.
	Since, Until time.Time
}

// AttemptFilter narrows a list of attempts.
type AttemptFilter struct {
	MessageFilter

	// Message and Endpoint are ids, uids or event ids. At least one is needed.
	Message, Endpoint string

	// Status is Succeeded or Failed; nil lets both through.
	Status *Status

	// CodeClass is 100, 200, … of the answer's status code; nil lets all through. 0 stands for no
	// answer.
	CodeClass *int
}

// DeliveryFilter narrows a list of deliveries.
type DeliveryFilter struct {
	MessageFilter

	// Message and Endpoint are ids, uids or event ids. At least one is needed.
	Message, Endpoint string

	// Status lets only deliveries of that status through; nil lets all.
	Status *Status
}

// Delivery is a message on its way to one endpoint.
type Delivery struct {
	Message  Message // without its payload
	Endpoint Endpoint
	Status   Status
	// Attempts is how many were made and recorded.
	Attempts int
	// Next is when the next attempt is due, zero if there is none.
	Next time.Time
}

// Counts are deliveries of an endpoint by status.
type Counts struct{ Succeeded, Waiting, Failed, Sending int }
