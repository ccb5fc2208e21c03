package verifiers

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestATokenMustBeTheSecret: whole, once, and in the place and the encoding of the scheme.
func TestATokenMustBeTheSecret(t *testing.T) {
	const secret = "user:a password: with colons"
	plain := Scheme{Algorithm: Equal, Signature: Signature{From: "header:X-Token"}}
	basic := Scheme{Algorithm: Equal, Signature: Signature{From: "header:Authorization", Encoding: Base64, List: &List{Assign: " ", Key: "Basic"}}}
	encoded := base64.StdEncoding.EncodeToString([]byte(secret))
	for _, test := range []struct {
		scheme Scheme
		header http.Header
		want   error
	}{
		{plain, http.Header{"X-Token": {secret}}, nil},
		{plain, http.Header{"X-Token": {"the other secret"}}, nil},
		{plain, http.Header{"X-Token": {secret[1:]}}, ErrSignatureMismatch},
		{plain, http.Header{"X-Token": {secret + "s"}}, ErrSignatureMismatch},
		{plain, http.Header{"X-Token": {strings.ToUpper(secret)}}, ErrSignatureMismatch},
		{plain, http.Header{"X-Token": {secret + "," + secret}}, ErrSignatureMismatch},
		{plain, http.Header{"X-Token": {strings.Repeat("x", maxToken+1)}}, ErrSignatureMalformed},
		{plain, http.Header{"X-Token": {secret, secret}}, ErrFieldRepeated},
		{plain, http.Header{"X-Token": {""}}, ErrSignatureMissing},
		{plain, http.Header{}, ErrSignatureMissing},
		{basic, http.Header{"Authorization": {"Basic " + encoded}}, nil},
		{basic, http.Header{"Authorization": {"Bearer " + encoded}}, ErrSignatureMalformed},
		{basic, http.Header{"Authorization": {"Basic " + secret}}, ErrSignatureMalformed},
		{basic, http.Header{"Authorization": {"Basic " + strings.TrimRight(encoded, "=") + "\n"}}, ErrSignatureMalformed},
		{basic, http.Header{"Authorization": {"Basic"}}, ErrSignatureMalformed},
		{basic, http.Header{"Authorization": {"Basic "}}, ErrSignatureMalformed},
		{basic, http.Header{"Authorization": {encoded}}, ErrSignatureMalformed},
	} {
		v, err := New(test.scheme, []Secret{NewSecret("a", secret), NewSecret("b", "the other secret")}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if d, err := verify(v, Request{Header: test.header}, []byte("body")); err != test.want || err == nil && d.Key == "" {
			t.Errorf("%v: %v, %v; want %v", test.header, d, err, test.want)
		}
	}
}

// TestEveryElementMustHaveTheToken: one without it is enough to refuse all, there must be one, and while a
// secret rolls some may have the new one and some the old.
func TestEveryElementMustHaveTheToken(t *testing.T) {
	scheme := Scheme{Algorithm: Equal, Signature: Signature{From: "json:value.*.state"}}
	v, err := New(scheme, []Secret{NewSecret("new", "the new secret, long enough"), NewSecret("old", "the old secret, long enough")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const newer, older = `{"state":"the new secret, long enough"}`, `{"state":"the old secret, long enough"}`
	for _, test := range []struct {
		body string
		key  string
		want error
	}{
		{`{"value":[` + newer + `]}`, "new", nil},
		{`{"value":[` + older + `,` + newer + `]}`, "old", nil},
		{`{"value":[` + strings.Repeat(newer+`,`, 5000) + newer + `]}`, "new", nil},
		{`{"value":[` + newer + `,{"state":"x"}]}`, "", ErrSignatureMismatch},
		{`{"value":[{"state":"x"},` + newer + `]}`, "", ErrSignatureMismatch},
		{`{"value":[` + newer + `,{"state":""}]}`, "", ErrSignatureMissing},
		{`{"value":[` + newer + `,{"state":null}]}`, "", ErrSignatureMissing},
		{`{"value":[` + newer + `,{}]}`, "", ErrSignatureMissing},
		{`{"value":[` + newer + `,1]}`, "", ErrSignatureMissing},
		{`{"value":[` + newer + `,{"state":"x","state":"the new secret, long enough"}]}`, "", ErrFieldRepeated},
		{`{"value":[` + newer + `],"value":[` + newer + `]}`, "", ErrFieldRepeated},
		{`{"value":[]}`, "", ErrSignatureMissing},
		{`{"value":` + newer + `}`, "", ErrSignatureMissing},
		{`{}`, "", ErrSignatureMissing},
		{`[` + newer + `]`, "", ErrSignatureMissing},
		{`{"value":[` + newer, "", ErrSignatureMissing},
		{``, "", ErrSignatureMissing},
	} {
		d, err := verify(v, Request{}, []byte(test.body))
		if err != test.want || d.Key != test.key {
			t.Errorf("%.80s: %v, %v; want %s, %v", test.body, d, err, test.key, test.want)
		}
	}
}

// TestTheIdentityOfATokensDeliveryIsItsBody: nothing is signed, so the headers must not make another delivery
// of a copy; and neither does the secret that was sent with it.
func TestTheIdentityOfATokensDeliveryIsItsBody(t *testing.T) {
	gitlab, _ := Preset("gitlab-token")
	v, err := New(gitlab, identitySecrets, Options{})
	if err != nil {
		t.Fatal(err)
	}
	identityOf := func(secret Secret, id, body string) string {
		d, err := verify(v, Request{Header: http.Header{"X-Gitlab-Token": {secret.text()}, "Idempotency-Key": {id}}}, []byte(body))
		if err != nil || d.ID != id || d.IDSigned {
			t.Fatalf("%v, %v", d, err)
		}
		return identity(d)
	}
	want := identityOf(identitySecrets[0], "1", "body")
	if got := identityOf(identitySecrets[1], "2", "body"); got != want {
		t.Error("another id and secret make another delivery")
	}
	if got := identityOf(identitySecrets[0], "1", "another body"); got == want {
		t.Error("another body is the same delivery")
	}
}

// TestTheLabelOfTheKeyIDChoosesTheSecret: only a secret with that label is tried, and one without a label
// always is.
func TestTheLabelOfTheKeyIDChoosesTheSecret(t *testing.T) {
	scheme := Scheme{Signature: Signature{From: "header:S"}, KeyID: "header:Key"}
	one, two, unnamed := NewSecret("one", "the secret that is one"), NewSecret("two", "the secret that is two"), NewSecret("", "the secret without a name")
	sign := func(secret Secret) string {
		v, err := New(Scheme{Signature: scheme.Signature}, []Secret{secret}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		header, err := v.Sign(Message{Body: []byte("body")})
		if err != nil {
			t.Fatal(err)
		}
		return header.Get("S")
	}
	for _, test := range []struct {
		secrets []Secret
		signed  Secret
		keyID   []string
		want    error
	}{
		{[]Secret{one, two}, one, []string{"one"}, nil},
		{[]Secret{one, two}, two, []string{"two"}, nil},
		{[]Secret{one, two}, one, []string{"two"}, ErrSignatureMismatch},
		{[]Secret{one, two}, one, []string{"three"}, ErrKeyUnknown},
		{[]Secret{one, two}, one, []string{"One"}, ErrKeyUnknown},
		{[]Secret{one, two}, one, nil, ErrFieldMissing},
		{[]Secret{one, two}, one, []string{""}, ErrFieldMissing},
		{[]Secret{one, two}, one, []string{"one", "two"}, ErrFieldRepeated},
		{[]Secret{one, unnamed}, unnamed, []string{"three"}, nil},
		{[]Secret{one, unnamed}, one, []string{"three"}, ErrSignatureMismatch},
	} {
		v, err := New(scheme, test.secrets, Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := Request{Header: http.Header{"S": {sign(test.signed)}}}
		if test.keyID != nil {
			r.Header["Key"] = test.keyID
		}
		if d, err := verify(v, r, []byte("body")); err != test.want || err == nil && d.Key != test.signed.Label {
			t.Errorf("%q, signed with %q: %v, %v; want %v", test.keyID, test.signed.Label, d, err, test.want)
		}
	}
}

// TestABatchHasTheIDThatAllItsElementsShare: and none if they differ, so that a part of one batch is never
// taken for the whole of another.
func TestABatchHasTheIDThatAllItsElementsShare(t *testing.T) {
	scheme := Scheme{Signature: Signature{From: "header:S"}, ID: []string{"json:*.id"}, Event: []string{"json:*.event", "json:type"}}
	for body, want := range map[string][2]string{
		`[{"id":"1","event":"a"}]`:                                 {"1", "a"},
		`[{"id":"1","event":"a"},{"id":"2","event":"a"}]`:          {"", "a"},
		`[{"id":"1","event":"a"},{"id":"1","event":"b"}]`:          {"1", ""},
		`[{"id":1,"event":true},{"id":1,"event":true}]`:            {"1", "true"},
		`[{"id":"1","event":"a"},{"event":"a"}]`:                   {"", "a"},
		`[{"id":"1","id":"2","event":"a"}]`:                        {"", "a"},
		`[]`:                                                       {"", ""},
		`{"id":"1","type":"t"}`:                                    {"", "t"},
		`no JSON`:                                                  {"", ""},
		fmt.Sprintf(`[{"id":%q}]`, strings.Repeat("x", maxName+1)): {"", ""},
	} {
		r := send(t, scheme, Message{Body: []byte(body)}, 0)
		v, err := New(scheme, identitySecrets, Options{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := verify(v, r, []byte(body))
		if err != nil || d.ID != want[0] || d.Event != want[1] || d.IDSigned != (want[0] != "") {
			t.Errorf("%.60s: %v, %v; want %q", body, d, err, want)
		}
		if id, event := v.Names(r, []byte(body)); id != want[0] || event != want[1] {
			t.Errorf("%.60s: Names says %q, %q", body, id, event)
		}
	}
}
