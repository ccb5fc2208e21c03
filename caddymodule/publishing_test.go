package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/outbound/api"
	"github.com/hookseal/hookseal/outbound/journaltest"
)

// newPublish returns a handler of a configuration that has not started.
func newPublish(t *testing.T, identity string) *Publish {
	t.Helper()
	token, err := api.NewToken(longSecret)
	if err != nil {
		t.Fatal(err)
	}
	return &Publish{gateway: &Gateway{outbound: &Outbound{identity: identity}}, tokens: []api.Token{token}}
}

// publishOnce sends an event to a handler.
func publishOnce(p *Publish) (*httptest.ResponseRecorder, error) {
	r := httptest.NewRequest(http.MethodPost, "/publish", strings.NewReader(`{"event":"order.created","data":{}}`))
	r.Header.Set("Authorization", "Bearer "+longSecret)
	w := httptest.NewRecorder()
	err := p.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { panic("the next handler was called") }))
	return w, err
}

func TestBeforeThereIsAHubPublishersAreToldToTryAgain(t *testing.T) {
	w, err := publishOnce(newPublish(t, t.Name()))
	if failed, ok := err.(caddyhttp.HandlerError); !ok || failed.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("got error %v", err)
	}
	if w.Header().Get("Retry-After") == "" {
		t.Error("answered without Retry-After")
	}
}

// While one configuration replaces another the servers of the new one may listen before its app has
// started: publishers must see nothing of a reload.
func TestUntilAConfigurationHasStartedTheHubThatRunsTakesItsEvents(t *testing.T) {
	h := mustEnter(t, newTenant(journaltest.NewMemory()))
	w, err := publishOnce(newPublish(t, t.Name()))
	if err != nil || w.Code != http.StatusAccepted {
		t.Fatalf("answered %d, %v", w.Code, err)
	}
	messages, _, err := h.hub.Messages(t.Context(), outbound.DefaultApplication, outbound.MessageFilter{}, outbound.Page{Limit: 10}, false)
	if err != nil || len(messages) != 1 {
		t.Errorf("the hub has %d messages, %v", len(messages), err)
	}
	if _, err := publishOnce(newPublish(t, "of another journal")); err == nil {
		t.Error("the hub of another journal took an event")
	}
}
