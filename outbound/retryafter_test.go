package outbound

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

var someTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestRetryAfterIsReadStrictly(t *testing.T) {
	for _, tt := range []struct {
		values []string
		want   time.Duration
	}{
		{nil, 0},
		{[]string{""}, 0},
		{[]string{"0"}, 0},
		{[]string{"120"}, 2 * time.Minute},
		{[]string{"007"}, 7 * time.Second},
		{[]string{"9223372036"}, 9223372036 * time.Second},
		{[]string{"9223372037"}, maxRetryAfter},
		{[]string{strings.Repeat("9", 400)}, maxRetryAfter},
		{[]string{someTime.Add(time.Hour).Format(http.TimeFormat)}, time.Hour},
		{[]string{someTime.Add(time.Hour).Format(time.RFC850)}, time.Hour},
		{[]string{someTime.Add(time.Hour).Format(time.ANSIC)}, time.Hour},
		{[]string{someTime.Add(-time.Hour).Format(http.TimeFormat)}, 0},
		{[]string{someTime.Add(time.Hour).Format(time.RFC3339)}, 0},
		{[]string{"-1"}, 0},
		{[]string{"+1"}, 0},
		{[]string{"1.5"}, 0},
		{[]string{"1e3"}, 0},
		{[]string{"0x10"}, 0},
		{[]string{"1 0"}, 0},
		{[]string{" 10"}, 0},
		{[]string{"10s"}, 0},
		{[]string{"१०"}, 0},
		{[]string{"10", "20"}, 0},
	} {
		if got := retryAfter(tt.values, someTime); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.values, got, tt.want)
		}
	}
}

func FuzzRetryAfterIsNeverNegative(f *testing.F) {
	f.Add("120")
	f.Add("99999999999999999999")
	f.Add("Sun, 06 Nov 9994 08:49:37 GMT")
	f.Fuzz(func(t *testing.T, text string) {
		got := retryAfter([]string{text}, someTime)
		if got < 0 {
			t.Errorf("%q: %s", text, got)
		}
		if strings.ContainsAny(text, "-+.") && got != 0 && !strings.Contains(text, ":") {
			t.Errorf("%q is no number, and became %s", text, got)
		}
	})
}
