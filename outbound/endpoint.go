package outbound

import "time"

// Endpoint is a subscriber that messages of its application are sent to. Its secrets are not part of
// it, so that nothing that prints or lists endpoints can show them: see Hub.EndpointSecret.
type Endpoint struct {
	// ID is given by the hub, "ep_…". UID is the publisher's own name for it, unique in its
	// application, or empty; wherever an id is asked for, either will do.
	ID  string `json:"id"`
	UID string `json:"uid,omitempty"`

	// App is the id of its application.
	App string `json:"app"`

	// URL is where messages are posted to.
	URL         string `json:"url"`
	Description string `json:"description,omitempty"`

	// Version is a number that the publisher may set, 1 or more. It has no meaning here.
	Version int `json:"version,omitempty"`

	// Events are the patterns of the event types that it gets; none stands for all.
	Events []string `json:"events,omitempty"`

	// Channels narrow what it gets to messages that have no channels, or one of these; none stands
	// for all.
	Channels []string `json:"channels,omitempty"`

	// RateLimit is how many attempts are begun in a second at the most. 0 sets no limit.
	RateLimit int `json:"rate_limit,omitempty"`

	// Headers are sent with every attempt.
	Headers map[string]string `json:"headers,omitempty"`

	// Scheme signs the attempts: a preset of package verifiers. Default: standard.
	Scheme string `json:"scheme,omitempty"`

	// Disabled endpoints get no new messages, and what waits for them goes on waiting.
	Disabled bool `json:"disabled,omitempty"`

	// DisabledFor says why, if the hub itself disabled the endpoint.
	DisabledFor DisabledFor `json:"disabled_for,omitempty"`

	// Managed endpoints come from the configuration. Of those only Disabled can be changed.
	Managed bool `json:"managed,omitempty"`

	Metadata map[string]string `json:"metadata,omitempty"`

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// DisabledFor is why the hub disabled an endpoint.
type DisabledFor string

// The reasons.
const (
	// DisabledGone means that the subscriber answered 410 Gone.
	DisabledGone DisabledFor = "gone"
	// DisabledFailing means that all attempts have failed for as long as Settings.DisableAfter.
	DisabledFailing DisabledFor = "failing"
)
