package caddymodule_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// As for deliveries: whoever can read a log, a metric, an event or /config/ must learn nothing with which
// to publish, to sign as this gateway does, or of what is published.
func TestNoSecretTokenOrPayloadOfWhatIsPublishedIsToldAnywhere(t *testing.T) {
	app := newApp(t)
	const (
		payload       = "the-payload-that-must-not-be-told"
		query         = "the-query-that-must-not-be-told"
		response      = "the-answer-that-must-not-be-told"
		authorization = "the-authorization-that-must-not-be-told"
		proxyPassword = "the-password-that-must-not-be-told"
		fileSecret    = "the-secret-of-a-file-of-subscriptions"
		guess         = "the-guess-at-a-token"
	)
	t.Setenv("SUBSCRIBER_AUTHORIZATION", authorization)
	t.Setenv("PROXY_URL", "http://user:"+proxyPassword+"@"+app.address())
	file := filepath.Join(t.TempDir(), "subscriptions.json")
	subscriptions := `{"webhooks": [{"url": "http://` + app.address() + `/file?key=` + query + `", "secret": "` + fileSecret + `", "scheme": "generic", "headers": {"X-Token": "` + authorization + `"}}]}`
	if err := os.WriteFile(file, []byte(subscriptions), 0o600); err != nil {
		t.Fatal(err)
	}
	app.answers(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/refuses":
			w.WriteHeader(400)
		case "/gone":
			w.WriteHeader(410)
		case "/breaks":
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write([]byte(response))
	})
	var endpoints []string
	for _, path := range []string{"/takes", "/refuses", "/gone", "/breaks"} {
		endpoints = append(endpoints, subscriber(path+"?key="+query, "name e"+path[1:], "header Authorization {env.SUBSCRIBER_AUTHORIZATION}"))
	}
	endpoints = append(endpoints, "subscriptions "+file)
	g := startPublish(t, app, endpoints...)
	var told strings.Builder
	tell := func(a *answer) {
		_ = a.header.Write(&told)
		told.WriteString(a.body + "\n")
	}
	body := []byte(`{"event":"order.created","data":"` + payload + `"}`)
	tell(g.post("/publish", authorized(), body).wants(t, 202))
	tell(g.post("/publish", header("Authorization", "Bearer "+guess), body).wants(t, 401))
	tell(g.post("/publish", authorized(), body[1:]))
	tell(g.post("/api/v1/app", authorized(), body))
	// Three endpoints are done at once, two have three retries each.
	g.log.await(t, 5, func(l logLine) bool { return l.Logger == "webhook.outbound" && l.Attempt > 0 && l.Next == 0 })
	g.mustReload(publishing(append(endpoints, "proxy {env.PROXY_URL}")...))
	tell(g.postAfterReload("/publish", authorized(), body).wants(t, 202))
	if status, text := g.reload(publishing(append(endpoints, "proxy {env.NEVER_SET_ANYWHERE}")...)); status == 200 {
		t.Fatal("an unset proxy was accepted")
	} else {
		told.WriteString(text)
	}
	for _, path := range []string{
		"/config/", "/metrics", "/webhook_gateway/outbound/messages", "/webhook_gateway/outbound/messages?status=fail", "/webhook_gateway/outbound/endpoints",
		"/webhook_gateway/outbound/attempts?endpoint=erefuses", "/webhook_gateway/outbound/attempts?endpoint=ebreaks",
	} {
		tell(g.askAdmin(http.MethodGet, path).wants(t, 200))
	}
	if err := caddy.Stop(); err != nil {
		told.WriteString(err.Error())
	}
	for len(events) > 0 {
		told.Write(mustJSON(t, (<-events).data))
	}
	log := withoutRequestHeaders(t, g.log)
	for where, text := range map[string]string{"the log": log, "an answer, a metric, an event or the configuration": told.String()} {
		for _, word := range []string{payload, response, authorization, proxyPassword, fileSecret, subscriberSecret, publishToken, guess} {
			for _, written := range []string{word, base64.StdEncoding.EncodeToString([]byte(word)), hex.EncodeToString([]byte(word))} {
				if at := strings.Index(text, written); at >= 0 {
					t.Errorf("%s has %q: …%s…", where, written, text[max(0, at-300):min(len(text), at+100)])
				}
			}
		}
	}
	if at := strings.Index(log, query); at >= 0 {
		t.Errorf("the log has %q: …%s", query, log[max(0, at-300):at])
	}
	if !strings.Contains(log, "webhook sent") || !strings.Contains(told.String(), "webhook_endpoint_disabled") && !strings.Contains(told.String(), `"reason":"gone"`) {
		t.Error("the test has nothing to look at")
	}
}
