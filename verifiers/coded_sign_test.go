package verifiers

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// codedSigned are the schemes in code that can sign.
var codedSigned = []string{"coinbase-cdp", "contentful", "hook0", "mandrill", "recurly", "rfc9421", "twilio", "twilio-shared-key"}

// signedInCode signs a message by a scheme in code, and returns the request with a verifier.
func signedInCode(t testing.TB, name string, m Message) (*Verifier, Request) {
	t.Helper()
	scheme, ok := Preset(name)
	if !ok {
		t.Fatal(name)
	}
	v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: clock(referenceNow)}))
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(m)
	if err != nil {
		t.Fatal(err)
	}
	return v, Request{Method: m.Method, Target: m.Target, Header: header}
}

// TestWhatASchemeInCodeSignsItVerifies: with the id and event that were given where it has headers for them, and
// with no header but its own.
func TestWhatASchemeInCodeSignsItVerifies(t *testing.T) {
	for _, name := range codedSigned {
		for _, body := range []string{`{"type":"ping"}`, `{}`} {
			m := Message{ID: "msg_1", Event: "ping", Body: []byte(body), Method: http.MethodPost, Target: "/in?a=%20b&c=1"}
			v, r := signedInCode(t, name, m)
			d, err := verify(v, r, m.Body)
			if err != nil || d.Key != "new" || v.rules.hasTime && !d.Timestamp.Equal(referenceNow) {
				t.Errorf("%s: %v, %v", name, d, err)
			}
			if len(v.rules.ids) > 0 && d.ID != m.ID {
				t.Errorf("%s: the id is %q", name, d.ID)
			}
			for field := range r.Header {
				if !strings.Contains(strings.Join(v.HeaderNames(), " "), field) {
					t.Errorf("%s: %s isn't among its headers", name, field)
				}
			}
			if _, err := verify(v, r, append(m.Body, ' ')); !errors.Is(err, ErrNotGenuine) {
				t.Errorf("%s: another body: %v", name, err)
			}
		}
	}
}

// TestWhatASchemeInCodeCanNotSignItSays: and says nothing of the message or the key.
func TestWhatASchemeInCodeCanNotSignItSays(t *testing.T) {
	public := "ed25519:" + "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
	for _, test := range []struct {
		name    string
		secrets []Secret
		message Message
		want    string
	}{
		{"adyen", nil, Message{}, "scheme adyen: its deliveries can be verified only"},
		{"alipay", nil, Message{}, "scheme alipay: its deliveries can be verified only"},
		{"braintree", nil, Message{}, "scheme braintree: its deliveries can be verified only"},
		{"wecom", nil, Message{}, "scheme wecom: its deliveries can be verified only"},
		{"coinbase-cdp", nil, Message{}, "scheme coinbase-cdp: the signature needs a header field to cover: give the message an id or an event"},
		{"contentful", nil, Message{Target: "/in?a?b"}, "scheme contentful: a signed field contains its separator"},
		{"mandrill", nil, Message{Body: []byte("%zz")}, "scheme mandrill: the body is no form"},
		{"rfc9421", []Secret{NewSecret("", public)}, Message{Target: "/in"}, "scheme rfc9421: secret 1 is a public key, which can't sign: use the private key"},
		{"rfc9421", []Secret{NewSecret("ä", "hmac-sha256:MDEyMzQ1Njc4OWFiY2RlZg==")}, Message{Target: "/in"}, "scheme rfc9421: the label of the first secret, which is sent as keyid, isn't in ASCII"},
		{"twilio", nil, Message{Body: []byte("%zz")}, "scheme twilio: the body is no form: put its SHA-256 into the target, as the parameter bodySHA256"},
	} {
		scheme, _ := Preset(test.name)
		secrets := test.secrets
		if secrets == nil {
			secrets = secretsOf(scheme)
		}
		v, err := New(scheme, secrets, optionsOf(scheme, Options{Now: clock(referenceNow)}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Sign(test.message); err == nil || err.Error() != test.want || errors.Is(err, ErrNotGenuine) {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
}

// TestTwilioSignsAnyBodyByItsHash: what is no form is signed by the URL that has its hash.
func TestTwilioSignsAnyBodyByItsHash(t *testing.T) {
	body := []byte(`{"a":"%zz"}`)
	sum := sha256.Sum256(body)
	v, r := signedInCode(t, "twilio", Message{Body: body, Target: "/in?bodySHA256=" + hex.EncodeToString(sum[:])})
	if _, err := verify(v, r, body); err != nil {
		t.Error(err)
	}
	if _, err := verify(v, r, []byte("{}")); err != ErrSignatureMismatch {
		t.Error(err)
	}
}

// TestEveryAlgorithmOfRFC9421SignsAndVerifies: with the private key here and the public one there.
func TestEveryAlgorithmOfRFC9421SignsAndVerifies(t *testing.T) {
	scheme, _ := Preset("rfc9421")
	m := Message{Body: []byte("{}"), Method: http.MethodPost, Target: "/in?a=1"}
	for name, algorithm := range messageAlgorithms {
		for _, form := range []KeyForm{SPKI, PEM} {
			private := NewSecret(`a "key"`, name+":"+privateText(algorithm, form, "new"))
			signer, err := New(scheme, []Secret{private}, optionsOf(scheme, Options{Now: clock(referenceNow)}))
			if err != nil {
				t.Fatalf("%s, %s: %v", name, form, err)
			}
			header, err := signer.Sign(m)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, form, err)
			}
			for _, other := range messageAlgorithms {
				if other == algorithm || algorithm != RSASHA256 && algorithm != RSAPSSSHA512 {
					continue
				}
				// The same key under the other padding refuses: the algorithm is the key's.
				otherName := map[Algorithm]string{RSASHA256: "rsa-pss-sha512", RSAPSSSHA512: "rsa-v1_5-sha256"}[algorithm]
				wrong, err := New(scheme, []Secret{NewSecret("", otherName+":"+privateText(algorithm, form, "new"))}, optionsOf(scheme, Options{Now: clock(referenceNow)}))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := verify(wrong, Request{Method: m.Method, Target: m.Target, Header: header}, m.Body); err != ErrSignatureMismatch {
					t.Errorf("%s under %s: %v", name, otherName, err)
				}
			}
			r := Request{Method: m.Method, Target: m.Target, Header: header}
			if d, err := verify(signer, r, m.Body); err != nil || d.Key != `a "key"` {
				t.Errorf("%s, %s: %v, %v", name, form, d, err)
			}
			r.Method = http.MethodPut
			if _, err := verify(signer, r, m.Body); err != ErrSignatureMismatch {
				t.Errorf("%s, %s: another method: %v", name, form, err)
			}
		}
	}
}

// TestADeliveryInCodeIsOneUnderEachOfItsSignatures: with two secrets in force on both sides, dropping the signature
// of one must not make another delivery.
func TestADeliveryInCodeIsOneUnderEachOfItsSignatures(t *testing.T) {
	several := 0
	for _, name := range codedSigned {
		m := Message{ID: "msg_1", Body: []byte(`{"a":1}`), Method: http.MethodPost, Target: "/in"}
		v, r := signedInCode(t, name, m)
		want, err := verify(v, r, m.Body)
		if err != nil {
			t.Fatal(err)
		}
		scheme, _ := Preset(name)
		genuine := 0
		for _, secret := range secretsOf(scheme) {
			one, err := New(scheme, []Secret{secret}, optionsOf(scheme, Options{Now: clock(referenceNow)}))
			if err != nil {
				t.Fatal(err)
			}
			d, err := verify(one, r, m.Body)
			if err != nil {
				continue
			}
			if genuine++; identity(d) != identity(want) {
				t.Errorf("%s: under %s alone it is another delivery", name, secret.Label)
			}
		}
		if genuine > 1 {
			several++
		}
	}
	if several == 0 {
		t.Error("nothing has several signatures")
	}
}

// FuzzSignedInCode: whatever is changed in a header of a delivery that a scheme in code has signed, it is refused
// or is the same delivery.
func FuzzSignedInCode(f *testing.F) {
	m := Message{ID: "msg_1", Event: "ping", Body: []byte(`{"a":1}`), Method: http.MethodPost, Target: "/in?a=1"}
	type sent struct {
		verifier *Verifier
		request  Request
		identity string
	}
	all := make(map[string]sent)
	for _, name := range codedSigned {
		v, r := signedInCode(f, name, m)
		d, err := verify(v, r, m.Body)
		if err != nil {
			f.Fatal(err)
		}
		all[name] = sent{v, r, identity(d)}
		for field := range r.Header {
			f.Add(name, field, r.Header.Get(field))
			f.Add(name, field, r.Header.Get(field)+", "+r.Header.Get(field))
		}
	}
	f.Fuzz(func(t *testing.T, name, field, value string) {
		s, ok := all[name]
		if !ok {
			return
		}
		r := s.request
		r.Header = r.Header.Clone()
		r.Header.Set(field, value)
		d, err := verify(s.verifier, r, m.Body)
		switch {
		case err == nil && identity(d) != s.identity && !(name == "contentful" && d.IDSigned):
			t.Errorf("%s: %s: %q is another delivery: %v", name, field, value, d)
		case err != nil && !errors.Is(err, ErrNotGenuine):
			t.Errorf("%s: %v", name, err)
		}
	})
}
