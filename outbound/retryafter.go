package outbound

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter is the longest time that a number of seconds can name here.
const maxRetryAfter = math.MaxInt64 / time.Second * time.Second

// retryAfter returns how long an answer asks to be left alone, from its fields Retry-After: a number of
// seconds, or a date (RFC 9110, section 10.2.3). Anything else, a time that is over and more than one
// field ask for nothing.
func retryAfter(values []string, now time.Time) time.Duration {
	if len(values) != 1 || values[0] == "" {
		return 0
	}
	text := values[0]
	if strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(date.Sub(now), 0)
}
