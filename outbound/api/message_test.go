package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookseal/hookseal/outbound"
)

// PITFALLS 17.
func TestPayloadsAreDeliveredByteForByte(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		r.endpointAt("acme", "")
		for _, payload := range []string{
			`{}`,
			`{ "b" : 1.50 , "a":[1,  2], "b":2 }`,
			`{"text":"<&> \u00e9 é \/","big":123456789012345678901234567890,"e":1E+2}`,
			"{\n\t\"x\": null\r\n}",
		} {
			r.do("POST", "/api/v1/app/acme/msg", "{\"payload\" :\n "+payload+"  ,\"eventType\":\"a\"}").want(http.StatusAccepted)
			all := r.delivered()
			if got := all[len(all)-1]; got.body != payload || got.header.Get("Content-Type") != "application/json" {
				r.Errorf("delivered %q as %s, want %q", got.body, got.header.Get("Content-Type"), payload)
			}
		}
	})
}

func TestRawPayloadsAreDeliveredAsTheyAre(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		r.endpointAt("acme", "")
		id := r.do("POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":{},"transformationsParams":{"rawPayload":"<xml>é</xml>","headers":{"content-type":"text/xml","X-Extra":"1"}}}`).
			want(http.StatusAccepted).id()
		got := r.delivered()[0]
		if got.body != "<xml>é</xml>" || got.header.Get("Content-Type") != "text/xml" || got.header.Get("X-Extra") != "1" {
			r.Errorf("delivered %q with %v", got.body, got.header)
		}
		// Typed clients expect an object.
		r.do("GET", "/api/v1/app/acme/msg/"+id, "").is("payload", map[string]string{"rawPayload": "<xml>é</xml>"})
		r.do("POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":{},"transformationsParams":{"rawPayload":"x","headers":{"content-type":"no type"}}}`).
			wrongAt("body", "transformationsParams", "headers", "content-type")
		r.do("POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":{},"transformationsParams":{"rawPayload":"x","headers":{"webhook-id":"forged"}}}`).
			wrongAt("body", "transformationsParams", "headers")
	})
}

func TestMessagesAreKnownByIdAndEventId(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		path := "/api/v1/app/acme/msg"
		a := r.do("POST", path, `{"eventType":"a","eventId":"e1","payload":{"x":1},"channels":["c"],"tags":["t"]}`).want(http.StatusAccepted).
			is("eventId", "e1").is("eventType", "a").is("payload.x", 1).is("channels", []string{"c"}).is("tags", []string{"t"}).is("deliverAt", nil)
		id := a.id()
		r.do("GET", path+"/e1", "").want(http.StatusOK).is("id", id).is("payload.x", 1)
		r.do("GET", path+"/"+id+"?with_content=false", "").want(http.StatusOK).is("payload", map[string]any{})
		r.do("POST", path, `{"eventType":"a","eventId":"e1","payload":{"x":2}}`).want(http.StatusConflict).is("code", "conflict")
		r.do("POST", path+"?with_content=false", `{"eventType":"a","payload":{"x":1}}`).want(http.StatusAccepted).is("payload", map[string]any{})
		r.do("GET", path+"/msg_nothing", "").want(http.StatusNotFound)
	})
}

func TestACopyOfAMessageIsPublishedOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		r.endpointAt("acme", "")
		publish := func() string {
			return r.do("POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":{"x":1}}`, "Idempotency-Key", "k").want(http.StatusAccepted).is("payload.x", 1).id()
		}
		first := publish()
		r.build() // as after a restart: the hub remembers, not the handler
		if publish() != first || len(r.delivered()) != 1 {
			r.Error("a copy was published")
		}
		r.do("POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":{}}`, "Idempotency-Key", strings.Repeat("k", 257)).wrongAt("header", "idempotency-key")
	})
}

func TestAMessageCanBringItsApplication(t *testing.T) {
	inBubble(t, func(r *rig) {
		path := "/api/v1/app/acme/msg"
		r.do("POST", path, `{"eventType":"a","payload":{}}`).want(http.StatusNotFound)
		r.do("POST", path, `{"eventType":"a","payload":{},"application":{"name":"Acme","uid":"other"}}`).wrongAt("body", "application", "uid")
		r.do("POST", path, `{"eventType":"a","payload":{},"application":{"name":"  ","uid":"acme"}}`).wrongAt("body", "application", "name")
		r.do("POST", path, `{"eventType":"a","payload":{},"application":{"name":"Acme","uid":"acme"}}`).want(http.StatusAccepted)
		r.do("POST", path, `{"eventType":"a","payload":{},"application":{"name":"Ignored","uid":"acme"}}`).want(http.StatusAccepted)
		r.do("GET", "/api/v1/app/acme", "").want(http.StatusOK).is("name", "Acme")
	})
}

func TestMessagesAreListedAndNarrowed(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		path := "/api/v1/app/acme/msg"
		var ids []string
		for i, members := range []string{`"eventType":"a","channels":["x"]`, `"eventType":"b","tags":["t"]`, `"eventType":"c","channels":["x","y"]`} {
			r.later(time.Hour)
			ids = append(ids, r.do("POST", path, `{`+members+`,"payload":{"n":`+string(rune('0'+i))+`}}`).want(http.StatusAccepted).id())
		}
		base := time.Now().Add(-90 * time.Minute).UTC().Format(time.RFC3339Nano) // between the first and the second
		for query, want := range map[string][]string{
			"":                                 {ids[2], ids[1], ids[0]},
			"event_types=a,b":                  {ids[1], ids[0]},
			"event_types=a&event_types=c":      {ids[2], ids[0]},
			"event_types[]=b":                  {ids[1]},
			"channel=x":                        {ids[2], ids[0]},
			"tag=t":                            {ids[1]},
			"limit=1":                          {ids[2]},
			"limit=1&iterator=" + ids[2]:       {ids[1]},
			"limit=1&iterator=-" + ids[0]:      {ids[1]},
			"iterator=" + ids[0]:               nil,
			"after=" + base + "&channel=x":     {ids[2]},
			"before=" + base:                   {ids[0]},
			"unheard=of&event_types=&channel=": {ids[2], ids[1], ids[0]},
		} {
			if got := r.do("GET", path+"?"+query, "").want(http.StatusOK).ids(); !slices.Equal(got, want) {
				r.Errorf("%s: got %q, want %q", query, got, want)
			}
		}
		r.do("GET", path, "").is("data.0.payload.n", 2)
		r.do("GET", path+"?with_content=false", "").is("data.0.payload", map[string]any{})
		r.do("GET", "/api/v1/app/nobody/msg", "").want(http.StatusNotFound)
	})
}

func TestDeliveryCanBePutOff(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		r.endpointAt("acme", "")
		at := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		a := r.do("POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":{},"deliverAt":"`+at+`"}`).want(http.StatusAccepted)
		if got, err := time.Parse(time.RFC3339, a.get("deliverAt").(string)); err != nil || time.Until(got) != time.Hour {
			r.Errorf("deliverAt is %v", got)
		}
		if len(r.delivered()) != 0 {
			r.Error("was delivered at once")
		}
		r.later(2 * time.Hour)
		if len(r.delivered()) != 1 {
			r.Error("was not delivered later")
		}
	})
}

func TestPayloadsAreShownAsObjects(t *testing.T) {
	for payload, want := range map[string]string{
		`{"a":1}`:      `{"a":1}`,
		" {\"a\":1}\n": `{"a":1}`,
		`[1]`:          `{"rawPayload":"[1]"}`,
		`{"a":`:        `{"rawPayload":"{\"a\":"}`,
		"\xff":         `{"rawPayloadBase64":"/w=="}`,
	} {
		m := outbound.Message{Payload: []byte(payload)}
		text, err := json.Marshal((&call{}).showMessage(m, true).Payload)
		if err != nil || string(text) != want {
			t.Errorf("%q is shown as %s (%v), want %s", payload, text, err, want)
		}
	}
}
