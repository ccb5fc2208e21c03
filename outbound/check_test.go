package outbound

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// refuses checks that an error says which field is wrong.
func refuses(t *testing.T, field string, given any, err error) {
	t.Helper()
	var invalid *InvalidError
	if !errors.As(err, &invalid) || invalid.Field != field {
		t.Errorf("%.200v: %v, want one about %s", given, err, field)
	}
}

// notNames are texts that are no names, whatever marks they may have.
var notNames = []string{" ", "a b", "a\n", "ä", "a/b?", "a%", "a\x00", "*"}

func long(n int) string { return strings.Repeat("a", n) }

// bigMap is too much metadata, in many keys or one.
var bigMap = map[string]string{"key": long(maxMetadata)}

func TestApplicationsAreChecked(t *testing.T) {
	for _, a := range []Application{
		{Name: "n"}, {Name: "Acme, Inc. ü"}, {Name: long(256), UID: long(256), RateLimit: 65535, Metadata: map[string]string{"a": "b"}}, {Name: "n", UID: "azAZ09-_."},
	} {
		if err := a.check(); err != nil {
			t.Errorf("%+v: %v", a, err)
		}
	}
	for field, list := range map[string][]Application{
		"Name":      {{}, {Name: " "}, {Name: long(257)}, {Name: "\xff"}, {Name: "a\x00"}},
		"UID":       {{Name: "n", UID: "app_x"}, {Name: "n", UID: long(257)}, {Name: "n", UID: "a b"}, {Name: "n", UID: "a:b"}},
		"RateLimit": {{Name: "n", RateLimit: -1}, {Name: "n", RateLimit: 65536}},
		"Metadata":  {{Name: "n", Metadata: bigMap}},
	} {
		for _, a := range list {
			refuses(t, field, a, a.check())
		}
	}
}

func TestEventTypesAreChecked(t *testing.T) {
	for _, e := range []EventType{
		{Name: "invoice.paid"}, {Name: "azAZ09-_."}, {Name: long(256), Description: "Two\nlines", GroupName: "g", FeatureFlag: []string{"f"}},
		{Name: "n", Schemas: map[string]json.RawMessage{"1": json.RawMessage(`{}`), "20": json.RawMessage(`true`)}},
	} {
		if err := e.check(); err != nil {
			t.Errorf("%+v: %v", e, err)
		}
	}
	schema := func(version, text string) EventType {
		return EventType{Name: "n", Schemas: map[string]json.RawMessage{version: json.RawMessage(text)}}
	}
	for field, list := range map[string][]EventType{
		"Name":        {{}, {Name: long(257)}, {Name: "a:b"}},
		"Description": {{Name: "n", Description: long(maxDescription + 1)}, {Name: "n", Description: "\x1b[2J"}},
		"GroupName":   {{Name: "n", GroupName: "a b"}},
		"FeatureFlag": {{Name: "n", FeatureFlag: []string{"a", ""}}, {Name: "n", FeatureFlag: slices.Repeat([]string{"a"}, maxFlags+1)}},
		"Schemas":     {schema("", "{}"), schema("v1", "{}"), schema("+1", "{}"), schema("01", "{}"), schema("-1", "{}"), schema("1", "{"), schema("1", ""), schema("1", `"`+long(maxSchemas)+`"`)},
	} {
		for _, e := range list {
			refuses(t, field, e, e.check())
		}
	}
	for _, name := range notNames {
		e := EventType{Name: name}
		refuses(t, "Name", e, e.check())
	}
}

func TestEndpointsAreChecked(t *testing.T) {
	change := func(by func(*Endpoint)) *Endpoint {
		e := &Endpoint{URL: "https://example.com/"}
		by(e)
		return e
	}
	for _, e := range []*Endpoint{
		change(func(e *Endpoint) {}),
		change(func(e *Endpoint) {
			e.UID, e.Description, e.Version, e.RateLimit, e.Scheme = "mine", "For\nAcme", 65535, 65535, "github"
			e.Events = []string{"order.created", "order.*", "**", "azAZ09-_"}
			e.Channels = []string{"project:1", "azAZ09-_.:"}
			e.Headers = map[string]string{"Authorization": "Bearer x", "X-Webhook-Signature": "of another scheme"}
			e.Metadata = map[string]string{"a": "b"}
		}),
	} {
		if err := e.check(Egress{}); err != nil {
			t.Errorf("%+v: %v", e, err)
		}
	}
	for field, list := range map[string][]func(*Endpoint){
		"URL":         {func(e *Endpoint) { e.URL = "" }, func(e *Endpoint) { e.URL = "http://example.com/" }, func(e *Endpoint) { e.URL = "https://127.0.0.1/" }},
		"UID":         {func(e *Endpoint) { e.UID = "ep_x" }, func(e *Endpoint) { e.UID = "a/b" }},
		"Description": {func(e *Endpoint) { e.Description = "\x00" }},
		"Version":     {func(e *Endpoint) { e.Version = -1 }, func(e *Endpoint) { e.Version = 65536 }},
		"RateLimit":   {func(e *Endpoint) { e.RateLimit = -1 }},
		"Events": {
			func(e *Endpoint) { e.Events = []string{""} }, func(e *Endpoint) { e.Events = []string{"a..b"} }, func(e *Endpoint) { e.Events = []string{"a*"} },
			func(e *Endpoint) { e.Events = []string{"**.a"} }, func(e *Endpoint) { e.Events = []string{"a b"} }, func(e *Endpoint) { e.Events = []string{"a", "b/c"} },
			func(e *Endpoint) { e.Events = slices.Repeat([]string{"a"}, maxPatterns+1) },
		},
		"Channels": {func(e *Endpoint) { e.Channels = []string{""} }, func(e *Endpoint) { e.Channels = []string{long(129)} }, func(e *Endpoint) { e.Channels = slices.Repeat([]string{"a"}, 11) }},
		"Headers":  {func(e *Endpoint) { e.Headers = map[string]string{"webhook-id": "x"} }, func(e *Endpoint) { e.Scheme, e.Headers = "stripe", map[string]string{"Stripe_Signature": "x"} }},
		"Scheme":   {func(e *Endpoint) { e.Scheme = "none" }},
		"Metadata": {func(e *Endpoint) { e.Metadata = bigMap }},
	} {
		for _, by := range list {
			e := change(by)
			refuses(t, field, e, e.check(Egress{}))
		}
	}
	local := change(func(e *Endpoint) { e.URL = "http://127.0.0.1/" })
	if err := local.check(Egress{AllowHTTP: true, AllowNets: prefixes("127.0.0.0/8")}); err != nil {
		t.Error(err)
	}
}

func TestMessagesAreChecked(t *testing.T) {
	change := func(by func(*Message)) *Message {
		m := someMessage()
		by(&m)
		return &m
	}
	for _, m := range []*Message{
		change(func(m *Message) {}),
		change(func(m *Message) {
			m.EventID, m.IdempotencyKey, m.ContentType = "azAZ09-_.", "a key, printable!", "application/cloudevents+json; charset=utf-8"
			m.Channels, m.Tags = []string{"project:1"}, []string{`a/b\c#d`, "e", "f", "g", "h"}
			m.Headers = map[string]string{"ce-id": "1"}
		}),
	} {
		if err := m.check(); err != nil {
			t.Errorf("%+v: %v", m, err)
		}
	}
	for field, list := range map[string][]func(*Message){
		"EventType":      {func(m *Message) { m.EventType = "" }, func(m *Message) { m.EventType = "order.*" }, func(m *Message) { m.EventType = long(257) }},
		"EventID":        {func(m *Message) { m.EventID = "msg_x" }, func(m *Message) { m.EventID = "a b" }},
		"Channels":       {func(m *Message) { m.Channels = []string{"a/b"} }, func(m *Message) { m.Channels = slices.Repeat([]string{"a"}, 11) }},
		"Tags":           {func(m *Message) { m.Tags = []string{"a:b"} }, func(m *Message) { m.Tags = slices.Repeat([]string{"a"}, 6) }, func(m *Message) { m.Tags = []string{long(129)} }},
		"Headers":        {func(m *Message) { m.Headers = map[string]string{"Content-Type": "x"} }, func(m *Message) { m.Headers = map[string]string{"X": "a\nb"} }},
		"IdempotencyKey": {func(m *Message) { m.IdempotencyKey = "a\n" }, func(m *Message) { m.IdempotencyKey = "ü" }, func(m *Message) { m.IdempotencyKey = long(257) }},
		"ContentType":    {func(m *Message) { m.ContentType = "json?" }, func(m *Message) { m.ContentType = "a/b\r\nX: y" }, func(m *Message) { m.ContentType = "a/" + long(256) }, func(m *Message) { m.ContentType = " a/b" }},
		"Payload":        {func(m *Message) { m.Payload = nil }},
	} {
		for _, by := range list {
			m := change(by)
			refuses(t, field, m, m.check())
		}
	}
}

// TestWhatIsAcceptedCanBeSigned: an event type or an id that a scheme can't send would fail at every
// attempt, long after it was accepted.
func TestWhatIsAcceptedCanBeSigned(t *testing.T) {
	for _, scheme := range []string{"standard", "github", "generic", "gstable", "slack", "stripe"} {
		s := signerOf(t, scheme, NewSecret())
		for i, name := range []string{"a", ".", "-", "...", long(256), "azAZ09-_."} {
			m := someMessage()
			m.EventType = name
			m.ID = formatID(prefixMessage, randomID(someTime, endless(i)))
			if err := m.check(); err != nil {
				t.Fatal(err)
			}
			if _, err := s.header(Endpoint{}, m, someTime); err != nil {
				t.Errorf("%s: %s: %v", scheme, strconv.Quote(name), err)
			}
		}
	}
}
