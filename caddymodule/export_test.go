package caddymodule

import (
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
