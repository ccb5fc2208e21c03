package outbound

import "time"

// Application is one customer, team or system on whose behalf events are published. Its endpoints
// get its messages and nobody else's.
type Application struct {
	// ID is given by the hub, "app_…". UID is the publisher's own name for it, unique, or empty;
	// wherever an id is asked for, either will do.
	ID  string `json:"id"`
	UID string `json:"uid,omitempty"`

	// Name is for people.
	Name string `json:"name"`

	// RateLimit is kept and shown, and limits nothing: see Endpoint.RateLimit.
	RateLimit int `json:"rate_limit,omitempty"`

	Metadata map[string]string `json:"metadata,omitempty"`

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// DefaultApplication is the uid of the application that the configuration's endpoints belong to, and
// that events without an application are published to.
const DefaultApplication = "default"
