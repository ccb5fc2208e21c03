package verifiers

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// fuzzSchemes are the presets and schemes with what no preset has.
func fuzzSchemes() []Scheme {
	return append(Presets(),
		Scheme{Name: "several fields", Signature: Signature{From: "header:X-Signature", Repeated: true, Encoding: Base64URL}},
		Scheme{Name: "query", Signature: Signature{From: "query:signature"}, Content: "{query:id}.{url}.{body}",
			Timestamp: &Timestamp{From: "json:time", Unit: Milliseconds}, ID: []string{"query:id"}},
		Scheme{Name: "body", Signature: Signature{From: "json:signature", List: &List{Separator: ",", Assign: "=", Key: "v1"}},
			Content: "{timestamp}.{json:id}.{header:X-Nonce}", Timestamp: &Timestamp{From: "list:t"}, ID: []string{"json:id"}},
		Scheme{Name: "long", Algorithm: HMACSHA512, Signature: Signature{From: "header:X-Signature", List: &List{Separator: "--", Key: "a"}},
			Content: "{http_method}--{body}--{header:X-Id}", ID: []string{"header:X-Id"}})
}

// FuzzNothingUnsignedVerifies: under a key that nobody knows nothing is genuine, whatever stands in
// the header, the query and the body, and nothing panics.
func FuzzNothingUnsignedVerifies(f *testing.F) {
	var verifiers []*Verifier
	for _, scheme := range fuzzSchemes() {
		v, err := New(scheme, []Secret{unknownSecret(scheme)}, optionsOf(scheme, Options{Now: clock(referenceNow)}))
		if err != nil {
			f.Fatal(err)
		}
		verifiers = append(verifiers, v)
	}
	for _, v := range validVectors(f) {
		r := v.request()
		var names, values []string
		for name := range r.Header {
			names = append(names, name)
			values = append(values, r.Header.Get(name))
		}
		f.Add(r.Method, r.Target, strings.Join(names, "\n"), strings.Join(values, "\n"), v.body())
	}
	zeroes := strings.Repeat("0", 64)
	for _, value := range []string{"", "=", ",", "sha256=", "sha256=" + zeroes, zeroes, "t=1767225600,v1=" + zeroes, "v1," + strings.Repeat("A", 43) + "=", strings.Repeat("v1,x ", 99)} {
		f.Add("POST", "/in?signature="+value+"&id=1",
			"X-Hub-Signature-256\nX-Webhook-Signature\nX-Gstable-Signature\nX-Gstable-Timestamp\nX-Slack-Signature\nX-Slack-Request-Timestamp\nWebhook-Id\nWebhook-Timestamp\nWebhook-Signature\nStripe-Signature\nX-Signature",
			strings.Join([]string{value, value, value, "1767225600", value, "1767225600", "1", "1767225600", value, value, value}, "\n"),
			[]byte(`{"signature":"t=1767225600,v1=`+zeroes+`","id":1,"time":1767225600000}`))
	}
	f.Fuzz(func(t *testing.T, method, target, names, values string, body []byte) {
		r := Request{Method: method, Target: target, Header: make(http.Header)}
		all := strings.Split(values, "\n")
		for i, name := range strings.Split(names, "\n") {
			if i < len(all) {
				r.Header.Add(name, all[i])
			}
		}
		for _, v := range verifiers {
			if d, err := verify(v, r, body); !errors.Is(err, ErrNotGenuine) && !errors.Is(err, ErrKeyUnavailable) {
				t.Errorf("%s: %v, %v of %q %q", v, d, err, r, body)
			}
			v.Names(r, body)
		}
	})
}

// FuzzSignatureTexts: whatever the text of the signature's header, the delivery is refused or is
// the one that was signed, and no text makes more work or memory than that of MaxSignatures.
func FuzzSignatureTexts(f *testing.F) {
	const body = "a body without id"
	type sent struct {
		verifier *Verifier
		request  Request
		identity string
	}
	var all []sent
	for _, scheme := range fuzzSchemes() {
		if scheme.code != nil || !isSignable(scheme) || strings.HasSuffix(scheme.Signature.From, "-*") {
			continue
		}
		v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: clock(referenceNow)}))
		if err != nil {
			f.Fatal(err)
		}
		header, err := v.Sign(Message{ID: "msg_1", Body: []byte(body), Method: http.MethodPost, Target: "/in", Header: nonces})
		if err != nil {
			f.Fatal(err)
		}
		s := sent{v, Request{Method: http.MethodPost, Target: "/in", Header: header}, ""}
		d, err := verify(v, s.request, []byte(body))
		if err != nil {
			f.Fatal(err)
		}
		s.identity = identity(d)
		all = append(all, s)
		text := header.Get(v.rules.signature.name)
		f.Add(text)
		f.Add(strings.ToUpper(text))
		f.Add(text + text)
		f.Add(strings.Repeat(text+" ", 16))
		f.Add(strings.Repeat(text+",", 17))
		f.Add(" " + text + "\t\n")
		f.Add(text[:len(text)/2])
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range all {
			r := s.request
			r.Header = r.Header.Clone()
			// The first line replaces the field, further ones repeat it.
			r.Header[s.verifier.rules.signature.name] = strings.Split(text, "\n")
			check, err := s.verifier.Check(r)
			if err != nil {
				if !errors.Is(err, ErrNotGenuine) {
					t.Errorf("%s: %v of %q", s.verifier, err, text)
				}
				continue
			}
			if n := cap(check.signatures); n > 2*MaxSignatures {
				t.Errorf("%s: room for %d signatures of %q", s.verifier, n, text)
			}
			if d, err := check.Verify([]byte(body)); err == nil && identity(d) != s.identity {
				t.Errorf("%s: %q makes another delivery: %v", s.verifier, text, d)
			}
			check.Close()
		}
	})
}

// TestARefusedCheckLeavesNothingBehind: checks are used again; what one delivery left in the memory
// of another must not reach it.
func TestARefusedCheckLeavesNothingBehind(t *testing.T) {
	for _, scheme := range fuzzSchemes() {
		if scheme.code != nil || !isSignable(scheme) || !scheme.CoversBody() {
			continue
		}
		v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: clock(referenceNow)}))
		if err != nil {
			t.Fatal(err)
		}
		body := []byte(identityBodies[0])
		header, err := v.Sign(Message{ID: "msg_1", Event: "ping", Body: body, Method: http.MethodPost, Target: "/in", Header: nonces})
		if err != nil {
			t.Fatal(err)
		}
		good := Request{Method: http.MethodPost, Target: "/in", Header: header}
		want, err := verify(v, good, body)
		if err != nil {
			t.Fatal(err)
		}
		bad := good
		bad.Header = header.Clone()
		for _, field := range signatureFields(v.rules, bad) {
			bad.Header[field] = []string{strings.Repeat("0", 64)}
		}
		other := []byte(`{"type":"other","id":"evt_2"}`)
		for range 50 {
			if d, err := verify(v, good, other); err == nil {
				t.Fatalf("%s: another body was verified: %v", v, d)
			}
			if d, err := verify(v, bad, body); err == nil {
				t.Fatalf("%s: another signature was verified: %v", v, d)
			}
			if got, err := verify(v, good, body); err != nil || got != want {
				t.Fatalf("%s: %v, %v; want %v", v, got, err, want)
			}
		}
	}
}

// TestAVerifierServesManyAtOnce: many goroutines with good and bad deliveries get each the answer
// to its own.
func TestAVerifierServesManyAtOnce(t *testing.T) {
	stripe, _ := Preset("stripe")
	v, err := New(stripe, identitySecrets, Options{Now: clock(referenceNow)})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			id := "evt_" + string(rune('a'+n))
			body := []byte(`{"id":"` + id + `","type":"ping"}`)
			header, err := v.Sign(Message{Body: body})
			if err != nil {
				t.Error(err)
				return
			}
			r := Request{Header: header}
			for range 200 {
				if d, err := verify(v, r, body); err != nil || d.ID != id {
					t.Errorf("%s: %v, %v", id, d, err)
				}
				if _, err := verify(v, r, body[1:]); err != ErrSignatureMismatch {
					t.Errorf("%s without its first byte: %v", id, err)
				}
			}
		})
	}
	group.Wait()
}

// TestASlowBodyIsTooOld: the time is checked once more when the body is there, so that nobody can
// keep a delivery fresh by sending its body slowly.
func TestASlowBodyIsTooOld(t *testing.T) {
	for _, scheme := range signable() {
		if scheme.Timestamp == nil {
			continue
		}
		now := referenceNow
		v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: func() time.Time { return now }, Tolerance: time.Minute}))
		if err != nil {
			t.Fatal(err)
		}
		m := Message{ID: "msg_1", Method: http.MethodPost, Target: "/in", Header: nonces}
		header, err := v.Sign(m)
		if err != nil {
			t.Fatal(err)
		}
		check, err := v.Check(Request{Method: m.Method, Target: m.Target, Header: header})
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute + 1)
		if _, err := check.Verify(nil); err != ErrTimestampTooOld {
			t.Errorf("%s: %v", scheme.Name, err)
		}
		check.Close()
	}
}

// TestTheHeadIsRefusedBeforeTheBody: everything that needs no body is found out by Check.
func TestTheHeadIsRefusedBeforeTheBody(t *testing.T) {
	for _, scheme := range Presets() {
		for _, v := range readVectors(t, scheme.Name) {
			verifier := v.verifier(t, 0)
			check, err := verifier.Check(v.request())
			check.Close()
			if r := verifier.rules; (r.lateSignature || r.lateTime) && err == nil {
				continue // it may be found out in the body only
			}
			if scheme.code != nil && v.Valid == nil {
				continue // an engine may know more before the body, or need it
			}
			if late := v.Valid != nil || v.Invalid == "signature_mismatch"; (err == nil) != late {
				t.Errorf("%s/%s: %v before the body; needs the body: %t", scheme.Name, v.Name, err, late)
			}
		}
	}
}

// TestWhatStandsInTheBodyIsReadThere: the signature, the time and signed values may be in the body,
// one without the other, and a value that stands twice is refused.
func TestWhatStandsInTheBodyIsReadThere(t *testing.T) {
	key := NewSecret("", "0123456789abcdef")
	scheme := Scheme{
		Signature: Signature{From: "json:meta.signature", List: &List{Separator: ";", Assign: "=", Key: "v1"}},
		Content:   "{timestamp}/{json:data.id}", Timestamp: &Timestamp{From: "list:t"},
	}
	v, err := New(scheme, []Secret{key}, Options{Now: clock(referenceNow)})
	if err != nil {
		t.Fatal(err)
	}
	// The sum was computed with Python: hmac of "1767225600/7" under 0123456789abcdef.
	const sum = "0b01b5af27aa38b0fa64102531442b36232bd56b9e976df99ddf64339632a4d9"
	for _, test := range []struct {
		body string
		want error
	}{
		{`{"meta":{"signature":"t=1767225600;v1=` + sum + `"},"data":{"id":7}}`, nil},
		{`{"meta":{"signature":"t=1767225600;v1=` + sum + `"},"data":{"id":"7","unsigned":1}}`, nil},
		{`{"meta":{"signature":"t=1767225600;v1=` + sum + `"},"data":{"id":8}}`, ErrSignatureMismatch},
		{`{"meta":{"signature":"t=1767225601;v1=` + sum + `"},"data":{"id":7}}`, ErrSignatureMismatch},
		{`{"meta":{"signature":"t=1767225600;v1=` + sum + `"},"data":{}}`, ErrFieldMissing},
		{`{"meta":{"signature":"t=1767225600;v1=` + sum + `"},"data":{"id":""}}`, ErrFieldMissing},
		{`{"meta":{"signature":"t=1767225600;v1=` + sum + `"},"data":{"id":7,"id":7}}`, ErrFieldRepeated},
		{`{"meta":{"signature":"t=1767225600;v1=` + sum + `","signature":""},"data":{"id":7}}`, ErrFieldRepeated},
		{`{"meta":{"signature":"t=1;t=1767225600;v1=` + sum + `"},"data":{"id":7}}`, ErrFieldRepeated},
		{`{"meta":{"signature":"v1=` + sum + `"},"data":{"id":7}}`, ErrTimestampMissing},
		{`{"meta":{"signature":"t=1;v1=` + sum + `"},"data":{"id":7}}`, ErrTimestampTooOld},
		{`{"meta":{"signature":"t=1767225600"},"data":{"id":7}}`, ErrSignatureMalformed},
		{`{"meta":{"signature":7},"data":{"id":7}}`, ErrSignatureMalformed},
		{`{"meta":{"signature":null},"data":{"id":7}}`, ErrSignatureMissing},
		{`{"meta":{"signature":["t=1767225600;v1=` + sum + `"]},"data":{"id":7}}`, ErrSignatureMissing},
		{`{"data":{"id":7}}`, ErrSignatureMissing},
		{`no JSON`, ErrSignatureMissing},
		{``, ErrSignatureMissing},
		{strings.Repeat("[", 100_000), ErrSignatureMissing},
		{`{"meta":` + strings.Repeat("[", 100_000), ErrSignatureMissing},
	} {
		if _, err := verify(v, Request{}, []byte(test.body)); err != test.want {
			t.Errorf("%.80s: %v, want %v", test.body, err, test.want)
		}
	}
}

// TestClosingTwiceIsClosingOnce: a check that was closed twice isn't handed out twice.
func TestClosingTwiceIsClosingOnce(t *testing.T) {
	github, _ := Preset("github")
	v, r := benchDelivery(t, github, nil)
	(*Check)(nil).Close()
	for range 100 {
		check, err := v.Check(r)
		if err != nil {
			t.Fatal(err)
		}
		check.Close()
		check.Close()
		one, err := v.Check(r)
		if err != nil {
			t.Fatal(err)
		}
		other, err := v.Check(r)
		if err != nil {
			t.Fatal(err)
		}
		if one == other {
			t.Fatal("two deliveries share one check")
		}
		one.Close()
		other.Close()
	}
}

// TestACheckKeepsNoSignatureOfAnotherBody: a check that is asked about a second body reads that one's
// signature.
func TestACheckKeepsNoSignatureOfAnotherBody(t *testing.T) {
	v, err := New(Scheme{Signature: Signature{From: "json:s"}, Content: "{json:id}"}, []Secret{NewSecret("", "0123456789abcdef")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	check, err := v.Check(Request{})
	if err != nil {
		t.Fatal(err)
	}
	defer check.Close()
	const sum = "f69cf4852626eee19b92af564b9413e44aa526cc9e726ab9b8972af1d3b39092" // of "7"
	if _, err := check.Verify([]byte(`{"id":7,"s":"` + sum + `"}`)); err != nil {
		t.Fatal(err)
	}
	if d, err := check.Verify([]byte(`{"id":7,"s":"` + strings.Repeat("0", 64) + `"}`)); err != ErrSignatureMismatch {
		t.Errorf("%v, %v", d, err)
	}
}

// TestATimeInTheBodyIsSignedWhereTheTemplateHasIt: {timestamp} stands for the time in the body too.
func TestATimeInTheBodyIsSignedWhereTheTemplateHasIt(t *testing.T) {
	scheme := Scheme{Signature: Signature{From: "header:S"}, Content: "{timestamp}:{body}", Timestamp: &Timestamp{From: "json:at"}}
	v, err := New(scheme, []Secret{NewSecret("", "0123456789abcdef")}, Options{Now: clock(referenceNow)})
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"at":1767225600}`)
	r := Request{Header: http.Header{"S": {"b3e959ab91cdbf9132b4322d89c7e5af54eb408a9ff136eb74a0a57444e8dafd"}}} // of `1767225600:{"at":1767225600}`
	if d, err := verify(v, r, body); err != nil || !d.Timestamp.Equal(referenceNow) {
		t.Errorf("%v, %v", d, err)
	}
	r.Header.Set("S", "c6a0a0f36e1758c74ad9d31eb3d2971809e1a84f6f2e256366855f706338d6ca") // of `:{"at":1767225600}`
	if _, err := verify(v, r, body); err != ErrSignatureMismatch {
		t.Errorf("signed without its time: %v", err)
	}
}

// TestAHugeSignedValueIsNotKept: the memory for one delivery with megabytes of signed text isn't
// held for the next.
func TestAHugeSignedValueIsNotKept(t *testing.T) {
	scheme := Scheme{Signature: Signature{From: "header:S"}, Content: "{json:data}"}
	v, err := New(scheme, []Secret{NewSecret("", "0123456789abcdef")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	check, err := v.Check(Request{Header: http.Header{"S": {strings.Repeat("0", 64)}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check.Verify([]byte(`{"data":"` + strings.Repeat("x", 1<<20) + `"}`)); err != ErrSignatureMismatch {
		t.Fatal(err)
	}
	check.Close()
	if n := cap(check.text); n > keptText {
		t.Errorf("%d bytes are kept", n)
	}
}

// TestTheBodyIsNotKept: a check that is waiting for the next delivery doesn't hold on to the body
// or the header of the last.
func TestTheBodyIsNotKept(t *testing.T) {
	stripe, _ := Preset("stripe")
	v, err := New(stripe, identitySecrets, Options{Now: clock(referenceNow)})
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(identityBodies[0])
	header, err := v.Sign(Message{Body: body})
	if err != nil {
		t.Fatal(err)
	}
	check, err := v.Check(Request{Header: header})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check.Verify(body); err != nil {
		t.Fatal(err)
	}
	for _, found := range check.found {
		if found.Value.Len() != 0 {
			t.Error("a value of the body is kept")
		}
	}
	check.Close()
	if check.request.Header != nil || check.stamp != "" || check.id.text != "" || len(check.text) != 0 {
		t.Error("the header is kept")
	}
}

// TestVerifyingAllocatesOnlyNamesOfTheBody: once its memory is warm, a verifier takes none for a
// delivery but the texts of the id and the event that stand in the body, which outlive it. The
// least of many runs counts, because a pool may lose what it holds at any time.
func TestVerifyingAllocatesOnlyNamesOfTheBody(t *testing.T) {
	for name, want := range map[string]float64{"github": 0, "generic": 1, "standard": 1, "gstable": 2, "slack": 2, "stripe": 2} {
		scheme, ok := Preset(name)
		if !ok {
			t.Fatalf("%s is no preset", name)
		}
		body := benchBody(10 << 10)
		v, r := benchDelivery(t, scheme, body)
		other := bytes.Repeat([]byte("no JSON "), 1<<10)
		_, plain := benchDelivery(t, scheme, other)
		for _, test := range []struct {
			what string
			r    Request
			body []byte
			want float64
			err  error
		}{
			{"an event", r, body, want, nil},
			{"a body without names", plain, other, 0, nil},
			{"a forgery", r, other, 0, ErrSignatureMismatch},
			{"no header", Request{}, nil, 0, ErrSignatureMissing},
		} {
			least := 1000.0
			for range 200 {
				least = min(least, testing.AllocsPerRun(1, func() {
					if _, err := verify(v, test.r, test.body); err != test.err {
						t.Fatalf("%s: %s: %v", name, test.what, err)
					}
				}))
			}
			if least != test.want {
				t.Errorf("%s: %s: %v allocations, want %v", name, test.what, least, test.want)
			}
		}
	}
}
