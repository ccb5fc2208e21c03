package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/hookseal/hookseal/internal/jsonpath"
	"github.com/hookseal/hookseal/outbound"
)

// messageIn is what a publisher says about a message.
type messageIn struct {
	message outbound.Message
	// application is to be created if there is none; nil if the publisher says nothing about it.
	application *outbound.Application
}

// readMessage reads the body of a request that publishes a message.
func readMessage(body []byte) (in messageIn, err error) {
	f, err := readFields(body, "body")
	if err != nil {
		return in, err
	}
	f.need("eventType", "payload")
	in.message = outbound.Message{
		EventType: f.text("eventType").value,
		EventID:   f.text("eventId").value,
		Channels:  f.some("channels").value,
		Tags:      f.some("tags").value,
		DeliverAt: f.moment("deliverAt").value,
	}
	// Svix takes objects only, and for all else the raw payload.
	payload := f.raw("payload")
	if payload.given() && payload.value.Kind() != jsonpath.Object {
		f.refuse("payload", "Must be an object. Anything else can be sent as transformationsParams.rawPayload.")
	}
	in.message.Payload = payload.value.Raw()
	if raw := f.object("transformationsParams"); raw != nil {
		readRaw(raw, &in.message)
		f.wrong = append(f.wrong, raw.wrong...)
	}
	if app := f.object("application"); app != nil {
		app.need("name", "uid")
		in.application = new(outbound.Application)
		readApplication(app).to(in.application, true)
		f.wrong = append(f.wrong, app.wrong...)
	}
	return in, f.err()
}

// readRaw reads what Svix's clients send in place of a payload that is no JSON object: its text, and
// header fields, of which Content-Type is the payload's.
func readRaw(f *fields, m *outbound.Message) {
	if text := f.text("rawPayload"); text.given() {
		m.Payload = []byte(text.value)
	}
	for name, value := range f.dictionary("headers").value {
		if strings.EqualFold(name, "Content-Type") {
			m.ContentType = value
			continue
		}
		if m.Headers == nil {
			m.Headers = make(map[string]string)
		}
		m.Headers[name] = value
	}
}

var messagePlaces = map[string][]string{
	"EventID":        {"body", "eventId"},
	"EventType":      {"body", "eventType"},
	"Channels":       {"body", "channels"},
	"Tags":           {"body", "tags"},
	"DeliverAt":      {"body", "deliverAt"},
	"ContentType":    {"body", "transformationsParams", "headers", "content-type"},
	"Headers":        {"body", "transformationsParams", "headers"},
	"Payload":        {"body", "payload"},
	"IdempotencyKey": {"header", "idempotency-key"},
}

type messageOut struct {
	ID        string          `json:"id"`
	EventID   *string         `json:"eventId"`
	EventType string          `json:"eventType"`
	Channels  []string        `json:"channels"`
	Tags      []string        `json:"tags"`
	Payload   json.RawMessage `json:"payload"`
	Timestamp moment          `json:"timestamp"`
	*messageNewer
}

type messageNewer struct {
	DeliverAt *moment `json:"deliverAt"`
}

// showMessage shows a message, with an empty object for its payload unless content is set.
func (c *call) showMessage(m outbound.Message, content bool) messageOut {
	payload := json.RawMessage("{}")
	if content {
		payload = showPayload(m.Payload)
	}
	return messageOut{
		ID:           m.ID,
		EventID:      optional(m.EventID),
		EventType:    m.EventType,
		Channels:     someOrNull(m.Channels),
		Tags:         someOrNull(m.Tags),
		Payload:      payload,
		Timestamp:    moment(m.Time),
		messageNewer: since144(c, messageNewer{optionalMoment(m.DeliverAt)}),
	}
}

// showPayload returns a payload as a JSON object, which is what typed clients expect: itself if it is
// one, else an object with its text, or with its bytes in base64.
func showPayload(payload []byte) json.RawMessage {
	if json.Valid(payload) && utf8.Valid(payload) && bytes.HasPrefix(bytes.TrimLeft(payload, " \t\r\n"), []byte("{")) {
		return payload
	}
	name, text := "rawPayload", string(payload)
	if !utf8.Valid(payload) {
		name, text = "rawPayloadBase64", base64.StdEncoding.EncodeToString(payload)
	}
	shown, _ := json.Marshal(map[string]string{name: text})
	return shown
}

// createMessage publishes a message.
func createMessage(c *call) (answer, error) {
	q := c.query()
	content := q.flag("with_content", true)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	body, err := c.body()
	if err != nil {
		return answer{}, err
	}
	in, err := readMessage(body)
	if err != nil {
		return answer{}, err
	}
	if in.message.IdempotencyKey, err = c.messageKey("message", c.idempotencyKey()); err != nil {
		return answer{}, err
	}
	if err := c.checkSchema(in.message, "body", "payload"); err != nil {
		return answer{}, err
	}
	published, err := c.publishTo(c.app(), in.message, in.application)
	if err == nil && !isCopy(published, in.message) {
		err = errOtherMessage
	}
	if err != nil {
		return answer{}, named(err, messagePlaces)
	}
	return reply(http.StatusAccepted, c.showMessage(published, content))
}

// publishTo publishes a message to an application, which is created if there is none and the publisher
// says how it would be.
func (c *call) publishTo(app string, m outbound.Message, otherwise *outbound.Application) (outbound.Message, error) {
	published, err := c.hub.Publish(c.request.Context(), app, m)
	if otherwise == nil || !errors.Is(err, outbound.ErrNotFound) {
		return published, err
	}
	if otherwise.UID != app {
		return outbound.Message{}, invalid("Must be the uid in the path.", "body", "application", "uid")
	}
	_, err = c.hub.CreateApplication(c.request.Context(), *otherwise)
	// Somebody else may have created it just now.
	if err != nil && !errors.Is(err, outbound.ErrExists) {
		return outbound.Message{}, named(err, inlinePlaces)
	}
	return c.hub.Publish(c.request.Context(), app, m)
}

// isCopy reports whether a message is the one that the hub has for it: the same, unless its idempotency
// key or its event id was used before. What has expired of that one is not compared.
func isCopy(kept, m outbound.Message) bool {
	return kept.EventType == m.EventType && kept.EventID == m.EventID && (len(kept.Payload) == 0 || bytes.Equal(kept.Payload, m.Payload))
}

// errOtherMessage is the answer instead of another message's.
var errOtherMessage = &fault{
	status: http.StatusConflict,
	code:   "conflict",
	detail: "The idempotency key, or the id of the event, was used for another message. This one was not published.",
}

// inlinePlaces are applicationPlaces of an application inside a message.
var inlinePlaces = func() map[string][]string {
	places := make(map[string][]string)
	for field, place := range applicationPlaces {
		places[field] = []string{"body", "application", place[1]}
	}
	return places
}()

func getMessage(c *call) (answer, error) {
	q := c.query()
	content := q.flag("with_content", true)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	m, err := c.hub.Message(c.request.Context(), c.app(), c.message(), content)
	if err != nil {
		return answer{}, err
	}
	return reply(http.StatusOK, c.showMessage(m, content))
}

// listMessages lists messages, the newest first.
func listMessages(c *call) (answer, error) {
	q := c.query()
	p := q.page(true)
	filter := q.filter()
	content := q.flag("with_content", true)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	page, more, err := c.hub.Messages(c.request.Context(), c.app(), filter, p, false)
	if err != nil {
		return answer{}, err
	}
	return replyPart(page, more, p, func(m outbound.Message) string { return m.ID }, func(m outbound.Message) (messageOut, int, error) {
		return c.showListed(m, content)
	})
}

// showListed is showMessage of a message whose payload wasn't read yet. It also returns how long that is.
func (c *call) showListed(m outbound.Message, content bool) (out messageOut, size int, err error) {
	out = c.showMessage(m, false)
	if !content {
		return out, 0, nil
	}
	switch m, err = c.hub.Message(c.request.Context(), c.app(), m.ID, true); {
	case errors.Is(err, outbound.ErrNotFound):
		return out, 0, nil // it has just expired
	case err != nil:
		return out, 0, err
	}
	out.Payload = showPayload(m.Payload)
	return out, len(out.Payload), nil
}
