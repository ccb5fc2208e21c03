package caddymodule_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/hookseal/hookseal/verifiers"
)

// hookaido GHSA-cpfq-rj4r-hh5c, adnanh/webhook#85, caddy-hmac: the expected digest stood in a log, an
// error or a placeholder, and whoever could read that could forge. Nothing of ours, anywhere, has a
// secret, an expected digest or a piece of a body.
func TestNoSecretDigestOrBodyIsToldAnywhere(t *testing.T) {
	app, store := newApp(t), newStore(t)
	const unique = "the-body-that-must-not-be-told"
	providers := []string{"github", "generic", "gstable", "slack", "standard", "stripe"}
	var site strings.Builder
	for _, p := range providers {
		site.WriteString("handle /" + p + " {\n" + verifyBlock(p, "max_body 10KiB") + "\nwebhook_route {\nrequire `body.must.exist == 'yes'`\nwhen `body.other == 1` {\n}\notherwise {\nreverse_proxy APP\n}\n}\n}\n")
	}
	g := start(t, "{\nGLOBALS\nwebhook_gateway {\nreplay webhook_test\nbody_timeout 200ms\n}\nevents {\non * webhook_test\n}\n}\nSITE {\nlog\n"+site.String()+`
handle_errors {
	respond "{err.message} {err.trace} {err.id} {http.webhook.reason} {http.webhook.id} {http.webhook.key}"
}
}`, "APP", app.address())

	var forbidden []string
	for _, provider := range providers {
		secret := secrets[provider]
		forbidden = append(forbidden, secret, strings.TrimPrefix(secret, "whsec_"))
	}
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secrets["standard"], "whsec_"))
	forbidden = append(forbidden, string(key), unique)
	var told strings.Builder
	tell := func(a *answer) {
		_ = a.header.Write(&told)
		told.WriteString(a.body + "\n")
	}
	for _, provider := range providers {
		s := newSender(t, provider)
		forger := newSenderOf(t, provider, "Zm9yZ2VkLXNlY3JldC0wMTIzNDU2Nzg5YWI=")
		for _, text := range []string{
			`{"must":{"exist":"yes"},"id":"ID","x":"` + unique + `"}`, `{"must":"` + unique + `","id":"ID"}`, `{"must":{"exist":"yes"},"other":"` + unique + `","id":"ID"}`,
			unique + ` no JSON ID`, `{"must":{"exist":"yes"},"must":{"exist":"` + unique + `"},"id":"ID"}`,
		} {
			body := []byte(strings.ReplaceAll(text, "ID", newID()))
			forged := forger.headerOf(body)
			tell(g.post("/"+provider, forged, body).wants(t, 401))
			// The digests that would have been right for the forgery are what nobody may learn.
			forbidden = append(forbidden, expected(t, provider, forged, body)...)
			genuine := s.headerOf(body)
			store.fails(errOutage)
			tell(g.post("/"+provider, genuine, body))
			store.fails(nil)
			app.answers(status(500))
			tell(g.post("/"+provider, genuine, body))
			app.answers(status(200))
			tell(g.post("/"+provider, genuine, body))
			tell(g.post("/"+provider, genuine, body))
		}
		header := s.headerOf([]byte(unique))
		tell(g.post("/"+provider, header, bytes.Repeat([]byte(unique), 1000)).wants(t, 413))
		tell(g.dial().writeHead("/"+provider, header, "Content-Length: 100").write(unique).ends().answer().wants(t, 400))
		tell(g.dial().writeHead("/"+provider, header, "Content-Length: 100").write(unique).answer().wants(t, 408))
	}
	for _, path := range []string{"/config/", "/metrics", "/webhook_gateway/claims/none"} {
		tell(g.askAdmin(http.MethodGet, path))
	}
	for len(events) > 0 {
		told.Write(mustJSON(t, (<-events).data))
	}
	log := withoutRequestHeaders(t, g.log)
	for where, text := range map[string]string{"the log": log, "an answer, a metric, an event or the configuration": told.String()} {
		for _, word := range forbidden {
			if at := strings.Index(text, word); at >= 0 {
				t.Errorf("%s has %q: …%s…", where, word, text[max(0, at-300):min(len(text), at+100)])
			}
		}
	}
	if !strings.Contains(log, "webhook rejected") || !strings.Contains(told.String(), "caddy_webhook_deliveries_total") {
		t.Error("the test has nothing to look at")
	}
}

// expected returns the right signature of a forged delivery, as hex and base64.
func expected(t *testing.T, provider string, forged http.Header, body []byte) []string {
	t.Helper()
	var key, content []byte
	key = []byte(secrets[provider])
	switch provider {
	case "github", "generic":
		content = body
	case "gstable":
		content = append([]byte(forged.Get("X-GStable-Timestamp")+":"), body...)
	case "slack":
		content = append([]byte("v0:"+forged.Get("X-Slack-Request-Timestamp")+":"), body...)
	case "standard":
		key, _ = base64.StdEncoding.DecodeString(strings.TrimPrefix(secrets[provider], "whsec_"))
		content = append([]byte(forged.Get("Webhook-Id")+"."+forged.Get("Webhook-Timestamp")+"."), body...)
	case "stripe":
		at := strings.TrimPrefix(strings.Split(forged.Get("Stripe-Signature"), ",")[0], "t=")
		content = append([]byte(at+"."), body...)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(content)
	sum := mac.Sum(nil)
	// That these are the right ones shows in that they verify.
	h := newSender(t, provider).verifier
	again := forged.Clone()
	for name := range again {
		again.Set(name, strings.ReplaceAll(again.Get(name), signatureIn(again.Get(name)), rewritten(again.Get(name), sum)))
	}
	check, err := h.Check(verifiers.Request{Method: http.MethodPost, Header: again, Target: "/"})
	if err != nil {
		t.Fatal(err)
	}
	defer check.Close()
	if _, err := check.Verify(body); err != nil {
		t.Fatalf("%s: the digest to look for is not the expected one: %v", provider, err)
	}
	return []string{hex.EncodeToString(sum), base64.StdEncoding.EncodeToString(sum), base64.RawURLEncoding.EncodeToString(sum)}
}

// signatureIn returns the signature at the end of a header's value, or something that isn't in it.
func signatureIn(value string) string {
	at := strings.LastIndexAny(strings.TrimRight(value, "="), "=,") + 1
	switch signature := value[at:]; {
	case len(signature) == 64, len(signature) == 44 && strings.HasSuffix(signature, "="):
		return signature
	}
	return "\x00"
}

// rewritten returns a signature as value has it.
func rewritten(value string, sum []byte) string {
	if len(signatureIn(value)) == 44 {
		return base64.StdEncoding.EncodeToString(sum)
	}
	return hex.EncodeToString(sum)
}

// withoutRequestHeaders returns the log without the requests' headers, which are what senders sent and
// which Caddy logs, and fails the test if a line is no JSON.
func withoutRequestHeaders(t *testing.T, log *logSink) string {
	t.Helper()
	var text strings.Builder
	for line := range strings.Lines(log.text()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if request, ok := fields["request"].(map[string]any); ok {
			delete(request, "headers")
		}
		text.Write(mustJSON(t, fields))
		text.WriteByte('\n')
	}
	return text.String()
}
