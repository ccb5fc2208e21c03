package api

import (
	"net/http"
	"testing"
	"time"
)

func TestAttemptsAreListedAndDeadLettersFound(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		endpoint := r.endpointAt("acme", `,"uid":"sub"`)
		base := "/api/v1/app/acme"
		good := r.publishTo("acme", "a", `{"n":1}`)
		r.delivered()
		r.answers(http.StatusInternalServerError)
		bad := r.do("POST", base+"/msg", `{"eventType":"b","eventId":"ev","payload":{"n":2},"tags":["t"]}`).want(http.StatusAccepted).id()
		r.delivered()

		first := r.do("GET", base+"/attempt/endpoint/sub", "").want(http.StatusOK).
			is("data.0.msgId", bad).is("data.0.endpointId", endpoint).is("data.0.status", 2).is("data.0.statusText", "fail").
			is("data.0.responseStatusCode", 500).is("data.0.response", "what the subscriber said").is("data.0.triggerType", 0).
			is("data.0.url", "https://subscriber.example/hook").is("data.1.msgId", good).is("data.1.status", 0).is("data.0.msg", nil)
		attempt := first.get("data.0.id").(string)
		r.do("GET", base+"/attempt/msg/ev", "").want(http.StatusOK).is("data.0.id", attempt)
		r.do("GET", base+"/msg/ev/attempt", "").want(http.StatusOK).is("data.0.id", attempt)
		r.do("GET", base+"/msg/ev/endpoint/sub/attempt", "").want(http.StatusOK).is("data.0.id", attempt)
		r.do("GET", base+"/msg/ev/attempt/"+attempt, "").want(http.StatusOK).is("id", attempt).is("response", "what the subscriber said")
		r.do("GET", base+"/msg/"+good+"/attempt/"+attempt, "").want(http.StatusNotFound)
		r.do("GET", base+"/attempt/endpoint/sub?with_content=false&with_msg=true", "").is("data.0.response", "{}").is("data.0.msg.eventId", "ev").is("data.0.msg.payload", map[string]any{})

		for query, want := range map[string]int{
			"status=0": 1, "status=2": 1, "status=1": 0, "status=4": 0, "status_code_class=500": 1, "status_code_class=200": 1,
			"status_code_class=0": 0, "event_types=a": 1, "tag=t": 1, "channel=x": 0, "expanded_statuses=true": 2,
		} {
			if got := len(r.do("GET", base+"/attempt/endpoint/sub?"+query, "").want(http.StatusOK).ids()); got != want {
				r.Errorf("%s: %d attempts, want %d", query, got, want)
			}
		}
		r.do("GET", base+"/attempt/endpoint/sub?status=5", "").wrongAt("query", "status")
		r.do("GET", base+"/attempt/endpoint/sub?status_code_class=201", "").wrongAt("query", "status_code_class")
		r.do("GET", base+"/attempt/msg/ev?endpoint_id=nobody", "").want(http.StatusNotFound)

		// On its way, then dead.
		r.do("GET", base+"/msg/ev/endpoint", "").want(http.StatusOK).is("data.0.id", endpoint).is("data.0.status", 1).is("data.0.statusText", "pending").is("data.0.uid", "sub")
		if r.do("GET", base+"/msg/ev/endpoint", "").get("data.0.nextAttempt") == nil {
			r.Error("nothing says when the next attempt is")
		}
		r.do("GET", base+"/endpoint/sub/stats", "").want(http.StatusOK).is("success", 1).is("pending", 1).is("fail", 0).is("sending", 0)
		r.later(48 * time.Hour)
		r.do("GET", base+"/endpoint/sub/msg?status=2", "").want(http.StatusOK).
			is("data.0.id", bad).is("data.0.status", 2).is("data.0.payload.n", 2).is("data.0.nextAttempt", nil).is("done", true)
		r.do("GET", base+"/endpoint/sub/msg?status=2&with_content=false", "").is("data.0.payload", map[string]any{})
		r.do("GET", base+"/endpoint/sub/stats?since=1999-12-31T00:00:00Z", "").is("fail", 1)
		r.do("GET", base+"/endpoint/sub/stats?until=1999-01-01T00:00:00Z", "").is("fail", 0)

		// And alive again.
		r.answers(http.StatusNoContent)
		r.do("POST", base+"/msg/ev/endpoint/sub/resend", "").want(http.StatusAccepted)
		r.delivered()
		r.do("GET", base+"/attempt/msg/ev?limit=1", "").is("data.0.triggerType", 1).is("data.0.status", 0)
		r.do("GET", base+"/endpoint/sub/stats", "").is("fail", 0).is("success", 2)
		r.do("POST", base+"/msg/nothing/endpoint/sub/resend", "").want(http.StatusNotFound)
		r.do("POST", base+"/msg/ev/endpoint/nobody/resend", "").want(http.StatusNotFound)
	})
}

func TestWhatFailedOrIsMissingCanBeSentAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		base := "/api/v1/app/acme/endpoint/"
		before := r.publishTo("acme", "a", "{}")
		endpoint := r.endpointAt("acme", "")
		r.answers(http.StatusInternalServerError)
		failed := r.publishTo("acme", "a", "{}")
		r.later(48 * time.Hour)
		r.answers(http.StatusNoContent)
		since := time.Now().Add(-72 * time.Hour).UTC().Format(time.RFC3339)

		r.do("POST", base+endpoint+"/recover", `{}`).wrongAt("body", "since")
		r.do("POST", base+endpoint+"/recover", `{"since":"`+since+`"}`).want(http.StatusAccepted).is("status", "finished").is("task", "endpoint.recover").id()
		r.delivered()
		if got := r.do("GET", "/api/v1/app/acme/endpoint/"+endpoint+"/msg?status=0", "").ids(); len(got) != 1 || got[0] != failed {
			r.Errorf("recovered %q, want %s", got, failed)
		}
		r.do("POST", base+endpoint+"/replay-missing", `{"since":"`+since+`"}`).want(http.StatusAccepted).is("task", "endpoint.replay").id()
		r.delivered()
		if got := r.do("GET", "/api/v1/app/acme/endpoint/"+endpoint+"/msg?status=0", "").ids(); len(got) != 2 || got[1] != before {
			r.Errorf("replayed %q, want %s", got, before)
		}
		r.do("PATCH", base+endpoint, `{"disabled":true}`).want(http.StatusOK)
		r.do("POST", base+endpoint+"/recover", `{"since":"`+since+`"}`).wrongAt("path", "endpoint_id")
		r.do("POST", base+"nobody/recover", `{"since":"`+since+`"}`).want(http.StatusNotFound)
	})
}
