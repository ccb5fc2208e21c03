package verifiers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// These tests guard against mistakes that others made, each named in its comment. What is said of a
// property in general stands in the tests of the noun it belongs to.

// TestNoSecretIsNoVerifier: frain-dev/convoy#2656, tektoncd/triggers without a secretRef,
// adnanh/webhook without a trigger rule, n8n GHSA-jvc7-762p-3743 and WingLim/caddy-webhook accept
// everything when there is nothing to check against.
func TestNoSecretIsNoVerifier(t *testing.T) {
	for _, scheme := range Presets() {
		for _, secrets := range [][]Secret{nil, {}, {{}}, {{Label: "label"}}, {identitySecrets[0], {}}} {
			if v, err := New(scheme, secrets, optionsOf(scheme, Options{AllowShort: true})); v != nil || err == nil {
				t.Errorf("%s with %d secrets: %v", scheme.Name, len(secrets), v)
			}
		}
	}
}

// TestADeliveryWithoutASignatureIsRefused: argo-events' Stripe source has no check and
// WingLim/caddy-webhook takes a request without the header for a good one.
func TestADeliveryWithoutASignatureIsRefused(t *testing.T) {
	for _, scheme := range Presets() {
		v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{}))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []Request{{}, {Header: http.Header{}}, {Method: http.MethodGet, Target: "/"}, {Method: http.MethodOptions, Header: http.Header{"Authorization": {"Bearer x"}}}} {
			want := ErrSignatureMissing
			if r.Header.Get("Authorization") != "" && scheme.Signature.From == "header:Authorization" {
				if want = ErrSignatureMismatch; scheme.Signature.List != nil {
					want = ErrSignatureMalformed // an entry of another name
				}
			}
			if d, err := verify(v, r, nil); err != want {
				t.Errorf("%s: %v, %v", scheme.Name, d, err)
			}
		}
	}
}

// TestTheEmptyKeyIsNoKey: abiosoft/caddy-hmac, svix-bridge's ${VAR} and go-github's
// ValidatePayload take an unset variable for the empty key, with which anybody can sign, or for no
// check at all.
func TestTheEmptyKeyIsNoKey(t *testing.T) {
	mac := hmac.New(sha256.New, nil)
	mac.Write([]byte("body"))
	forged := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	github, _ := Preset("github")
	for _, form := range []KeyForm{"", UTF8, HexKey, Base64Key, Whsec} {
		github.Key = form
		for _, text := range []string{"", "whsec_"} {
			v, err := New(github, []Secret{NewSecret("", text)}, Options{AllowShort: true})
			if err == nil {
				d, err := verify(v, Request{Header: http.Header{"X-Hub-Signature-256": {forged}}}, []byte("body"))
				if err == nil {
					t.Errorf("%s %q: the empty key verified %v", form, text, d)
				}
				if text == "" {
					t.Errorf("%s: the empty secret is accepted", form)
				}
			} else if !errors.Is(err, ErrSecretEmpty) && !errors.Is(err, ErrSecretForm) {
				t.Errorf("%s %q: %v", form, text, err)
			}
		}
	}
}

// TestAMissingTimestampIsNotAFreshOne: own-pay/OwnPay#296 skips the check of the time when its
// header is absent.
func TestAMissingTimestampIsNotAFreshOne(t *testing.T) {
	for _, scheme := range signable() {
		if scheme.Timestamp == nil {
			continue
		}
		r := send(t, scheme, Message{ID: "msg_1"}, 0)
		v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: clock(referenceNow)}))
		if err != nil {
			t.Fatal(err)
		}
		if name, ok := strings.CutPrefix(scheme.Timestamp.From, "header:"); ok {
			r.Header.Del(name)
		} else {
			field, key := v.rules.signature.name, v.rules.time.name
			r.Header.Set(field, strings.Replace(r.Header.Get(field), key+"=", "u=", 1))
		}
		if d, err := verify(v, r, nil); err != ErrTimestampMissing {
			t.Errorf("%s: %v, %v", scheme.Name, d, err)
		}
	}
}

// TestTheIdentityIsNotTheTextOfTheSignature: a replay store keyed on the text takes hex in another
// case, base64 with padding bits set and a list in another order for new deliveries; and
// ShipfoxHQ/shipfox#709 keys it on X-GitHub-Delivery, which anybody can change.
func TestTheIdentityIsNotTheTextOfTheSignature(t *testing.T) {
	github, _ := Preset("github")
	body := []byte("body")
	r := send(t, github, Message{ID: "1", Body: body}, 0)
	want := receive(t, github, r, body)
	r.Header.Set("X-Hub-Signature-256", "sha256="+strings.ToUpper(r.Header.Get("X-Hub-Signature-256")[7:]))
	r.Header.Set("X-GitHub-Delivery", "2")
	if got := receive(t, github, r, body); got != want {
		t.Error("a copy of a delivery of GitHub is another delivery")
	}
	stripe, _ := Preset("stripe")
	r = send(t, stripe, Message{Body: body}, 0)
	want = receive(t, stripe, r, body)
	entries := strings.Split(r.Header.Get("Stripe-Signature"), ",")
	slices.Reverse(entries)
	for len(entries) > 1 {
		r.Header.Set("Stripe-Signature", strings.Join(entries, ","))
		if got := receive(t, stripe, r, body); got != want {
			t.Errorf("a copy of a delivery of Stripe is another delivery: %v", entries)
		}
		entries = entries[1:]
	}
}

// TestTheFutureIsRefused: WebhookX's hmac.go and stripe-go refuse an old time only, so that a copy
// signed with a time far ahead is good for years.
func TestTheFutureIsRefused(t *testing.T) {
	for _, scheme := range signable() {
		if scheme.Timestamp == nil {
			continue
		}
		v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: clock(referenceNow)}))
		if err != nil {
			t.Fatal(err)
		}
		for _, ahead := range []time.Duration{v.Tolerance() + time.Second, 2 * time.Hour, 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
			if d, err := verify(v, send(t, scheme, Message{ID: "msg_1"}, ahead), nil); err != ErrTimestampTooNew {
				t.Errorf("%s, signed %v ahead: %v, %v", scheme.Name, ahead, d, err)
			}
		}
	}
}

// TestAShortHeaderDoesNotPanic: argo-events slices signature[7:], argo-cd CVE-2025-59538 panics on
// a payload it doesn't expect. Here every prefix of every header of a good delivery is tried.
func TestAShortHeaderDoesNotPanic(t *testing.T) {
	for _, v := range validVectors(t) {
		verifier := v.verifier(t, 0)
		for name, values := range v.request().Header {
			for n := range len(values[0]) {
				r := v.request()
				r.Header.Set(name, values[0][:n])
				_, _ = verify(verifier, r, v.body())
				r.Header.Set(name, values[0][n:])
				_, _ = verify(verifier, r, v.body())
			}
		}
		for n := range min(len(v.body()), 300) {
			_, _ = verify(verifier, v.request(), v.body()[:n])
		}
	}
}

// TestNothingPrintsADigestOrASecret: hookaido GHSA-cpfq-rj4r-hh5c, adnanh/webhook#85 and
// abiosoft/caddy-hmac show the expected digest in a log, an error or a placeholder, where whoever
// sent a forgery reads how to sign it.
func TestNothingPrintsADigestOrASecret(t *testing.T) {
	const secret = "a secret that nobody may read"
	key := []byte(secret)
	body := []byte(`{"id":"evt_1","type":"ping"}`)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%d.%s", referenceNow.Unix(), body)
	digest := string(mac.Sum(nil))

	stripe, _ := Preset("stripe")
	v, err := New(stripe, []Secret{NewSecret("label", secret)}, Options{Now: clock(referenceNow)})
	if err != nil {
		t.Fatal(err)
	}
	var values []any
	for _, signature := range []string{strings.Repeat("0", 64), hex.EncodeToString([]byte(digest))} {
		check, err := v.Check(Request{Header: http.Header{"Stripe-Signature": {fmt.Sprintf("t=%d,v1=%s", referenceNow.Unix(), signature)}}})
		if err != nil {
			t.Fatal(err)
		}
		d, err := check.Verify(body)
		d.ID, d.IDSigned = "", false // so that the sum is the identity
		values = append(values, check, *check, d, &d, []Delivery{d}, err, struct{ Delivery }{d})
	}
	values = append(values, v, []*Verifier{v}, struct{ V *Verifier }{v}, stripe, Options{}, identitySecrets[0])
	// The signature's text itself stands in the request that a check holds; here it must not show.
	for _, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%08b"} {
			checkNoneOf(t, fmt.Sprintf("%T with %s", value, verb), fmt.Sprintf(verb, value), secret, digest)
		}
		marshalled, err := json.Marshal(value)
		if err == nil {
			checkNoneOf(t, fmt.Sprintf("%T as JSON", value), string(marshalled), secret, digest)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, v); got != "verifier of stripe" {
			t.Errorf("a verifier prints as %q with %s", got, verb)
		}
	}
	for _, r := range refusals {
		checkNoneOf(t, r.reason, r.text+r.reason, secret, digest)
	}
	for _, form := range []KeyForm{HexKey, Base64Key, Whsec} {
		_, err := New(Scheme{Key: form, Signature: Signature{From: "header:S"}}, []Secret{NewSecret("", secret)}, Options{})
		checkNoneOf(t, "an error of New", fmt.Sprintf("%v %+v %#v", err, err, err), secret)
	}
}

// TestEverySignatureIsTriedWithEverySecret: hookaido before 2.11 compares only the first of several
// signatures, so that deliveries fail while a secret rolls.
func TestEverySignatureIsTriedWithEverySecret(t *testing.T) {
	for _, name := range []string{"stripe", "standard"} {
		scheme, _ := Preset(name)
		var secrets []Secret
		for i := range MaxSecrets {
			key := fmt.Appendf(nil, "a secret of 24 bytes, %02d", i)
			secrets = append(secrets, NewSecret(fmt.Sprint(i), base64.StdEncoding.EncodeToString(key)))
		}
		all, err := New(scheme, secrets, Options{Now: clock(referenceNow)})
		if err != nil {
			t.Fatal(err)
		}
		header, err := all.Sign(Message{ID: "msg_1", Body: []byte("body")})
		if err != nil {
			t.Fatal(err)
		}
		for i, secret := range secrets {
			one, err := New(scheme, []Secret{secret}, Options{Now: clock(referenceNow)})
			if err != nil {
				t.Fatal(err)
			}
			if d, err := verify(one, Request{Header: header}, []byte("body")); err != nil || d.Key != fmt.Sprint(i) {
				t.Errorf("%s: signature %d under its secret: %v, %v", name, i+1, d, err)
			}
			single, err := one.Sign(Message{ID: "msg_1", Body: []byte("body")})
			if err != nil {
				t.Fatal(err)
			}
			if d, err := verify(all, Request{Header: single}, []byte("body")); err != nil || d.Key != fmt.Sprint(i) {
				t.Errorf("%s: secret %d of all: %v, %v", name, i+1, d, err)
			}
		}
	}
}

// TestTheExactBytesAreSigned: probot/smee.io#78 and convoy#2392 verify JSON that was decoded and
// written again, so that a good delivery fails, or one with the same meaning and other bytes passes.
func TestTheExactBytesAreSigned(t *testing.T) {
	for _, scheme := range covering() {
		for _, body := range []string{
			`{"a":1,"b":[1.0,1e2,"\u00e9é"],"a":2}`, "{\n  \"a\" : 1\n}\n", "payload=%7B%7D&a=b+c", "\x1f\x8b\x08\x00\x00\x00\x00\x00", "\xff\xfe\x00", " ", "\ufeff{}",
		} {
			r := send(t, scheme, Message{ID: "msg_1", Body: []byte(body)}, 0)
			receive(t, scheme, r, []byte(body))
			v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: clock(referenceNow)}))
			if err != nil {
				t.Fatal(err)
			}
			for _, other := range []string{
				strings.TrimSpace(body) + "  ", strings.ReplaceAll(body, " ", ""), strings.ReplaceAll(body, "\\u00e9", "é"),
				strings.ReplaceAll(body, "+", "%20"), strings.ToValidUTF8(body, "\ufffd"), strings.TrimPrefix(body, "\ufeff"), strings.ReplaceAll(body, "\n", "\r\n"),
			} {
				if other == body {
					continue
				}
				if d, err := verify(v, r, []byte(other)); err != ErrSignatureMismatch {
					t.Errorf("%s: %q passes for %q: %v, %v", scheme.Name, other, body, d, err)
				}
			}
		}
	}
}

// TestTheURLIsTheConfigurations: twilio/twilio-node#321 and vellum-ai/vellum-assistant#5235 build the
// signed URL from Host or X-Forwarded-*, which whoever sends the request chooses.
func TestTheURLIsTheConfigurations(t *testing.T) {
	scheme := Scheme{Signature: Signature{From: "header:S"}, Content: "{http_method} {url}\n{body}"}
	signer := func(publicURL string) *Verifier {
		v, err := New(scheme, identitySecrets, Options{PublicURL: publicURL})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	const target = "/in/a%2Fb?x=1&y=%20"
	m := Message{Method: http.MethodPost, Target: target, Body: []byte("body")}
	evil, err := signer("https://evil.example.com").Sign(m)
	if err != nil {
		t.Fatal(err)
	}
	good, err := signer("https://hooks.example.com").Sign(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, publicURL := range []string{"https://hooks.example.com", "https://hooks.example.com/"} {
		v := signer(publicURL)
		for _, field := range []string{"Host", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Forwarded", "X-Original-Url", "X-Rewrite-Url", ":authority"} {
			for _, value := range []string{"evil.example.com", "https://evil.example.com" + target, "host=evil.example.com;proto=https", "http"} {
				forged := Request{Method: http.MethodPost, Target: target, Header: evil.Clone()}
				forged.Header[field] = []string{value}
				if d, err := verify(v, forged, m.Body); err != ErrSignatureMismatch {
					t.Errorf("%s: %s chose the URL: %v, %v", field, value, d, err)
				}
				genuine := Request{Method: http.MethodPost, Target: target, Header: good.Clone()}
				genuine.Header[field] = []string{value}
				if _, err := verify(v, genuine, m.Body); err != nil {
					t.Errorf("%s: %s breaks the URL: %v", field, value, err)
				}
			}
		}
		for _, other := range []string{"/in/a%2fb?x=1&y=%20", "/in/a/b?x=1&y=%20", "/in/a%2Fb?y=%20&x=1", "/in/a%2Fb?x=1&y=+", "/in/a%2Fb", "//hooks.example.com" + target, "https://hooks.example.com" + target} {
			if d, err := verify(v, Request{Method: http.MethodPost, Target: other, Header: good}, m.Body); err != ErrSignatureMismatch {
				t.Errorf("%s passes for %s: %v, %v", other, target, d, err)
			}
		}
	}
}

// TestASchemeRefusesTheDeliveriesOfOthers: argocd-image-updater#1402 configures the wrong scheme for
// Harbor, which sends a token, and GitLab has moved from a token to Standard Webhooks (merge request
// 230944). Even where two providers share a secret, neither's delivery passes as the other's.
func TestASchemeRefusesTheDeliveriesOfOthers(t *testing.T) {
	const secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
	body := []byte(identityBodies[0])
	var foreign []http.Header
	var senders []string
	own := make(map[string]string) // the preset whose deliveries look like that
	signs := make(map[string][]string)
	for _, scheme := range signable() {
		r := send(t, scheme, Message{ID: "msg_1", Event: "ping", Body: body}, 0)
		foreign, senders = append(foreign, r.Header), append(senders, scheme.Name)
		own[scheme.Name] = scheme.Name
		for s := &scheme; s != nil; s = s.Alternative {
			signs[scheme.Name] = append(signs[scheme.Name], s.Signature.From+" "+howItSigns(t, *s))
		}
	}
	for name, header := range map[string]http.Header{
		"Harbor's token":      {"Authorization": {secret}},
		"a bearer token":      {"Authorization": {"Bearer " + secret}},
		"GitLab's token":      {"X-Gitlab-Token": {secret}, "X-Gitlab-Event": {"Push Hook"}},
		"GitHub's SHA-1":      {"X-Hub-Signature": {"sha1=" + strings.Repeat("0", 40)}},
		"basic authorisation": {"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("x:"+secret))}},
	} {
		foreign, senders = append(foreign, header), append(senders, name)
	}
	own["Harbor's token"], own["GitLab's token"] = "okta", "gitlab-token"
	for _, scheme := range signable() {
		v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: clock(referenceNow)}))
		if err != nil {
			t.Fatal(err)
		}
		first := slices.ContainsFunc(firstPresets(), func(s Scheme) bool { return s.Name == scheme.Name })
		for i, header := range foreign {
			d, err := verify(v, Request{Method: http.MethodPost, Target: "/in", Header: header}, body)
			// Some providers sign in one way, under one header.
			same := own[senders[i]] == scheme.Name || len(signs[senders[i]]) > 0 && slices.Contains(signs[scheme.Name], signs[senders[i]][0])
			if (err == nil) != same || !same && !errors.Is(err, ErrNotGenuine) {
				t.Errorf("%s takes the delivery of %s for: %v, %v", scheme.Name, senders[i], d, err)
			}
			twins := false // but for the names of their headers
			if sender, ok := Preset(senders[i]); ok {
				twins = howItSigns(t, sender) == howItSigns(t, scheme)
			}
			if same || twins || !first {
				continue
			}
			// Nor when every value of the foreign header is offered under the scheme's own names.
			for _, values := range header {
				for _, place := range []string{"X-Hub-Signature-256", "X-Webhook-Signature", "X-Gstable-Signature", "X-Slack-Signature", "Webhook-Signature", "Stripe-Signature"} {
					r := Request{Header: http.Header{"X-Gstable-Timestamp": {"1767225600"}, "X-Slack-Request-Timestamp": {"1767225600"}, "Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {"1767225600"}, place: values}}
					d, err := verify(v, r, body)
					if err == nil {
						t.Errorf("%s verifies what %s signed, in %s: %v", scheme.Name, senders[i], place, d)
					}
				}
			}
		}
	}
}

// howItSigns describes how a scheme signs, without the names of its headers.
func howItSigns(t *testing.T, s Scheme) string {
	t.Helper()
	s = s.clone()
	s.ID, s.Alternative = nil, nil
	if s.Timestamp != nil {
		s.Timestamp.Tolerance = 0
	}
	if s.Signature.List != nil {
		s.Signature.List.Ed25519 = ""
	}
	r, err := compile(s)
	if err != nil {
		t.Fatal(err)
	}
	if s.Key == WhsecOrUTF8 {
		s.Key = UTF8 // for the secrets of the tests
	}
	return fmt.Sprint(r.shape(), orDefault(s.Algorithm, HMACSHA256), orDefault(s.Key, UTF8))
}
