package caddymodule

import (
	"errors"
	"net/http"

	"github.com/hookseal/hookseal/replay"
	"github.com/hookseal/hookseal/verifiers"
)

// verdict is what became of a delivery, in one word: a label of metrics and a placeholder.
type verdict string

// The verdicts.
const (
	// verified: the delivery is genuine and fresh, and went on to the next handler.
	verified verdict = "verified"
	// rejected: the delivery went nowhere.
	rejected verdict = "rejected"
	// duplicate: the delivery is genuine, and the app has it already or is working on it.
	duplicate verdict = "duplicate"
	// answered: the request was a challenge of the provider's and is answered.
	answered verdict = "answered"
	// unverified: the delivery should have been refused and went on because of "mode monitor".
	unverified verdict = "unverified"
)

// The reasons of this package; those of a delivery that isn't genuine come from the verifiers.
// Together they are the closed list that logs, metrics, events and placeholders use.
const (
	// Of the verdict verified.
	reasonAccepted    = "accepted"     // the next handler answered 2xx: the claim is kept
	reasonNotAccepted = "not_accepted" // it did not: the claim is given back

	// Of the verdict duplicate.
	reasonDelivered = "already_delivered"
	reasonInFlight  = "in_flight"

	// Of the verdict answered.
	reasonChallenge = "challenge"

	// Of the verdict rejected.
	reasonMethod       = "method_not_allowed"
	reasonBodyTooLarge = "body_too_large"
	reasonBodyCutShort = "body_incomplete"
	reasonBodyTooSlow  = "body_timeout"
	reasonOverloaded   = "overloaded"
	reasonUnchecked    = "could_not_check"
	reasonReplayOutage = "replay_unavailable"
	reasonDenied       = "denied_by_rule"
	reasonNoRule       = "no_rule_matched"
	reasonNoDelivery   = "not_verified"

	reasonHandshakeClosed = "handshake_closed"    // it brings a secret that nobody has asked for
	reasonUnconfirmed     = "confirmation_failed" // it asks for one that could not be had
)

// statuses are what the sender sees of the reasons that aren't 401. A refused sender learns
// nothing about why its signature was refused; what is here tells it only about its own request.
var statuses = map[string]int{
	reasonMethod:       http.StatusMethodNotAllowed,
	reasonBodyTooLarge: http.StatusRequestEntityTooLarge,
	reasonBodyCutShort: http.StatusBadRequest,
	reasonBodyTooSlow:  http.StatusRequestTimeout,
	reasonOverloaded:   http.StatusServiceUnavailable,
	reasonUnchecked:    http.StatusServiceUnavailable,
	reasonReplayOutage: http.StatusServiceUnavailable,
	reasonInFlight:     http.StatusConflict,
	reasonDenied:       http.StatusForbidden,
	reasonNoRule:       http.StatusForbidden,
	reasonNoDelivery:   http.StatusForbidden,
	reasonUnconfirmed:  http.StatusServiceUnavailable,

	// As providers document it: who asks shows a token that is wrong.
	verifiers.ReasonOf(verifiers.ErrChallengeRefused): http.StatusForbidden,
}

// statusOf returns the status for a reason to reject.
func statusOf(reason string) int {
	if status, ok := statuses[reason]; ok {
		return status
	}
	return http.StatusUnauthorized
}

// reasonsOf lists every reason that can go with a verdict.
func reasonsOf(v verdict) []string {
	switch v {
	case verified:
		return []string{reasonAccepted, reasonNotAccepted}
	case duplicate:
		return []string{reasonDelivered, reasonInFlight}
	case answered:
		return []string{reasonChallenge}
	case unverified:
		return append(verifiers.Reasons(), reasonOverloaded, reasonUnchecked, reasonReplayOutage)
	}
	return append(verifiers.Reasons(), reasonMethod, reasonBodyTooLarge, reasonBodyCutShort, reasonBodyTooSlow,
		reasonOverloaded, reasonUnchecked, reasonReplayOutage, reasonDenied, reasonNoRule, reasonNoDelivery, reasonHandshakeClosed, reasonUnconfirmed)
}

// reasonOf returns the reason for an error of the verifier.
func reasonOf(err error) string {
	if reason := verifiers.ReasonOf(err); reason != "" {
		return reason
	}
	if errors.Is(err, errOverloaded) {
		return reasonOverloaded
	}
	return reasonUnchecked
}

// reasonOfState returns the reason for a claim that somebody else has.
func reasonOfState(state replay.State) string {
	if state == replay.InFlight {
		return reasonInFlight
	}
	return reasonDelivered
}
