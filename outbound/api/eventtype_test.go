package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestEventTypesAreKeptAsSvixKeepsThem(t *testing.T) {
	inBubble(t, func(r *rig) {
		path := "/api/v1/event-type"
		r.do("POST", path, `{"name":"order.paid","description":"d","featureFlags":["beta"],"groupName":"orders","schemas":{"1":{"type":"object"}}}`).
			want(http.StatusCreated).is("archived", false).is("deprecated", false).is("featureFlag", "beta").is("featureFlags", []string{"beta"}).is("schemas.1.type", "object")
		r.do("POST", path, `{"name":"order.paid","description":"d"}`).want(http.StatusConflict).is("code", "event_type_exists")
		r.do("POST", path, `{"name":"-x","description":"d"}`).want(http.StatusCreated)
		r.do("GET", path+"/order.paid", "").want(http.StatusOK).is("groupName", "orders")
		r.do("PATCH", path+"/order.paid", `{"deprecated":true}`).want(http.StatusOK).is("description", "d").is("deprecated", true)
		r.do("PUT", path+"/order.paid", `{"description":"e"}`).want(http.StatusOK).is("schemas", nil).is("deprecated", false)
		r.do("PUT", path+"/order.sent", `{"description":"e","featureFlag":"alpha"}`).want(http.StatusCreated).is("name", "order.sent").is("featureFlags", []string{"alpha"})
		r.do("PATCH", path+"/nothing", `{}`).want(http.StatusNotFound)

		// Names are the ids of this list, also one that begins as an iterator back does.
		page := r.do("GET", path+"?limit=1", "").want(http.StatusOK).is("done", false)
		got := page.ids()
		for !page.get("done").(bool) {
			page = r.do("GET", path+"?limit=1&iterator="+page.get("iterator").(string), "").want(http.StatusOK)
			got = append(got, page.ids()...)
		}
		if want := []string{"-x", "order.paid", "order.sent"}; !slices.Equal(got, want) {
			r.Errorf("got %q, want %q", got, want)
		}

		r.do("DELETE", path+"/order.sent", "").want(http.StatusNoContent)
		r.do("GET", path+"/order.sent", "").want(http.StatusOK).is("archived", true)
		if got := r.do("GET", path, "").ids(); slices.Contains(got, "order.sent") {
			r.Error("an archived type is listed")
		}
		if got := r.do("GET", path+"?include_archived=true", "").ids(); !slices.Contains(got, "order.sent") {
			r.Error("an archived type isn't listed with include_archived")
		}
		r.app("acme")
		r.do("POST", "/api/v1/app/acme/msg", `{"eventType":"order.sent","payload":{}}`).wrongAt("body", "eventType")
		r.do("POST", path, `{"name":"order.sent","description":"again"}`).want(http.StatusCreated).is("archived", false).is("description", "again")
		r.do("POST", "/api/v1/app/acme/msg", `{"eventType":"order.sent","payload":{}}`).want(http.StatusAccepted)
		r.do("DELETE", path+"/order.sent?expunge=true", "").want(http.StatusNoContent)
		r.do("GET", path+"/order.sent", "").want(http.StatusNotFound)
		r.do("DELETE", path+"/order.sent", "").want(http.StatusNotFound)
	})
}

func TestSchemasAreListedWhenTheyAreAskedFor(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.do("POST", "/api/v1/event-type", `{"name":"a","description":"","schemas":{"1":{"type":"object"}}}`).want(http.StatusCreated)
		r.do("GET", "/api/v1/event-type", "").is("data.0.schemas", nil)
		r.do("GET", "/api/v1/event-type?with_content=true", "").is("data.0.schemas.1.type", "object")
	})
}

func TestPayloadsMustFitTheNewestSchema(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		publish := func(payload string) response {
			r.Helper()
			return r.do("POST", "/api/v1/app/acme/msg", `{"eventType":"order.paid","payload":`+payload+`}`)
		}
		publish(`{"amount":"free"}`).want(http.StatusAccepted)
		r.do("POST", "/api/v1/event-type", `{"name":"order.paid","description":"","schemas":{
			"9":{"type":"object","required":["old"]},
			"10":{"type":"object","required":["id"],"properties":{"amount":{"type":"integer","maximum":100},"items":{"type":"array","items":{"enum":["a","b"]}}},"additionalProperties":true}}}`).want(http.StatusCreated)
		publish(`{"id":1,"amount":5,"items":["a"]}`).want(http.StatusAccepted)
		publish(`{"amount":5}`).wrongAt("body", "payload")
		for payload, place := range map[string][]string{
			`{"id":1,"amount":"hidden-value"}`:      {"body", "payload", "amount"},
			`{"id":1,"amount":777666}`:              {"body", "payload", "amount"},
			`{"id":1,"items":["a","hidden-value"]}`: {"body", "payload", "items", "1"},
			// The subscriber may read the one that was not checked.
			`{"id":1,"amount":5,"amount":777666}`: {"body", "payload"},
			// What takes a second to compute with is not computed with.
			`{"id":1,"amount":1e-999999}`: {"body", "payload"},
		} {
			a := publish(payload).wrongAt(place...)
			if strings.Contains(a.text, "hidden-value") || strings.Contains(a.text, "777666") {
				r.Errorf("%s repeats the payload: %s", payload, a.text)
			}
		}
		// The schema is that of what is delivered, however it is sent.
		r.do("POST", "/api/v1/app/acme/msg", `{"eventType":"order.paid","payload":{},"transformationsParams":{"rawPayload":"{\"id\": 1}"}}`).want(http.StatusAccepted)
		r.do("POST", "/api/v1/app/acme/msg", `{"eventType":"order.paid","payload":{"id":1},"transformationsParams":{"rawPayload":"text"}}`).wrongAt("body", "payload")
		// A change counts at once.
		r.do("PATCH", "/api/v1/event-type/order.paid", `{"schemas":{"11":{"maxProperties":0}}}`).want(http.StatusOK)
		publish(`{"id":1}`).wrongAt("body", "payload")
		r.do("PATCH", "/api/v1/event-type/order.paid", `{"schemas":null}`).want(http.StatusOK)
		publish(`{"id":1}`).want(http.StatusAccepted)
	})
}

func TestNoSchemaIsFetchedAndNoneIsWithoutBounds(t *testing.T) {
	for name, schema := range map[string]string{
		"http":       `{"$ref":"http://example.com/schema.json"}`,
		"file":       `{"$ref":"file:///etc/passwd"}`,
		"relative":   `{"$ref":"other.json"}`,
		"metaschema": `{"$schema":"https://example.com/meta"}`,
		"nesting":    strings.Repeat(`{"not":`, 70) + `{}` + strings.Repeat(`}`, 70),
		"size":       `{"description":"` + strings.Repeat("x", maxSchema) + `"}`,
		"exponent":   `{"maximum":1e-999999}`,
		"twice":      `{"type":"object","type":"array"}`,
		"pattern":    `{"pattern":"("}`,
		"number":     `7`,
	} {
		if _, err := compileSchema([]byte(schema)); err == nil {
			t.Errorf("%s: was compiled", name)
		} else if strings.Contains(err.Error(), "root:") {
			t.Errorf("%s: a file was read: %v", name, err)
		}
	}
	for _, schema := range []string{`true`, `{}`, `{"$schema":"http://json-schema.org/draft-07/schema#"}`, `{"$defs":{"a":{"type":"string"}},"$ref":"#/$defs/a"}`} {
		if _, err := compileSchema([]byte(schema)); err != nil {
			t.Errorf("%s: %v", schema, err)
		}
	}
}
