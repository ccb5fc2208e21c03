package verifiers

import (
	"strconv"
	"time"
)

// Unit is how a timestamp is written: what its number counts since 1970, or as a date.
type Unit string

// The units.
const (
	// Seconds since 1970.
	Seconds Unit = "s"
	// Milliseconds since 1970.
	Milliseconds Unit = "ms"
	// AutoUnit takes a number above 1e11 as milliseconds and any other as seconds, for providers
	// whose documents don't say. Something other than a digit must stand between it and the values
	// beside it in the signed text, because the number's length doesn't tell where it ends.
	AutoUnit Unit = "auto"
	// RFC3339 is a date and time such as 2026-01-01T00:00:00.123Z.
	RFC3339 Unit = "rfc3339"
)

// units are all of them.
var units = []Unit{Seconds, Milliseconds, AutoUnit, RFC3339}

// maxDigits bounds a timestamp: 16 digits hold microseconds for the next 250 years.
const maxDigits = 16

// parse reads a timestamp: decimal digits and nothing else. A zero in front would make a second
// text of the same time, and of an id that ends in zeros another id where no literal text parts them
// in the signed text. Without it every time within tolerance has as many digits as any other.
func (u Unit) parse(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, ErrTimestampMissing
	}
	if u == RFC3339 {
		return parseDate(text)
	}
	if len(text) > maxDigits || len(text) > 1 && text[0] == '0' {
		return time.Time{}, ErrTimestampMalformed
	}
	var n int64
	for i := range len(text) {
		digit := text[i] - '0'
		if digit > 9 {
			return time.Time{}, ErrTimestampMalformed
		}
		n = n*10 + int64(digit)
	}
	if u == Milliseconds || u == AutoUnit && n > 1e11 {
		return time.UnixMilli(n), nil
	}
	return time.Unix(n, 0), nil
}

// parseDate reads a date and time in the one shape that RFC 3339 gives it. Without what time.Parse
// takes besides, such as an hour of one digit, no part of it is one: so it has an end, like a number.
func parseDate(text string) (time.Time, error) {
	const shape = "0000-00-00T00:00:00"
	if len(text) <= len(shape) {
		return time.Time{}, ErrTimestampMalformed
	}
	isDigit := func(c byte) bool { return c >= '0' && c <= '9' }
	for i := range len(shape) {
		if shape[i] == '0' && !isDigit(text[i]) || shape[i] != '0' && text[i] != shape[i] {
			return time.Time{}, ErrTimestampMalformed
		}
	}
	if text[len(shape)] == ',' {
		return time.Time{}, ErrTimestampMalformed
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || len(text) > len(time.RFC3339Nano) {
		return time.Time{}, ErrTimestampMalformed
	}
	return t, nil
}

// text writes t in the unit. AutoUnit writes milliseconds.
func (u Unit) text(t time.Time) string {
	switch u {
	case Seconds:
		return strconv.FormatInt(t.Unix(), 10)
	case RFC3339:
		return t.UTC().Format(time.RFC3339)
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

// within checks that signed lies in the window around now.
func within(signed, now time.Time, tolerance time.Duration) error {
	switch age := now.Sub(signed); {
	case age > tolerance:
		return ErrTimestampTooOld
	case age < -tolerance:
		return ErrTimestampTooNew
	}
	return nil
}
