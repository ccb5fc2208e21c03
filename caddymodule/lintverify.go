package caddymodule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

// verify checks a webhook_verify by itself.
func (l *linter) verify(v *Verify) {
	if slices.ContainsFunc(l.verifies, func(other *Verify) bool { return other.Position == v.Position && v.Position != "" }) {
		return
	}
	v.setDefaults()
	scheme, err := schemeOf("provider", v.Provider, v.Scheme)
	if err != nil {
		return // an error of its own when it is adapted
	}
	v.scheme = scheme
	l.verifies = append(l.verifies, v)
	if v.Mode == "monitor" {
		l.add(severityWarning, v.Position, "monitor", "deliveries that don't verify are let through: mode monitor", "take it out once the log shows none that should be")
	}
	if !scheme.CoversBody() {
		l.add(severityWarning, v.Position, "body_uncovered", "the signatures of "+v.Provider+" don't cover the body: whoever has one delivery can send others", "use a scheme of the provider's that does, if there is one, and keep these requests out of logs")
	}
	if scheme.Weak() {
		l.add(severityWarning, v.Position, "weak_scheme", "the signatures of "+v.Provider+" rest on SHA-1", "use another scheme of the provider's, if there is one")
	}
	if strings.HasPrefix(v.PublicURL, "http://") {
		l.add(severityWarning, v.Position, "public_url_plain", "public_url is one of http: deliveries arrive unencrypted", "give the provider a URL of https, and write it here")
	}
	l.window(v)
}

// window compares how long deliveries are remembered with how long the provider sends them again.
func (l *linter) window(v *Verify) {
	span, known := retrySpans[v.Provider]
	verifier, err := dryVerifier(v.scheme, verifiers.Options{AllowWeak: true, Tolerance: time.Duration(v.Tolerance), PublicURL: v.PublicURL})
	if !known || err != nil {
		return
	}
	isSet, isOff := v.ReplayWindow != 0, v.ReplayOff
	if err := v.setWindow(verifier.Tolerance()); err != nil || v.window >= span && !v.ReplayOff {
		return
	}
	s, what, later := severityNote, "the default replay window, "+shortDuration(v.window)+", is shorter than", "a copy that comes later than that"
	switch {
	case isOff:
		s, what, later = severityWarning, "replay off lets in every copy of", "each"
	case v.ReplayOff:
		return // different deliveries may have the same bytes
	case isSet:
		s, what = severityWarning, "replay_window, "+shortDuration(v.window)+", is shorter than"
	}
	l.add(s, v.Position, "replay_window", fmt.Sprintf("%s the %s for which %s sends a delivery again: %s reaches the app once more", what, shortDuration(span), v.Provider, later), "write replay_window "+shortDuration(span)+", or let the app know copies by the id")
}
