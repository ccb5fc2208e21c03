package verifiers

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// reversed is an engine for the tests: it signs the public URL, a nonce in a header and the body
// backwards.
type reversed struct {
	publicURL string
	broken    error // why it can't check
}

func (e reversed) head(c *Check) error {
	if err := c.readSignatures(nil); err != nil {
		return err
	}
	c.state = c.request.Header.Get("X-Nonce")
	return c.readTime(nil)
}

func (e reversed) verify(c *Check, body []byte) (Delivery, error) {
	if e.broken != nil {
		return Delivery{}, e.broken
	}
	if err := c.fresh(c.signed); err != nil {
		return Delivery{}, err
	}
	e.write(c, c.state.(string), body)
	return c.match(nil)
}

func (e reversed) write(c *Check, nonce string, body []byte) {
	body = bytes.Clone(body)
	slices.Reverse(body)
	c.setText([]byte(e.publicURL+c.request.Target+"\n"+nonce+"\n"), body, false)
}

func (e reversed) sign(c *Check, m Message) error {
	header := c.request.Header
	c.stamp = c.rules.unit.text(m.Time)
	header.Set("X-Nonce", "n")
	header.Set("X-Time", c.stamp)
	e.write(c, "n", m.Body)
	values, err := c.signatureValues(c.verifier.valid(), nil)
	header["X-Signature"] = values
	return err
}

// inCode is a scheme whose engine is reversed.
func inCode(broken error) Scheme {
	return Scheme{
		Name: "reversed", Signature: Signature{From: "header:X-Signature"}, Timestamp: &Timestamp{From: "header:X-Time"},
		ID: []string{"header:X-Id", "json:id"}, Event: []string{"json:type"},
		code: &code{
			open: func(s setup) (engine, error) {
				if s.tolerance != DefaultTolerance || len(s.secrets) == 0 || s.now == nil || s.scheme.Name != "reversed" {
					return nil, errors.New("the setup isn't complete")
				}
				return reversed{s.publicURL, broken}, nil
			},
			coversBody: true, coversURL: true, headers: []string{"x-nonce"},
		},
	}
}

// TestASchemeInCodeIsASchemeLikeAnyOther: secrets, time, id, event, identity, reasons and signing are
// those of any scheme; only the signed text is the engine's.
func TestASchemeInCodeIsASchemeLikeAnyOther(t *testing.T) {
	scheme := inCode(nil)
	if _, err := New(scheme, identitySecrets, Options{}); err == nil || !strings.Contains(err.Error(), "the signature covers the URL") {
		t.Errorf("without a public URL: %v", err)
	}
	options := Options{PublicURL: "https://hooks.example.com/", Now: clock(referenceNow)}
	v, err := New(scheme, identitySecrets, options)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"id":"evt_1","type":"ping"}`)
	header, err := v.Sign(Message{Body: body, Target: "/in", Time: referenceNow})
	if err != nil {
		t.Fatal(err)
	}
	if got := v.HeaderNames(); !slices.Equal(got, []string{"X-Signature", "X-Time", "X-Id", "X-Nonce"}) {
		t.Errorf("the scheme's headers are %v", got)
	}
	if got := scheme.ReplayKey(); got != "json:id, else MAC" {
		t.Errorf("the replay key is %q", got)
	}
	r := Request{Method: http.MethodPost, Target: "/in", Header: header}
	for range 3 { // checks are used again
		d, err := verify(v, r, body)
		if err != nil || d.Provider != "reversed" || d.ID != "evt_1" || !d.IDSigned || d.Event != "ping" || d.Key != "new" || !d.Timestamp.Equal(referenceNow) {
			t.Errorf("%v, %v", d, err)
		}
	}
	for _, test := range []struct {
		name   string
		change func(*Request)
		body   string
		later  time.Duration
		want   error
	}{
		{"another body", func(*Request) {}, "{}", 0, ErrSignatureMismatch},
		{"another target", func(r *Request) { r.Target = "/out" }, string(body), 0, ErrSignatureMismatch},
		{"no signature", func(r *Request) { r.Header.Del("X-Signature") }, string(body), 0, ErrSignatureMissing},
		{"two signatures", func(r *Request) { r.Header.Add("X-Signature", "x") }, string(body), 0, ErrFieldRepeated},
		{"no time", func(r *Request) { r.Header.Del("X-Time") }, string(body), 0, ErrTimestampMissing},
		{"too late", func(*Request) {}, string(body), time.Hour, ErrTimestampTooOld},
		{"two ids", func(r *Request) { r.Header["X-Id"] = []string{"a", "b"} }, string(body), 0, ErrFieldRepeated},
	} {
		wrong := r
		wrong.Header = header.Clone()
		test.change(&wrong)
		late := options
		late.Now = clock(referenceNow.Add(test.later))
		v, err := New(scheme, identitySecrets, late)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := verify(v, wrong, []byte(test.body)); err != test.want {
			t.Errorf("%s: %v, %v; want %v", test.name, d, err, test.want)
		}
	}
}

// TestAnEngineThatCannotCheckSaysSo: its error comes through as it is, so that the sender is asked
// again and not turned away.
func TestAnEngineThatCannotCheckSaysSo(t *testing.T) {
	broken := errors.New("no certificate")
	options := Options{PublicURL: "https://hooks.example.com", Now: clock(referenceNow)}
	v, err := New(inCode(broken), identitySecrets, options)
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(Message{Time: referenceNow})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := verify(v, Request{Header: header}, nil); err != broken || d != (Delivery{}) {
		t.Errorf("%v, %v", d, err)
	}
	scheme := inCode(nil)
	scheme.code.open = func(setup) (engine, error) { return nil, errors.New("no topic") }
	if _, err := New(scheme, identitySecrets, options); err == nil || err.Error() != "scheme reversed: no topic" {
		t.Errorf("%v", err)
	}
}

// onlyVerifies is an engine without sign.
type onlyVerifies struct{ engine }

// TestAnEngineNeedNotSign: what can only be verified says so.
func TestAnEngineNeedNotSign(t *testing.T) {
	scheme := inCode(nil)
	scheme.code.open = func(setup) (engine, error) { return onlyVerifies{reversed{}}, nil }
	v, err := New(scheme, identitySecrets, Options{PublicURL: "https://hooks.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Sign(Message{}); err == nil || err.Error() != "scheme reversed: its deliveries can be verified only" {
		t.Errorf("%v", err)
	}
}
