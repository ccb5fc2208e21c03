package verifiers

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// reference is one delivery of a made-up scheme, signed by code that shares nothing with the
// package: the template is filled in by replacing its placeholders.
type reference struct {
	scheme  Scheme
	options Options
	secret  Secret
	key     []byte
	message Message
	request Request // without what signing adds
	values  map[string]string
}

// referenceNow is the clock of all references.
var referenceNow = time.Unix(1_767_225_600, 0)

// newReference makes up a scheme and a delivery from random numbers.
func newReference(t *testing.T, random *rand.Rand) *reference {
	t.Helper()
	ref := &reference{options: Options{Now: clock(referenceNow), AllowWeak: true, PublicURL: "https://hooks.example.com/base/"}}
	s := &ref.scheme
	s.Name = "reference"
	s.Algorithm = pick(random, "", HMACSHA256, HMACSHA384, HMACSHA512, HMACSHA1)
	s.Key = pick(random, "", UTF8, HexKey, Base64Key, Whsec, WhsecOrUTF8)
	s.Signature.From = "header:X-Reference-Signature"
	s.Signature.Encoding = pick(random, "", Hex, Base64, Base64URL, Base64Escaped)
	s.Signature.List = pick(random, nil,
		&List{Assign: "=", Key: "sha"},
		&List{Separator: ",", Assign: "=", Key: "v1"},
		&List{Separator: ";", Assign: ":", Key: "h1"},
		&List{Separator: " ", Assign: ",", Key: "v1"})
	s.Content = pick(random, "", "{body}",
		"{timestamp}.{body}", "{body}.{timestamp}", "{timestamp}{body}", "v0:{timestamp}:{body}:end",
		"{header:X-Reference-Id}.{timestamp}.{body}", "{body}--{header:X-Reference-Id}",
		"{http_method}\n{url}\n{body}", "{url}{body}", "{body}{url}", "{http_method}{url}{body}{timestamp}",
		"{query:nonce}.{body}", "{http_method} {query:nonce} {json:data.id} {body}",
		"{json:data.id}:{timestamp}", "{header:X-Reference-Id}|{json:type}")
	switch {
	case random.IntN(3) > 0:
	case !strings.Contains(s.Content, "{url}") && random.IntN(2) == 0:
		s.Signature.From = "query:signature"
	case s.Content != "" && !strings.Contains(s.Content, "{body}"):
		s.Signature.From = "json:signature"
	}
	if strings.Contains(s.Content, "{timestamp}") || random.IntN(4) == 0 {
		s.Timestamp = &Timestamp{
			From: pick(random, "header:X-Reference-Time", "query:time", "json:sent_at", "list:t"),
			Unit: pick(random, "", Seconds, Milliseconds, AutoUnit),
		}
		if s.Timestamp.Unit == AutoUnit && (strings.Contains(s.Content, "{timestamp}{") || strings.Contains(s.Content, "}{timestamp}")) {
			s.Timestamp.Unit = Milliseconds
		}
		if s.Timestamp.From == "list:t" && (s.Signature.List == nil || s.Signature.List.Separator == "") {
			s.Timestamp.From = "header:X-Reference-Time"
		}
		if !strings.Contains(s.Content, "{timestamp}") {
			s.Timestamp.From = "json:sent_at" // the body is covered
			if !strings.Contains(s.Content, "{body}") && s.Content != "" {
				s.Timestamp = nil
			}
		}
	}
	s.ID = pick(random, nil, []string{"header:X-Reference-Id"}, []string{"json:data.id"}, []string{"header:X-Reference-Id", "json:data.id"})
	s.Event = pick(random, nil, []string{"header:X-Reference-Event"}, []string{"json:type"}, []string{"json:missing", "header:X-Reference-Event", "json:type"})

	ref.key = make([]byte, 16+random.IntN(200))
	for i := range ref.key {
		ref.key[i] = byte(random.Uint32())
	}
	var text string
	switch s.Key {
	case HexKey:
		text = hex.EncodeToString(ref.key)
	case Base64Key:
		text = base64.StdEncoding.EncodeToString(ref.key)
	case WhsecOrUTF8:
		text = "whsec_" + base64.StdEncoding.EncodeToString(ref.key)
	case Whsec:
		text = pick(random, "", "whsec_") + base64.StdEncoding.EncodeToString(ref.key)
	default:
		text = string(ref.key)
	}
	ref.secret = NewSecret("label", text)

	at := referenceNow.Add(time.Duration(random.IntN(601)-300) * time.Second)
	stamp := strconv.FormatInt(at.Unix(), 10)
	if s.Timestamp != nil && s.Timestamp.Unit != "" && s.Timestamp.Unit != Seconds {
		stamp = strconv.FormatInt(at.UnixMilli(), 10)
	}
	id, event := fmt.Sprintf("id_%d", random.Uint32()), pick(random, "order.created", "push", "a b")
	body := fmt.Sprintf(`{"type":%q,"sent_at":%s,"data":{"id":%q,"type":"other"},"pad":%q}`, event, stamp, id, strings.Repeat("x.-|\n", random.IntN(50)))
	if !json.Valid([]byte(body)) {
		t.Fatalf("the reference's body is no JSON: %s", body)
	}
	target := "/in/" + pick(random, "", "a%2Fb") + "?" + url.Values{"nonce": {"n" + id}, "time": {stamp}}.Encode()
	ref.message = Message{ID: id, Event: event, Time: at, Body: []byte(body), Method: http.MethodPost, Target: target}
	ref.request = Request{Method: http.MethodPost, Target: target, Header: http.Header{
		"X-Reference-Id": {id}, "X-Reference-Event": {event}, "X-Reference-Time": {stamp},
	}}
	ref.values = map[string]string{
		"{body}": body, "{timestamp}": stamp, "{http_method}": http.MethodPost,
		"{url}": "https://hooks.example.com/base" + target, "{header:X-Reference-Id}": id,
		"{query:nonce}": "n" + id, "{json:data.id}": id, "{json:type}": event,
	}
	return ref
}

func pick[T any](random *rand.Rand, choices ...T) T { return choices[random.IntN(len(choices))] }

// sum returns the signature's bytes.
func (ref *reference) sum() []byte {
	var pairs []string
	for placeholder, value := range ref.values {
		pairs = append(pairs, placeholder, value)
	}
	text := strings.NewReplacer(pairs...).Replace(orDefault(ref.scheme.Content, "{body}"))
	newHash := map[Algorithm]func() hash.Hash{
		"": sha256.New, HMACSHA256: sha256.New, HMACSHA384: sha512.New384, HMACSHA512: sha512.New, HMACSHA1: sha1.New,
	}[ref.scheme.Algorithm]
	mac := hmac.New(newHash, ref.key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// signature returns the value of the signature's header, with the timestamp in its list if that
// is where the scheme has it.
func (ref *reference) signature() string {
	encode := map[Encoding]func([]byte) string{
		"": hex.EncodeToString, Hex: hex.EncodeToString,
		Base64: base64.StdEncoding.EncodeToString, Base64URL: base64.RawURLEncoding.EncodeToString,
		Base64Escaped: func(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) },
	}[ref.scheme.Signature.Encoding]
	text := encode(ref.sum())
	list := ref.scheme.Signature.List
	if list == nil {
		return text
	}
	text = list.Key + list.Assign + text
	if ref.scheme.Timestamp != nil && ref.scheme.Timestamp.From == "list:t" {
		text = "t" + list.Assign + ref.values["{timestamp}"] + list.Separator + text
	}
	return text
}

// signed returns the request and the body with the signature.
func (ref *reference) signed() (Request, []byte) {
	r, body := ref.request, ref.message.Body
	r.Header = r.Header.Clone()
	switch ref.scheme.Signature.From {
	case "query:signature":
		r.Target += "&" + url.Values{"signature": {ref.signature()}}.Encode()
	case "json:signature":
		body = fmt.Appendf(nil, `{"signature":%q,%s`, ref.signature(), body[1:])
	default:
		r.Header.Set("X-Reference-Signature", ref.signature())
	}
	return r, body
}

// verifier compiles the scheme.
func (ref *reference) verifier(t *testing.T) *Verifier {
	t.Helper()
	v, err := New(ref.scheme, []Secret{NewSecret("other", strings.Repeat("00", 32)), ref.secret}, ref.options)
	if err != nil {
		t.Fatalf("%+v: %v", ref.scheme, err)
	}
	return v
}

// checkDelivery checks that a delivery says what was sent.
func (ref *reference) checkDelivery(t *testing.T, d Delivery) {
	t.Helper()
	want := Delivery{Provider: "reference", Key: "label"}
	if ref.scheme.ID != nil {
		want.ID = ref.message.ID
	}
	if ref.scheme.Event != nil {
		want.Event = ref.message.Event
	}
	if ref.scheme.Timestamp != nil {
		want.Timestamp = ref.message.Time
	}
	if d.Provider != want.Provider || d.Key != want.Key || d.ID != want.ID || d.Event != want.Event || !d.Timestamp.Equal(want.Timestamp) {
		t.Errorf("got  %v\nwant %v\nof %+v", d, want, ref.scheme)
	}
}

// TestMadeUpSchemesVerifyWhatAnotherSignerSigned: any combination of algorithm, encoding, key
// form, template, list and places means what its documentation says.
func TestMadeUpSchemesVerifyWhatAnotherSignerSigned(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	contents := make(map[string]bool)
	for range 4000 {
		ref := newReference(t, random)
		contents[ref.scheme.Content] = true
		v := ref.verifier(t)
		request, body := ref.signed()
		d, err := verify(v, request, body)
		if err != nil {
			t.Fatalf("%v: %+v\n%+v", err, ref.scheme, request)
		}
		ref.checkDelivery(t, d)

		wrong := bytes.Clone(body)
		if strings.Contains(orDefault(ref.scheme.Content, "{body}"), "{body}") {
			wrong[random.IntN(len(body))] ^= 1 << random.IntN(8)
		} else {
			// Only one value of the body is covered.
			wrong = bytes.ReplaceAll(wrong, []byte("id_"), []byte("id-"))
			wrong = bytes.ReplaceAll(wrong, []byte(`"type":"`), []byte(`"type":"x`))
		}
		if d, err := verify(v, request, wrong); err == nil {
			t.Fatalf("a changed body was verified as %v: %+v", d, ref.scheme)
		}
		for placeholder := range ref.values {
			if !strings.Contains(ref.scheme.Content, placeholder) {
				continue
			}
			wrong, body := ref.signed()
			switch placeholder {
			case "{http_method}":
				wrong.Method = http.MethodPut
			case "{url}":
				wrong.Target += "&"
			case "{query:nonce}":
				wrong.Target = strings.Replace(wrong.Target, "nonce=n", "nonce=m", 1)
			case "{header:X-Reference-Id}":
				wrong.Header.Set("X-Reference-Id", ref.message.ID+"0")
			case "{timestamp}":
				if ref.scheme.Timestamp.From != "header:X-Reference-Time" {
					continue
				}
				wrong.Header.Set("X-Reference-Time", strconv.FormatInt(referenceNow.Unix(), 10)+"00")
			default:
				continue // in the body
			}
			if d, err := verify(v, wrong, body); err == nil {
				t.Fatalf("a changed %s was verified as %v: %+v", placeholder, d, ref.scheme)
			}
		}
	}
	if len(contents) < 15 {
		t.Errorf("only %d templates came up", len(contents))
	}
}
