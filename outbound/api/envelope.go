package api

import (
	"net/http"

	"github.com/hookseal/hookseal/internal/jsonpath"
	"github.com/hookseal/hookseal/outbound"
)

var envelopePlaces = map[string][]string{
	"EventType":      {"body", "event"},
	"IdempotencyKey": {"header", "idempotency-key"},
}

// readEnvelope reads {"event", "data" or "payload", "timestamp", "metadata"}, of which the last two may be
// left out. Members that aren't known may be there too. Subscribers get the envelope as it is.
//
// No member becomes the message's event id, not even "id": it may as well be that of the thing that the
// event is about, and then the second event about it would be taken for a copy and lost. The header
// Idempotency-Key is how copies are marked.
func readEnvelope(_ http.Header, body []byte) (event, error) {
	f, err := readFields(body, "body")
	if err != nil {
		return event{}, err
	}
	f.need("event")
	name := f.text("event")
	data, payload := f.raw("data").set, f.raw("payload").set
	switch {
	case data && payload:
		f.refuse("payload", "Give either data or payload.")
	case !data && !payload:
		f.refuse("data", "This is required.")
	}
	if stamp := f.raw("timestamp"); stamp.given() && stamp.value.Kind() != jsonpath.String && stamp.value.Kind() != jsonpath.Number {
		f.refuse("timestamp", "Must be a string or a number.")
	}
	if metadata := f.raw("metadata"); metadata.given() && metadata.value.Kind() != jsonpath.Object {
		f.refuse("metadata", "Must be an object.")
	}
	if err := f.err(); err != nil {
		return event{}, err
	}
	return event{message: outbound.Message{EventType: name.value, Payload: body}, places: envelopePlaces}, nil
}
