package verifiers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestAPlaceOutsideTheBodyMustBeSingle: a header field or a parameter that stands twice is refused
// wherever the scheme reads it, because the app behind may take the other one; and a query that
// can't be read is not read in part.
func TestAPlaceOutsideTheBodyMustBeSingle(t *testing.T) {
	scheme := Scheme{
		Signature: Signature{From: "query:signature"}, Content: "{query:nonce}.{timestamp}.{body}",
		Timestamp: &Timestamp{From: "query:time"}, ID: []string{"query:id"}, Event: []string{"header:X-Event", "query:event"},
	}
	v, err := New(scheme, []Secret{NewSecret("", "0123456789abcdef")}, Options{Now: clock(referenceNow)})
	if err != nil {
		t.Fatal(err)
	}
	const body = "body"
	good := url.Values{
		"signature": {"0703c48a91fe4e49066357a8d9bded3f179e3d7dd1e0645af5a9d8b2c9972000"}, // of "n 1.1767225600.body"
		"nonce":     {"n 1"}, "time": {"1767225600"}, "id": {"7"}, "event": {"of the query"},
	}.Encode()
	for _, test := range []struct {
		query string
		want  error
	}{
		{good, nil},
		{strings.Replace(good, "n+1", "%6e%201", 1), nil},
		{"other=1&other=2&" + good, nil},
		{good + "&signature=x", ErrFieldRepeated},
		{good + "&nonce=2", ErrFieldRepeated},
		{good + "&n%6fnce=2", ErrFieldRepeated},
		{good + "&time=1", ErrFieldRepeated},
		{good + "&id=8", ErrFieldRepeated},
		{good + "&event=", ErrFieldRepeated},
		{good + "&a;b", ErrFieldMissing},
		{good + "&a=%zz", ErrFieldMissing},
		{"", ErrSignatureMissing},
		{strings.Replace(good, "signature", "Signature", 1), ErrSignatureMissing},
		{strings.Replace(good, "time", "t", 1), ErrTimestampMissing},
		{strings.Replace(good, "nonce", "n", 1), ErrFieldMissing},
		{strings.Replace(good, "n+1", "n.1", 1), ErrFieldAmbiguous},
		{strings.Replace(good, "n+1", "n+2", 1), ErrSignatureMismatch},
	} {
		d, err := verify(v, Request{Target: "/in?" + test.query}, []byte(body))
		if err != test.want || err == nil && (d.ID != "7" || d.IDSigned || d.Event != "of the query") {
			t.Errorf("%s: %v, %v; want %v", test.query, d, err, test.want)
		}
	}
	for _, header := range []http.Header{{"X-Event": {"a", "b"}}, {"X-Event": {"a", "a"}}, {"X-Event": {"", ""}}} {
		if d, err := verify(v, Request{Target: "/in?" + good, Header: header}, []byte(body)); err != ErrFieldRepeated {
			t.Errorf("%v: %v, %v", header, d, err)
		}
	}
}

// TestAPlaceIsNamedInAnyCase: header fields are found by whatever case a scheme writes them in;
// parameters and JSON keys keep theirs.
func TestAPlaceIsNamedInAnyCase(t *testing.T) {
	for _, name := range []string{"X-GitHub-Event", "x-github-event", "X-GITHUB-EVENT"} {
		p, err := parsePlace("header:"+name, inHeader)
		if err != nil {
			t.Fatal(err)
		}
		header := make(http.Header)
		header.Set("X-GitHub-Event", "push")
		if got, err := p.read(Request{Header: header}, nil); got != "push" || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for text, want := range map[string]string{"query:Id": "", "query:id": "1", "json:Id": "", "json:id": "2", `json:a\.b`: "3", "json:list.1": "5"} {
		p, err := parsePlace(text, inQuery, inJSON)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.read(Request{Target: "/in?id=1"}, []byte(`{"id":2,"a.b":3,"list":[4,5]}`)); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
}

// TestAParameterIsSingleForServersInPHPToo: Mercado Pago signs data.id, and an app in PHP that is given data_id
// besides reads the other one.
func TestAParameterIsSingleForServersInPHPToo(t *testing.T) {
	v := vectorNamed(t, "mercado-pago", "a payment")
	verifier := v.verifier(t, 0)
	for more, want := range map[string]error{
		"": nil, "&data_id=7": ErrFieldRepeated, "&data%20id=7": ErrFieldRepeated, "&data[id=7": ErrFieldRepeated, "&+data.id=7": ErrFieldRepeated,
		"&data=7": nil, "&data.idx=7": nil, "&type=x": nil,
	} {
		r := v.request()
		r.Target += more
		if _, err := verify(verifier, r, v.body()); err != want {
			t.Errorf("%q: %v", more, err)
		}
	}
}
