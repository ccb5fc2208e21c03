package caddymodule

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/verifiers"
)

// counts returns the value of every counter in a registry by its name and labels' values.
func counts(t *testing.T, registry *prometheus.Registry, name string) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			key := ""
			for _, label := range metric.GetLabel() {
				key += label.GetName() + "=" + label.GetValue() + " "
			}
			values[key] = metric.GetCounter().GetValue()
		}
	}
	return values
}

const deliveriesName = "caddy_webhook_deliveries_total"

// caddy-ratelimit PR#85: collectors that belong to one configuration reset or vanish when the
// next one is loaded.
func TestCountsGoOnInTheRegistryOfTheNextConfiguration(t *testing.T) {
	first, second := prometheus.NewRegistry(), prometheus.NewRegistry()
	if err := registerMetrics(first); err != nil {
		t.Fatal(err)
	}
	const key = "provider=github reason=accepted route=goes-on verdict=verified "
	newRouteMetrics("goes-on", "github").outcome(verified, reasonAccepted).Inc()
	before := counts(t, first, deliveriesName)[key]

	if err := registerMetrics(second); err != nil {
		t.Fatal(err)
	}
	newRouteMetrics("goes-on", "github").outcome(verified, reasonAccepted).Inc()
	for name, registry := range map[string]*prometheus.Registry{"old": first, "new": second} {
		if got := counts(t, registry, deliveriesName)[key]; got != before+1 {
			t.Errorf("%s registry: got %v, want %v", name, got, before+1)
		}
	}
}

// The gateway and every handler register, so the second must find nothing wrong.
func TestRegisteringTwiceIsNoError(t *testing.T) {
	registry := prometheus.NewRegistry()
	for range 2 {
		if err := registerMetrics(registry); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAForeignCollectorOfOurNameIsAnError(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewCounterVec(prometheus.CounterOpts{Name: deliveriesName, Help: "Another."}, []string{"x"}))
	if err := registerMetrics(registry); err == nil {
		t.Error("got no error")
	}
}

// metricNames returns the names of all metrics, each of which has a value.
func metricNames(t *testing.T) []string {
	t.Helper()
	registry := prometheus.NewRegistry()
	if err := registerMetrics(registry); err != nil {
		t.Fatal(err)
	}
	m := newRouteMetrics("all", "github")
	m.seconds.Observe(1e-5)
	m.bytes.Observe(1000)
	rulesTotal.WithLabelValues("all", "otherwise").Inc()
	ruleErrorsTotal.WithLabelValues("all", "rule 1", "missing_key").Inc()
	// Without a hub there is nothing to collect, so another collector stands in for the registered one.
	if !registry.Unregister(hubMetrics) {
		t.Error("the collector of hubs is not registered")
	}
	stats := outbound.Stats{Queues: []outbound.QueueStats{{Depth: 1}}}
	registry.MustRegister(newHubCollector(func() []outbound.Stats { return []outbound.Stats{stats} }, time.Now))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, family := range families {
		names = append(names, family.GetName())
	}
	return names
}

func TestEveryMetricIsOnTheRegistry(t *testing.T) {
	want := []string{
		"caddy_webhook_attempt_seconds", "caddy_webhook_attempts_total", "caddy_webhook_body_bytes",
		deliveriesName, "caddy_webhook_disabled_endpoints", "caddy_webhook_in_flight_bytes",
		"caddy_webhook_journal_bytes", "caddy_webhook_messages_total", "caddy_webhook_outbound_ready",
		"caddy_webhook_queue_age_seconds", "caddy_webhook_queue_depth",
		"caddy_webhook_replay_entries", "caddy_webhook_replay_evictions_total", "caddy_webhook_retries_total",
		"caddy_webhook_rule_errors_total", "caddy_webhook_rule_matches_total", "caddy_webhook_verification_seconds",
	}
	if names := metricNames(t); !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

// A counter that appears with its first increment hides that increment from rate().
func TestEveryOutcomeOfARouteIsCountedFromZero(t *testing.T) {
	registry := prometheus.NewRegistry()
	if err := registerMetrics(registry); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deliveriesTotal.DeletePartialMatch(prometheus.Labels{"route": "from-zero"}) })
	m := newRouteMetrics("from-zero", "github")
	got := counts(t, registry, deliveriesName)
	for _, v := range []verdict{verified, rejected, duplicate, unverified} {
		for _, reason := range reasonsOf(v) {
			key := "provider=github reason=" + reason + " route=from-zero verdict=" + string(v) + " "
			if value, ok := got[key]; !ok || value != 0 {
				t.Errorf("%s: got %v, %v", key, value, ok)
			}
			m.outcome(v, reason).Inc()
		}
	}
	for key, value := range counts(t, registry, deliveriesName) {
		if _, before := got[key]; !before {
			t.Errorf("%s: came up with its increment, value %v", key, value)
		}
	}
}

// The table of answers: what the sender sees of each reason to reject.
func TestReasonsHaveTheStatusOfTheTableOfAnswers(t *testing.T) {
	want := map[string]int{
		reasonMethod:       http.StatusMethodNotAllowed,
		reasonBodyTooLarge: http.StatusRequestEntityTooLarge,
		reasonBodyCutShort: http.StatusBadRequest,
		reasonBodyTooSlow:  http.StatusRequestTimeout,
		reasonInFlight:     http.StatusConflict,
		reasonOverloaded:   http.StatusServiceUnavailable,
		reasonReplayOutage: http.StatusServiceUnavailable,
		reasonUnchecked:    http.StatusServiceUnavailable,
		reasonDenied:       http.StatusForbidden,
		reasonNoRule:       http.StatusForbidden,
		reasonNoDelivery:   http.StatusForbidden,
	}
	for _, reason := range verifiers.Reasons() {
		want[reason] = http.StatusUnauthorized
	}
	for _, v := range []verdict{rejected, unverified} {
		for _, reason := range reasonsOf(v) {
			if _, ok := want[reason]; !ok {
				t.Errorf("%s has no row in the table of answers", reason)
			}
		}
	}
	for reason, status := range want {
		if got := statusOf(reason); got != status {
			t.Errorf("%s: got %d, want %d", reason, got, status)
		}
	}
}

// A reason that two packages use for different things could not be told apart in a metric.
func TestReasonsAreUniqueWithinAVerdict(t *testing.T) {
	for _, v := range []verdict{verified, rejected, duplicate, unverified} {
		reasons := reasonsOf(v)
		slices.Sort(reasons)
		if unique := slices.Compact(slices.Clone(reasons)); len(unique) != len(reasons) || len(reasons) == 0 {
			t.Errorf("%s: got %q", v, reasons)
		}
	}
}
