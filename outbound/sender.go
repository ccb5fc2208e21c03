package outbound

import (
	"context"
	"net/http"
	"time"
)

// Sender makes attempts, many at once. It may have a method Close(), which is called when another takes
// its place: attempts that are being made then still end in their own time.
type Sender interface {
	// Send posts a body to a URL and tells what came of it. It returns when the answer was read, or
	// when the context ends.
	Send(ctx context.Context, url string, header http.Header, body []byte) Answer
}

// Answer is what came of an attempt.
type Answer struct {
	// Code is the status code, 0 if there was no answer.
	Code int

	// Body is the beginning of the body, up to MaxResponse bytes.
	Body []byte

	// RetryAfter is how long the subscriber asks to be left alone, 0 if it doesn't.
	RetryAfter time.Duration

	// Problem says in words of ours why there was no answer, or why it can't be taken for one. It
	// holds nothing of the request. Empty if there was one.
	Problem string
}
