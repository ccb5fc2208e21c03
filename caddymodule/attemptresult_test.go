package caddymodule

import (
	"maps"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hookseal/hookseal/outbound"
)

// A problem that has no result would be counted as "other", where nobody looks for it.
func TestEveryProblemOfAnAttemptHasItsResult(t *testing.T) {
	problems := outbound.Problems()
	if known := slices.Sorted(maps.Keys(problemResults)); !slices.Equal(known, slices.Sorted(slices.Values(problems))) {
		t.Errorf("known are %q, the hub has %q", known, problems)
	}
	for _, problem := range problems {
		if got := attemptResult(outbound.Attempt{Status: outbound.Failed, Response: problem}); got == resultOther {
			t.Errorf("%s: got %s", problem, got)
		}
	}
}

// What a subscriber answers must not make a label.
func TestTheResultOfAnAnsweredAttemptIsThatOfItsCode(t *testing.T) {
	for code, want := range map[int]string{101: resultOther, 300: resultRedirect, 308: resultRedirect, 400: resultClientError, 410: resultClientError, 500: resultServerError, 599: resultServerError, 600: resultOther, 999: resultOther} {
		if got := attemptResult(outbound.Attempt{Status: outbound.Failed, Code: code, Response: "timeout"}); got != want {
			t.Errorf("%d: got %s, want %s", code, got, want)
		}
	}
	for _, code := range []int{200, 204, 299} {
		if got := attemptResult(outbound.Attempt{Status: outbound.Succeeded, Code: code, Response: "timeout"}); got != resultSuccess {
			t.Errorf("%d: got %s", code, got)
		}
	}
	if got := attemptResult(outbound.Attempt{Status: outbound.Failed, Response: "something new"}); got != resultOther {
		t.Errorf("got %s", got)
	}
}

// A counter that appears with its first increment hides that increment from rate().
func TestEveryResultIsCountedFromZero(t *testing.T) {
	registry := prometheus.NewRegistry()
	if err := registerMetrics(registry); err != nil {
		t.Fatal(err)
	}
	counted := counts(t, registry, "caddy_webhook_attempts_total")
	for _, result := range attemptResults() {
		if _, ok := counted["result="+result+" "]; !ok {
			t.Errorf("%s is not counted", result)
		}
	}
}
