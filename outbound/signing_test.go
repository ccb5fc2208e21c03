package outbound

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

var (
	newKey = "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef01234567"))
	oldKey = "whsec_" + base64.StdEncoding.EncodeToString([]byte("fedcba9876543210fedcba98"))
)

// someMessage is one that every scheme can sign and name.
func someMessage() Message {
	return Message{
		ID: "msg_00000000000000000000000000", EventType: "order.created",
		Payload: []byte("{\"type\":\"order.created\",\"id\":1,\"blank\": \"\x01\"} \n"),
	}
}

func signerOf(t testing.TB, scheme string, secrets ...string) *signer {
	t.Helper()
	s, err := newSigner(scheme, secrets, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func headerOf(t testing.TB, s *signer, e Endpoint, m Message) http.Header {
	t.Helper()
	header, err := s.header(e, m, someTime)
	if err != nil {
		t.Fatal(err)
	}
	return header
}

// verify returns what a receiver with one secret makes of an attempt a minute later.
func verify(t testing.TB, scheme, secret string, header http.Header, body []byte) (verifiers.Delivery, error) {
	t.Helper()
	preset, ok := verifiers.Preset(orDefault(scheme, defaultScheme))
	if !ok {
		t.Fatalf("no scheme %s", scheme)
	}
	v, err := verifiers.New(preset, []verifiers.Secret{verifiers.NewSecret("", secret)}, verifiers.Options{
		Now: func() time.Time { return someTime.Add(time.Minute) },
	})
	if err != nil {
		t.Fatal(err)
	}
	check, err := v.Check(verifiers.Request{Method: http.MethodPost, Header: header})
	if err != nil {
		return verifiers.Delivery{}, err
	}
	defer check.Close()
	return check.Verify(body)
}

// TestSubscribersVerifyWhatIsSigned with every scheme, over the exact payload and at the time of the
// attempt, and know the message's id.
func TestSubscribersVerifyWhatIsSigned(t *testing.T) {
	m := someMessage()
	for _, scheme := range append(slices.Clone(Schemes), "") {
		preset, _ := verifiers.Preset(orDefault(scheme, defaultScheme))
		s := signerOf(t, scheme, newKey)
		header := headerOf(t, s, Endpoint{}, m)
		d, err := verify(t, scheme, newKey, header, m.Payload)
		if err != nil {
			t.Errorf("%s: %v", preset.Name, err)
			continue
		}
		if preset.Timestamp != nil && !d.Timestamp.Equal(someTime) {
			t.Errorf("%s: signed at %s", preset.Name, d.Timestamp)
		}
		if !strings.Contains(fmt.Sprint(header), m.ID) {
			t.Errorf("%s: the header has no id: %v", preset.Name, header)
		}
		if _, err := verify(t, scheme, newKey, header, append(m.Payload, ' ')); err == nil {
			t.Errorf("%s: another payload is genuine too", preset.Name)
		}
	}
	for _, tt := range []struct{ scheme, field, value string }{
		{"github", "X-Github-Event", m.EventType},
		{"github", "X-Github-Delivery", m.ID},
		{"github", fieldID, ""},
		{"generic", fieldID, m.ID},
		{"stripe", fieldID, m.ID},
		{"", fieldID, m.ID},
		{"", "Content-Type", "application/json"},
		{"", "User-Agent", userAgent},
	} {
		if got := headerOf(t, signerOf(t, tt.scheme, newKey), Endpoint{}, m).Get(tt.field); got != tt.value {
			t.Errorf("%s: %s is %q, want %q", tt.scheme, tt.field, got, tt.value)
		}
	}
}

// TestARetryKeepsItsIdAndSignsItsOwnTime: PITFALLS, outbound (reapit/foundations#7075).
func TestARetryKeepsItsIdAndSignsItsOwnTime(t *testing.T) {
	s := signerOf(t, "", newKey)
	m := someMessage()
	first := headerOf(t, s, Endpoint{}, m)
	later, err := s.header(Endpoint{}, m, someTime.Add(10*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if first.Get("Webhook-Id") != later.Get("Webhook-Id") || first.Get("Webhook-Id") != m.ID {
		t.Errorf("ids %q and %q", first.Get("Webhook-Id"), later.Get("Webhook-Id"))
	}
	for _, field := range []string{"Webhook-Timestamp", "Webhook-Signature"} {
		if first.Get(field) == later.Get(field) {
			t.Errorf("%s stays %q", field, first.Get(field))
		}
	}
}

func TestBothSecretsVerifyWhileTheyOverlap(t *testing.T) {
	m := someMessage()
	for scheme, room := range map[string]bool{"": true, "stripe": true, "generic": false, "github": false, "gstable": false} {
		header := headerOf(t, signerOf(t, scheme, newKey, oldKey), Endpoint{}, m)
		if _, err := verify(t, scheme, newKey, header, m.Payload); err != nil {
			t.Errorf("%s, new secret: %v", scheme, err)
		}
		if _, err := verify(t, scheme, oldKey, header, m.Payload); (err == nil) != room {
			t.Errorf("%s, old secret: %v", scheme, err)
		}
	}
}

func TestTheSchemesOwnFieldsWin(t *testing.T) {
	forged := map[string]string{}
	for _, name := range []string{
		"webhook-id", "Webhook_Signature", "WEBHOOK-TIMESTAMP", "svix-id", "Svix_Signature", "X-Hub-Signature-256", "x_hub_signature_256", "X.GitHub.Event",
	} {
		forged[name] = "forged"
	}
	for _, scheme := range []string{"", "github"} {
		m := someMessage()
		m.Headers = forged
		header := headerOf(t, signerOf(t, scheme, newKey), Endpoint{Headers: forged}, m)
		fields, err := schemeFields(scheme)
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range header {
			for _, field := range fields {
				if fold(name) == field && (len(values) != 1 || values[0] == "forged") {
					t.Errorf("%s: %s: %q", scheme, name, values)
				}
			}
		}
		if _, err := verify(t, scheme, newKey, header, m.Payload); err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

func TestTheEndpointsFieldsWinOverTheMessages(t *testing.T) {
	m := someMessage()
	m.ContentType = "application/cloudevents+json"
	m.Headers = map[string]string{"ce-type": "order", "X-Both": "message"}
	e := Endpoint{Headers: map[string]string{"x-both": "endpoint", "user-agent": "acme/1", "Authorization": "Bearer x"}}
	header := headerOf(t, signerOf(t, "", newKey), e, m)
	for field, want := range map[string]string{
		"Content-Type": m.ContentType, "Ce-Type": "order", "X-Both": "endpoint", "User-Agent": "acme/1", "Authorization": "Bearer x",
	} {
		if got := header[field]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
}

func TestSecretsThatCannotSignAreRefusedAndNotQuoted(t *testing.T) {
	const secret = "hunter2"
	for _, tt := range []struct{ scheme, secret, field, says string }{
		{"", "", "Secret", "empty"},
		{"", "whsec_", "Secret", "empty"},
		{"", "whsec_" + base64.StdEncoding.EncodeToString([]byte(secret)), "Secret", "shorter"},
		{"github", secret, "Secret", "shorter"},
		{"", "whsec_" + secret + "!!!", "Secret", "base64"},
		{"", "whsk_" + secret, "Secret", "base64"},
		{"", "whpk_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef")), "Secret", "public key"},
		{"github", strings.Repeat(secret, 100), "Secret", "longer"},
		{secret, newKey, "Scheme", "generic, github, gstable, slack, standard, stripe"},
	} {
		err := checkSecret(tt.scheme, tt.secret)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Field != tt.field || !strings.Contains(invalid.Problem, tt.says) {
			t.Errorf("%q, %q: %v", tt.scheme, tt.secret, err)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("quoted: %v", err)
		}
	}
	if _, err := newSigner("", nil, nil); err == nil {
		t.Error("signs without a secret")
	}
}

func TestNewSecretsAreGoodAndDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		secret := NewSecret()
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) != 32 || seen[secret] || !strings.HasPrefix(secret, "whsec_") {
			t.Fatalf("%d bytes, %v", len(key), err)
		}
		seen[secret] = true
		for _, scheme := range Schemes {
			if err := checkSecret(scheme, secret); err != nil {
				t.Errorf("%s: %v", scheme, err)
			}
		}
	}
}
