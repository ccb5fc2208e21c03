package verifiers

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

// FuzzAFormIsWhatOthersReadInIt: where the standard library reads the form too, both find the same.
func FuzzAFormIsWhatOthersReadInIt(f *testing.F) {
	for _, seed := range []string{"", "a", "a=", "=a", "a=b&a=c&&b=%20+", "a=%zz", "a;b=c", "%C9%CC=%26%3D", "a=b=c"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, ok := readForm(body)
		values, err := url.ParseQuery(string(body))
		form, formErr := appendForm(nil, body)
		if formErr == nil && ok {
			sortForm(fields)
			if want := urlAndForm("", "", fields); string(form) != string(want) {
				t.Fatalf("%q: %q, want %q", body, form, want)
			}
		}
		if ok != (err == nil) && len(fields) < maxFormFields && len(body) <= maxFormBytes && strings.Count(string(body), "&") < maxFormFields {
			t.Fatalf("%q: %t, %v", body, ok, err)
		}
		if formErr == nil && !ok && len(body) <= maxFormBytes {
			t.Fatalf("%q: is a form for one", body)
		}
		if !ok {
			return
		}
		got := make(url.Values)
		for _, field := range fields {
			got.Add(field.name, field.value)
		}
		if got.Encode() != values.Encode() {
			t.Errorf("%q: %q, want %q", body, got, values)
		}
	})
}

// TestAFormIsBounded: more fields or bytes than a provider sends are no form.
func TestAFormIsBounded(t *testing.T) {
	for _, test := range []struct {
		body string
		want bool
	}{
		{strings.Repeat("a&", maxFormFields), true},
		{strings.Repeat("a&", maxFormFields+1), false},
		{strings.Repeat("a", maxFormBytes), true},
		{strings.Repeat("a", maxFormBytes+1), false},
	} {
		if _, ok := readForm([]byte(test.body)); ok != test.want {
			t.Errorf("%d bytes: %t", len(test.body), ok)
		}
	}
}

// TestAnIDOrEventMayBeInAForm: a scheme that isn't in code may name fields of a form, and one that stands twice
// is none.
func TestAnIDOrEventMayBeInAForm(t *testing.T) {
	scheme := Scheme{Signature: Signature{From: "header:X-Signature"}, ID: []string{"form:id"}, Event: []string{"form:kind", "form:type"}}
	v, err := New(scheme, identitySecrets, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ body, id, event string }{
		{"id=1&type=ping", "1", "ping"},
		{"id=1&id=2&kind=a&type=b", "", "a"},
		{"kind=&type=%7e", "", "~"},
		{"%zz", "", ""},
		{`{"id":1}`, "", ""},
	} {
		header, err := v.Sign(Message{Body: []byte(test.body)})
		if err != nil {
			t.Fatal(err)
		}
		d, err := verify(v, Request{Header: header}, []byte(test.body))
		if err != nil || d.ID != test.id || d.IDSigned != (test.id != "") || d.Event != test.event {
			t.Errorf("%s: %v, %v", test.body, d, err)
		}
	}
}

// TestASemicolonPartsNoFields: with an app for which it does, somebody who has a delivery could put fields in front
// of the ones that are signed. Python and Ruby took it for that until 2021, and Go.
func TestASemicolonPartsNoFields(t *testing.T) {
	for preset, name := range map[string]string{"braintree": "a notification", "mandrill": "an event", "twilio": "a message's status, in characters that are escaped"} {
		v := vectorNamed(t, preset, name)
		verifier := v.verifier(t, 0)
		if _, err := verify(verifier, v.request(), v.body()); err != nil {
			t.Fatal(err)
		}
		for _, changed := range []string{
			strings.Replace(string(v.body()), "bt_signature=", "bt_signature=a;bt_payload=b;c", 1),
			strings.Replace(string(v.body()), "=", "=;", 1),
			string(v.body()) + ";",
			";&" + string(v.body()),
		} {
			if changed == string(v.body()) {
				continue
			}
			if d, err := verify(verifier, v.request(), []byte(changed)); err == nil || !errors.Is(err, ErrNotGenuine) {
				t.Errorf("%s: %q: %v, %v", preset, changed, d, err)
			}
		}
	}
}
