package api

import (
	"net/http"
	"regexp"
	"slices"
	"testing"
)

func TestApplicationsAreKeptAsSvixKeepsThem(t *testing.T) {
	inBubble(t, func(r *rig) {
		created := r.do("POST", "/api/v1/app", `{"name":"Acme","uid":"acme","rateLimit":7,"metadata":{"plan":"pro"},"unheard":{"of":[1]}}`).
			want(http.StatusCreated).
			is("name", "Acme").is("uid", "acme").is("rateLimit", 7).is("throttleRate", 7).is("metadata.plan", "pro")
		if at := created.get("createdAt").(string); !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`).MatchString(at) {
			r.Errorf("createdAt is %q", at)
		}
		id := created.id()
		r.do("GET", "/api/v1/app/"+id, "").want(http.StatusOK).is("uid", "acme")
		r.do("GET", "/api/v1/app/acme", "").want(http.StatusOK).is("id", id)

		r.do("POST", "/api/v1/app", `{"name":"Other","uid":"acme"}`).want(http.StatusConflict).is("code", "conflict")
		r.do("POST", "/api/v1/app?get_if_exists=true", `{"name":"Other","uid":"acme"}`).want(http.StatusOK).is("id", id).is("name", "Acme")
		r.do("POST", "/api/v1/app?get_if_exists=true", `{"name":"New","uid":"new"}`).want(http.StatusCreated)

		r.do("PATCH", "/api/v1/app/acme", `{"throttleRate":9}`).want(http.StatusOK).is("rateLimit", 9).is("name", "Acme").is("metadata.plan", "pro")
		r.do("PATCH", "/api/v1/app/acme", `{"rateLimit":null}`).want(http.StatusOK).is("rateLimit", nil)
		r.do("PATCH", "/api/v1/app/acme", `{"name":null}`).wrongAt("body", "name")
		r.do("PATCH", "/api/v1/app/acme", `{"uid":"new"}`).want(http.StatusConflict)

		// An update replaces everything, so that what isn't said is gone.
		r.do("PUT", "/api/v1/app/"+id, `{"name":"Renamed"}`).want(http.StatusOK).is("name", "Renamed").is("uid", nil).is("metadata", map[string]any{})
		r.do("PUT", "/api/v1/app/absent", `{"name":"Made"}`).want(http.StatusCreated).is("uid", "absent")
		r.do("PUT", "/api/v1/app/absent2", `{"name":"Made","uid":"elsewhere"}`).want(http.StatusCreated).is("uid", "elsewhere")
		r.do("PUT", "/api/v1/app/app_doesnotexist", `{"name":"Made"}`).want(http.StatusNotFound)

		r.do("DELETE", "/api/v1/app/"+id, "").want(http.StatusNoContent)
		r.do("GET", "/api/v1/app/"+id, "").want(http.StatusNotFound).is("code", "not_found").is("detail", "Entity not found")
		r.do("DELETE", "/api/v1/app/"+id, "").want(http.StatusNotFound)
	})
}

func TestWrongInputIsToldByItsPlace(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		for _, c := range []struct {
			method, path, body string
			place              []string
		}{
			{"POST", "/api/v1/app", ``, []string{"body"}},
			{"POST", "/api/v1/app", `{`, []string{"body"}},
			{"POST", "/api/v1/app", `[]`, []string{"body"}},
			{"POST", "/api/v1/app", `{"name":"a"} x`, []string{"body"}},
			{"POST", "/api/v1/app", "{\"name\":\"\xff\"}", []string{"body"}},
			{"POST", "/api/v1/app", `{"name":"a","name":"b"}`, []string{"body"}},
			{"POST", "/api/v1/app", `{"name":"a","n\u0061me":"b"}`, []string{"body"}},
			{"POST", "/api/v1/app", `{}`, []string{"body", "name"}},
			{"POST", "/api/v1/app", `{"Name":"case counts"}`, []string{"body", "name"}},
			{"POST", "/api/v1/app", `{"name":null}`, []string{"body", "name"}},
			{"POST", "/api/v1/app", `{"name":7}`, []string{"body", "name"}},
			{"POST", "/api/v1/app", `{"name":""}`, []string{"body", "name"}},
			{"POST", "/api/v1/app", `{"name":"a","uid":"$$"}`, []string{"body", "uid"}},
			{"POST", "/api/v1/app", `{"name":"a","rateLimit":0}`, []string{"body", "rateLimit"}},
			{"POST", "/api/v1/app", `{"name":"a","rateLimit":"5"}`, []string{"body", "rateLimit"}},
			{"POST", "/api/v1/app", `{"name":"a","rateLimit":1.0}`, []string{"body", "rateLimit"}},
			{"POST", "/api/v1/app", `{"name":"a","metadata":{"x":1}}`, []string{"body", "metadata"}},
			{"POST", "/api/v1/app", `{"name":"a","metadata":{"x":null}}`, []string{"body", "metadata"}},
			{"POST", "/api/v1/app?get_if_exists=yes", `{"name":"a"}`, []string{"query", "get_if_exists"}},
			{"GET", "/api/v1/app?limit=0", ``, []string{"query", "limit"}},
			{"GET", "/api/v1/app?limit=251", ``, []string{"query", "limit"}},
			{"GET", "/api/v1/app?limit=5&limit=6", ``, []string{"query", "limit"}},
			{"GET", "/api/v1/app?order=up", ``, []string{"query", "order"}},
			{"GET", "/api/v1/app?x=%zz", ``, []string{"query"}},
			{"GET", "/api/v1/app/acme/msg?after=yesterday", ``, []string{"query", "after"}},
			{"POST", "/api/v1/app/acme/endpoint", `{}`, []string{"body", "url"}},
			{"POST", "/api/v1/app/acme/endpoint", `{"url":"not a url"}`, []string{"body", "url"}},
			{"POST", "/api/v1/app/acme/endpoint", `{"url":"https://a.example","filterTypes":[]}`, []string{"body", "filterTypes"}},
			{"POST", "/api/v1/app/acme/endpoint", `{"url":"https://a.example","eventTypes":[]}`, []string{"body", "eventTypes"}},
			{"POST", "/api/v1/app/acme/endpoint", `{"url":"https://a.example","filterTypes":["a",null]}`, []string{"body", "filterTypes"}},
			{"POST", "/api/v1/app/acme/endpoint", `{"url":"https://a.example","filterTypes":["a..b"]}`, []string{"body", "filterTypes"}},
			{"POST", "/api/v1/app/acme/endpoint", `{"url":"https://a.example","secret":"short"}`, []string{"body", "secret"}},
			{"POST", "/api/v1/app/acme/endpoint", `{"url":"https://a.example","headers":{"Host":"x"}}`, []string{"body", "headers"}},
			{"POST", "/api/v1/app/acme/msg", `{"payload":{}}`, []string{"body", "eventType"}},
			{"POST", "/api/v1/app/acme/msg", `{"eventType":"a b","payload":{}}`, []string{"body", "eventType"}},
			{"POST", "/api/v1/app/acme/msg", `{"eventType":"a"}`, []string{"body", "payload"}},
			{"POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":null}`, []string{"body", "payload"}},
			{"POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":[1]}`, []string{"body", "payload"}},
			{"POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":"text"}`, []string{"body", "payload"}},
			{"POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":{},"payload":{}}`, []string{"body"}},
			{"POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":{},"channels":[]}`, []string{"body", "channels"}},
			{"POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":{},"deliverAt":"soon"}`, []string{"body", "deliverAt"}},
			{"POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":{},"application":{"name":"x"}}`, []string{"body", "application", "uid"}},
			{"POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":{},"transformationsParams":{"rawPayload":1}}`, []string{"body", "transformationsParams", "rawPayload"}},
			{"POST", "/api/v1/event-type", `{"name":"a"}`, []string{"body", "description"}},
			{"POST", "/api/v1/event-type", `{"name":"a","description":"","schemas":{"v1":{}}}`, []string{"body", "schemas", "v1"}},
			{"POST", "/api/v1/event-type", `{"name":"a","description":"","schemas":{"1":{"type":7}}}`, []string{"body", "schemas", "1"}},
		} {
			r.do(c.method, c.path, c.body).wrongAt(c.place...)
		}
	})
}

func TestWrongInputIsToldAllAtOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.do("POST", "/api/v1/app", `{"uid":7,"rateLimit":-1,"metadata":[]}`).
			wrongAt("body", "name").wrongAt("body", "uid").wrongAt("body", "rateLimit").wrongAt("body", "metadata")
	})
}

func TestPagesLeadThroughAListAndBack(t *testing.T) {
	inBubble(t, func(r *rig) {
		var all []string
		for range 7 {
			all = append(all, r.do("POST", "/api/v1/app", `{"name":"x"}`).want(http.StatusCreated).id())
		}
		for _, order := range []string{"ascending", "descending"} {
			var got []string
			path := "/api/v1/app?limit=3&order=" + order
			page := r.do("GET", path, "").want(http.StatusOK)
			for got = page.ids(); !page.get("done").(bool); got = append(got, page.ids()...) {
				page = r.do("GET", path+"&iterator="+page.get("iterator").(string), "").want(http.StatusOK)
			}
			if !slices.Equal(got, all) {
				r.Errorf("%s: got %q, want %q", order, got, all)
			}
			// The last page has one; before it are the three of the second.
			back := r.do("GET", path+"&iterator="+page.get("prevIterator").(string), "").want(http.StatusOK)
			if !slices.Equal(back.ids(), all[3:6]) {
				r.Errorf("%s: back are %q, want %q", order, back.ids(), all[3:6])
			}
			slices.Reverse(all)
		}
		r.do("GET", "/api/v1/event-type", "").want(http.StatusOK).is("data", []any{}).is("iterator", nil).is("done", true)
	})
}

func TestCopiesOfARequestAreDoneOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		first := r.do("POST", "/api/v1/app", `{"name":"x"}`, "Idempotency-Key", "k1").want(http.StatusCreated).id()
		if again := r.do("POST", "/api/v1/app", `{"name":"x"}`, "Idempotency-Key", "k1").want(http.StatusCreated).id(); again != first {
			r.Error("a copy was done again")
		}
		for _, other := range []response{
			r.do("POST", "/api/v1/app", `{"name":"x"}`, "Idempotency-Key", "k2"),
			r.do("POST", "/api/v1/app", `{"name":"x"}`),
			r.do("POST", "/api/v1/app", `{"name":"x"}`, "Idempotency-Key", "k1", "Authorization", "Bearer "+otherToken),
			r.do("POST", "/api/v1/app?get_if_exists=false", `{"name":"x"}`, "Idempotency-Key", "k1"),
		} {
			if other.want(http.StatusCreated).id() == first {
				r.Error("another request was taken for a copy")
			}
		}
		// What failed may be tried again.
		r.do("POST", "/api/v1/app", `{"name":""}`, "Idempotency-Key", "k3").want(http.StatusUnprocessableEntity)
		r.do("POST", "/api/v1/app", `{"name":"x"}`, "Idempotency-Key", "k3").want(http.StatusCreated)

		r.later(13 * 60 * 60 * 1e9)
		if late := r.do("POST", "/api/v1/app", `{"name":"x"}`, "Idempotency-Key", "k1").want(http.StatusCreated).id(); late == first {
			r.Error("a key was remembered for too long")
		}
	})
}
