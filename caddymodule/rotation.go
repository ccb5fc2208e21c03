package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

// checkTime finds a secret whose time is none.
func checkTime(s SecretSource) error {
	if !s.NotAfter.IsZero() && !s.NotBefore.Before(s.NotAfter) {
		return verifiers.ErrSecretNeverUsed
	}
	return nil
}

// errAllEnded means that a route would refuse everything from now on.
var errAllEnded = errors.New("no secret will be used again: not_after of all of them has passed: add one, or leave not_after out")

// checkTimes finds secrets that are never used. idle says that none is used now, but one will be: until
// then a route refuses everything.
func checkTimes(secrets []SecretSource, now time.Time) (idle bool, err error) {
	for i, s := range secrets {
		if err := checkTime(s); err != nil {
			return false, fmt.Errorf("secret %d: %w", i+1, err)
		}
	}
	ended := func(s SecretSource) bool { return !s.NotAfter.IsZero() && !now.Before(s.NotAfter) }
	if len(secrets) > 0 && !slices.ContainsFunc(secrets, func(s SecretSource) bool { return !ended(s) }) {
		return false, errAllEnded
	}
	return !slices.ContainsFunc(secrets, func(s SecretSource) bool { return !ended(s) && !now.Before(s.NotBefore) }), nil
}
