package verifiers

import (
	"strconv"
	"time"
)

// Unit is what the number of a timestamp counts since 1970.
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
)

func (u Unit) known() bool { return u == Seconds || u == Milliseconds || u == AutoUnit }

// maxDigits bounds a timestamp: 16 digits hold microseconds for the next 250 years.
const maxDigits = 16

// parse reads a timestamp: decimal digits and nothing else. A zero in front would make a second
// text of the same time, and of an id that ends in zeros another id where no literal text parts them
// in the signed text. Without it every time within tolerance has as many digits as any other.
func (u Unit) parse(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, ErrTimestampMissing
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

// text writes t in the unit. AutoUnit writes milliseconds.
func (u Unit) text(t time.Time) string {
	if u == Seconds {
		return strconv.FormatInt(t.Unix(), 10)
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
