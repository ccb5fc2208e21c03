package verifiers

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// identitySecrets are the secrets of the identity tests: two, as while a secret is rolled.
var identitySecrets = []Secret{
	NewSecret("new", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"),
	NewSecret("old", "YWJjZGVmMDEyMzQ1Njc4OTAxMjM0NTY3"),
}

// send signs a message at a time after referenceNow with all identitySecrets.
func send(t *testing.T, scheme Scheme, m Message, later time.Duration) Request {
	t.Helper()
	v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: clock(referenceNow.Add(later))}))
	if err != nil {
		t.Fatal(err)
	}
	m.Method, m.Target, m.Header = http.MethodPost, "/in", nonces
	header, err := v.Sign(m)
	if err != nil {
		t.Fatal(err)
	}
	return Request{Method: http.MethodPost, Target: "/in", Header: header}
}

// receive returns the identity of a delivery that has to be genuine.
func receive(t *testing.T, scheme Scheme, r Request, body []byte) string {
	t.Helper()
	v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: clock(referenceNow)}))
	if err != nil {
		t.Fatal(err)
	}
	d, err := verify(v, r, body)
	if err != nil {
		t.Fatalf("%s: %v: %v", scheme.Name, err, r.Header)
	}
	return identity(d)
}

// identityBodies are a body with the ids and events of all presets and one with none.
var identityBodies = []string{
	`{"id":"evt_1","eventId":"evt_1","event_id":"evt_1","type":"ping","event":"ping","eventType":"ping"}`,
	`no JSON, no id`,
}

// TestACopyHasTheIdentityOfTheOriginal: no respelling of the signature, no dropping or reordering
// of signatures and no change of what isn't signed makes another delivery of a genuine one.
func TestACopyHasTheIdentityOfTheOriginal(t *testing.T) {
	for _, scheme := range signable() {
		for _, body := range identityBodies {
			original := send(t, scheme, Message{ID: "msg_1", Event: "ping", Body: []byte(body)}, 0)
			want := receive(t, scheme, original, []byte(body))
			for i, copied := range respellings(t, scheme, original) {
				if got := receive(t, scheme, copied, []byte(body)); got != want {
					t.Errorf("%s: copy %d has another identity: %v", scheme.Name, i, copied)
				}
			}
		}
	}
}

// respellings returns copies of a request that are as genuine as it is.
func respellings(t *testing.T, scheme Scheme, original Request) []Request {
	t.Helper()
	r, err := compile(scheme)
	if err != nil {
		t.Fatal(err)
	}
	field := signatureFields(r, original)[0]
	value := original.Header.Get(field)
	var values []string
	if r.encoding == Hex {
		values = append(values, eachSignature(r, value, func(text string, _ int) string { return strings.ToUpper(text) }))
		values = append(values, eachSignature(r, value, func(text string, _ int) string {
			return strings.ToUpper(text[:32]) + text[32:]
		}))
	}
	if r.list != nil && r.list.Separator != "" {
		var stamps, sums, other []string
		for entry := range strings.SplitSeq(value, r.list.Separator) {
			if _, ok := r.list.value(entry, r.list.Key); ok && (r.time.kind != inList || !strings.HasPrefix(entry, r.time.name+r.list.Assign)) {
				sums = append(sums, entry)
			} else {
				stamps = append(stamps, entry)
			}
		}
		if len(sums) != 2 {
			t.Fatalf("%s: %d signatures", scheme.Name, len(sums))
		}
		other = append(other, r.list.Key+r.list.Assign, "v0"+r.list.Assign+"x", r.list.Key+r.list.Assign+strings.Repeat("A", 43)+"=")
		for _, entries := range [][]string{
			{sums[0]}, {sums[1]}, {sums[1], sums[0]}, {sums[0], sums[0]},
			append(other, sums[0]), append(other, sums[1]), append(sums[:1:1], other...),
		} {
			if len(entries) > 2 && r.algorithm.kind == publicKind {
				continue // more than may be offered
			}
			values = append(values, strings.Join(append(stamps[:len(stamps):len(stamps)], entries...), r.list.Separator))
			values = append(values, strings.Join(append(entries[:len(entries):len(entries)], stamps...), r.list.Separator+" "))
		}
	}
	var copies []Request
	again := func() Request {
		c := original
		c.Header = original.Header.Clone()
		copies = append(copies, c)
		return c
	}
	for _, value := range values {
		again().Header.Set(field, value)
	}
	for _, place := range append(scheme.ID, scheme.Event...) {
		name, isHeader := strings.CutPrefix(place, "header:")
		if isHeader && !strings.Contains(scheme.Content, place) {
			again().Header.Set(name, "another")
			again().Header.Del(name)
			again().Header.Set(name, " ")
		}
	}
	again().Header.Set("Idempotency-Key", "another")
	if c := again(); !strings.Contains(scheme.Content, "{url}") {
		c.Target, c.Method = "/other?id=2", http.MethodPut
		copies[len(copies)-1] = c
	}
	if r.signature.kind == inNumbered {
		second := signatureFields(r, original)[1]
		again().Header.Del(field)
		again().Header.Del(second)
		c := again()
		c.Header.Set(field, original.Header.Get(second))
		c.Header.Set(second, original.Header.Get(field))
	}
	if scheme.Alternative != nil {
		c := original
		c.Header = make(http.Header)
		for name, values := range original.Header {
			for from, to := range map[string]string{"Webhook-": "Svix-", "Svix-": "Webhook-", "X-Shopify-": "Shopify-"} {
				if strings.HasPrefix(name, from) {
					c.Header[strings.Replace(name, from, to, 1)] = values
				}
			}
		}
		copies = append(copies, c)
	}
	return copies
}

// TestBase64HasOneSpelling: the decoded MAC can't have a second text. Padding bits, line breaks
// and the other alphabet are refused, as is padding where there is none.
func TestBase64HasOneSpelling(t *testing.T) {
	for _, encoding := range []Encoding{Base64, Base64URL, Base64Escaped} {
		scheme := Scheme{Signature: Signature{From: "header:S", Encoding: encoding}}
		body := []byte("body")
		original := send(t, scheme, Message{Body: body}, 0)
		receive(t, scheme, original, body)
		text := original.Header.Get("S")
		v, err := New(scheme, identitySecrets, Options{})
		if err != nil {
			t.Fatal(err)
		}
		last := strings.TrimRight(text, "=")
		spellings := []string{
			last, last + "=", last + "==", text + "\n", "\n" + text, text[:8] + "\r\n" + text[8:], text + "AAAA",
			text[:len(text)-4] + "\n\n\n\n", strings.NewReplacer("+", "-", "/", "_", "-", "+", "_", "/").Replace(text),
		}
		for bits := range byte(3) {
			spellings = append(spellings, last[:len(last)-1]+string(last[len(last)-1]+bits+1)+text[len(last):])
		}
		tried := 0
		for _, spelling := range spellings {
			if spelling == text {
				continue
			}
			tried++
			if d, err := verify(v, Request{Header: http.Header{"S": {spelling}}}, body); err == nil {
				t.Errorf("%s: %q is also %q: %v", encoding, spelling, text, d)
			}
		}
		if tried < 10 {
			t.Errorf("%s: only %d spellings differ", encoding, tried)
		}
	}
}

// TestARetryIsTheSameDelivery: where the scheme signs an id, a provider that signs the same id
// again with a new time sends the same delivery; without an id it is another one.
func TestARetryIsTheSameDelivery(t *testing.T) {
	for _, scheme := range signable() {
		for _, body := range identityBodies {
			m := Message{ID: "msg_1", Event: "ping", Body: []byte(body)}
			first := receive(t, scheme, send(t, scheme, m, 0), m.Body)
			retry := receive(t, scheme, send(t, scheme, m, -time.Minute), m.Body)
			signsID := false
			for word := range strings.SplitSeq(scheme.ReplayKey(), ", else ") {
				if p, err := parsePlace(word, inHeader, inJSON); err == nil {
					text, _ := p.fromBody([]byte(body))
					signsID = signsID || p.kind == inHeader || text != ""
				}
			}
			if want := signsID || scheme.Timestamp == nil; (first == retry) != want {
				t.Errorf("%s: a retry of %s is the same delivery: %t, want %t", scheme.Name, body, first == retry, want)
			}
		}
	}
}

// TestDifferentDeliveriesHaveDifferentIdentities: another id is another delivery even with the
// same body, and without a signed id another body is.
func TestDifferentDeliveriesHaveDifferentIdentities(t *testing.T) {
	for _, scheme := range covering() {
		seen := make(map[string]string)
		for i := range 20 {
			n := strconv.Itoa(i)
			body := fmt.Sprintf(`{"id":"evt_%[1]s","eventId":"evt_%[1]s","event_id":"evt_%[1]s"}`, n)
			for _, body := range []string{body, "no id " + n, n, ""} {
				m := Message{ID: "msg_" + n + strconv.Itoa(len(body)), Body: []byte(body)}
				got := receive(t, scheme, send(t, scheme, m, 0), m.Body)
				if body == "" && !strings.HasPrefix(scheme.ReplayKey(), "header:") {
					continue // the empty body is the same each time
				}
				if other, twice := seen[got]; twice {
					t.Errorf("%s: %q has the identity of %q", scheme.Name, body, other)
				}
				seen[got] = body
			}
		}
	}
}

// TestAnIDThatTheVendorRepeatsTellsNoDeliveriesApart: one of two deliveries with the same id isn't taken for a copy of
// the other and lost. HubSpot's page says of eventId that it "is not guaranteed to be unique", and two of Trello's
// webhooks, on a board and on a card of it, send the same action.
// https://developers.hubspot.com/docs/apps/legacy-apps/public-apps/create-generic-webhook-subscriptions
// https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/
func TestAnIDThatTheVendorRepeatsTellsNoDeliveriesApart(t *testing.T) {
	for name, body := range map[string]string{
		"hubspot-v1": `[{"eventId":100,"subscriptionType":"contact.propertyChange","propertyName":%q}]`,
		"hubspot-v3": `[{"eventId":100,"subscriptionType":"contact.propertyChange","propertyName":%q}]`,
		"trello":     `{"action":{"id":"59bc8e2ddbd7af0e1474fb0e","type":"updateCard"},"model":{"id":%q}}`,
	} {
		scheme, _ := Preset(name)
		var seen []string
		for _, different := range []string{"a", "b"} {
			m := Message{Body: fmt.Appendf(nil, body, different)}
			seen = append(seen, receive(t, scheme, send(t, scheme, m, 0), m.Body))
		}
		if seen[0] == seen[1] {
			t.Errorf("%s: two deliveries are one", name)
		}
	}
}

// TestNoIDIsAMAC: an id can't be chosen to be the identity of a delivery without one, nor one kind
// of sum be taken for the other.
func TestNoIDIsAMAC(t *testing.T) {
	withMAC := Delivery{sumTag: tagMAC, sumSize: 32}
	withContent := Delivery{sumTag: tagContent, sumSize: 32}
	copy(withMAC.sum[:], strings.Repeat("m", 32))
	copy(withContent.sum[:], strings.Repeat("m", 32))
	withBody := withContent
	withBody.sumTag = tagBody
	seen := map[string]bool{identity(withMAC): true, identity(withContent): true, identity(withBody): true}
	if len(seen) != 3 {
		t.Fatal("a MAC and a hash of the content or the body are one identity")
	}
	for _, id := range []string{
		string(withMAC.sum[:32]), identity(withMAC), identity(withContent), "c" + string(withMAC.sum[:31]), "", "i",
	} {
		d := Delivery{ID: id, IDSigned: true}
		if seen[identity(d)] {
			t.Errorf("the id %q is taken for another delivery", id)
		}
		seen[identity(d)] = true
	}
	if unsigned := (Delivery{ID: "x", sumTag: tagMAC, sumSize: 32, sum: withMAC.sum}); identity(unsigned) != identity(withMAC) {
		t.Error("an id that isn't signed changes the identity")
	}
}

// TestAppendIdentityAppends: what stands before stays.
func TestAppendIdentityAppends(t *testing.T) {
	d := Delivery{ID: "x", IDSigned: true}
	if got := string(d.AppendIdentity([]byte("before"))); got != "before"+identity(d) {
		t.Errorf("%q", got)
	}
}

// TestAnUnsignedIDCannotHideASignedOne: where a scheme may have its id in an unsigned header or in
// the signed body, adding the header doesn't make another delivery, whichever the scheme names
// first.
func TestAnUnsignedIDCannotHideASignedOne(t *testing.T) {
	body := []byte(`{"id":"evt_1"}`)
	for _, ids := range [][]string{{"header:X-Id", "json:id"}, {"json:id", "header:X-Id"}, {"query:id", "header:X-Id", "json:id"}} {
		scheme := Scheme{Signature: Signature{From: "header:S"}, ID: ids}
		r := send(t, scheme, Message{Body: body}, 0)
		want := receive(t, scheme, r, body)
		if want != "ievt_1" {
			t.Fatalf("the id isn't taken for signed: %q", want)
		}
		r.Header.Set("X-Id", "evt_2")
		r.Target = "/in?id=evt_3"
		if got := receive(t, scheme, r, body); got != want {
			t.Errorf("%v: the identity is %q with a header and %q without", ids, got, want)
		}
	}
}

// TestAnIDThatCanMoveIntoTheBodyIsNoIdentity: where no text parts the id from the body, a copy with a
// byte moved between them has the same signature, and so it has the same identity.
func TestAnIDThatCanMoveIntoTheBodyIsNoIdentity(t *testing.T) {
	scheme := Scheme{Signature: Signature{From: "header:S"}, Content: "{header:X-Id}{body}", ID: []string{"header:X-Id"}}
	r := send(t, scheme, Message{ID: "id_12", Body: []byte("body")}, 0)
	want := receive(t, scheme, r, []byte("body"))
	r.Header.Set("X-Id", "id_1")
	if got := receive(t, scheme, r, []byte("2body")); got != want {
		t.Errorf("the identity is %q and %q with a byte moved", want, got)
	}
}

// TestNamesAreReadInTheOrderOfTheScheme: the first place that holds a name counts, be it in the
// header, the query or the body, and one that holds none is passed over.
func TestNamesAreReadInTheOrderOfTheScheme(t *testing.T) {
	body := []byte(`{"type":"of the body","empty":"","object":{},"twice":1,"twice":2,"deep":{"list":[{"n":7}]}}`)
	long := strings.Repeat("x", maxName+1)
	for _, test := range []struct {
		events []string
		want   string
	}{
		{nil, ""},
		{[]string{"json:type", "header:X-Event"}, "of the body"},
		{[]string{"header:X-Event", "json:type"}, "of the header"},
		{[]string{"header:X-Missing", "json:type", "header:X-Event"}, "of the body"},
		{[]string{"json:missing", "query:event", "header:X-Event"}, "of the query"},
		{[]string{"json:empty", "json:object", "json:twice", "json:deep.list", "header:X-Long", "header:X-Line", "header:X-Blank", "json:deep.list.0.n"}, "7"},
		{[]string{"json:missing", "header:X-Missing"}, ""},
	} {
		scheme := Scheme{Signature: Signature{From: "header:S"}, Event: test.events}
		r := send(t, scheme, Message{Body: body}, 0)
		r.Target = "/in?event=of+the+query"
		r.Header.Set("X-Event", "of the header")
		r.Header.Set("X-Long", long)
		r.Header.Set("X-Line", "a\u2028b")
		r.Header.Set("X-Blank", " a")
		v, err := New(scheme, identitySecrets, Options{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := verify(v, r, body)
		if err != nil || d.Event != test.want {
			t.Errorf("%v: %q, %v; want %q", test.events, d.Event, err, test.want)
		}
		if _, event := v.Names(r, body); event != test.want {
			t.Errorf("%v: Names says %q, want %q", test.events, event, test.want)
		}
	}
}

// TestNamesNeedsNoSignature: what is said of a delivery that would be refused is what it claims.
func TestNamesNeedsNoSignature(t *testing.T) {
	for _, scheme := range firstPresets() {
		v, err := New(scheme, identitySecrets, Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := Request{Header: http.Header{"X-Github-Delivery": {"evt_1"}, "X-Github-Event": {"ping"}, "Svix-Id": {"evt_1"}, "Svix-Signature": {"x"}}}
		id, event := v.Names(r, []byte(identityBodies[0]))
		if event != "ping" || id != "evt_1" && scheme.ID != nil {
			t.Errorf("%s: %q, %q", scheme.Name, id, event)
		}
		if id, event := v.Names(Request{}, nil); id != "" || event != "" {
			t.Errorf("%s: %q, %q of nothing", scheme.Name, id, event)
		}
	}
}

// TestReplayKeySaysWhatTheIdentityIs: the words of a scheme's replay key and the identities of its
// deliveries agree.
func TestReplayKeySaysWhatTheIdentityIs(t *testing.T) {
	for name, want := range map[string]string{
		"generic":  "MAC",
		"github":   "MAC",
		"gstable":  "json:eventId, else MAC",
		"slack":    "json:event_id, else MAC",
		"standard": "header:Webhook-Id",
		"stripe":   "json:id, else hash of the signed content",

		"buildkite-token": "hash of the body",
		"chargebee":       "hash of the body",
		"discord":         "json:id, else hash of the signed content",
		"docusign":        "hash of the signed content",
		"gitee":           "MAC",
		"hubspot-v1":      "MAC",
		"mailgun":         "json:signature.token, else MAC",
		"ms-graph":        "hash of the body",
		"sendgrid":        "json:*.sg_event_id, else hash of the signed content",
		"twitch":          "header:Twitch-Eventsub-Message-Id",
		"wechatpay-v3":    "json:id, else hash of the signed content",
	} {
		scheme, ok := Preset(name)
		if got := scheme.ReplayKey(); !ok || got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if !slices.ContainsFunc(signable(), func(s Scheme) bool { return s.Name == name }) {
			continue
		}
		for i, body := range identityBodies {
			if strings.Contains(want, "*") {
				body = "no array"
			}
			got := receive(t, scheme, send(t, scheme, Message{ID: "msg_1", Body: []byte(body)}, 0), []byte(body))
			words := strings.Split(want, ", else ")
			tag := map[bool]byte{true: tagID, false: tagMAC}[strings.Contains(words[min(i, len(words)-1)], ":")]
			if strings.HasPrefix(words[min(i, len(words)-1)], "hash") {
				tag = tagContent
			}
			switch {
			case strings.Contains(want, "*"):
				tag = map[string]byte{"MAC": tagMAC}[words[len(words)-1]]
				if tag == 0 {
					tag = tagContent
				}
			case want == "hash of the body":
				tag = tagBody
			}
			if got[0] != tag {
				t.Errorf("%s: the identity of %s is %q, want %c", name, body, got, tag)
			}
		}
	}
	if got := (Scheme{Algorithm: "none"}).ReplayKey(); got != "" {
		t.Errorf("%q of a scheme that New refuses", got)
	}
	if got := (Scheme{Signature: Signature{From: "header:S"}, ID: []string{"header:X-Id", "json:id", "json:uid"}}).ReplayKey(); got != "json:id, else json:uid, else MAC" {
		t.Errorf("%q where an unsigned id is named first", got)
	}
}

// TestPaddingBitsAreNotIgnored guards the strictness of the codecs that ship: the lenient ones of
// the standard library would accept four texts for one MAC.
func TestPaddingBitsAreNotIgnored(t *testing.T) {
	sum := make([]byte, 32)
	text := base64.StdEncoding.EncodeToString(sum)
	loose := text[:len(text)-2] + "B="
	if decoded, err := base64.StdEncoding.DecodeString(loose); err != nil || string(decoded) != string(sum) {
		t.Fatalf("the lenient codec doesn't read %q as zeroes", loose)
	}
	var got [maxSum]byte
	if !Base64.decode(got[:], []byte(text), 32) || Base64.decode(got[:], []byte(loose), 32) {
		t.Errorf("%q and %q must not both be read", text, loose)
	}
	// A sum that ends with zeroes could lose its end to line breaks, which the codecs skip.
	if broken := text[:40] + "\n\n\n\n"; Base64.decode(got[:], []byte(broken), 32) {
		t.Errorf("%q and %q must not both be read", text, broken)
	}
}

// TestTextWithoutItsPaddingIsNoSignature: it has the length of one and stands for more bytes than one has.
func TestTextWithoutItsPaddingIsNoSignature(t *testing.T) {
	for size := 1; size <= maxSum; size++ {
		for _, e := range []Encoding{Hex, Base64, Base64URL, Base64Escaped} {
			text := e.encode(make([]byte, size))
			if !e.decode(make([]byte, size), []byte(text), size) {
				t.Errorf("%v: %q is not read", e, text)
			}
			full := strings.ReplaceAll(text, "=", "0")
			if full != text && e.decode(make([]byte, size), []byte(full), size) {
				t.Errorf("%v: %q is read", e, full)
			}
		}
	}
}

// TestATimestampEndsWhereItsSenderEndedIt: where a timestamp touches another value, no part of one
// can be told to be part of the other, which would make a second delivery of one signature.
func TestATimestampEndsWhereItsSenderEndedIt(t *testing.T) {
	for _, test := range []struct {
		content                  string
		unit                     Unit
		id, stamp, body          string // as signed
		otherID, other, moreBody string // as moved
	}{
		{"{header:X-Id}{timestamp}.{body}", Seconds, "evt_100", "1767225600", "{}", "evt_1", "001767225600", "{}"},
		{"{header:X-Id}{timestamp}.{body}", Milliseconds, "evt_0", "1767225600000", "{}", "evt_", "01767225600000", "{}"},
		{"{header:X-Id}{timestamp}.{body}", Seconds, "evt_1", "1767225600", "{}", "evt_", "11767225600", "{}"},
		{"{timestamp}{header:X-Id}.{body}", Seconds, "1evt", "1767225600", "{}", "evt", "17672256001", "{}"},
		{"{timestamp}{body}", Seconds, "x", "1767225600", "123abc", "x", "1767225600123", "abc"},
		{"{body}{timestamp}", Seconds, "x", "1767225600", "amount=100", "x", "001767225600", "amount=1"},
	} {
		scheme := Scheme{
			Signature: Signature{From: "header:X-Signature"}, Content: test.content,
			Timestamp: &Timestamp{From: "header:X-Time", Unit: test.unit}, ID: []string{"header:X-Id"},
		}
		v, err := New(scheme, identitySecrets[:1], Options{Now: func() time.Time { return referenceNow }})
		if err != nil {
			t.Fatal(err)
		}
		signed := referenceNow
		header, err := v.Sign(Message{ID: test.id, Time: signed, Body: []byte(test.body)})
		if err != nil || header.Get("X-Time") != test.stamp {
			t.Fatalf("%s: %v, %v", test.content, header, err)
		}
		header.Set("X-Id", test.id)
		if _, err := verify(v, Request{Header: header}, []byte(test.body)); err != nil {
			t.Errorf("%s: %v of the delivery as signed", test.content, err)
		}
		moved := header.Clone()
		moved.Set("X-Id", test.otherID)
		moved.Set("X-Time", test.other)
		if d, err := verify(v, Request{Header: moved}, []byte(test.moreBody)); !errors.Is(err, ErrNotGenuine) {
			t.Errorf("%s: %v, %v of %s and %s", test.content, d, err, test.otherID, test.other)
		}
	}
}
