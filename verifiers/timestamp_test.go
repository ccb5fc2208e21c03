package verifiers

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzTimestamp: a timestamp is 1 to 16 decimal digits, the first no zero in front of others, and
// means the number that strconv reads.
func FuzzTimestamp(f *testing.F) {
	for _, text := range []string{
		"", "0", "00", "01767225600", "1767225600", "1767225600000", "100000000000", "100000000001", "9999999999999999", "10000000000000000",
		"-1", "+1", "1.0", "1e9", "0x1", "1_000", " 1", "1 ", "１", "1\x00", "18446744073709551616", "/", ":",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		digits := text != "" && len(text) <= 16 && strings.Trim(text, "0123456789") == "" && (len(text) == 1 || text[0] != '0')
		for _, unit := range []Unit{Seconds, Milliseconds, AutoUnit} {
			got, err := unit.parse(text)
			if !digits {
				if err != ErrTimestampMalformed && (err != ErrTimestampMissing || text != "") {
					t.Errorf("%q: %v, %v", text, got, err)
				}
				continue
			}
			n, parseErr := strconv.ParseInt(text, 10, 64)
			if err != nil || parseErr != nil {
				t.Fatalf("%q: %v, %v", text, err, parseErr)
			}
			want := time.Unix(n, 0)
			if unit == Milliseconds || unit == AutoUnit && n > 100_000_000_000 {
				want = time.UnixMilli(n)
			}
			if !got.Equal(want) {
				t.Errorf("%q in %s: %v, want %v", text, unit, got, want)
			}
			// No accepted time overflows what is computed with it.
			if age := referenceNow.Sub(got); got.Before(referenceNow) != (age > 0) && !got.Equal(referenceNow) {
				t.Errorf("%q in %s: %v old", text, unit, age)
			}
		}
	})
}

// TestTheWindowHasTwoSides: a time may lie as far ahead as behind, to the nanosecond, however
// large the tolerance and however far the time.
func TestTheWindowHasTwoSides(t *testing.T) {
	now := referenceNow
	for _, tolerance := range []time.Duration{1, time.Second, DefaultTolerance, 24 * time.Hour} {
		for _, test := range []struct {
			signed time.Time
			want   error
		}{
			{now, nil},
			{now.Add(-tolerance), nil},
			{now.Add(tolerance), nil},
			{now.Add(-tolerance - 1), ErrTimestampTooOld},
			{now.Add(tolerance + 1), ErrTimestampTooNew},
			{time.Unix(0, 0), ErrTimestampTooOld},
			{time.Unix(9_999_999_999_999_999, 0), ErrTimestampTooNew},
			{time.Time{}, ErrTimestampTooOld},
		} {
			if err := within(test.signed, now, tolerance); err != test.want {
				t.Errorf("signed at %v, tolerance %v: %v, want %v", test.signed, tolerance, err, test.want)
			}
		}
	}
	if err := within(time.Unix(9_999_999_999_999_999, 0), now, math.MaxInt64); err != ErrTimestampTooNew {
		t.Errorf("beyond the longest duration: %v", err)
	}
}

// TestToleranceIsTheVerifiers: the tolerance of the options counts before the scheme's, for the
// alternative too, and is what Tolerance says.
func TestToleranceIsTheVerifiers(t *testing.T) {
	standard, _ := Preset("standard")
	custom := Scheme{Signature: Signature{From: "header:S"}, Content: "{timestamp}.{body}", Timestamp: &Timestamp{From: "header:T", Tolerance: time.Minute}}
	github, _ := Preset("github")
	for _, test := range []struct {
		name            string
		scheme          Scheme
		tolerance, want time.Duration
	}{
		{"the default", standard, 0, DefaultTolerance},
		{"the options' over the default", standard, time.Hour, time.Hour},
		{"the scheme's", custom, 0, time.Minute},
		{"the options' over the scheme's", custom, time.Second, time.Second},
		{"none where no time is signed", github, 0, 0},
	} {
		v, err := New(test.scheme, identitySecrets, Options{Tolerance: test.tolerance, Now: clock(referenceNow)})
		if err != nil {
			t.Fatal(err)
		}
		if got := v.Tolerance(); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
		if test.want == 0 {
			continue
		}
		for _, early := range []time.Duration{-test.want, test.want} {
			header, err := v.Sign(Message{ID: "1", Time: referenceNow.Add(early)})
			if err != nil {
				t.Fatal(err)
			}
			for _, prefix := range []string{"Webhook-", "Svix-"} {
				for name, values := range header {
					header[strings.Replace(name, "Webhook-", prefix, 1)] = values
					if prefix == "Svix-" && strings.HasPrefix(name, "Webhook-") {
						delete(header, name)
					}
				}
				if _, err := verify(v, Request{Header: header}, nil); err != nil {
					t.Errorf("%s: signed %v from now, in %v: %v", test.name, early, header, err)
				}
			}
		}
	}
}
