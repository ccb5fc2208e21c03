package caddymodule

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// TestHandshakeOpensAndFetches: what comes to the terminal is the secret alone on a line, so that it can be
// sent into a file.
func TestHandshakeOpensAndFetches(t *testing.T) {
	var requests []string
	status, answer := http.StatusOK, ""
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		requests = append(requests, req.Method+" "+req.RequestURI)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer admin.Close()
	address := strings.TrimPrefix(admin.URL, "http://")

	answer = `{"route":"a/b","provider":"asana","until":"2026-01-01T00:00:00Z"}`
	if out, err := runCommand("", "handshake", "a/b", "--open", "5m", "--address", address); err != nil || !strings.HasPrefix(out, "open until ") {
		t.Errorf("got error %v and %q", err, out)
	}
	status = http.StatusAccepted
	if out, err := runCommand("", "handshake", "a/b", "--address", address); err == nil || !strings.HasPrefix(err.Error(), "no handshake has come yet: ") || out != "" {
		t.Errorf("got error %v and %q", err, out)
	}
	status, answer = http.StatusOK, `{"route":"a/b","provider":"asana","secret":"the-secret","from":"192.0.2.1","at":"2026-01-01T00:00:00Z","refused":2}`
	out, err := runCommand("", "handshake", "a/b", "--address", address)
	if lines := strings.Split(out, "\n"); err != nil || !slices.Contains(lines, "the-secret") || !strings.Contains(out, "came from 192.0.2.1") || !strings.Contains(out, "2 more came after it and were refused") {
		t.Errorf("got error %v and %q", err, out)
	}
	status, answer = http.StatusNotFound, `{"error":"no window is open for this route"}`
	if out, err := runCommand("", "handshake", "a/b", "--address", address); err == nil || !strings.Contains(err.Error(), "no window is open") || out != "" {
		t.Errorf("got error %v and %q", err, out)
	}
	if want := []string{"POST /webhook_gateway/handshakes/a%2Fb?for=5m0s", "GET /webhook_gateway/handshakes/a%2Fb", "GET /webhook_gateway/handshakes/a%2Fb", "GET /webhook_gateway/handshakes/a%2Fb"}; !slices.Equal(requests, want) {
		t.Errorf("got %q", requests)
	}
}
