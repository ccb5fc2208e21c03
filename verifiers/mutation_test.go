package verifiers

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"net/http"
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
		t.Run(v.preset+"/"+v.Name, func(t *testing.T) {
			all := mutationsOf(t, &v)
			for _, m := range all {
				if d, err := verify(v.verifier(t, m.later), m.request, m.body); !errors.Is(err, ErrNotGenuine) || m.want != nil && err != m.want {
					t.Errorf("%s: %v, %v; want %v", m.name, d, err, m.want)
				}
			}
			if len(all) < 6+min(len(v.body()), 1) {
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

	for i := range v.body() {
		add("one bit of the body", ErrSignatureMismatch, func(m *mutation) { m.body[i] ^= 1 << (i % 8) })
	}
	add("a body one byte longer", ErrSignatureMismatch, func(m *mutation) { m.body = append(m.body, 0) })
	if len(v.body()) > 0 {
		add("a body one byte shorter", ErrSignatureMismatch, func(m *mutation) { m.body = m.body[:len(m.body)-1] })
	}

	signature := r.signature.name
	missing := ErrSignatureMissing
	if r.alternative != nil && r.alternative.signaturePresent(v.request()) {
		missing = ErrSignatureMismatch // the other family of headers is read then
	}
	add("no signature", missing, func(m *mutation) { delete(m.request.Header, signature) })
	add("an empty signature", ErrSignatureMissing, setAll(signature, func(string) string { return "" }))
	add("two signature fields", ErrFieldRepeated, func(m *mutation) {
		m.request.Header.Add(signature, m.request.Header.Get(signature))
	})
	add("signatures cut short", ErrSignatureMalformed, setAll(signature, func(value string) string {
		return eachSignature(r, value, func(text string, _ int) string { return text[:max(0, len(text)-1)] })
	}))
	for i := range maxSum {
		add("one bit of the signatures", nil, setAll(signature, func(value string) string {
			return eachSignature(r, value, func(text string, size int) string {
				var sum [maxSum]byte
				if !r.encoding.decode(sum[:], []byte(text), size) {
					return text
				}
				sum[i%size] ^= 1 << (i % 8)
				return r.encoding.encode(sum[:size])
			})
		}))
	}

	for _, p := range slices.Concat(r.content.before, r.content.after) {
		if p.kind != placePart {
			continue
		}
		field := p.place.name
		add("no "+field, ErrFieldMissing, func(m *mutation) { delete(m.request.Header, field) })
		add("two of "+field, ErrFieldRepeated, func(m *mutation) { m.request.Header.Add(field, "x") })
		for i := range v.request().Header.Get(field) {
			add("one bit of "+field, nil, setAll(field, func(value string) string { return flip(value, i) }))
		}
	}

	if r.hasTime {
		field, stamp := r.time.name, v.request().Header.Get(r.time.name)
		if r.time.kind == inList {
			field, stamp = signature, stampIn(r, v.request().Header.Get(signature))
		} else {
			add("no timestamp", ErrTimestampMissing, func(m *mutation) { delete(m.request.Header, field) })
			add("two timestamps", ErrFieldRepeated, func(m *mutation) { m.request.Header.Add(field, stamp) })
		}
		for i := range stamp {
			add("one bit of the timestamp", nil, setAll(field, func(value string) string {
				return strings.Replace(value, stamp, flip(stamp, i), 1)
			}))
		}
		signed := v.Valid.Timestamp.Sub(time.Unix(v.Now, 0))
		add("an hour later", ErrTimestampTooOld, func(m *mutation) { m.later = signed + time.Hour })
		add("an hour earlier", ErrTimestampTooNew, func(m *mutation) { m.later = signed - time.Hour })
		add("too late by a nanosecond", ErrTimestampTooOld, func(m *mutation) { m.later = signed + DefaultTolerance + 1 })
		add("too early by a nanosecond", ErrTimestampTooNew, func(m *mutation) { m.later = signed - DefaultTolerance - 1 })
	}
	return all
}

// eachSignature changes every signature in the value of a signature's header, given its text and
// how many bytes that is to be.
func eachSignature(r *rules, value string, change func(text string, size int) string) string {
	if r.list == nil {
		return change(value, r.size)
	}
	entries := []string{value}
	if r.list.Separator != "" {
		entries = strings.Split(value, r.list.Separator)
	}
	for i, entry := range entries {
		if text, ok := r.list.value(strings.TrimSpace(entry), r.list.Key); ok {
			entries[i] = r.list.Key + r.list.Assign + change(text, r.size)
		} else if text, ok := r.list.value(strings.TrimSpace(entry), r.list.Ed25519); ok && r.list.Ed25519 != "" {
			entries[i] = r.list.Ed25519 + r.list.Assign + change(text, ed25519.SignatureSize)
		}
	}
	return strings.Join(entries, r.list.Separator)
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
		for i, s := range v.Secrets {
			right, err := NewSecret("", s.Text).keyed(&scheme, true)
			if err != nil {
				t.Fatal(err)
			}
			key := []byte(right.public)
			if key == nil {
				if key, err = NewSecret("", s.Text).key(orDefault(scheme.Key, UTF8), true); err != nil {
					t.Fatal(err)
				}
			}
			for at := range key {
				wrong := bytes.Clone(key)
				wrong[at] ^= 1 << (at % 8)
				verifier := v.verifier(t, 0)
				// The other secrets go too: one of them may be the right one.
				verifier.secrets = []*keyed{newKeyed("wrong", HMACSHA256, wrong)}
				if right.public != nil {
					verifier.secrets = []*keyed{{label: "wrong", public: wrong}}
				}
				if _, err := verify(verifier, v.request(), v.body()); err != ErrSignatureMismatch {
					t.Fatalf("%s/%s: secret %d with a bit of byte %d turned: %v", v.preset, v.Name, i+1, at, err)
				}
			}
		}
	}
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
		r.Target, r.Method = "/elsewhere?id=1&id=2&event=%zz&signature=x", http.MethodPut
		for _, field := range []string{"X-Request-Id", "Idempotency-Key", "Webhook-Event", "X-Original-Url", "Host", "X-Forwarded-Host"} {
			r.Header[field] = []string{"other", "values"}
		}
		got, err := verify(verifier, r, v.body())
		if err != nil || identity(got) != identity(want) || got != want {
			t.Errorf("%s/%s: %v, %v; want %v", v.preset, v.Name, got, err, want)
		}
	}
}
