package verifiers

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// textOf returns the signed text of a delivery whose headers A and B, query parameter q, timestamp
// and body are given, and false if it is refused.
func textOf(c *content, a, b, q, stamp string, body []byte) (string, bool) {
	verifier := &Verifier{rules: &rules{content: c}, publicURL: "https://hooks.example.com"}
	check := &Check{verifier: verifier, rules: verifier.rules, stamp: stamp, request: Request{
		Method: http.MethodPost, Target: "/in?q=" + q, Header: http.Header{"A": {a}, "B": {b}},
	}}
	if _, err := Seconds.parse(stamp); c.coversTime && err != nil {
		return "", false
	}
	if err := check.writeText(body); err != nil {
		return "", false
	}
	if !c.hasBody {
		body = nil
	}
	return string(check.text[:check.before]) + string(body) + string(check.text[check.before:]), true
}

// separated reports whether literal text parts every value of the template from the body, so that
// the signed text must say exactly one thing.
func separated(c *content) bool {
	if c.usesURL || c.fromJSON {
		return false // a URL isn't searched for dividers; a JSON value has many texts
	}
	after := slices.Clone(c.after)
	slices.Reverse(after)
	for side, parts := range [][]part{c.before, after} {
		for i, p := range parts {
			last := i == len(parts)-1
			switch {
			case p.kind == literalPart:
			case last && !c.hasBody:
			case last || parts[i+1].kind != literalPart:
				return false
			case p.kind == timestampPart:
				next := parts[i+1].literal
				edge := next[0]
				if side == 1 {
					edge = next[len(next)-1]
				}
				if edge >= '0' && edge <= '9' {
					return false
				}
			}
		}
	}
	return true
}

// TestSeparatedTemplatesSayOneThing: no two deliveries share a signed text where the template
// separates its parts, tried with every short value that could make them.
func TestSeparatedTemplatesSayOneThing(t *testing.T) {
	alphabet := []string{"", "a", "-", "--", "a-", "-a", "a--", "--a", "---", "-a-", ".", "a.", ".a", "a.a", "..", "aba", "ab", "ba", "abab"}
	for _, template := range []string{
		"{header:A}.{body}", "{header:A}--{body}", "{header:A}---{body}", "{header:A}aba{body}",
		"{body}.{header:A}", "{body}--{header:A}", "{body}aba{header:A}",
		"{header:A}--{header:B}.{body}", "{header:A}.{body}--{header:B}", "{body}--{header:A}.{header:B}",
		"{header:A}.{timestamp}.{body}", "{body}-{timestamp}-{header:A}", "x{timestamp}--{body}--{header:B}y",
		"{header:A}--{header:B}", "{header:A}.{timestamp}", "{header:A}aba{header:B}aba{body}",
		"{http_method}-{header:A}-{body}", "{query:q}--{header:A}--{body}",
	} {
		c, err := parseContent(template)
		if err != nil || !separated(c) {
			t.Fatalf("%s: %v, separated: %t", template, err, separated(c))
		}
		seen := make(map[string]string)
		values := func(placeholder string) []string {
			if strings.Contains(template, placeholder) {
				return alphabet
			}
			return []string{"a"}
		}
		accepted := 0
		for _, a := range values("{header:A}") {
			for _, b := range values("{header:B}") {
				for _, q := range values("{query:q}") {
					for _, body := range values("{body}") {
						for _, stamp := range []string{"1", "11"} {
							if !c.coversTime && stamp != "1" {
								continue
							}
							text, ok := textOf(c, a, b, q, stamp, []byte(body))
							if !ok {
								continue
							}
							accepted++
							delivery := strings.Join([]string{a, b, q, stamp, body}, " | ")
							if other, twice := seen[text]; twice {
								t.Errorf("%s: %q is the signed text of %q and of %q", template, text, other, delivery)
							}
							seen[text] = delivery
						}
					}
				}
			}
		}
		if accepted < 20 {
			t.Errorf("%s: only %d deliveries were accepted", template, accepted)
		}
	}
}

// TestOnlyDividedPlacesIdentify: an id that stands in the signed text without literal text between
// it and the body is covered, but doesn't identify the delivery: bytes could move between the two
// under one signature.
func TestOnlyDividedPlacesIdentify(t *testing.T) {
	for template, want := range map[string]bool{
		"{header:Id}.{body}":                true,
		"{header:Id}{timestamp}{body}":      true,
		"{body}.{header:Id}":                true,
		"{header:A}.{header:Id}.{body}":     true,
		"{header:A}.{body}.{header:Id}":     true,
		"{header:Id}":                       true,
		"{header:A}.{header:Id}":            true,
		"{header:Id}.{header:A}{body}":      true,
		"{header:Id}{body}":                 false,
		"{body}{header:Id}":                 false,
		"{header:Id}{header:A}.{body}":      false,
		"{header:A}{header:Id}.{body}":      false,
		"{header:A}{header:Id}":             false,
		"{url}.{header:Id}.{body}":          false,
		"{http_method}{header:Id}.{body}":   false,
		"{body}.{header:Id}{header:A}":      false,
		"{header:Other}.{body}":             false,
		"{header:Id}{body}.{header:Id}":     true,
		"{http_method} {header:Id}\n{body}": true,
	} {
		c, err := parseContent(template)
		if err != nil {
			t.Fatal(err)
		}
		p, err := parsePlace("header:id", inHeader)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.fixesPlace(p); got != want {
			t.Errorf("%s: identifies is %t, want %t", template, got, want)
		}
		if got := c.coversPlace(p); got != (template != "{header:Other}.{body}") {
			t.Errorf("%s: covers is %t", template, got)
		}
	}
}

// FuzzContentTemplate: no template makes the parser panic, and where a template separates its
// parts two different deliveries never have the same signed text.
func FuzzContentTemplate(f *testing.F) {
	for _, template := range []string{
		"", "{", "}", "{}", "{body", "{body}{body}", "{header:}", "{json:a..b}", "{timestamp}", "a}b{body}", "{list:t}",
		"{header:A}.{timestamp}.{body}", "v0:{timestamp}:{body}", "{body}--{header:A}", "{header:A}aba{body}aba{header:B}",
		"{http_method}\n{url}\n{body}", "{query:q}--{body}", "{header:A}{body}", "{json:a}.{body}",
	} {
		f.Add(template, "a-", "b", "q", "1700000000", []byte("c"), "a", "-b", "q", "17000000001", []byte("-c"))
		f.Add(template, "a.b", "ab", "aq", "1", []byte("c"), "a", "b.b", "q", "1", []byte("b.c"))
	}
	f.Fuzz(func(t *testing.T, template, a1, b1, q1, stamp1 string, body1 []byte, a2, b2, q2, stamp2 string, body2 []byte) {
		c, err := parseContent(template)
		if err != nil {
			return
		}
		if strings.ContainsAny(q1+q2, "&=+%;#") {
			return // would be another query
		}
		text1, ok1 := textOf(c, a1, b1, q1, stamp1, body1)
		text2, ok2 := textOf(c, a2, b2, q2, stamp2, body2)
		if !ok1 || !ok2 || text1 != text2 || !separated(c) {
			return
		}
		same := (!c.coversTime || stamp1 == stamp2) && (!c.hasBody || bytes.Equal(body1, body2))
		for key := range c.covers {
			switch key {
			case placeKey{inHeader, "A"}:
				same = same && a1 == a2
			case placeKey{inHeader, "B"}:
				same = same && b1 == b2
			case placeKey{inQuery, "q"}:
				same = same && q1 == q2
			}
		}
		if !same {
			t.Errorf("%q: both have the signed text %q: %q and %q", template, text1,
				[]string{a1, b1, q1, stamp1, string(body1)}, []string{a2, b2, q2, stamp2, string(body2)})
		}
	})
}

// TestOnlyTheNamedEscapesAreDecoded: the list of the vendor's page, in either case, and no other escape.
func TestOnlyTheNamedEscapesAreDecoded(t *testing.T) {
	for text, want := range map[string]string{
		"/a%3Ab%2Fc%3Fd%40e%21f%24g%27h%28i%29j%2Ak%2Cl%3B": "/a:b/c?d@e!f$g'h(i)j*k,l;",
		"/%3a%2f%3f%2a%2c%3b":                               "/:/?*,;",
		"/%20%25%26%3D%23%2B%C3%BC%00":                      "/%20%25%26%3D%23%2B%C3%BC%00",
		"/%253A%2":                                          "/%253A%2",
	} {
		if got := decodeReserved(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// TestTheSecretIsSignedWhereTheTemplateHasIt: before the body, behind it and without one. The sums were computed
// with Python: hashlib.sha256 and hmac over "0123456789abcdef" and "body".
func TestTheSecretIsSignedWhereTheTemplateHasIt(t *testing.T) {
	const secret = "0123456789abcdef"
	for template, signed := range map[string]string{
		"{secret}{body}":                       secret + "body",
		"{body}{secret}":                       "body" + secret,
		"a{secret}b{body}c":                    "a" + secret + "bbodyc",
		"a{body}b{secret}c":                    "abodyb" + secret + "c",
		"{header:Nonce}{secret}{body}":         "n" + secret + "body",
		"{header:Nonce}\n{secret}":             "n\n" + secret,
		"{header:Nonce}{body}{secret}{body2}x": "",
	} {
		plain := sha256.Sum256([]byte(signed))
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(signed))
		for algorithm, want := range map[Algorithm][]byte{SHA256: plain[:], HMACSHA256: mac.Sum(nil)} {
			scheme := Scheme{Algorithm: algorithm, Signature: Signature{From: "header:S"}, Content: template}
			v, err := New(scheme, []Secret{NewSecret("", "another secret of the same"), NewSecret("", secret)}, Options{})
			if signed == "" {
				if err == nil {
					t.Errorf("%s is a template", template)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			r := Request{Header: http.Header{"S": {hex.EncodeToString(want)}, "Nonce": {"n"}}}
			if _, err := verify(v, r, []byte("body")); err != nil {
				t.Errorf("%s, %s: %v", algorithm, template, err)
			}
		}
	}
}

// TestNoPartOfABodyMovesToTheURL: nothing parts the two in the signed text, so a copy could begin with an object
// within the genuine one, or end where the URL stands in it, and many readers of JSON would take what is left.
func TestNoPartOfABodyMovesToTheURL(t *testing.T) {
	for _, name := range []string{"square", "hubspot-v2", "hubspot-v3", "trello"} {
		scheme, _ := Preset(name)
		const body = `{"event_id":"e","action":{"id":"a"},"callback":"https://hooks.example.com/in","amount":{"value":1}}`
		r := send(t, scheme, Message{Body: []byte(body)}, 0)
		v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: clock(referenceNow)}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verify(v, r, []byte(body)); err != nil {
			t.Fatal(name, err)
		}
		moved, left := "", ""
		if name == "trello" {
			before, behind, _ := strings.Cut(body, v.publicURL)
			moved, left = behind+v.publicURL+r.Target, before
		} else {
			at := strings.LastIndex(body, "{")
			moved, left = r.Target+body[:at], body[at:]
		}
		r.Target = moved
		if d, err := verify(v, r, []byte(left)); err != ErrFieldAmbiguous {
			t.Errorf("%s: %s at %s: %v, %v", name, left, moved, d, err)
		}
		r.Target = "/in?q=%7B%22"
		if _, err := v.Check(r); err != nil {
			t.Errorf("%s: %s: %v", name, r.Target, err)
		}
	}
}

// TestCrossesFindsEveryOtherReading: a value crosses its divider exactly when the text can be
// taken apart in another way than it was put together.
func TestCrossesFindsEveryOtherReading(t *testing.T) {
	texts := []string{""}
	for i := 0; i < len(texts) && len(texts[i]) < 4; i++ {
		texts = append(texts, texts[i]+"a", texts[i]+"b")
	}
	for _, divider1 := range texts[1:] {
		for _, value := range texts {
			before := divider{text: divider1}
			if got, want := before.crosses(value), strings.Index(value+divider1, divider1) != len(value); got != want {
				t.Errorf("%q before %q crosses: %t, want %t", value, divider1, got, want)
			}
			after := divider{text: divider1, precedes: true}
			if got, want := after.crosses(value), strings.LastIndex(divider1+value, divider1) != 0; got != want {
				t.Errorf("%q after %q crosses: %t, want %t", value, divider1, got, want)
			}
		}
	}
	if (divider{}).crosses(strconv.Itoa(1)) {
		t.Error("a value crosses a divider that isn't there")
	}
}
