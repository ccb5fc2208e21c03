package caddymodule

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hookseal/hookseal/outbound"
)

// gauges returns the value of every gauge in a registry by its name and labels' values.
func gauges(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			key := family.GetName()
			for _, label := range metric.GetLabel() {
				key += " " + label.GetValue()
			}
			values[key] = metric.GetGauge().GetValue()
		}
	}
	return values
}

// While a reload changes the journal, two hubs can have an endpoint of one id: two series of the same
// labels would make all of /metrics an error.
func TestAnEndpointOfTwoHubsIsOneSeries(t *testing.T) {
	now := time.Unix(1e9, 0)
	queue := func(id string, depth int, age time.Duration, disabled bool) outbound.QueueStats {
		q := outbound.QueueStats{Endpoint: outbound.Endpoint{ID: id, Disabled: disabled}, Depth: depth}
		if depth > 0 {
			q.Oldest = now.Add(-age)
		}
		return q
	}
	stats := []outbound.Stats{
		{Ready: true, Bytes: 100, Queues: []outbound.QueueStats{queue("ep_1", 2, time.Minute, true), queue("ep_2", 0, 0, true)}},
		{Ready: false, Bytes: 10, Queues: []outbound.QueueStats{queue("ep_1", 3, time.Hour, true)}},
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(newHubCollector(func() []outbound.Stats { return stats }, func() time.Time { return now }))
	got := gauges(t, registry)
	for key, want := range map[string]float64{
		"caddy_webhook_outbound_ready":         0,
		"caddy_webhook_journal_bytes":          110,
		"caddy_webhook_disabled_endpoints":     2,
		"caddy_webhook_queue_depth ep_1":       5,
		"caddy_webhook_queue_age_seconds ep_1": 3600,
	} {
		if value, ok := got[key]; !ok || value != want {
			t.Errorf("%s: got %v, want %v", key, value, want)
		}
		delete(got, key)
	}
	if len(got) > 0 {
		t.Errorf("got %v besides", got)
	}
	stats = nil
	if got := gauges(t, registry); len(got) > 0 {
		t.Errorf("without a hub: got %v", got)
	}
}
