package verifiers

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// vectorNamed returns a vector of a preset.
func vectorNamed(t *testing.T, preset, name string) vector {
	t.Helper()
	for _, v := range readVectors(t, preset) {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("%s has no vector %q", preset, name)
	return vector{}
}

// TestWhatASchemeInCodeDoesNotCover: whoever has a delivery can change this and send it on, as the scheme's note
// says. It stays the same delivery, so it gets past nobody twice.
func TestWhatASchemeInCodeDoesNotCover(t *testing.T) {
	replace := func(old, changed string) func(*Request, []byte) []byte {
		return func(_ *Request, body []byte) []byte { return bytes.ReplaceAll(body, []byte(old), []byte(changed)) }
	}
	header := func(name, value string) func(*Request, []byte) []byte {
		return func(r *Request, body []byte) []byte { r.Header.Set(name, value); return body }
	}
	target := func(old, changed string) func(*Request, []byte) []byte {
		return func(r *Request, body []byte) []byte {
			r.Target = strings.Replace(r.Target, old, changed, 1)
			return body
		}
	}
	method := func(r *Request, body []byte) []byte { r.Method = http.MethodPut; return body }
	const adyenItem, twilioStatus = "the vendor's worked example", "a message's status, in characters that are escaped"
	for _, test := range []struct {
		preset, vector, what string
		change               func(*Request, []byte) []byte
	}{
		{"adyen", adyenItem, "live", replace(`"live":"false"`, `"live":"true"`)},
		{"adyen", adyenItem, "the date", replace("2019", "2029")},
		{"adyen", adyenItem, "the payment method", replace(`"visa"`, `"cash"`)},
		{"adyen", adyenItem, "the operations", replace(`"CANCEL",`, ``)},
		{"adyen", adyenItem, "more of additionalData", replace(`"additionalData":{`, `"additionalData":{"x":"y",`)},
		{"adyen", adyenItem, "a number as a string", replace(`"value":1130`, `"value":"1130"`)},
		{"adyen", adyenItem, "the blanks", replace(`,`, ` , `)},
		{"adyen", adyenItem, "target", target("/in", "/out")},
		{"alipay", "signs and blanks", "sign_type", replace("sign_type=RSA2&", "")},
		{"alipay", "signs and blanks", "a field without a value", replace("sign_type=", "trade_no=&sign_type=")},
		{"alipay", "signs and blanks", "the order", func(_ *Request, body []byte) []byte {
			first, rest, _ := bytes.Cut(body, []byte("&"))
			return append(append(rest, '&'), first...)
		}},
		{"coinbase-cdp", "both versions, with v0 wrong", "v0", func(r *Request, body []byte) []byte {
			return header("X-Hook0-Signature", strings.Replace(r.Header.Get("X-Hook0-Signature"), "v0=0", "v0=1", 1))(r, body)
		}},
		{"coinbase-cdp", "three headers", "another header", header("X-Other", "x")},
		{"coinbase-cdp", "three headers", "target", target("/in", "/out")},
		{"contentful", "an id that is signed", "a header that isn't listed", header("Content-Type", "text/plain")},
		{"contentful", "an id that isn't", "an id that isn't listed", header("X-Contentful-Idempotency-Key", "other")},
		{"dingtalk-push", "a longer token", "the rest of the body", replace(`{"encrypt"`, `{"x":"y","encrypt"`)},
		{"dingtalk-push", "a longer token", "the rest of the query", target("/in?", "/out?x=y&")},
		{"dingtalk-push", "a longer token", "method", method},
		{"hook0", "three headers", "another header", header("X-Other", "x")},
		{"hook0", "the older version", "the event", header("X-Event-Type", "other")},
		{"rfc9421", "HMAC", "a header that isn't covered", header("Content-Type", "text/plain")},
		{"rfc9421", "section B.2.5, HMAC, which leaves the body out", "the body", replace("hello", "other")},
		{"rfc9421", "section B.2.5, HMAC, which leaves the body out", "method", method},
		{"rfc9421", "section B.2.5, HMAC, which leaves the body out", "target", target("/foo", "/bar")},
		{"braintree", "a notification", "the name of the public key", replace("integration_public_key", "other")},
		{"braintree", "a notification", "the line feed at the end", replace("%0A&", "&")},
		{"braintree", "a notification", "the order", func(_ *Request, body []byte) []byte {
			first, rest, _ := bytes.Cut(body, []byte("&"))
			return append(append(rest, '&'), first...)
		}},
		{"recurly", "an account", "the id", header("Recurly-Notification-Id", "other")},
		{"recurly", "two signatures, the second of which is right", "the first", func(r *Request, body []byte) []byte {
			entries := strings.Split(r.Header.Get("Recurly-Signature"), ",")
			return header("Recurly-Signature", entries[0]+","+entries[2])(r, body)
		}},
		{"mandrill", "two fields, in the wrong order", "the order", replace("b=2&mandrill_events=%5B%5D", "mandrill_events=%5B%5D&b=2")},
		{"mandrill", "two fields, in the wrong order", "a mark moved to a value", replace("mandrill_events=", "mandrill_event=s")},
		{"mandrill", "two fields, in the wrong order", "method", method},
		{"twilio", twilioStatus, "the token of idempotency", header("I-Twilio-Idempotency-Token", "other")},
		{"twilio", twilioStatus, "the spelling of an escape", replace("%C3", "%c3")},
		{"twilio", twilioStatus, "a field once more", replace("To=", "MessageSid=SM1&To=")},
		{"twilio", twilioStatus, "a mark moved to a value", replace("MessageSid=SM1", "MessageS=idSM1")},
		{"twilio", twilioStatus, "method", method},
		{"wechat-mp", "a longer token", "the receiver", replace("wx5823bf96d3bd56c7", "wx0000000000000000")},
		{"wechat-mp", "both signatures, as they are sent", "the other signature", target("&signature=", "&signature=0")},
		{"wechat-mp-plain", "a message", "the body", replace("wx5823bf96d3bd56c7", "wx0000000000000000")},
		{"wecom", "a longer token", "the agent", replace("218", "219")},
		{"wecom", "a longer token", "another element", replace("<ToUserName>", "<X>1</X><ToUserName>")},
	} {
		v := vectorNamed(t, test.preset, test.vector)
		verifier := v.verifier(t, 0)
		want, err := verify(verifier, v.request(), v.body())
		if err != nil {
			t.Fatal(err)
		}
		r := v.request()
		body := test.change(&r, bytes.Clone(v.body()))
		if bytes.Equal(body, v.body()) && reflect.DeepEqual(r, v.request()) {
			t.Errorf("%s: %s: nothing is changed", test.preset, test.what)
		}
		if d, err := verify(verifier, r, body); err != nil || identity(d) != identity(want) {
			t.Errorf("%s: %s: %v, %v; want %v", test.preset, test.what, d, err, want)
		}
	}
}

// TestWhatHasNoMarksBetweenItsPartsHasOneIdentity: the values of some schemes can be cut in other ways, with the
// same signature. However they are cut, it is the same delivery, and no cut makes an id that counts.
func TestWhatHasNoMarksBetweenItsPartsHasOneIdentity(t *testing.T) {
	for _, test := range []struct {
		preset, vector, cut string
		change              func(*Request, string) string
	}{
		{"alipay", "signs and blanks", "the id with what follows it", func(_ *Request, body string) string {
			return strings.Replace(strings.Replace(body, "&out_trade_no=T1", "", 1), "77777777777777&", "77777777777777%26out_trade_no%3DT1&", 1)
		}},
		{"alipay", "signs and blanks", "the id in what precedes it", func(_ *Request, body string) string {
			const id = "notify_id=2026010100222080000077777777777777"
			return strings.Replace(strings.Replace(body, "&"+id, "", 1), "&charset", "%26"+url.QueryEscape(id)+"&charset", 1)
		}},
		{"alipay", "an id that could be two", "the other id", func(_ *Request, body string) string {
			return strings.NewReplacer(
				"&notify_id=2026010100222080000077777777777777", "",
				"%26notify_id%3Devil", "",
				"gmt_create=2026-01-01+08%3A00%3A00", "gmt_create="+url.QueryEscape("2026-01-01 08:00:00&notify_id=2026010100222080000077777777777777&out_trade_no=T1&subject=x")+"&notify_id=evil",
				"&out_trade_no=T1", "", "&subject=x", "",
			).Replace(body)
		}},
		{"twilio", "a message's status, in characters that are escaped", "all fields in one", func(r *Request, body string) string {
			fields, _ := readForm([]byte(body))
			text := ""
			for _, name := range []string{"Body", "MessageSid", "MessageStatus", "To"} {
				value, _ := formValue(fields, name)
				text += name + value
			}
			return url.QueryEscape(text)
		}},
		{"hook0", "three headers", "the id with a part of the event", func(r *Request, body string) string {
			r.Header.Set("X-Event-Id", "e1.user")
			r.Header.Set("X-Event-Type", "account.created")
			return body
		}},
	} {
		v := vectorNamed(t, test.preset, test.vector)
		verifier := v.verifier(t, 0)
		want, err := verify(verifier, v.request(), v.body())
		if err != nil {
			t.Fatal(err)
		}
		r := v.request()
		body := test.change(&r, v.Body)
		d, err := verify(verifier, r, []byte(body))
		if err != nil || identity(d) != identity(want) || d.IDSigned != want.IDSigned {
			t.Errorf("%s: %s: %v, %v; want %v", test.preset, test.cut, d, err, want)
		}
	}
}

// TestTimeAndNonceChangedOverAreTheSameCallback: sorted, they may stand for each other, as far as both are times
// that are near.
func TestTimeAndNonceChangedOverAreTheSameCallback(t *testing.T) {
	const token, early, late, message = "0123456789abcdef", "1767225600", "1767225610", "AAAA"
	scheme, _ := Preset("wecom")
	v, err := New(scheme, []Secret{NewSecret("", token)}, Options{Now: clock(referenceNow), AllowWeak: true})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum([]byte(token + early + late + message))
	var identities []string
	for _, times := range [][2]string{{early, late}, {late, early}} {
		r := Request{Method: http.MethodPost, Target: fmt.Sprintf("/in?msg_signature=%x&timestamp=%s&nonce=%s", sum, times[0], times[1])}
		d, err := verify(v, r, []byte("<xml><Encrypt>"+message+"</Encrypt></xml>"))
		if err != nil {
			t.Fatal(err)
		}
		identities = append(identities, identity(d))
	}
	if identities[0] != identities[1] {
		t.Error("a copy counts as another callback")
	}
}

// TestOneVersionOfTwoIsTheSameDelivery: Coinbase documents a header of Hook0 with both versions. With v1 left out,
// a copy is known for one.
func TestOneVersionOfTwoIsTheSameDelivery(t *testing.T) {
	scheme, _ := Preset("hook0")
	v, err := New(scheme, identitySecrets, Options{Now: clock(referenceNow)})
	if err != nil {
		t.Fatal(err)
	}
	body := []byte("{}")
	var identities []string
	for _, m := range []Message{{Body: body, ID: "e1", Event: "ping"}, {Body: body}} {
		header, err := v.Sign(m)
		if err != nil {
			t.Fatal(err)
		}
		if version := ",v1="; strings.Contains(header.Get("X-Hook0-Signature"), version) != (m.ID != "") {
			t.Fatalf("%v", header)
		}
		d, err := verify(v, Request{Header: header}, body)
		if err != nil {
			t.Fatal(err)
		}
		identities = append(identities, identity(d))
	}
	if identities[0] != identities[1] {
		t.Error("a copy without v1 counts as another delivery")
	}
}

// TestNoVersionOfHook0StandsForTheOther: v0 signs the time and the body, and v1 the time and more before the body.
// So the signature of v1 is one of v0 over a body that was never sent, and that of v1 over headers that have the
// beginning of the body in them.
func TestNoVersionOfHook0StandsForTheOther(t *testing.T) {
	scheme, _ := Preset("hook0")
	v, err := New(scheme, identitySecrets, Options{Now: clock(referenceNow)})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`{"rate":1.5}`, `[{"rate":1.5}]`} {
		header, err := v.Sign(Message{Body: []byte(body), ID: "e1", Event: "rate.changed"})
		if err != nil {
			t.Fatal(err)
		}
		signature := header.Get("X-Hook0-Signature")
		first, second, _ := strings.Cut(body, ".")
		moved := header.Clone()
		moved.Set("X-Event-Type", "rate.changed."+first)
		old := header.Clone()
		old.Set("X-Hook0-Signature", strings.Replace(signature, "h=x-event-id x-event-type,v1=", "v0=", 1))
		for _, test := range []struct {
			header http.Header
			body   string
			want   error
		}{
			{header, body, nil},
			{moved, second, ErrFieldAmbiguous},
			{old, "x-event-id x-event-type.e1.rate.changed." + body, ErrFieldAmbiguous},
		} {
			if d, err := verify(v, Request{Header: test.header}, []byte(test.body)); err != test.want {
				t.Errorf("%s, %v: %v, %v; want %v", test.body, test.header, d, err, test.want)
			}
		}
	}
}

// TestOnlyAListOfNamesBeginsAsV1: other bodies of v0 that aren't JSON are read.
func TestOnlyAListOfNamesBeginsAsV1(t *testing.T) {
	for body, want := range map[string]bool{
		"": false, "a": false, "a.b": false, "a b.c.d": false, "A.b.c": false, "a=1.b.c": false, `{"a":1.5.6}`: false, "hello !": false,
		"a.b.": true, "a.b.c": true, "x-event-id x-event-type.e1.ping.{}": true,
	} {
		if got := beginsAsV1(body); got != want {
			t.Errorf("%q: %t", body, got)
		}
	}
}

// TestAnItemOfSeveralIsAnotherDelivery says what Adyen's scheme leaves open: its items are signed one by one, so
// who has a delivery of two can send one of them, and who has two deliveries can send both in one. The order of the
// items makes no difference.
func TestAnItemOfSeveralIsAnotherDelivery(t *testing.T) {
	v := vectorNamed(t, "adyen", "two items")
	verifier := v.verifier(t, 0)
	want, err := verify(verifier, v.request(), v.body())
	if err != nil {
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(strings.TrimSuffix(v.Body, "]}"), `},{"Notification`)
	start := strings.Index(first, "[") + 1
	a, b := first[start:]+"}", `{"Notification`+second
	for _, test := range []struct {
		items string
		same  bool
	}{{b + "," + a, true}, {a, false}, {b, false}} {
		d, err := verify(verifier, v.request(), []byte(first[:start]+test.items+"]}"))
		if err != nil || (identity(d) == identity(want)) != test.same {
			t.Errorf("%s: %v, %v", test.items, d, err)
		}
	}
	apart := make(map[string]bool)
	for _, items := range []string{a, b, a + "," + b} {
		d, err := verify(verifier, v.request(), []byte(first[:start]+items+"]}"))
		if err != nil {
			t.Fatal(err)
		}
		apart[identity(d)] = true
	}
	if len(apart) != 3 {
		t.Errorf("two items and both together are %d deliveries", len(apart))
	}
}
