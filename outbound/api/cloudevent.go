package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hookseal/hookseal/internal/jsonpath"
	"github.com/hookseal/hookseal/outbound"
)

// CloudEvents are read as https://github.com/cloudevents/spec has it in version 1.0.2: the core, the JSON
// event format and the HTTP protocol binding.

// structured is the media type of an event whose attributes stand in the body.
const structured = "application/cloudevents+json"

// structuredPlaces and binaryPlaces are where an event's attributes stand. The event id that is made of
// them is one that the hub takes.
var (
	structuredPlaces = map[string][]string{"EventType": {"body", "type"}}
	binaryPlaces     = map[string][]string{
		"EventType":   {"header", "ce-type"},
		"ContentType": {"header", "content-type"},
		"Headers":     {"header"},
	}
)

// identity gives a message the event's source and id, which together are unique, so that a copy of the
// event is known: as its event id if that has room for them, else as its idempotency key.
func (e *event) identity(source, id string) {
	e.repeatable = true
	// "msg_" at the beginning would be an id of the hub's.
	e.message.EventID = "ce." + escapeID(source) + "__" + escapeID(id)
	if len(e.message.EventID) > maxEventID {
		hash := sha256.Sum256([]byte(e.message.EventID))
		e.message.EventID, e.message.IdempotencyKey = "", "cloudevent_"+hex.EncodeToString(hash[:])
	}
}

// maxEventID is how many bytes an event id may have.
const maxEventID = 256

// escapeID writes a text with letters, digits, "-", "." and "_" only, the rest as "_" and two digits, as
// in "_2F". No two texts come to the same, and none has "__" in it.
func escapeID(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.':
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, "_%02X", c)
		}
	}
	return out.String()
}

// readStructured reads an event whose attributes stand in the body. Subscribers get it as it is.
func readStructured(_ http.Header, body []byte) (event, error) {
	f, err := readFields(body, "body")
	if err != nil {
		return event{}, err
	}
	f.need("specversion", "id", "source", "type")
	for name := range f.of {
		if name != "data" && name != "data_base64" {
			f.attribute(name)
		}
	}
	if f.raw("data").given() && f.raw("data_base64").given() {
		f.refuse("data_base64", "Give either data or data_base64.")
	}
	read(f, "data_base64", "Must be a string in base64.", func(v jsonpath.Value) ([]byte, error) {
		text, err := v.Text()
		if err != nil {
			return nil, err
		}
		return base64.StdEncoding.DecodeString(text)
	})
	if err := f.err(); err != nil {
		return event{}, err
	}
	e := event{
		message: outbound.Message{EventType: f.text("type").value, ContentType: structured, Payload: body},
		places:  structuredPlaces,
	}
	e.identity(f.text("source").value, f.text("id").value)
	return e, nil
}

// attribute checks one attribute of an event.
func (f *fields) attribute(name string) {
	if !isAttribute(name) {
		f.refuse(name[:min(len(name), maxNameShown)], "The names of attributes have lower-case letters and digits only.")
		return
	}
	if _, known := attributes[name]; known {
		value := f.text(name)
		if !value.given() {
			return
		}
		if problem := problemOf(name, value.value); problem != "" {
			f.refuse(name, problem)
		}
		return
	}
	// An extension.
	read(f, name, "Must be a string, an integer, true or false.", func(v jsonpath.Value) (string, error) {
		text, err := v.Scalar()
		if n, isNumber := v.Number(); isNumber == nil {
			if _, isInteger := n.(int64); !isInteger {
				err = jsonpath.ErrType
			}
		}
		return text, err
	})
}

func isAttribute(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') })
}

// attributes are those that the specification has, with what their values must be.
var attributes = map[string]struct {
	must  string
	valid func(string) bool
}{
	"specversion":     {`Must be "1.0".`, func(s string) bool { return s == "1.0" }},
	"id":              {"Must not be empty.", isText},
	"source":          {"Must be a reference to a URI.", isReference},
	"type":            {"Must not be empty.", isText},
	"subject":         {"Must not be empty.", isText},
	"datacontenttype": {"Must be a media type.", func(s string) bool { return strings.Contains(s, "/") }},
	"dataschema":      {"Must be a URI.", isReference},
	"time":            {mustBeTime, isTime},
}

// problemOf returns what is wrong with an attribute's value, or "".
func problemOf(name, value string) string {
	if a, known := attributes[name]; known && !a.valid(value) {
		return a.must
	}
	return ""
}

func isText(s string) bool { return s != "" }

func isReference(s string) bool {
	_, err := url.Parse(s)
	return s != "" && err == nil
}

func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339Nano, s)
	return err == nil
}

// isBinary reports whether a request is an event whose attributes stand in the header.
func isBinary(header http.Header) bool {
	for _, name := range required {
		if len(header[headerOf(name)]) > 0 {
			return true
		}
	}
	return false
}

// required are the attributes without which nothing is an event.
var required = []string{"specversion", "id", "source", "type"}

// headerOf returns the name of an attribute's header field, as Go's server writes it.
func headerOf(attribute string) string { return http.CanonicalHeaderKey("ce-" + attribute) }

// readBinary reads an event whose attributes stand in the header and whose data is the body. Subscribers
// get both as they are.
func readBinary(header http.Header, body []byte) (event, error) {
	f := &fields{loc: []string{"header"}}
	e := event{
		message: outbound.Message{ContentType: header.Get("Content-Type"), Headers: make(map[string]string), Payload: body},
		places:  binaryPlaces,
	}
	if e.message.ContentType == "" {
		e.message.ContentType = "application/octet-stream"
	}
	values := make(map[string]string)
	for field, sent := range header {
		name, ok := strings.CutPrefix(strings.ToLower(field), "ce-")
		if !ok {
			continue
		}
		value, problem := readAttribute(name, sent)
		if problem != "" {
			f.refuse("ce-"+name, problem)
			continue
		}
		values[name] = value
		e.message.Headers[field] = sent[0]
	}
	for _, name := range required {
		if len(header[headerOf(name)]) == 0 {
			f.refuse("ce-"+name, "This is required.")
		}
	}
	if len(body) == 0 {
		f.wrong = append(f.wrong, violation{[]string{"body"}, "An event without data has to be sent as " + structured + ".", typeValue})
	}
	if err := f.err(); err != nil {
		return event{}, err
	}
	e.message.EventType = values["type"]
	e.identity(values["source"], values["id"])
	return e, nil
}

// readAttribute returns the value of an attribute's header fields, or what is wrong with them.
func readAttribute(name string, sent []string) (value, problem string) {
	switch {
	case !isAttribute(name):
		return "", "The names of attributes have letters and digits only."
	case len(sent) != 1:
		return "", "This stands more than once."
	}
	value = sent[0]
	if quoted, ok := strings.CutPrefix(value, `"`); ok {
		if quoted, ok = strings.CutSuffix(quoted, `"`); !ok {
			return "", "A quote is missing."
		}
		value = unescaped.Replace(quoted)
	}
	value, err := url.PathUnescape(value)
	if err != nil {
		return "", "Must be percent-encoded."
	}
	return value, problemOf(name, value)
}

// unescaped undoes the escapes of a quoted header field.
var unescaped = strings.NewReplacer(`\\`, `\`, `\"`, `"`)
