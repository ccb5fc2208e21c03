package verifiers

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// sentByMandrill returns a delivery of a form, with a verifier that takes the memory for it from l.
func sentByMandrill(t *testing.T, l *lender, body []byte) (*Verifier, Request) {
	t.Helper()
	scheme, _ := Preset("mandrill")
	v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Space: l.space}))
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(Message{Method: http.MethodPost, Target: "/in", Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return v, Request{Method: http.MethodPost, Target: "/in", Header: header}
}

// TestAFormOfMandrillMayBeAsLargeAsAnyBody: a thousand events are some megabytes, and so is one mail with what is
// attached to it. The memory for them is counted.
func TestAFormOfMandrillMayBeAsLargeAsAnyBody(t *testing.T) {
	l := &lender{t: t}
	events := `[{"event":"inbound","msg":{"text":"` + strings.Repeat("a+%3D \u00e9", 1<<18) + `"}}]`
	body := []byte("mandrill_events=" + url.QueryEscape(events))
	v, r := sentByMandrill(t, l, body)
	l.wants("signing", len(body))
	if !v.NeedsSpace() {
		t.Error("it is said to need no memory")
	}
	if _, err := verify(v, r, body); err != nil {
		t.Error(err)
	}
	l.wants("a form", len(body))
	if _, err := verify(v, r, bytes.Replace(body, []byte("inbound"), []byte("outside"), 1)); err != ErrSignatureMismatch {
		t.Error(err)
	}
	l.wants("a forgery", len(body))
	if _, err := verify(v, r, []byte("a=1&a=2")); err != ErrFieldRepeated {
		t.Error(err)
	}
	l.wants("no form", len("a=1&a=2"))
	l.full = errors.New("no room")
	if _, err := verify(v, r, body); err != l.full {
		t.Error(err)
	}
	if _, err := v.Sign(Message{Method: http.MethodPost, Target: "/in", Body: body}); !errors.Is(err, l.full) {
		t.Error(err)
	}
}

// TestTheEventsOfMandrillDoNotMoveToTheURL: nothing parts the URL from the form in what is signed, and a copy without
// events would be what the app has accepted when the delivery itself comes.
func TestTheEventsOfMandrillDoNotMoveToTheURL(t *testing.T) {
	const events = `mandrill_events[{"event":"send"},{"event":"open"}]`
	body := []byte("mandrill_events=" + url.QueryEscape(strings.TrimPrefix(events, "mandrill_events")))
	v, r := sentByMandrill(t, &lender{t: t}, body)
	if _, err := verify(v, r, body); err != nil {
		t.Fatal(err)
	}
	for at := range events {
		moved := r
		moved.Target += events[:at+1]
		rest := url.QueryEscape(events[at+1:])
		if at < len("mandrill_events[") {
			continue // the name of a field that the app doesn't know
		}
		if d, err := verify(v, moved, []byte(rest)); err != ErrFieldAmbiguous {
			t.Fatalf("%s: %v, %v", moved.Target, d, err)
		}
	}
}
