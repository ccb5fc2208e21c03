package caddymodule

import (
	"net/http"
	"testing"
	"time"
)

// SetSecretsTicker makes the configurations that are loaded from now on look at their secret files when
// something comes on the channel, until the test ends.
func SetSecretsTicker(t *testing.T, looks <-chan time.Time) {
	before := newSecretsTicker
	newSecretsTicker = func() (<-chan time.Time, func()) { return looks, func() {} }
	t.Cleanup(func() { newSecretsTicker = before })
}

// SetConfirmTransport makes confirmations go another way until the test ends.
func SetConfirmTransport(t *testing.T, transport http.RoundTripper) {
	before := confirmTransport
	confirmTransport = transport
	t.Cleanup(func() { confirmTransport = before })
}
