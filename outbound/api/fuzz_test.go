package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hookseal/hookseal/outbound"
)

// refusal checks that an error of a reader is one that its sender can mend.
func refusal(t *testing.T, err error) {
	t.Helper()
	var f *fault
	if !errors.As(err, &f) || f.status != http.StatusUnprocessableEntity || len(f.violations) == 0 {
		t.Fatalf("refused with %v", err)
	}
}

// FuzzMessagesPayloadIsTheBodys: what is delivered of a message stands in its request as it is, and is
// what encoding/json reads there.
func FuzzMessagesPayloadIsTheBodys(f *testing.F) {
	for _, seed := range []string{
		`{"eventType":"a","payload":{"x":[1, 2]}}`,
		`{"eventType":"a","payload":{},"transformationsParams":{"rawPayload":"x","headers":{"content-type":"text/plain"}}}`,
		`{"eventType":"a","p\u0061yload":{"payload":{}},"channels":["x"],"tags":null,"deliverAt":"2026-01-01T00:00:00Z"}`,
		`{"payload":{},"payload":{},"application":{"name":"x","uid":"y"}}`,
		`{"eventType":"\ud800","payload":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := readMessage(body)
		if err != nil {
			refusal(t, err)
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(body, &members); err != nil {
			t.Fatalf("took what is no JSON: %v", err)
		}
		payload := []byte(members["payload"])
		if raw := in.message.Payload; !bytes.Equal(raw, payload) {
			var params map[string]json.RawMessage
			json.Unmarshal(members["transformationsParams"], &params)
			var text string
			if json.Unmarshal(params["rawPayload"], &text) != nil || text != string(raw) {
				t.Fatalf("took %q for the payload of %q", raw, body)
			}
		}
		var eventType string
		if json.Unmarshal(members["eventType"], &eventType) != nil || eventType != in.message.EventType {
			t.Fatalf("took %q for the event type of %q", in.message.EventType, body)
		}
		if !bytes.Contains(body, payload) || !utf8.Valid(in.message.Payload) {
			t.Fatalf("%q has no %q", body, payload)
		}
	})
}

// FuzzEnvelopesAreLeftAsTheyAre: an envelope is its own payload, and its event the one that other readers
// see in it.
func FuzzEnvelopesAreLeftAsTheyAre(f *testing.F) {
	for _, seed := range []string{
		`{"event":"order.paid","data":{"n":1}}`,
		`{"event":"a","payload":null,"timestamp":1,"metadata":{}}`,
		`{"event":"a","event":"b","data":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := readEnvelope(nil, body)
		if err != nil {
			refusal(t, err)
			return
		}
		var members map[string]json.RawMessage
		var event string
		if json.Unmarshal(body, &members) != nil || json.Unmarshal(members["event"], &event) != nil || event != e.message.EventType {
			t.Fatalf("took %q for the event of %q", e.message.EventType, body)
		}
		if !bytes.Equal(e.message.Payload, body) || e.message.EventID != "" {
			t.Fatalf("%q became %q", body, e.message.Payload)
		}
	})
}

// isEventID reports whether the hub takes a text for an event id.
func isEventID(text string) bool {
	return len(text) <= maxEventID && !strings.HasPrefix(text, "msg_") && !strings.ContainsFunc(text, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.", c)
	})
}

// FuzzStructuredEventsAreLeftAsTheyAre: what is taken for a CloudEvent is one, and known.
func FuzzStructuredEventsAreLeftAsTheyAre(f *testing.F) {
	for _, seed := range []string{
		cloudEvent,
		`{"specversion":"1.0","id":"1","source":"/","type":"a","data_base64":"e30=","time":"2026-01-01T00:00:00Z","ext":true}`,
		`{"specversion":"1.0","id":"\u0000","source":"%","type":"a","n":1e2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := readStructured(nil, body)
		if err != nil {
			refusal(t, err)
			return
		}
		var members map[string]any
		if err := json.Unmarshal(body, &members); err != nil {
			t.Fatalf("took what is no JSON: %v", err)
		}
		if members["specversion"] != "1.0" || members["type"] != e.message.EventType || members["id"] == "" || members["source"] == "" {
			t.Fatalf("took %q", body)
		}
		if !bytes.Equal(e.message.Payload, body) || !isEventID(e.message.EventID) || (e.message.EventID == "") == (e.message.IdempotencyKey == "") {
			t.Fatalf("%q became %+v", body, e.message)
		}
	})
}

// FuzzBinaryEventsKeepTheirAttributes: every field that begins with ce- goes on as it came, or the
// event is refused.
func FuzzBinaryEventsKeepTheirAttributes(f *testing.F) {
	f.Add("1.0", "A%20b", "/orders", "order.paid", "Subject", `"x \" y"`, []byte("data"))
	f.Add("1.0", "", "%", "a", "Two-Parts", "%zz", []byte(""))
	f.Fuzz(func(t *testing.T, version, id, source, kind, name, value string, body []byte) {
		header := http.Header{"Ce-Specversion": {version}, "Ce-Id": {id}, "Ce-Source": {source}, "Ce-Type": {kind}}
		header["Ce-"+name] = append(header["Ce-"+name], value)
		e, err := readBinary(header, body)
		if err != nil {
			refusal(t, err)
			return
		}
		if version != "1.0" || len(body) == 0 || len(e.message.Headers) != len(header) || !isEventID(e.message.EventID) {
			t.Fatalf("%q became %+v", header, e.message)
		}
		for name, sent := range header {
			if len(sent) != 1 || e.message.Headers[name] != sent[0] {
				t.Fatalf("%q became %q", header, e.message.Headers)
			}
		}
	})
}

// FuzzOnlyCopiesAreTakenForCopies: two events have the same identity if they have the same source and id,
// and only then. If that failed, an event would be lost.
func FuzzOnlyCopiesAreTakenForCopies(f *testing.F) {
	f.Add("a", "b", "a", "b")
	f.Add("a__b", "c", "a", "b__c")
	f.Add("a_", "_b", "a", "__b")
	f.Add("/", "1", "_2F", "1")
	f.Fuzz(func(t *testing.T, source1, id1, source2, id2 string) {
		var one, two event
		one.identity(source1, id1)
		two.identity(source2, id2)
		same := one.message.EventID == two.message.EventID && one.message.IdempotencyKey == two.message.IdempotencyKey
		if same != (source1 == source2 && id1 == id2) {
			t.Fatalf("%q %q and %q %q: %v", source1, id1, source2, id2, same)
		}
	})
}

// FuzzQueriesAreWithinBounds: whatever a query says, the hub is asked for a page of a size that it allows,
// and iterators lead to where they say.
func FuzzQueriesAreWithinBounds(f *testing.F) {
	f.Add("limit=5&iterator=-x&order=descending&event_types=a,b&after=2026-01-01T00:00:00Z&status=2&status_code_class=500", "-x")
	f.Add("limit=99999999999999999999&x=%zz;", "~")
	f.Fuzz(func(t *testing.T, raw, id string) {
		c := &call{request: &http.Request{URL: &url.URL{RawQuery: raw}}}
		q := c.query()
		p := q.orderedPage(true)
		q.filter()
		q.status()
		q.oneOf("status_code_class", 0, 100, 200, 300, 400, 500)
		q.flag("with_content", true)
		if err := q.err(); err != nil {
			refusal(t, err)
		}
		if p.Limit < 1 || p.Limit > maxLimit || p.After != "" && p.Before != "" {
			t.Fatalf("%q asks for %+v", raw, p)
		}
		if strings.HasPrefix(id, "~") || id == "" {
			return // no id has one
		}
		var there, back outbound.Page
		turn(&there, iterator(id))
		turn(&back, "-"+id)
		if there.After != id || there.Before != "" || back.Before != id || back.After != "" {
			t.Fatalf("%q leads to %+v and %+v", id, there, back)
		}
	})
}

// FuzzPathsNeverFail: whatever the path, it is matched or it isn't.
func FuzzPathsNeverFail(f *testing.F) {
	f.Add("GET", "/api/v1/app/%2F/msg/a%20b")
	f.Add("POST", "//")
	f.Fuzz(func(t *testing.T, method, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		request := httptest.NewRequest("GET", "/", nil)
		request.Method, request.URL = method, u
		found, arguments, err := match(request)
		if (err == nil) == (found.serve == nil) {
			t.Fatalf("%q: %v", path, err)
		}
		for name, argument := range arguments {
			if argument == "" {
				t.Fatalf("%q has an empty %s", path, name)
			}
		}
	})
}

// FuzzSchemasAndPayloadsAreBounded: no schema and no payload makes the check fail in another way than by
// saying so, nor does it show a payload's values.
func FuzzSchemasAndPayloadsAreBounded(f *testing.F) {
	f.Add([]byte(`{"properties":{"a":{"type":"integer","maximum":5}}}`), []byte(`{"a":"secretsecret"}`))
	f.Add([]byte(`{"enum":["x"]}`), []byte(`"secretsecret"`))
	f.Add([]byte(`{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#"},{"type":"null"}]}}}`), []byte(`[1e-999999]`))
	f.Fuzz(func(t *testing.T, source, payload []byte) {
		if len(source) > 1<<10 || len(payload) > 1<<10 || !json.Valid(source) {
			return
		}
		if example, err := exampleOf(source, 0); err == nil && !json.Valid(example) {
			t.Fatalf("%s made %s", source, example)
		}
		schema, err := compileSchema(source)
		if err != nil {
			return
		}
		err = checkPayload(schema, payload, []string{"body", "payload"})
		if err == nil {
			return
		}
		refusal(t, err)
		var text string
		if json.Unmarshal(payload, &text) == nil && len(text) > 8 && !bytes.Contains(source, []byte(text)) && strings.Contains(string(answerTo(err).body), text) {
			t.Fatalf("%s is told about %s", answerTo(err).body, payload)
		}
	})
}
