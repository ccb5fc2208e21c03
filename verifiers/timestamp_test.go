package verifiers

import (
	"math"
	"regexp"
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

// FuzzDate: a date has the shape that RFC 3339 gives it, and no part of one is a date, so that it ends where
// its sender ended it.
func FuzzDate(f *testing.F) {
	for _, text := range []string{
		"", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00.5-12:30",
		"2026-01-01T0:00:00Z", "2026-01-01T00:00:00,5Z", "2026-01-01t00:00:00z", "2026-01-01 00:00:00Z", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
		"2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00+24:00",
		"12026-01-01T00:00:00Z", "-026-01-01T00:00:00Z", "2026-01-01T00:00:00ZZ", "2026-01-01T00:00:00.00000000000000000000Z", "1767225600",
	} {
		f.Add(text)
	}
	shape := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := RFC3339.parse(text)
		if err != nil {
			if err != ErrTimestampMalformed && (err != ErrTimestampMissing || text != "") {
				t.Errorf("%q: %v, %v", text, got, err)
			}
			return
		}
		if want, err := time.Parse(time.RFC3339Nano, text); err != nil || !got.Equal(want) || !shape.MatchString(text) {
			t.Errorf("%q: %v, want %v, %v", text, got, want, err)
		}
		for i := range text {
			if _, err := RFC3339.parse(text[:i]); err == nil {
				t.Errorf("%q and its beginning %q are dates", text, text[:i])
			}
			if _, err := RFC3339.parse(text[i:]); err == nil && i > 0 {
				t.Errorf("%q and its end %q are dates", text, text[i:])
			}
		}
	})
}

// TestADateIsWrittenAsItIsRead: what Sign writes says the same time.
func TestADateIsWrittenAsItIsRead(t *testing.T) {
	at := referenceNow.In(time.FixedZone("", 3600))
	text := RFC3339.text(at)
	if got, err := RFC3339.parse(text); err != nil || !got.Equal(at) || text != "2026-01-01T00:00:00Z" {
		t.Errorf("%s: %v, %v", text, got, err)
	}
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
