package api

import (
	"net/http"
	"strings"
	"testing"
)

const jsonType = "application/json"

func TestEnvelopesAreDeliveredByteForByte(t *testing.T) {
	inBubble(t, func(r *rig) {
		// The first event makes the default application, which nobody subscribes to yet.
		r.do("POST", "/publish", `{"event":"order.paid","data":{}}`, "Content-Type", jsonType).want(http.StatusAccepted).id()
		r.endpointAt("default", `,"filterTypes":["order.*"]`)
		for _, envelope := range []string{
			`{"event":"order.paid","data":{"n":1.50}}`,
			" { \"metadata\" : {\"id\":\"x\"}, \"payload\" : [1,\n2], \"event\":\"order.sent\", \"timestamp\":\"2026-01-01T00:00:00Z\" }\n",
			`{"event":"order.sent","data":null,"timestamp":1767225600000,"id":"same","unheard":true}`,
			`{"event":"order.sent","data":null,"timestamp":1767225600000,"id":"same","unheard":true}`,
		} {
			before := len(r.delivered())
			r.do("POST", "/publish", envelope, "Content-Type", "application/json; charset=utf-8").want(http.StatusAccepted).id()
			// An "id" may be that of the thing which the event is about: two events may have it.
			if all := r.delivered(); len(all) != before+1 || all[before].body != envelope || all[before].header.Get("Content-Type") != jsonType {
				r.Errorf("delivered %v, want %q", all[before:], envelope)
			}
		}
		r.do("POST", "/publish", `{"event":"other","data":1}`).want(http.StatusAccepted)
		if n := len(r.delivered()); n != 4 {
			r.Errorf("%d were delivered", n)
		}
	})
}

func TestEventsGoToTheApplicationThatIsNamed(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		id := r.do("POST", "/publish?app=acme", `{"event":"a","data":1}`).want(http.StatusAccepted).id()
		r.do("GET", "/api/v1/app/acme/msg/"+id, "").want(http.StatusOK).is("eventType", "a").is("payload.event", "a")
		// It may be mistyped.
		r.do("POST", "/publish?app=acne", `{"event":"a","data":1}`).want(http.StatusNotFound)
		r.do("GET", "/api/v1/app/acne", "").want(http.StatusNotFound)
		r.do("POST", "/publish?app=a&app=b", `{"event":"a","data":1}`).wrongAt("query", "app")
	})
}

func TestACopyOfAnEnvelopeIsKnownByItsKey(t *testing.T) {
	inBubble(t, func(r *rig) {
		first := r.do("POST", "/publish", `{"event":"a","data":1}`, "Idempotency-Key", "k").want(http.StatusAccepted).id()
		if r.do("POST", "/publish", `{"event":"a","data":1}`, "Idempotency-Key", "k").want(http.StatusAccepted).id() != first {
			r.Error("a copy was published")
		}
		if r.do("POST", "/publish", `{"event":"a","data":1}`).want(http.StatusAccepted).id() == first {
			r.Error("another event was taken for a copy")
		}
	})
}

func TestWrongEnvelopesAreRefused(t *testing.T) {
	inBubble(t, func(r *rig) {
		for envelope, place := range map[string][]string{
			``:                                           {"body"},
			`[{"event":"a"}]`:                            {"body"},
			`{"event":"a","data":1}x`:                    {"body"},
			`{"data":1}`:                                 {"body", "event"},
			`{"event":"","data":1}`:                      {"body", "event"},
			`{"event":7,"data":1}`:                       {"body", "event"},
			`{"event":"a b","data":1}`:                   {"body", "event"},
			`{"event":"a"}`:                              {"body", "data"},
			`{"event":"a","data":1,"payload":1}`:         {"body", "payload"},
			`{"event":"a","data":1,"event":"b"}`:         {"body"},
			`{"event":"a","data":1,"timestamp":true}`:    {"body", "timestamp"},
			`{"event":"a","data":1,"metadata":"string"}`: {"body", "metadata"},
		} {
			r.do("POST", "/publish", envelope, "Content-Type", jsonType).wrongAt(place...)
		}
		for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "application/cloudevents-batch+json", "application/cloudevents+avro", "application/cloudevents+json; charset=utf-16", ";"} {
			r.do("POST", "/publish", `{"event":"a","data":1}`, "Content-Type", kind).want(http.StatusUnsupportedMediaType).is("code", "unsupported_media_type")
		}
	})
}

func TestEnvelopesMustFitTheSchemaAsTheyAreDelivered(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.do("POST", "/api/v1/event-type", `{"name":"a","description":"","schemas":{"1":{"properties":{"data":{"type":"object"}}}}}`).want(http.StatusCreated)
		r.do("POST", "/publish", `{"event":"a","data":{}}`).want(http.StatusAccepted)
		r.do("POST", "/publish", `{"event":"a","data":1}`).wrongAt("body", "data")
	})
}

const cloudEvent = `{"specversion":"1.0","id":"A-1","source":"https://example.com/orders","type":"order.paid","data":{"n":1.50}}`

func TestStructuredCloudEventsAreDeliveredByteForByte(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.do("PUT", "/api/v1/app/default", `{"name":"default","uid":"default"}`).want(http.StatusCreated)
		r.endpointAt("default", "")
		id := r.do("POST", "/publish", cloudEvent, "Content-Type", "application/cloudevents+json; charset=UTF-8").want(http.StatusAccepted).id()
		got := r.delivered()
		if len(got) != 1 || got[0].body != cloudEvent || got[0].header.Get("Content-Type") != "application/cloudevents+json" {
			r.Fatalf("delivered %v", got)
		}
		r.do("GET", "/api/v1/app/default/msg/"+id, "").is("eventType", "order.paid").is("eventId", "ce.https_3A_2F_2Fexample.com_2Forders__A-1").is("payload.source", "https://example.com/orders")
		// A copy is no conflict: whoever sends it has to learn that it was taken.
		if again := r.do("POST", "/publish", cloudEvent, "Content-Type", structured).want(http.StatusAccepted).id(); again != id {
			r.Error("a copy was published")
		}
		other := strings.Replace(cloudEvent, "orders", "refunds", 1)
		if r.do("POST", "/publish", other, "Content-Type", structured).want(http.StatusAccepted).id() == id {
			r.Error("another event was taken for a copy")
		}
		// Too long for an event id, and still known.
		long := strings.Replace(cloudEvent, "A-1", strings.Repeat("x", 300), 1)
		first := r.do("POST", "/publish", long, "Content-Type", structured).want(http.StatusAccepted).id()
		if again := r.do("POST", "/publish", long, "Content-Type", structured).want(http.StatusAccepted).id(); again != first || first == id {
			r.Error("a copy with a long id was published")
		}
		if n := len(r.delivered()); n != 3 {
			r.Errorf("%d were delivered", n)
		}
	})
}

func TestBinaryCloudEventsAreDeliveredWithTheirAttributes(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.do("PUT", "/api/v1/app/default", `{"name":"default","uid":"default"}`).want(http.StatusCreated)
		r.endpointAt("default", "")
		header := []string{"Content-Type", "text/xml", "ce-specversion", "1.0", "ce-id", "A%20%C3%A9", "ce-source", "/orders", "ce-type", "order.paid", "ce-traceparent", "00-1", "X-Other", "x"}
		r.do("POST", "/publish", "<a>é</a>", header...).want(http.StatusAccepted).id()
		got := r.delivered()
		if len(got) != 1 || got[0].body != "<a>é</a>" || got[0].header.Get("Content-Type") != "text/xml" {
			r.Fatalf("delivered %v", got)
		}
		for name, want := range map[string]string{"Ce-Specversion": "1.0", "Ce-Id": "A%20%C3%A9", "Ce-Source": "/orders", "Ce-Type": "order.paid", "Ce-Traceparent": "00-1", "X-Other": ""} {
			if value := got[0].header.Get(name); value != want {
				r.Errorf("%s is %q, want %q", name, value, want)
			}
		}
		// The same event, told in the other mode.
		again := `{"specversion":"1.0","id":"A é","source":"/orders","type":"order.paid"}`
		r.do("POST", "/publish", again, "Content-Type", structured).want(http.StatusAccepted)
		if len(r.delivered()) != 1 {
			r.Error("a copy was published")
		}
	})
}

func TestWrongCloudEventsAreRefused(t *testing.T) {
	inBubble(t, func(r *rig) {
		for change, place := range map[string][]string{
			`"specversion":"0.3"`:           {"body", "specversion"},
			`"specversion":null`:            {"body", "specversion"},
			`"id":""`:                       {"body", "id"},
			`"id":7`:                        {"body", "id"},
			`"source":""`:                   {"body", "source"},
			`"source":":"`:                  {"body", "source"},
			`"type":""`:                     {"body", "type"},
			`"type":"com.example/not-here"`: {"body", "type"},
			`"time":"yesterday"`:            {"body", "time"},
			`"subject":""`:                  {"body", "subject"},
			`"datacontenttype":"json"`:      {"body", "datacontenttype"},
			`"Extension":"x"`:               {"body", "Extension"},
			`"extension":{}`:                {"body", "extension"},
			`"extension":1.5`:               {"body", "extension"},
			`"data_base64":"e30="`:          {"body", "data_base64"},
			`"data":null,"data_base64":"*"`: {"body", "data_base64"},
		} {
			members := map[string]string{"specversion": `"1.0"`, "id": `"1"`, "source": `"/s"`, "type": `"a"`, "data": `{}`}
			for name := range members {
				if strings.HasPrefix(change, `"`+name+`":`) {
					delete(members, name)
				}
			}
			body := "{" + change
			for name, value := range members {
				body += `,"` + name + `":` + value
			}
			r.do("POST", "/publish", body+"}", "Content-Type", structured).wrongAt(place...)
		}
		for _, name := range required {
			header := []string{"Content-Type", "text/plain"}
			for other, value := range map[string]string{"specversion": "1.0", "id": "1", "source": "/s", "type": "a"} {
				if other != name {
					header = append(header, "ce-"+other, value)
				}
			}
			r.do("POST", "/publish", "x", header...).wrongAt("header", "ce-"+name)
		}
		good := []string{"Content-Type", "text/plain", "ce-specversion", "1.0", "ce-id", "1", "ce-source", "/s", "ce-type", "a"}
		r.do("POST", "/publish", "", good...).wrongAt("body")
		r.do("POST", "/publish", "x", append(good, "ce-specversion", "1.1")...).wrongAt("header", "ce-specversion")
		r.do("POST", "/publish", "x", append(good, "ce-type", "a b")...).wrongAt("header", "ce-type")
		r.do("POST", "/publish", "x", append(good, "ce-subject", "%zz")...).wrongAt("header", "ce-subject")
		r.do("POST", "/publish", "x", append(good, "ce-subject", `"open`)...).wrongAt("header", "ce-subject")
		r.do("POST", "/publish", "x", append(good, "ce-two-parts", "x")...).wrongAt("header", "ce-two-parts")
		r.do("POST", "/publish", "x", append(good, "Content-Type", "no type")...).wrongAt("header", "content-type")
		r.do("POST", "/publish", "x", append(good, "ce-subject", `"a \"b\" %41"`)...).want(http.StatusAccepted)
	})
}
