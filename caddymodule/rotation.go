package caddymodule

import (
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

// checkTimes finds secrets that are never used. That all have ended is no error: a gateway that was started
// again would then not start for all its other routes either.
func checkTimes(secrets []SecretSource) error {
	for i, s := range secrets {
		if err := checkTime(s); err != nil {
			return fmt.Errorf("secret %d: %w", i+1, err)
		}
	}
	return nil
}

// pause returns the first time from now on in which no secret is used: a route refuses everything in it.
// Until is zero if no secret is used again, and both are if there is no such time.
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
		if !used {
			return from, next
		}
	}
	return time.Time{}, time.Time{}
}

// warnOfPause says when no secret is used, and what comes of it.
func warnOfPause(logger *zap.Logger, secrets []SecretSource, now time.Time, consequence string, who zap.Field) {
	switch from, until := pause(secrets, now); {
	case from.IsZero():
	case until.IsZero():
		logger.Warn("no secret is in use for good: "+consequence, who, zap.String("from", from.Format(time.RFC3339)))
	default:
		logger.Warn("no secret is in use for a time: "+consequence, who, zap.String("from", from.Format(time.RFC3339)), zap.String("until", until.Format(time.RFC3339)))
	}
}
