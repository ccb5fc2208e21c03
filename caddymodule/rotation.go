package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

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

// checkTimes finds secrets that are never used.
func checkTimes(secrets []SecretSource, now time.Time) error {
	for i, s := range secrets {
		if err := checkTime(s); err != nil {
			return fmt.Errorf("secret %d: %w", i+1, err)
		}
	}
	if !slices.ContainsFunc(secrets, func(s SecretSource) bool { return s.NotAfter.IsZero() || now.Before(s.NotAfter) }) {
		return errAllEnded
	}
	return nil
}

// pause returns the first time from now on in which no secret is used, until one is: a route refuses
// everything in it. The times are zero if there is none.
func pause(secrets []SecretSource, now time.Time) (from, until time.Time) {
	ends := []time.Time{now}
	for _, s := range secrets {
		if s.NotAfter.After(now) {
			ends = append(ends, s.NotAfter)
		}
	}
	slices.SortFunc(ends, time.Time.Compare)
	for _, from := range ends {
		var next time.Time
		used := false
		for _, s := range secrets {
			switch {
			case s.NotBefore.After(from):
				if next.IsZero() || s.NotBefore.Before(next) {
					next = s.NotBefore
				}
			case s.NotAfter.IsZero() || s.NotAfter.After(from):
				used = true
			}
		}
		if !used && !next.IsZero() {
			return from, next
		}
	}
	return time.Time{}, time.Time{}
}

// warnOfPause says when no secret is used, and what comes of it.
func warnOfPause(logger *zap.Logger, secrets []SecretSource, now time.Time, consequence string, who zap.Field) {
	if from, until := pause(secrets, now); !until.IsZero() {
		logger.Warn("no secret is in use for a time: "+consequence, who, zap.String("from", from.Format(time.RFC3339)), zap.String("until", until.Format(time.RFC3339)))
	}
}
