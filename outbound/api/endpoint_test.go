package api

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestEndpointsAreKeptAsSvixKeepsThem(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		path := "/api/v1/app/acme/endpoint"
		id := r.do("POST", path, `{"url":"https://a.example/","uid":"first","filterTypes":["order.*","invoice.paid"],"channels":["eu"],"rateLimit":5,"description":"d","metadata":{"k":"v"},"headers":{"X-Team":"a"}}`).
			want(http.StatusCreated).
			is("url", "https://a.example/").is("version", 1).is("disabled", false).
			is("filterTypes", []string{"order.*", "invoice.paid"}).is("eventTypes", []string{"order.*", "invoice.paid"}).
			is("channels", []string{"eu"}).is("rateLimit", 5).is("throttleRate", 5).is("metadata.k", "v").id()
		r.do("POST", path, `{"url":"https://a.example/","uid":"first"}`).want(http.StatusConflict)
		r.do("GET", path+"/first", "").want(http.StatusOK).is("id", id)

		// The newer clients' names for the same.
		r.do("PATCH", path+"/first", `{"eventTypes":["order.paid"],"throttleRate":6}`).want(http.StatusOK).
			is("filterTypes", []string{"order.paid"}).is("rateLimit", 6).is("description", "d")
		r.do("PATCH", path+"/first", `{"eventTypes":null}`).want(http.StatusOK).is("filterTypes", nil).is("eventTypes", nil)
		r.do("PATCH", path+"/first", `{"url":null}`).wrongAt("body", "url")
		r.do("PATCH", path+"/first", `{"disabled":true}`).want(http.StatusOK).is("disabled", true)

		// An update replaces everything but what has a path of its own.
		r.do("PATCH", path+"/first", `{"scheme":"generic"}`).want(http.StatusOK).is("scheme", "generic")
		r.do("PUT", path+"/"+id, `{"url":"https://b.example/","uid":"first"}`).want(http.StatusOK).
			is("description", "").is("channels", nil).is("disabled", false).is("metadata", map[string]any{}).is("scheme", "generic")
		r.do("GET", path+"/first/headers", "").want(http.StatusOK).is("headers.X-Team", "a")
		r.do("PUT", path+"/second", `{"url":"https://c.example/"}`).want(http.StatusCreated).is("uid", "second")
		r.do("PUT", path+"/ep_doesnotexist", `{"url":"https://c.example/"}`).want(http.StatusNotFound)
		r.do("PUT", "/api/v1/app/nobody/endpoint/second", `{"url":"https://c.example/"}`).want(http.StatusNotFound)

		// The newest come first unless the order is chosen.
		if got := r.do("GET", path, "").want(http.StatusOK).ids(); len(got) != 2 || got[1] != id {
			r.Errorf("got %q", got)
		}
		if got := r.do("GET", path+"?order=ascending", "").want(http.StatusOK).ids(); len(got) != 2 || got[0] != id {
			r.Errorf("got %q", got)
		}
		r.do("DELETE", path+"/first", "").want(http.StatusNoContent)
		r.do("GET", path+"/first", "").want(http.StatusNotFound)
		r.do("GET", "/api/v1/app/nobody/endpoint", "").want(http.StatusNotFound)
	})
}

// What clients of version 1.44 refuse isn't sent to them; those of version 2 can't do without.
func TestClientsGetTheMembersThatTheyKnow(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		id := r.endpointAt("acme", `,"filterTypes":["a"]`)
		r.publishTo("acme", "a", "{}")
		r.delivered()
		for path, newer := range map[string]string{
			"/api/v1/app/acme":                                 "throttleRate",
			"/api/v1/app/acme/endpoint/" + id:                  "eventTypes",
			"/api/v1/app/acme/endpoint/" + id + "/stats":       "canceled",
			"/api/v1/app/acme/msg":                             "data.0.deliverAt",
			"/api/v1/app/acme/attempt/endpoint/" + id:          "data.0.statusText",
			"/api/v1/app/acme/endpoint/" + id + "/msg?limit=1": "data.0.statusText",
		} {
			name := newer[strings.LastIndexByte(newer, '.')+1:]
			for agent, want := range map[string]bool{
				"svix-libs/1.44.0/go":           false,
				"svix-libs/1.30.0/python":       false,
				"svix-libs/0.9.0/java":          false,
				"svix-libs/1.45.0/go":           true,
				"svix-libs/1.99.1/javascript":   true,
				"svix-libs/2.5.0/javascript":    true,
				"curl/8":                        true,
				"":                              true,
				"svix-libs/x/go":                true,
				"svix-libs/1.44.0-something/go": false,
			} {
				a := r.do("GET", path, "", "User-Agent", agent).want(http.StatusOK)
				if got := strings.Contains(a.text, `"`+name+`"`); got != want {
					r.Errorf("%s to %q has %s: %v", path, agent, name, got)
				}
			}
		}
	})
}

func TestSensitiveHeadersAreNotShown(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		id := r.endpointAt("acme", `,"headers":{"Authorization":"Bearer hidden-1","X-Api-Key":"hidden-2","Cookie":"hidden-3","X-Team":"shown"}`)
		path := "/api/v1/app/acme/endpoint/" + id + "/headers"
		a := r.do("GET", path, "").want(http.StatusOK).
			is("headers", map[string]string{"X-Team": "shown"}).is("sensitive", []string{"Authorization", "Cookie", "X-Api-Key"})
		if everything := a.text + r.do("GET", "/api/v1/app/acme/endpoint/"+id, "").text + r.do("GET", "/api/v1/app/acme/endpoint", "").text; strings.Contains(everything, "hidden") {
			r.Error("a sensitive value was shown")
		}

		r.do("PATCH", path, `{"headers":{"x-team":"changed","X-New":"n","Cookie":null},"deleteHeaders":["x-api-key"]}`).want(http.StatusNoContent)
		r.do("GET", path, "").is("headers", map[string]string{"x-team": "changed", "X-New": "n"}).is("sensitive", []string{"Authorization"})
		r.publishTo("acme", "a", "{}")
		if got := r.delivered(); len(got) != 1 || got[0].header.Get("Authorization") != "Bearer hidden-1" {
			r.Error("a header field that isn't shown isn't sent")
		}

		r.do("PATCH", path, `{"headers":{"X-Bad":"a\r\nb"}}`).wrongAt("body", "headers")
		r.do("PUT", path, `{"headers":{"X-Only":"o"}}`).want(http.StatusNoContent)
		r.do("GET", path, "").is("headers", map[string]string{"X-Only": "o"}).is("sensitive", []string{})
		r.do("PUT", path, `{}`).wrongAt("body", "headers")
	})
}

func TestSecretsRotateWithAnOverlap(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		id := r.endpointAt("acme", `,"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`)
		path := "/api/v1/app/acme/endpoint/" + id + "/secret"
		r.do("GET", path, "").want(http.StatusOK).is("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
		signatures := func() int {
			r.Helper()
			r.publishTo("acme", "a", "{}")
			all := r.delivered()
			return len(strings.Fields(all[len(all)-1].header.Get("Webhook-Signature")))
		}
		if n := signatures(); n != 1 {
			r.Errorf("%d signatures before", n)
		}
		r.do("POST", path+"/rotate", `{}`).want(http.StatusNoContent)
		if r.do("GET", path, "").get("key") == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" {
			r.Error("the secret is the old one")
		}
		if n := signatures(); n != 2 {
			r.Errorf("%d signatures after", n)
		}
		r.later(23 * time.Hour)
		if n := signatures(); n != 2 {
			r.Errorf("%d signatures after 23 hours", n)
		}
		r.later(2 * time.Hour)
		if n := signatures(); n != 1 {
			r.Errorf("%d signatures after 25 hours", n)
		}
		r.do("POST", path+"/rotate", `{"key":"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD","gracePeriodSeconds":0}`).want(http.StatusNoContent)
		r.do("GET", path, "").is("key", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
		if n := signatures(); n != 1 {
			r.Errorf("%d signatures without an overlap", n)
		}
		r.do("POST", path+"/rotate", "").want(http.StatusNoContent)
		r.do("POST", path+"/rotate", `{"gracePeriodSeconds":604801}`).wrongAt("body", "gracePeriodSeconds")
		a := r.do("POST", path+"/rotate", `{"key":"tooshort"}`).wrongAt("body", "key")
		if strings.Contains(a.text, "tooshort") {
			r.Error("a secret is repeated")
		}
	})
}

func TestAPatchedSecretOverlapsTheOldOne(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		path := "/api/v1/app/acme/endpoint/" + r.endpointAt("acme", "")
		r.do("PATCH", path, `{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`).want(http.StatusOK)
		r.do("GET", path+"/secret", "").is("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
		r.publishTo("acme", "a", "{}")
		if n := len(strings.Fields(r.delivered()[0].header.Get("Webhook-Signature"))); n != 2 {
			r.Errorf("%d signatures", n)
		}
		r.do("PATCH", path, `{"secret":"short"}`).wrongAt("body", "secret")
	})
}

// A client's copy of a request must not make another secret.
func TestACopyOfARotationRotatesOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		path := "/api/v1/app/acme/endpoint/" + r.endpointAt("acme", "") + "/secret"
		r.do("POST", path+"/rotate", "{}", "Idempotency-Key", "k").want(http.StatusNoContent)
		key := r.do("GET", path, "").get("key")
		r.do("POST", path+"/rotate", "{}", "Idempotency-Key", "k").want(http.StatusNoContent)
		r.do("GET", path, "").is("key", key)
	})
}
