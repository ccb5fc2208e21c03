package durability

import (
	"fmt"
	"math/rand/v2"
	"net/http"
)

// event is something that publishers tell a gateway.
type event struct {
	number int
	kind   string // the event type
	way    way    // in which it is published
	body   []byte // what subscribers are to get
}

// way is one of the ways in which an event can be published so that a copy of it is known.
type way int

const (
	byEventID        way = iota // Svix's API, with an event id: a copy is answered 409
	byIdempotencyKey            // Svix's API, with a key: a copy is answered as the first was
	asEnvelope                  // POST /publish, with a key
	asCloudEvent                // POST /publish in binary mode, with the event's source and id
	ways
)

// The event types. One subscriber gets only the first.
const (
	kindPaid    = "invoice.paid"
	kindCreated = "user.created"
)

// newEvent returns the event of a number, always the same one.
func newEvent(number int) event {
	random := rand.New(rand.NewPCG(uint64(number), 1))
	e := event{number: number, kind: []string{kindPaid, kindCreated}[random.IntN(2)], way: way(random.IntN(int(ways)))}
	size := random.IntN(800)
	if random.IntN(100) == 0 {
		size = 30_000 + random.IntN(30_000)
	}
	filler := make([]byte, size)
	for i := range filler {
		filler[i] = byte(random.Uint32())
	}
	switch e.way {
	case asCloudEvent:
		e.body = fmt.Appendf(nil, "%d\n%s", number, filler) // not even UTF-8
	case asEnvelope:
		e.body = fmt.Appendf(nil, "{\n\t\"event\" : %q, \"data\":%s}\n", e.kind, payload(number, filler))
	default:
		e.body = payload(number, filler)
	}
	return e
}

// payload returns JSON as no encoder writes it, so that whoever encodes it anew gives himself away.
func payload(number int, filler []byte) []byte {
	return fmt.Appendf(nil, `{ "number":%d ,	"z":[ 1.0e+2,-0],"a": "\u00e9\/é<&>", "filler" :"%X"  }`, number, filler)
}

// id is what the publisher calls the event.
func (e *event) id() string { return fmt.Sprint("event-", e.number) }

// The paths at which events are published.
const (
	messages = "/api/v1/app/" + application + "/msg"
	publish  = "/publish?app=" + application
)

// request returns what publishes the event.
func (e *event) request(site string) *http.Request {
	id := e.id()
	switch e.way {
	case byEventID:
		return post(site, messages, fmt.Appendf(nil, `{"eventType":%q,"eventId":%q,"payload":%s}`, e.kind, id, e.body))
	case byIdempotencyKey:
		request := post(site, messages, fmt.Appendf(nil, `{"eventType":%q,"payload":%s}`, e.kind, e.body))
		request.Header.Set("Idempotency-Key", id)
		return request
	case asEnvelope:
		request := post(site, publish, e.body)
		request.Header.Set("Idempotency-Key", id)
		return request
	}
	request := post(site, publish, e.body)
	request.Header.Set("Content-Type", "application/octet-stream")
	request.Header.Set("Ce-Specversion", "1.0")
	request.Header.Set("Ce-Source", "durability")
	request.Header.Set("Ce-Id", id)
	request.Header.Set("Ce-Type", e.kind)
	return request
}
