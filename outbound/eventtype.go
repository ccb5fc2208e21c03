package outbound

import (
	"encoding/json"
	"time"
)

// EventType describes a kind of event. Messages may have types that are not described.
type EventType struct {
	// Name is what messages name it by, with dots between its parts: "invoice.paid".
	Name string `json:"name"`

	Description string   `json:"description"`
	GroupName   string   `json:"group_name,omitempty"`
	FeatureFlag []string `json:"feature_flags,omitempty"`
	Deprecated  bool     `json:"deprecated,omitempty"`

	// Archived types take no new messages.
	Archived bool `json:"archived,omitempty"`

	// Schemas are JSON schemas of the payload, by version: a number, of which the greatest counts.
	Schemas map[string]json.RawMessage `json:"schemas,omitempty"`

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}
