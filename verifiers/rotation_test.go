package verifiers

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// rolled are two secrets of which one is used before noon and the other from 11 to 13 hours.
func rolled(noon time.Time) []Secret {
	old, next := NewSecret("old", "old-secret-0123456789"), NewSecret("new", "new-secret-0123456789")
	old.NotAfter = noon
	next.NotBefore, next.NotAfter = noon.Add(-time.Hour), noon.Add(time.Hour)
	return []Secret{old, next}
}

// TestASecretIsUsedInItsTimeOnly: by the verifier's clock, from the first instant of its time on and up to
// the last one before its end, whoever signed when.
func TestASecretIsUsedInItsTimeOnly(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	now := noon
	options := Options{Now: func() time.Time { return now }}
	for _, name := range []string{"github", "gstable", "standard"} {
		scheme, _ := Preset(name)
		v, err := New(scheme, rolled(noon), options)
		if name == "standard" {
			scheme.Key = UTF8 // so that the secrets may be any text
			scheme.Alternative, scheme.Signature.List.Ed25519 = nil, ""
			v, err = New(scheme, rolled(noon), options)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			at       time.Duration
			old, new bool
		}{
			{-time.Hour - 1, true, false}, {-time.Hour, true, true}, {-1, true, true}, {0, false, true},
			{time.Hour - 1, false, true}, {time.Hour, false, false},
		} {
			now = noon.Add(test.at)
			for i, want := range []bool{test.old, test.new} {
				secret := rolled(noon)[i]
				sender, err := New(scheme, []Secret{NewSecret(secret.Label, secret.text())}, options)
				if err != nil {
					t.Fatal(err)
				}
				header, err := sender.Sign(Message{ID: "msg_1", Body: []byte("{}")})
				if err != nil {
					t.Fatal(err)
				}
				d, err := verify(v, Request{Method: http.MethodPost, Header: header}, []byte("{}"))
				if want && (err != nil || d.Key != secret.Label) || !want && err != ErrSignatureMismatch {
					t.Errorf("%s at noon%+v: %s: %v, %v", name, test.at, secret.Label, d, err)
				}
			}
			header, err := v.Sign(Message{ID: "msg_1", Body: []byte("{}")})
			if !test.old && !test.new {
				if !errors.Is(err, ErrNoSecretNow) {
					t.Errorf("%s at noon%+v: signed with %v, %v", name, test.at, header, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, used := range []bool{test.old, test.new} {
				secret := rolled(noon)[i]
				receiver, err := New(scheme, []Secret{NewSecret("", secret.text())}, options)
				if err != nil {
					t.Fatal(err)
				}
				_, err = verify(receiver, Request{Method: http.MethodPost, Header: header}, []byte("{}"))
				// A scheme without room for several signatures is signed with the first that is used.
				if want := used && (name == "standard" || i == 0 || !test.old); want != (err == nil) {
					t.Errorf("%s at noon%+v: signed with %s: %v", name, test.at, secret.Label, err)
				}
			}
		}
	}
}

// TestEverySchemeKeepsToTheTimesOfItsSecrets: whichever way it is verified, in code too, and with whatever
// algorithm.
func TestEverySchemeKeepsToTheTimesOfItsSecrets(t *testing.T) {
	for _, vector := range validVectors(t) {
		now := time.Unix(vector.Now, 0)
		for name, test := range map[string]struct {
			notBefore, notAfter time.Time
			used                bool
		}{
			"begins now":    {now, time.Time{}, true},
			"ends now":      {time.Time{}, now, false},
			"in its time":   {now.Add(-time.Hour), now.Add(time.Hour), true},
			"still to come": {now.Add(1), time.Time{}, false},
		} {
			secrets := vector.secrets()
			for i := range secrets {
				secrets[i].NotBefore, secrets[i].NotAfter = test.notBefore, test.notAfter
			}
			scheme, _ := Preset(vector.preset)
			scheme.Content = orDefault(vector.Content, scheme.Content)
			v, err := New(scheme, secrets, Options{Now: clock(now), AllowShort: true, AllowWeak: true, PublicURL: vector.PublicURL, Keys: vector.keySource()})
			if err != nil {
				t.Fatal(err)
			}
			d, err := verify(v, vector.request(), vector.body())
			if test.used && err != nil || !test.used && (!errors.Is(err, ErrNotGenuine) || d != Delivery{}) {
				t.Errorf("%s/%s: a secret that %s: %v, %v", vector.preset, vector.Name, name, d, err)
			}
			if _, err := v.Sign(Message{ID: "id", Event: "event"}); !test.used && err == nil {
				t.Errorf("%s: signed with a secret that %s", vector.preset, name)
			}
		}
	}
}

// TestAMessageIsSignedAtOneTime: the secret that is named is the one that signs, also if its time ends in
// the middle.
func TestAMessageIsSignedAtOneTime(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	now := noon.Add(-1)
	scheme := Scheme{Name: "named", Signature: Signature{From: "header:X-Signature"}, KeyID: "header:X-Key"}
	v, err := New(scheme, rolled(noon), Options{Now: func() time.Time { now = now.Add(1); return now.Add(-1) }})
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(Message{Time: noon, Body: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	all := rolled(noon)
	for i := range all {
		all[i].NotBefore, all[i].NotAfter = time.Time{}, time.Time{}
	}
	receiver, err := New(scheme, all, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := verify(receiver, Request{Method: http.MethodPost, Header: header}, []byte("{}")); err != nil || d.Key != "old" {
		t.Errorf("named %s: %v, %v", header.Get("X-Key"), d, err)
	}
}

// TestASecretWhoseTimeIsEmptyIsAnError: nobody means that.
func TestASecretWhoseTimeIsEmptyIsAnError(t *testing.T) {
	scheme, _ := Preset("github")
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, end := range []time.Time{noon, noon.Add(-time.Hour)} {
		secret := NewSecret("", "secret-0123456789abcdef")
		secret.NotBefore, secret.NotAfter = noon, end
		if _, err := New(scheme, []Secret{secret}, Options{}); !errors.Is(err, ErrSecretNeverUsed) {
			t.Errorf("%v", err)
		}
	}
}

// TestChallengesAreAnsweredWithTheSecretsThatAreUsed: an old secret that signs no delivery any more signs
// no challenge either, nor decrypts one.
func TestChallengesAreAnsweredWithTheSecretsThatAreUsed(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	now := noon.Add(-2 * time.Hour)
	scheme, _ := Preset("x-twitter")
	v, err := New(scheme, rolled(noon), Options{Now: func() time.Time { return now }, Handshake: new(HandshakeOptions)})
	if err != nil {
		t.Fatal(err)
	}
	ask := func() (string, error) {
		answer, err := v.Handshake().Head(Request{Method: http.MethodGet, Target: "/?crc_token=a"})
		return string(answer.Body), err
	}
	before, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	now = noon
	after, err := ask()
	if err != nil || before == after {
		t.Errorf("the answer is still %q, %v", after, err)
	}
	if got := v.Handshake().keys(); len(got) != 1 || got[0] != rolled(noon)[1].text() {
		t.Errorf("%d keys are used", len(got))
	}
	now = noon.Add(time.Hour)
	if after, err = ask(); err != ErrChallengeRefused {
		t.Errorf("answered %q, %v", after, err)
	}
}
