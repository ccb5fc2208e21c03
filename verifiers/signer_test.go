package verifiers

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPresetsVerifyWhatTheySign: a signed message is a genuine delivery of the same preset, with
// every secret, and says what it was signed with.
func TestPresetsVerifyWhatTheySign(t *testing.T) {
	at := time.Unix(1_767_225_600, 0)
	for _, scheme := range signable() {
		secrets := secretsOf(scheme)
		first := slices.ContainsFunc(firstPresets(), func(s Scheme) bool { return s.Name == scheme.Name })
		for _, body := range []string{"", "no JSON \xff\x00", `{"id":"evt_1","eventId":"evt_1","event_id":"evt_1","type":"order.created","event":"order.created","eventType":"order.created"}`} {
			signer, err := New(scheme, secrets, optionsOf(scheme, Options{Now: clock(at)}))
			if err != nil {
				t.Fatal(err)
			}
			header, err := signer.Sign(Message{ID: "evt_1", Event: "order.created", Body: []byte(body), Method: http.MethodPost, Target: "/in", Header: nonces})
			if err != nil {
				t.Fatalf("%s: %v", scheme.Name, err)
			}
			for i, secret := range secrets {
				v, err := New(scheme, []Secret{secret}, optionsOf(scheme, Options{Now: clock(at.Add(time.Minute))}))
				if err != nil {
					t.Fatal(err)
				}
				d, err := verify(v, Request{Method: http.MethodPost, Target: "/in", Header: header}, []byte(body))
				if i > 0 && !v.rules.several {
					if err != ErrSignatureMismatch && (err != ErrKeyUnknown || scheme.KeyID == "") {
						t.Errorf("%s has room for one signature: %v", scheme.Name, err)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s, secret %d: %v\n%v", scheme.Name, i+1, err, header)
					continue
				}
				if d.Key != secret.Label || scheme.Timestamp != nil != d.Timestamp.Equal(at) {
					t.Errorf("%s: %v", scheme.Name, d)
				}
				if first && strings.HasPrefix(body, "{") && (d.Event != "order.created" || scheme.ID != nil && d.ID != "evt_1") {
					t.Errorf("%s: %v", scheme.Name, d)
				}
			}
		}
	}
}

// TestSignWritesWhatAnotherSignerWrites: Sign agrees with the reference on every scheme whose
// signature and time stand in the header, and Verify accepts it; of others it says what it can't.
func TestSignWritesWhatAnotherSignerWrites(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	signed, refused := 0, 0
	for range 4000 {
		ref := newReference(t, random)
		v, err := New(ref.scheme, []Secret{ref.secret}, ref.options)
		if err != nil {
			t.Fatal(err)
		}
		m := ref.message
		header, err := v.Sign(m)
		inHead := strings.HasPrefix(ref.scheme.Signature.From, "header:") && (ref.scheme.Timestamp == nil || strings.HasPrefix(ref.scheme.Timestamp.From, "header:") || ref.scheme.Timestamp.From == "list:t")
		needsID := strings.Contains(ref.scheme.Content, "{header:") && !slices.Contains(ref.scheme.ID, "header:X-Reference-Id")
		if !inHead || needsID {
			if err == nil || errors.Is(err, ErrNotGenuine) {
				t.Fatalf("signed without knowing where: %v, %v: %+v", header, err, ref.scheme)
			}
			refused++
			continue
		}
		if err != nil {
			t.Fatalf("%v: %+v", err, ref.scheme)
		}
		signed++
		if got := header["X-Reference-Signature"]; len(got) != 1 || got[0] != ref.signature() {
			t.Fatalf("Sign wrote %q, another signer %q: %+v", got, ref.signature(), ref.scheme)
		}
		if _, err := verify(v, Request{Method: m.Method, Target: m.Target, Header: header}, m.Body); err != nil {
			t.Fatalf("%v: %+v", err, ref.scheme)
		}
	}
	if signed < 1000 || refused < 300 {
		t.Errorf("%d signed and %d refused", signed, refused)
	}
}

// TestSignRepeatsTheFieldWhereTheProviderDoes: a scheme with several fields of one name gets one
// for every secret.
func TestSignRepeatsTheFieldWhereTheProviderDoes(t *testing.T) {
	scheme := Scheme{Signature: Signature{From: "header:X-Signature", Repeated: true}}
	secrets := []Secret{NewSecret("a", "0123456789abcdef"), NewSecret("b", "fedcba9876543210")}
	v, err := New(scheme, secrets, Options{})
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(Message{Body: []byte("x")})
	if err != nil || len(header["X-Signature"]) != 2 {
		t.Fatalf("%v, %v", header, err)
	}
	for _, secret := range secrets {
		one, err := New(scheme, []Secret{secret}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if d, err := verify(one, Request{Header: header}, []byte("x")); err != nil || d.Key != secret.Label {
			t.Errorf("%v, %v", d, err)
		}
	}
}

// TestASignedMessageSurvivesHTTP: the header that Sign returns is one that net/http carries.
func TestASignedMessageSurvivesHTTP(t *testing.T) {
	scheme, _ := Preset("standard")
	v, err := New(scheme, []Secret{NewSecret("", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"type":"ping"}`
	var got error
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, got = verify(v, Request{Method: r.Method, Header: r.Header, Target: r.RequestURI}, []byte(body))
	}))
	defer server.Close()
	request, err := http.NewRequest(http.MethodPost, server.URL+"/in?x=1", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if request.Header, err = v.Sign(Message{ID: "msg_!~", Body: []byte(body)}); err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}

// TestSignRefusesWhatItCannotSign: the error says what is missing and is none of the refusals
// that are for deliveries.
func TestSignRefusesWhatItCannotSign(t *testing.T) {
	standard, _ := Preset("standard")
	slack, _ := Preset("slack")
	github, _ := Preset("github")
	// Node and WSGI servers read "ü" as "Ã¼", and so another id than was signed.
	const unreadable = "scheme standard: id is over 512 bytes or not in visible ASCII, which is all that every receiver reads as it was signed"
	for _, test := range []struct {
		name    string
		scheme  Scheme
		message Message
		want    string
	}{
		{"no id", standard, Message{}, "scheme standard: signs a field that the message doesn't have, such as its id"},
		{"an id with a dot", standard, Message{ID: "a.b"}, "scheme standard: a signed field contains its separator"},
		{"an id with a line break", standard, Message{ID: "a\r\nX: y"}, unreadable},
		{"an id with a blank", standard, Message{ID: "a b"}, unreadable},
		{"an id beyond ASCII", standard, Message{ID: "msg_ü"}, unreadable},
		{"an id that is too long", standard, Message{ID: strings.Repeat("x", 513)}, unreadable},
		{"an event with a line break", github, Message{Event: "a\r\nX: y"}, "scheme github: event has characters that a header can't carry"},
		{"a time before 1970", slack, Message{Time: time.Unix(-1, 0)}, "scheme slack: the time lies before 1970"},
		{"no method", Scheme{Content: "{http_method} {body}", Signature: Signature{From: "header:S"}}, Message{},
			"scheme custom: signs a field that the message doesn't have, such as its id"},
		{"a signature in the query", Scheme{Signature: Signature{From: "query:s"}}, Message{},
			"scheme custom: signatures outside the headers can be verified only"},
		{"a signature in the body", Scheme{Content: "{json:a}", Signature: Signature{From: "json:s"}}, Message{},
			"scheme custom: signatures outside the headers can be verified only"},
		{"a time in the body", Scheme{Timestamp: &Timestamp{From: "json:t"}, Signature: Signature{From: "header:S"}}, Message{},
			"scheme custom: signatures outside the headers can be verified only"},
	} {
		v, err := New(test.scheme, []Secret{NewSecret("", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3")}, Options{})
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		header, err := v.Sign(test.message)
		if err == nil || err.Error() != test.want || errors.Is(err, ErrNotGenuine) {
			t.Errorf("%s: %v, %v; want %s", test.name, header, err, test.want)
		}
	}
}

// TestAListWithoutKeysIsSignedWithoutLabels: what verifies takes each entry for a signature.
func TestAListWithoutKeysIsSignedWithoutLabels(t *testing.T) {
	scheme := Scheme{Signature: Signature{From: "header:X-Signature", List: &List{Separator: ",", Key: "*"}}}
	v, err := New(scheme, identitySecrets, Options{})
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(Message{Body: []byte("a")})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := verify(v, Request{Header: header}, []byte("a")); err != nil || d.Key != "new" {
		t.Errorf("%v: %v, %v", header, d, err)
	}
}
