package api

import (
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/hookseal/hookseal/outbound"
)

// event is what a request to /publish comes to.
type event struct {
	message outbound.Message
	// places are where the message's fields stand in the request.
	places map[string][]string
	// repeatable says that the message's event id tells a copy of the event from another event, so that
	// a copy is no conflict.
	repeatable bool
}

// publish takes a plain envelope or a CloudEvent.
func publish(c *call) (answer, error) {
	q := c.query()
	app := q.text("app")
	if err := q.err(); err != nil {
		return answer{}, err
	}
	read, err := readerOf(c.request.Header)
	if err != nil {
		return answer{}, err
	}
	body, err := c.body()
	if err != nil {
		return answer{}, err
	}
	e, err := read(c.request.Header, body)
	if err != nil {
		return answer{}, err
	}
	operation, key := "event", e.message.IdempotencyKey
	if key == "" {
		operation, key = "publish", c.idempotencyKey()
	}
	if e.message.IdempotencyKey, err = c.messageKey(operation, key); err != nil {
		return answer{}, err
	}
	if err := c.checkSchema(e.message, "body"); err != nil {
		return answer{}, err
	}
	// Only the default application is created for an event: another name may be mistyped.
	var otherwise *outbound.Application
	if app == "" || app == outbound.DefaultApplication {
		app = outbound.DefaultApplication
		otherwise = &outbound.Application{UID: app, Name: app}
	}
	published, err := c.publishTo(app, e.message, otherwise)
	switch {
	case err != nil && !(e.repeatable && errors.Is(err, outbound.ErrExists)):
		return answer{}, named(err, e.places)
	case !e.isCopy(published):
		return answer{}, errOtherMessage
	}
	return reply(http.StatusAccepted, map[string]string{"id": published.ID})
}

// isCopy reports whether the message that the hub has for an event is that event. One that was published
// in the other mode has another payload.
func (e *event) isCopy(kept outbound.Message) bool {
	if e.repeatable && kept.EventID == e.message.EventID && kept.ContentType != e.message.ContentType {
		kept.Payload = nil
	}
	return isCopy(kept, e.message)
}

// readerOf returns what reads a request, by its header.
func readerOf(header http.Header) (func(http.Header, []byte) (event, error), error) {
	kind, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		kind = header.Get("Content-Type")
	}
	switch {
	case strings.HasPrefix(kind, "application/cloudevents-batch"):
		return nil, errMedia("Batches of CloudEvents aren't taken: post each event by itself, as application/cloudevents+json.")
	case kind == "application/cloudevents+json":
		if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
			return nil, errMedia("CloudEvents are taken in UTF-8 only.")
		}
		return readStructured, nil
	case strings.HasPrefix(kind, "application/cloudevents"):
		return nil, errMedia("Structured CloudEvents are taken as application/cloudevents+json only.")
	case isBinary(header):
		return readBinary, nil
	case kind == "" || kind == "application/json":
		return readEnvelope, nil
	}
	return nil, errMedia("Send an envelope as application/json, or a CloudEvent: as application/cloudevents+json or with ce- headers.")
}
