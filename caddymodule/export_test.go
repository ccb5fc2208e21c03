package caddymodule

import (
	"net/http"
	"testing"
	"time"

	"github.com/hookseal/hookseal/verifiers"
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

// SetKeys makes the configurations that are loaded from now on fetch keys elsewhere until the test ends.
func SetKeys(t *testing.T, keys *verifiers.KeySource) {
	before := processKeys
	processKeys = func() *verifiers.KeySource { return keys }
	t.Cleanup(func() { processKeys = before })
}
