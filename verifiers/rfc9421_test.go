package verifiers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// message returns the header of a message that is signed under a label.
func message(t *testing.T, label string, m Message) http.Header {
	t.Helper()
	scheme, _ := Preset("rfc9421")
	secrets := secretsOf(scheme)
	if label == "old" {
		secrets[0], secrets[1] = secrets[1], secrets[0]
	}
	v, err := New(scheme, secrets, optionsOf(scheme, Options{Now: clock(referenceNow)}))
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(m)
	if err != nil {
		t.Fatal(err)
	}
	return header
}

// TestWithoutOneOfItsSignaturesAMessageIsTheSame: while a key is rolled a message has two. A copy with one of them
// is a copy.
func TestWithoutOneOfItsSignaturesAMessageIsTheSame(t *testing.T) {
	m := Message{Body: []byte("{}"), Method: http.MethodPost, Target: "/in"}
	first, second := message(t, "new", m), message(t, "old", m)
	both := first.Clone()
	for _, name := range []string{"Signature", "Signature-Input"} {
		both.Set(name, strings.Replace(second.Get(name), "sig1", "sig0", 1)+", "+first.Get(name))
	}
	scheme, _ := Preset("rfc9421")
	v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: clock(referenceNow)}))
	if err != nil {
		t.Fatal(err)
	}
	var identities []string
	for i, header := range []http.Header{first, second, both} {
		d, err := verify(v, Request{Method: m.Method, Target: m.Target, Header: header}, m.Body)
		if err != nil || d.Key != []string{"new", "old", "old"}[i] {
			t.Fatalf("%v, %v", d, err)
		}
		identities = append(identities, identity(d))
	}
	if identities[0] != identities[1] || identities[0] != identities[2] {
		t.Errorf("%q", identities)
	}
	later := m
	later.Time = referenceNow.Add(time.Second)
	d, err := verify(v, Request{Method: m.Method, Target: m.Target, Header: message(t, "new", later)}, m.Body)
	if err != nil || identity(d) == identities[0] {
		t.Errorf("another message with the same body: %v, %v", d, err)
	}
}

// TestTheSecretsOfMessagesSayTheirAlgorithm: a key without its algorithm, with one of another kind, or that is
// weak is refused when the configuration loads, without a word of it.
func TestTheSecretsOfMessagesSayTheirAlgorithm(t *testing.T) {
	scheme, _ := Preset("rfc9421")
	const (
		begin   = "secret is not written as the scheme's keys are: begin it with hmac-sha256:, ed25519:, ecdsa-p256-sha256:, rsa-pss-sha512: or rsa-v1_5-sha256: for its algorithm"
		ed25519 = "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
	)
	for _, test := range []struct{ text, want string }{
		{"a shared secret of some length", begin},
		{"hmac-sha512:MDEyMzQ1Njc4OWFiY2RlZg==", begin},
		{"none:", begin},
		{ed25519, begin},
		{"-----BEGIN PUBLIC KEY-----\n" + ed25519 + "\n-----END PUBLIC KEY-----", begin},
		{"hmac-sha256:MDEyMw==", "secret is shorter than 16 bytes"},
		{"hmac-sha256:", "secret is empty"},
		{"hmac-sha256:no base64", "secret is not written as the scheme's keys are: expected base64"},
		{"ed25519:", "secret is empty"},
		{"rsa-v1_5-sha256:" + ed25519, "secret is not written as the scheme's keys are: the key is of another kind than rsa-sha256"},
		{"ed25519:" + ed25519, ""},
		{"ed25519:-----BEGIN PUBLIC KEY-----\n" + ed25519 + "\n-----END PUBLIC KEY-----\n", ""},
	} {
		want := "scheme rfc9421: secret 1: " + test.want
		_, err := New(scheme, []Secret{NewSecret("k1", test.text)}, optionsOf(scheme, Options{}))
		if (err == nil) != (test.want == "") || err != nil && err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	var many []Secret
	for range MaxPublicKeys + 1 {
		many = append(many, NewSecret("k1", "ed25519:"+ed25519))
	}
	if _, err := New(scheme, many, optionsOf(scheme, Options{})); err == nil || !strings.Contains(err.Error(), "secret 5: one public key more") {
		t.Error(err)
	}
}

// TestWhatAMessageHasToCoverIsTheSchemes: its Content has the names, and what isn't one of them is an error.
func TestWhatAMessageHasToCoverIsTheSchemes(t *testing.T) {
	for content, want := range map[string]string{
		"":                          "",
		`"content-digest"`:          "",
		`"@method" "x-id"`:          "",
		`content-digest`:            `content: content-digest is nothing that a signature can have to cover`,
		`"@method"  "date"`:         `content: write the names of what a signature has to cover, such as "@method" "@target-uri" "content-digest"`,
		`"@status"`:                 `content: "@status" is nothing that a signature can have to cover`,
		`"Date"`:                    `content: "Date" is nothing that a signature can have to cover`,
		`"date";bs`:                 `content: "date";bs is nothing that a signature can have to cover`,
		`"@query-param";name="a"`:   `content: "@query-param";name="a" is nothing that a signature can have to cover`,
		`"a");created=1, sig2=("b"`: `content: write the names of what a signature has to cover, such as "@method" "@target-uri" "content-digest"`,
		`" "`:                       `content: " " is nothing that a signature can have to cover`,
	} {
		scheme, _ := Preset("rfc9421")
		scheme.Content = content
		_, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{}))
		if (err == nil) != (want == "") || err != nil && err.Error() != "scheme rfc9421: "+want {
			t.Errorf("%s: got  %v\nwant %s", content, err, want)
		}
		if covers := content == "" || strings.Contains(content, contentDigest); err == nil && scheme.CoversBody() != covers {
			t.Errorf("%s: covers the body: %t", content, scheme.CoversBody())
		}
	}
}

// TestAComponentIsWhatTheRFCSays: the examples of section 2 of RFC 9421, and what a proxy cuts off.
func TestAComponentIsWhatTheRFCSays(t *testing.T) {
	const query = "/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something&twice=1&twice=2&qux="
	for _, test := range []struct {
		publicURL, target, component, want string
		err                                error
	}{
		{"https://www.example.com", "/path?param=value", `"@method"`, "POST", nil},
		{"https://www.example.com", "/path?param=value", `"@target-uri"`, "https://www.example.com/path?param=value", nil},
		{"https://www.example.com", "/path?param=value", `"@authority"`, "www.example.com", nil},
		{"HTTPS://WWW.Example.com:443/", "/path", `"@authority"`, "www.example.com", nil},
		{"http://www.example.com:80", "/path", `"@target-uri"`, "http://www.example.com/path", nil},
		{"http://www.example.com:443", "/path", `"@authority"`, "www.example.com:443", nil},
		{"http://www.example.com", "/path", `"@scheme"`, "http", nil},
		{"https://www.example.com", "/path?param=value", `"@request-target"`, "/path?param=value", nil},
		{"https://www.example.com", "/path?param=value", `"@path"`, "/path", nil},
		{"https://www.example.com", "?a", `"@path"`, "/", nil},
		{"https://www.example.com/base/", "/path", `"@path"`, "/base/path", nil},
		{"https://www.example.com", "/path?param=value&foo=bar&baz=bat%2Dman", `"@query"`, "?param=value&foo=bar&baz=bat%2Dman", nil},
		{"https://www.example.com", "/path?queryString", `"@query"`, "?queryString", nil},
		{"https://www.example.com", "/path", `"@query"`, "?", nil},
		{"https://www.example.com", query, `"@query-param";name="var"`, "this%20is%20a%20big%0Amultiline%20value", nil},
		{"https://www.example.com", query, `"@query-param";name="bar"`, "with%20plus%20whitespace", nil},
		{"https://www.example.com", query, `"@query-param";name="fa%C3%A7ade%22%3A%20"`, "something", nil},
		{"https://www.example.com", query, `"@query-param";name="qux"`, "", nil},
		{"https://www.example.com", query, `"@query-param";name="twice"`, "", ErrFieldRepeated},
		{"https://www.example.com", query, `"@query-param";name="none"`, "", ErrFieldMissing},
		{"https://www.example.com", query, `"@query-param"`, "", ErrSignatureMalformed},
		{"https://www.example.com", query, `"@query-param";name="var";req`, "", ErrSignatureMalformed},
		{"https://WWW.example.com:443", "/", `"host"`, "www.example.com", nil},
		{"https://www.example.com", "/", `"host";sf`, "", ErrSignatureMalformed},
		{"https://www.example.com", "/", `"x-ows-header"`, "Leading and trailing whitespace.", nil},
		{"https://www.example.com", "/", `"cache-control"`, "max-age=60, must-revalidate", nil},
		{"https://www.example.com", "/", `"x-empty-header"`, "", nil},
		{"https://www.example.com", "/", `"x-missing"`, "", ErrFieldMissing},
		{"https://www.example.com", "/", `"x-empty-header";sf`, "", ErrSignatureMalformed},
		{"https://www.example.com", "/", `"@signature-params"`, "", ErrSignatureMalformed},
		{"https://www.example.com", "/", `token`, "", ErrSignatureMalformed},
	} {
		o, err := parseOrigin(strings.TrimSuffix(test.publicURL, "/"))
		if err != nil {
			t.Fatal(err)
		}
		r := Request{Method: http.MethodPost, Target: test.target, Header: http.Header{
			"X-Ows-Header": {"  Leading and trailing whitespace. \t"}, "Cache-Control": {"max-age=60 ", "  must-revalidate"}, "X-Empty-Header": {""},
		}}
		f := structuredField{text: test.component}
		item := f.item(false)
		if got, err := o.component(r, &item); f.bad || got != test.want || err != test.err {
			t.Errorf("%s of %s%s: %q, %v; want %q, %v", test.component, test.publicURL, test.target, got, err, test.want, test.err)
		}
	}
}

// TestASignatureThatExpiresWhileTheBodyArrivesIsRefused: as one whose time has passed.
func TestASignatureThatExpiresWhileTheBodyArrivesIsRefused(t *testing.T) {
	v := vectorNamed(t, "rfc9421", "with algorithm, nonce, expiry and tag")
	verifier := v.verifier(t, 0)
	check, err := verifier.Check(v.request())
	if err != nil {
		t.Fatal(err)
	}
	defer check.Close()
	verifier.now = clock(time.Unix(v.Now, 0).Add(time.Second))
	if d, err := check.Verify(v.body()); err != ErrTimestampTooOld {
		t.Errorf("%v, %v", d, err)
	}
}

// TestTheAlgorithmIsTheKeys: with a public key known to everybody, nobody can sign by naming another algorithm,
// as with JSON Web Tokens whose header says HS256.
func TestTheAlgorithmIsTheKeys(t *testing.T) {
	scheme, _ := Preset("rfc9421")
	const public = "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
	forger, err := New(scheme, []Secret{NewSecret("k1", "hmac-sha256:"+public)}, optionsOf(scheme, Options{Now: clock(referenceNow)}))
	if err != nil {
		t.Fatal(err)
	}
	m := Message{Body: []byte("{}"), Method: http.MethodPost, Target: "/in"}
	header, err := forger.Sign(m)
	if err != nil {
		t.Fatal(err)
	}
	v, err := New(scheme, []Secret{NewSecret("k1", "ed25519:"+public)}, optionsOf(scheme, Options{Now: clock(referenceNow)}))
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range []string{"", `;alg="hmac-sha256"`, `;alg="none"`, `;alg="ed25519"`} {
		r := Request{Method: m.Method, Target: m.Target, Header: header.Clone()}
		r.Header.Set("Signature-Input", header.Get("Signature-Input")+alg)
		if d, err := verify(v, r, m.Body); !errors.Is(err, ErrNotGenuine) {
			t.Errorf("%s: %v, %v", alg, d, err)
		}
	}
}

// TestWhatSignaturesCoverIsBounded: nobody without a key has a long URL read again for each of its parameters, or
// hashed again under every key for each of many signatures.
func TestWhatSignaturesCoverIsBounded(t *testing.T) {
	scheme, _ := Preset("rfc9421")
	v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: clock(referenceNow)}))
	if err != nil {
		t.Fatal(err)
	}
	const covered = `"@method" "@target-uri" "content-digest"`
	for _, test := range []struct {
		components string
		signatures int
		target     int
		want       error
	}{
		{covered, 1, maxSigned / 2, ErrSignatureMismatch},
		{covered, 1, maxSigned, ErrTooManySignatures},
		{covered, 3, maxSigned / 2, ErrTooManySignatures},
		{covered + ` "@query-param";name="a"`, 1, maxSigned / 4, ErrSignatureMismatch},
		{covered + ` "@query-param";name="a" "@query-param";name="b" "@query-param";name="c"`, 1, maxSigned / 4, ErrTooManySignatures},
	} {
		var inputs, signatures []string
		for i := range test.signatures {
			inputs = append(inputs, fmt.Sprintf("s%d=(%s);created=%d", i, test.components, referenceNow.Unix()))
			signatures = append(signatures, fmt.Sprintf("s%d=:AA==:", i))
		}
		r := Request{Method: http.MethodPost, Target: "/in?a=&b=&c=&d=" + strings.Repeat("&", test.target), Header: http.Header{
			"Signature-Input": {strings.Join(inputs, ", ")}, "Signature": {strings.Join(signatures, ", ")}, "Content-Digest": {digestOf(nil)},
		}}
		if _, err := v.Check(r); err != test.want {
			t.Errorf("%d signatures over %s of %d bytes: %v, want %v", test.signatures, test.components, test.target, err, test.want)
		}
	}
}
