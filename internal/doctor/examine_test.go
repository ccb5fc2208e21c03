package doctor

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

func preset(t testing.TB, name string) verifiers.Scheme {
	t.Helper()
	scheme, ok := verifiers.Preset(name)
	if !ok {
		t.Fatalf("%s is no preset", name)
	}
	return scheme
}

func sign(t testing.TB, name, body string) Case {
	t.Helper()
	c, ok := signed(preset(t, name), body)
	if !ok {
		t.Fatalf("%s can't sign", name)
	}
	return c
}

// Whatever provider a delivery is said to be of, the one that it is of is named, if not alone: several
// providers sign alike.
func TestTheRightProviderIsNamed(t *testing.T) {
	for _, scheme := range verifiers.Presets() {
		c, ok := signed(scheme, richBody)
		if !ok {
			c = captured(t, scheme)[0]
		}
		for _, wrong := range []string{"github", "stripe", "gitlab-token", "trello"} {
			c.Scheme = preset(t, wrong)
			r := Examine(c)
			if r.Genuine {
				continue // signed alike
			}
			named := slices.ContainsFunc(r.Causes, func(cause []Change) bool {
				return len(cause) == 1 && cause[0].Kind == OfProvider && cause[0].Name == scheme.Name
			})
			if scheme.Fetches() { // nobody is asked for the key of a provider that wasn't named
				named = len(r.Causes) > 0 || slices.ContainsFunc(r.Hints, func(h Change) bool { return h.Kind == OfProvider && h.Name == scheme.Name })
			}
			// There are providers whose deliveries verify as several others' do.
			if !named && len(r.Causes) < maxCauses {
				t.Errorf("%s taken for %s: got %s", scheme.Name, wrong, namesOf(r.Causes))
			}
		}
	}
}

func TestTwoMistakesAtOnceAreNamed(t *testing.T) {
	for _, test := range []struct {
		preset string
		does   func(*Case)
		want   string
	}{
		{"github", func(c *Case) {
			ofText(func(s string) string { return s + "\n" })(c)
			ofBytes(remarshal("  "))(c)
		}, "body/json_minified+secret/newline"},
		{"stripe", func(c *Case) {
			ofText(func(s string) string { return `"` + s + `"` })(c)
			c.Now = c.Now.Add(time.Hour)
		}, "secret/quotes+time/too_old"},
		{"slack", func(c *Case) {
			c.Scheme = preset(t, "github")
			ofText(func(s string) string { return s + "\n" })(c)
		}, "provider/slack+secret/newline"},
		{"hubspot-v3", func(c *Case) {
			c.PublicURL = "http://hooks.example.com:8080"
			ofBytes(func(b []byte) []byte { return append(b, '\n') })(c)
		}, "body/newline_added+url/scheme_without_port"},
		{"shopify", func(c *Case) {
			ofSignature(func(s string) string { return `"` + s + `"` })(c)
			ofBytes(func(b []byte) []byte { return append([]byte(bom), b...) })(c)
		}, "header/quoted+body/bom"},
	} {
		c := sign(t, test.preset, richBody)
		test.does(&c)
		if r := Examine(c); r.Genuine || len(r.Causes) == 0 || namesOf(r.Causes[:1]) != test.want {
			t.Errorf("%s: got %s, want %s", test.preset, namesOf(r.Causes), test.want)
		}
	}
}

// What can't be proved is said as such.
func TestWhatIsOddIsHintedAt(t *testing.T) {
	for _, test := range []struct {
		does func(*Case)
		want string
	}{
		{func(c *Case) { ofSignature(func(s string) string { return s[:len(s)-6] })(c) }, "truncated"},
		{func(c *Case) { ofSignature(func(string) string { return "sha256=***" })(c) }, "redacted"},
		{func(c *Case) { c.Header.Set("Content-Encoding", "br"); c.Body = []byte("{ }") }, "decoded"},
		{func(c *Case) { c.Header.Set("Content-Length", "500"); c.Body = []byte("[1]") }, "length"},
		{func(c *Case) { c.Body = nil }, "empty"},
		{func(c *Case) { c.Scheme = preset(t, "stripe"); c.Body = []byte("[1]") }, "headers"},
		{func(c *Case) { c.Header = http.Header{"Content-Type": {"application/json"}} }, "absent"},
		{func(c *Case) { *c = sign(t, "slack", richBody); c.Header.Del("X-Slack-Request-Timestamp") }, "absent"},
		{func(c *Case) { *c = sign(t, "standard", richBody); c.Header.Del("Webhook-Id") }, "absent"},
		{func(c *Case) {
			*c = sign(t, "rfc9421", richBody)
			c.Header.Set("Signature-Input", strings.Replace(c.Header.Get("Signature-Input"), ` "content-digest"`, "", 1))
		}, "uncovered"},
		{ofAnotherSecret, "other"},
	} {
		c := sign(t, "github", richBody)
		test.does(&c)
		r := Examine(c)
		if r.Genuine || len(r.Causes) > 0 || !slices.ContainsFunc(r.Hints, func(h Change) bool { return h.Name == test.want }) {
			t.Errorf("%s: got %s and %v", test.want, namesOf(r.Causes), r.Hints)
		}
	}
}

func ofAnotherSecret(c *Case) { c.Secret = func() string { return "quite-another-secret-of-32-bytes" } }

func TestACompressedBodyThatWasDecodedIsNamed(t *testing.T) {
	c := sign(t, "github", string(compressed([]byte(richBody), 9)))
	c.Header.Set("Content-Encoding", "gzip")
	c.Body = []byte(richBody)
	if r := Examine(c); namesOf(r.Causes) != "body/gzip_decoded" {
		t.Errorf("got %s", namesOf(r.Causes))
	}
}

func TestTheClockIsOffByWhatIsSaid(t *testing.T) {
	c := sign(t, "stripe", richBody)
	c.Now = c.Now.Add(7*time.Minute + 3*time.Second)
	r := Examine(c)
	if r.Reason != "timestamp_too_old" || !r.Signed.Equal(now) || !strings.Contains(r.Causes[0][0].Text, "7m3s") {
		t.Errorf("got %s, %s, %v", r.Reason, r.Signed, r.Causes)
	}
	c.Tolerance = 10 * time.Minute
	if r := Examine(c); !r.Genuine {
		t.Errorf("within the tolerance given: got %s", r.Reason)
	}
}

// TestNothingSecretIsReported: neither the secret, nor the signature that was expected, nor the body, nor the
// value of a header field.
func TestNothingSecretIsReported(t *testing.T) {
	for _, name := range []string{"github", "stripe", "standard", "gitlab-token", "hubspot-v3", "discord", "twitch", "openai", "adyen-platform"} {
		c := sign(t, name, richBody)
		c.Header.Set("X-Private", "private-value")
		values := []string{c.Secret(), strings.TrimPrefix(c.Secret(), symmetric), "Zoë", "invoice.paid", "private-value"}
		for _, all := range c.Header {
			for _, value := range all {
				values = append(values, value)
				for part := range strings.SplitSeq(value, "=") {
					if len(part) > 12 {
						values = append(values, part)
					}
				}
			}
		}
		for _, does := range []func(*Case) bool{
			ofText(func(s string) string { return " " + s + "\n" }),
			ofBytes(remarshal("\t")),
			ofSignature(func(s string) string { return s + s }),
			func(c *Case) bool { ofAnotherSecret(c); return true },
			func(c *Case) bool { c.Now = c.Now.Add(time.Hour); return true },
			func(c *Case) bool { c.Header = http.Header{"X": {"y"}}; return true },
		} {
			broken := c
			does(&broken)
			r := Examine(broken)
			r.Delivery = verifiers.Delivery{} // what a genuine delivery says may be shown
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			printed := string(text) + fmt.Sprintf("%v %+v %#v", r, r, r)
			for _, value := range values {
				if len(value) > 8 && value != r.Signed.UTC().Format(time.RFC3339) && strings.Contains(printed, value) {
					t.Errorf("%s: %q is reported: %s", name, value, printed)
				}
			}
		}
	}
}

// A body of many megabytes isn't hashed for minutes, and what wasn't tried is said.
func TestTheSearchIsBounded(t *testing.T) {
	c := sign(t, "github", richBody)
	ofAnotherSecret(&c)
	r := Examine(c)
	if !r.Complete || r.Tried > maxTrials || r.Tried < 500 {
		t.Errorf("tried %d, complete is %t", r.Tried, r.Complete)
	}
	e := &examination{base: c, hashed: maxHashed - 1}
	e.search(nil)
	if e.trials != 1 || !e.exhausted() {
		t.Errorf("tried %d", e.trials)
	}
}

// FuzzExamine: no delivery makes the doctor fail, and a body that is changed doesn't verify as it is.
func FuzzExamine(f *testing.F) {
	f.Add([]byte(richBody), "a secret of some length", "sha256=00", "X-Hub-Signature-256")
	f.Add([]byte("\x1f\x8b"), "\"", "", "")
	f.Add([]byte(`{"\u`), "whsec_", "v1,x", "Webhook-Signature")
	presets := offline()
	f.Fuzz(func(t *testing.T, body []byte, secret, value, field string) {
		c := Case{
			Scheme: presets[len(body)%len(presets)], Secret: func() string { return secret }, Method: "POST", Target: value,
			Header: http.Header{field: {value}}, Body: body, PublicURL: field, Now: now,
		}
		before := fmt.Sprint(c.Header, string(c.Body), c.Target)
		r := Examine(c)
		if r.Genuine == (r.Reason != "") {
			t.Errorf("genuine is %t and the reason %q", r.Genuine, r.Reason)
		}
		if fmt.Sprint(c.Header, string(c.Body), c.Target) != before {
			t.Error("the case was changed")
		}
	})
}

// FuzzStringsOfJSON: writing the strings of JSON in another way keeps what they say.
func FuzzStringsOfJSON(f *testing.F) {
	f.Add([]byte(richBody))
	f.Add([]byte(`["\ud83d\ude00","\\u00e9","\\/","a\/b\"","\ud800"]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		minified := minify(body)
		var want, got any
		if minified == nil || json.Unmarshal(minified, &want) != nil {
			return
		}
		for _, s := range stringStyles {
			for _, b := range blankStyles {
				written := s.write(b.write(minified))
				if err := json.Unmarshal(written, &got); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s %s: %q became %q: %v", s.name, b.name, body, written, err)
				}
			}
		}
	})
}
