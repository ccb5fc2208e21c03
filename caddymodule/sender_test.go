package caddymodule_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

// secrets are the secrets of the presets and of "acme", the custom scheme.
var secrets = map[string]string{
	"github":   "github-secret-0123456789abcdef",
	"generic":  "generic-secret-0123456789abcdef",
	"gstable":  "wkk_gstable-secret-0123456789abcdef",
	"slack":    "slack-secret-0123456789abcdef",
	"standard": "whsec_c3RhbmRhcmQtc2VjcmV0LTAxMjM0NTY3ODlhYmNkZWY=",
	"stripe":   "whsec_stripe-secret-0123456789abcdef",
	"acme":     "acme-secret-0123456789abcdef",
}

// endToEnd are the presets that the tests with a gateway and an app go through: the first ones, and one of
// each way to sign. Package verifiers has tests of them all.
var endToEnd = []string{
	"chargebee", "discord", "dropbox", "generic", "github", "github-sha1", "gitlab-token", "gstable", "hubspot-v1", "mollie-nextgen",
	"sendgrid", "slack", "standard", "stripe", "twitch",
}

func init() {
	for _, name := range endToEnd {
		if secrets[name] == "" {
			scheme, _ := verifiers.Preset(name)
			secrets[name] = scheme.SampleSecret()
		}
	}
}

// variableOf names the environment variable of a provider's secret.
func variableOf(provider string) string { return "SECRET_OF_" + strings.ToUpper(provider) }

// sender signs deliveries as a provider does.
type sender struct {
	t        *testing.T
	provider string
	verifier *verifiers.Verifier
}

// newSender returns a sender of a preset, with the secret that the gateway has.
func newSender(t *testing.T, provider string) *sender {
	t.Helper()
	return newSenderOf(t, provider, secrets[provider])
}

// newSenderOf returns a sender with secrets of its own.
func newSenderOf(t *testing.T, provider string, texts ...string) *sender {
	t.Helper()
	scheme, ok := verifiers.Preset(provider)
	if !ok {
		t.Fatalf("no preset %q", provider)
	}
	return newSenderWith(t, scheme, texts...)
}

// newSenderWith returns a sender of a scheme of its own.
func newSenderWith(t *testing.T, scheme verifiers.Scheme, texts ...string) *sender {
	t.Helper()
	var keys []verifiers.Secret
	for _, text := range texts {
		keys = append(keys, verifiers.NewSecret("", text))
	}
	v, err := verifiers.New(scheme, keys, verifiers.Options{AllowShort: true, AllowWeak: true})
	if err != nil {
		t.Fatal(err)
	}
	return &sender{t, scheme.Name, v}
}

// sign returns the header of a delivery.
func (s *sender) sign(m verifiers.Message) http.Header {
	s.t.Helper()
	header, err := s.verifier.Sign(m)
	if err != nil {
		s.t.Fatal(err)
	}
	return header
}

// headerOf returns the header of a delivery of that body, signed now, with a new id.
func (s *sender) headerOf(body []byte) http.Header {
	s.t.Helper()
	return s.sign(verifiers.Message{ID: newID(), Event: "push", Body: body})
}

var (
	lastID  atomic.Int64
	firstID = time.Now().UnixNano()
)

// newID returns an id that no other delivery of the process has, also when the tests run twice.
func newID() string { return fmt.Sprintf("id-%d-%d", firstID, lastID.Add(1)) }

// newBody returns a JSON body that no other delivery has. It has the ids and events of all presets.
func newBody() []byte {
	id := newID()
	return fmt.Appendf(nil, `{"id":%q,"eventId":%q,"event_id":%q,"type":"push","eventType":"push","action":"opened"}`, id, id, id)
}

// header returns a header of names and values.
func header(pairs ...string) http.Header {
	h := make(http.Header)
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// with returns the header with more in it.
func with(h http.Header, pairs ...string) http.Header {
	h = h.Clone()
	for name, values := range header(pairs...) {
		h[name] = append(h[name], values...)
	}
	return h
}
