package verifiers

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// mutation is a change of a delivery that must not be forwarded as genuine.
type mutation struct {
	name    string
	request Request
	body    []byte
	later   time.Duration
	want    error // nil: any refusal will do
}

// TestNoMutationOfAVectorVerifies: whatever one bit of the signed material is turned in a valid
// delivery, whatever else of it is missing, cut or doubled, it is refused.
func TestNoMutationOfAVectorVerifies(t *testing.T) {
	for _, v := range validVectors(t) {
		if scheme, _ := Preset(v.preset); scheme.code != nil {
			continue // see TestNoMutationOfASchemeInCodeVerifies
		}
		t.Run(v.preset+"/"+v.Name, func(t *testing.T) {
			all := mutationsOf(t, &v)
			for _, m := range all {
				if d, err := verify(v.verifier(t, m.later), m.request, m.body); !errors.Is(err, ErrNotGenuine) || m.want != nil && err != m.want {
					t.Errorf("%s: %v, %v; want %v", m.name, d, err, m.want)
				}
			}
			if len(all) < 5+maxSum {
				t.Errorf("only %d mutations", len(all))
			}
		})
	}
}

func mutationsOf(t *testing.T, v *vector) []mutation {
	t.Helper()
	r := v.verifier(t, 0).open(v.request()).rules
	var all []mutation
	add := func(name string, want error, change func(*mutation)) {
		m := mutation{name: name, want: want, request: v.request(), body: bytes.Clone(v.body())}
		change(&m)
		all = append(all, m)
	}
	// setAll changes every value of a header field.
	setAll := func(field string, change func(string) string) func(*mutation) {
		return func(m *mutation) {
			for i, value := range m.request.Header[field] {
				m.request.Header[field][i] = change(value)
			}
		}
	}
	// inText changes a text wherever the body has it.
	inText := func(old, changed string) func(*mutation) {
		return func(m *mutation) { m.body = bytes.ReplaceAll(m.body, []byte(old), []byte(changed)) }
	}

	// What is read from a changed body may be refused before the signature is compared.
	mismatch := ErrSignatureMismatch
	if r.lateSignature || r.lateTime || r.lateText {
		mismatch = nil
	}
	if r.content.hasBody {
		for i := range v.body() {
			add("one bit of the body", mismatch, func(m *mutation) { m.body[i] ^= 1 << (i % 8) })
		}
		add("a body one byte longer", mismatch, func(m *mutation) { m.body = append(m.body, 0) })
		if len(v.body()) > 0 {
			add("a body one byte shorter", mismatch, func(m *mutation) { m.body = m.body[:len(m.body)-1] })
		}
	}

	// changeSignatures changes the text of every signature, given its size in bytes, and 0 if that isn't certain.
	changeSignatures := func(change func(text string, size int) string) func(*mutation) {
		if r.signature.inBody() {
			text := textAt(t, &r.signature, v.body())
			return inText(`"`+text+`"`, `"`+eachSignature(r, text, change)+`"`)
		}
		return func(m *mutation) {
			for _, field := range signatureFields(r, m.request) {
				setAll(field, func(value string) string { return eachSignature(r, value, change) })(m)
			}
		}
	}
	missing := ErrSignatureMissing
	if r.alternative != nil && r.alternative.signaturePresent(v.request()) {
		missing = ErrSignatureMismatch // the other family of headers is read then
	}
	if r.signature.inBody() {
		key := r.signature.name[strings.LastIndexByte(r.signature.name, '.')+1:]
		add("no signature", ErrSignatureMissing, inText(`"`+key+`":"`, `"x":"`))
		add("an empty signature", ErrSignatureMissing, inText(textAt(t, &r.signature, v.body()), ""))
		add("two signatures", ErrFieldRepeated, inText(`"`+key+`":"`, `"`+key+`":"","`+key+`":"`))
	} else {
		fields := signatureFields(r, v.request())
		add("no signature", missing, func(m *mutation) {
			for _, field := range fields {
				delete(m.request.Header, field)
			}
		})
		add("an empty signature", ErrSignatureMissing, func(m *mutation) {
			for _, field := range fields {
				m.request.Header[field] = []string{""}
			}
		})
		if !r.repeated {
			add("two signature fields", ErrFieldRepeated, func(m *mutation) {
				m.request.Header.Add(fields[0], m.request.Header.Get(fields[0]))
			})
		}
	}
	short := ErrSignatureMalformed
	if r.algorithm.kind == tokenKind || r.sizeOf(r.algorithm.kind == publicKind) == 0 {
		short = nil
	}
	add("signatures cut short", short, changeSignatures(func(text string, _ int) string { return text[:max(0, len(text)-1)] }))
	add("signatures doubled", nil, changeSignatures(func(text string, _ int) string { return text + text }))
	for i := range maxSum {
		add("one bit of the signatures", nil, changeSignatures(func(text string, size int) string {
			if r.encoding == Plain {
				return flip(text, i%len(text))
			}
			most := size
			if size == 0 || r.algorithm.kind == tokenKind {
				most = maxSignature
			}
			sum, ok := r.encoding.decodeAny(text, most)
			if !ok || r.algorithm.kind != tokenKind && size != 0 && len(sum) != size {
				return text // one that isn't well formed, beside those that are
			}
			sum[i%len(sum)] ^= 1 << (i % 8)
			return r.encoding.encode(sum)
		}))
	}

	for _, p := range slices.Concat(r.content.before, r.content.after) {
		switch field := p.place.name; {
		case p.kind == methodPart:
			add("another method", ErrSignatureMismatch, func(m *mutation) { m.request.Method = http.MethodPut })
		case p.kind == urlPart:
			for i, target := range slices.Repeat([]string{v.request().Target}, len(v.request().Target)) {
				if r.decodeURL && decodeReserved(flip(target, i)) == decodeReserved(target) {
					continue // %3A and %3a are one
				}
				want := ErrSignatureMismatch
				if r.content.hasBody && strings.ContainsAny(flip(target, i), jsonMarks) {
					want = ErrFieldAmbiguous
				}
				add("one bit of the target", want, func(m *mutation) { m.request.Target = flip(m.request.Target, i) })
			}
			add("a longer target", ErrSignatureMismatch, func(m *mutation) { m.request.Target += "&" })
		case p.kind == placePart && p.place.kind == inJSON:
			text := textAt(t, &p.place, v.body())
			for i := range text {
				add("one bit of "+field, nil, inText(text, flip(text, i)))
			}
		case p.kind == placePart && p.place.kind == inQuery:
			path, query, _ := strings.Cut(v.Target, "?")
			add("no "+field, ErrFieldMissing, func(m *mutation) { m.request.Target = path })
			add("two of "+field, ErrFieldRepeated, func(m *mutation) { m.request.Target += "&" + field + "=x" })
			value, _ := url.ParseQuery(query)
			for i := range value.Get(field) {
				add("one bit of "+field, nil, func(m *mutation) {
					m.request.Target = strings.Replace(m.request.Target, value.Get(field), flip(value.Get(field), i), 1)
				})
			}
		case p.kind == placePart:
			add("no "+field, ErrFieldMissing, func(m *mutation) { delete(m.request.Header, field) })
			add("two of "+field, ErrFieldRepeated, func(m *mutation) { m.request.Header.Add(field, "x") })
			for i := range v.request().Header.Get(field) {
				add("one bit of "+field, nil, setAll(field, func(value string) string { return flip(value, i) }))
			}
		}
	}
	if r.hasKeyID {
		add("no key id", ErrFieldMissing, func(m *mutation) { delete(m.request.Header, r.keyID.name) })
		add("another key id", ErrKeyUnknown, setAll(r.keyID.name, func(value string) string { return value + "0" }))
	}

	if r.hasTime {
		field, stamp := r.time.name, ""
		switch r.time.kind {
		case inJSON:
			stamp = textAt(t, &r.time, v.body())
			for i := range stamp {
				add("one bit of the timestamp", nil, inText(stamp, flip(stamp, i)))
			}
		case inList:
			field = r.signature.name
			stamp = stampIn(r, v.request().Header.Get(field))
		default:
			stamp = v.request().Header.Get(field)
			add("no timestamp", ErrTimestampMissing, func(m *mutation) { delete(m.request.Header, field) })
			add("two timestamps", ErrFieldRepeated, func(m *mutation) { m.request.Header.Add(field, stamp) })
		}
		for i := range stamp {
			if r.time.kind != inJSON {
				add("one bit of the timestamp", nil, setAll(field, func(value string) string {
					return strings.Replace(value, stamp, flip(stamp, i), 1)
				}))
			}
		}
		signed := v.Valid.Timestamp.Sub(time.Unix(v.Now, 0))
		add("an hour later", ErrTimestampTooOld, func(m *mutation) { m.later = signed + r.tolerance + time.Hour })
		add("an hour earlier", ErrTimestampTooNew, func(m *mutation) { m.later = signed - r.tolerance - time.Hour })
		add("too late by a nanosecond", ErrTimestampTooOld, func(m *mutation) { m.later = signed + r.tolerance + 1 })
		add("too early by a nanosecond", ErrTimestampTooNew, func(m *mutation) { m.later = signed - r.tolerance - 1 })
	}
	return all
}

// signatureFields returns the names of the header fields that hold the request's signatures.
func signatureFields(r *rules, request Request) (names []string) {
	if r.signature.kind == inHeader {
		return []string{r.signature.name}
	}
	for name := range request.Header {
		if strings.HasPrefix(name, r.signature.name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// textAt returns what stands at a place in a body.
func textAt(t *testing.T, p *place, body []byte) (text string) {
	t.Helper()
	if p.kind == inEach {
		text = p.common(body)
	} else {
		text, _ = p.fromBody(body)
	}
	if text == "" {
		t.Fatalf("nothing stands at %s", p.text)
	}
	return text
}

// eachSignature changes every signature in the value of a signature's place, given its text and
// how many bytes that is to be, which is 0 if that isn't certain.
func eachSignature(r *rules, value string, change func(text string, size int) string) string {
	public := r.algorithm.kind == publicKind
	if r.list == nil {
		return change(value, r.sizeOf(public))
	}
	entries := []string{value}
	if r.list.Separator != "" {
		entries = strings.Split(value, r.list.Separator)
	}
	for i, entry := range entries {
		entry = strings.TrimSpace(entry)
		if text, ok := r.list.value(entry, r.list.Key); ok {
			entries[i] = strings.TrimSuffix(entry, text) + change(text, r.sizeOf(public))
		} else if text, ok := r.list.value(entry, r.list.Ed25519); ok && r.list.Ed25519 != "" {
			entries[i] = r.list.Ed25519 + r.list.Assign + change(text, ed25519.SignatureSize)
		}
	}
	return strings.Join(entries, r.list.Separator)
}

// TestDoublingIsLegalWhereTheSchemeSaysSo: where a scheme may send several signatures, the same one twice
// is the same delivery; where it may not, TestNoMutationOfAVectorVerifies has it refused.
func TestDoublingIsLegalWhereTheSchemeSaysSo(t *testing.T) {
	tried := 0
	for _, v := range validVectors(t) {
		verifier := v.verifier(t, 0)
		check, err := verifier.Check(v.request())
		if err != nil {
			t.Fatal(err)
		}
		r := check.rules
		if verifier.engine != nil || !r.several || r.signature.inBody() || len(check.signatures) > MaxSignatures/2 {
			continue
		}
		want, err := check.Verify(v.body())
		if err != nil {
			t.Fatal(err)
		}
		check.Close()
		field := signatureFields(r, v.request())[0]
		value := v.request().Header.Get(field)
		doubled := v.request()
		switch {
		case r.signature.kind == inNumbered:
			doubled.Header.Set(r.signature.name+"99", value)
		case r.repeated:
			doubled.Header.Add(field, value)
		case r.time.kind == inList:
			entries := strings.Split(value, r.list.Separator)
			for _, entry := range entries {
				if _, isTime := r.list.value(strings.TrimSpace(entry), r.time.name); !isTime {
					entries = append(entries, entry)
				}
			}
			doubled.Header.Set(field, strings.Join(entries, r.list.Separator))
		default:
			doubled.Header.Set(field, value+r.list.Separator+value)
		}
		tried++
		if got, err := verify(verifier, doubled, v.body()); err != nil || got != want {
			t.Errorf("%s/%s: %v, %v; want %v", v.preset, v.Name, got, err, want)
		}
	}
	if tried < 20 {
		t.Errorf("only %d vectors may have two signatures", tried)
	}
}

// stampIn returns the timestamp in the value of a signature's header.
func stampIn(r *rules, value string) string {
	for entry := range strings.SplitSeq(value, r.list.Separator) {
		if stamp, ok := r.list.value(strings.TrimSpace(entry), r.time.name); ok {
			return stamp
		}
	}
	return ""
}

// flip turns one bit of the byte at i.
func flip(text string, i int) string {
	changed := []byte(text)
	changed[i] ^= 1 << (i % 7)
	return string(changed)
}

// TestNoOtherSecretVerifiesAVector: a delivery is refused under every secret but its own, and
// under every bit of its own turned.
func TestNoOtherSecretVerifiesAVector(t *testing.T) {
	for _, v := range validVectors(t) {
		scheme, _ := Preset(v.preset)
		if scheme.Key == Opaque {
			continue // its engine has keys of its own
		}
		for i, s := range v.Secrets {
			right, err := NewSecret("", s.Text).keyed(&scheme, true)
			if err != nil {
				t.Fatal(err)
			}
			for _, wrong := range wrongKeys(t, right, NewSecret("", s.Text), scheme) {
				verifier := v.verifier(t, 0)
				// The other secrets go too: one of them may be the right one.
				verifier.secrets = []*keyed{wrong}
				if _, err := verify(verifier, v.request(), v.body()); err != ErrSignatureMismatch {
					t.Fatalf("%s/%s: secret %d changed: %v", v.preset, v.Name, i+1, err)
				}
			}
		}
	}
}

// wrongKeys returns keys that differ from the right one in one bit, or, where no such key need exist, a key
// that is another one.
func wrongKeys(t *testing.T, right *keyed, secret Secret, scheme Scheme) (all []*keyed) {
	t.Helper()
	switch public := right.public.(type) {
	case nil:
		key, err := secret.key(orDefault(scheme.Key, UTF8), true)
		if err != nil {
			t.Fatal(err)
		}
		for at := range key {
			wrong := bytes.Clone(key)
			wrong[at] ^= 1 << (at % 8)
			all = append(all, newKeyed("wrong", orDefault(scheme.Algorithm, HMACSHA256), wrong))
		}
	case ed25519Key:
		for at := range public {
			wrong := bytes.Clone(public)
			wrong[at] ^= 1 << (at % 8)
			all = append(all, &keyed{label: "wrong", public: ed25519Key(wrong)})
		}
	default:
		for _, secret := range secretsOf(scheme) {
			wrong, err := secret.keyed(&scheme, true)
			if err != nil {
				t.Fatal(err)
			}
			wrong.label = ""
			all = append(all, wrong)
		}
	}
	return all
}

// TestUnsignedHeadersChangeNothing: what the signature doesn't cover can be missing or anything,
// without a change of the verdict or the identity. Only the names that it carries may differ.
func TestUnsignedHeadersChangeNothing(t *testing.T) {
	for _, v := range validVectors(t) {
		verifier := v.verifier(t, 0)
		want, err := verify(verifier, v.request(), v.body())
		if err != nil {
			t.Fatal(err)
		}
		r := v.request()
		if scheme, _ := Preset(v.preset); scheme.code == nil && !strings.Contains(scheme.Content, "{url}") && !strings.Contains(scheme.Content, "{query:") {
			r.Target, r.Method = "/elsewhere?id=1&id=2&event=%zz&signature=x", http.MethodPut
		}
		for _, field := range []string{"X-Request-Id", "Idempotency-Key", "Webhook-Event", "X-Original-Url", "Host", "X-Forwarded-Host"} {
			if !slices.Contains(verifier.HeaderNames(), field) {
				r.Header[field] = []string{"other", "values"}
			}
		}
		got, err := verify(verifier, r, v.body())
		if err != nil || identity(got) != identity(want) || got != want {
			t.Errorf("%s/%s: %v, %v; want %v", v.preset, v.Name, got, err, want)
		}
	}
}
