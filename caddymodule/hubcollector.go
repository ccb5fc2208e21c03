package caddymodule

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hookseal/hookseal/outbound"
)

// hubCollector tells what the hubs of the process say of themselves when it is asked, so that the series
// of an endpoint end with what waits for it. Without a hub it tells nothing.
type hubCollector struct {
	stats func() []outbound.Stats // of each hub
	now   func() time.Time

	ready, depth, age, disabled, bytes *prometheus.Desc
}

// newHubCollector returns a collector of the hubs whose stats it gets.
func newHubCollector(stats func() []outbound.Stats, now func() time.Time) *hubCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName("caddy", "webhook", name), help, labels, nil)
	}
	return &hubCollector{
		stats:    stats,
		now:      now,
		ready:    desc("outbound_ready", "1 if events can be published, 0 while the journal can't be used."),
		depth:    desc("queue_depth", "Messages that wait for an endpoint, those in flight included.", "endpoint"),
		age:      desc("queue_age_seconds", "Age of the oldest message that waits for an endpoint.", "endpoint"),
		disabled: desc("disabled_endpoints", "Endpoints that are disabled, by the hub or by somebody."),
		bytes:    desc("journal_bytes", "Size of the messages and attempts that are kept."),
	}
}

// runningStats returns the stats of the hubs of this process.
func runningStats() []outbound.Stats {
	var all []*runningHub
	hubs.Range(func(_, hub any) bool {
		all = append(all, hub.(*runningHub))
		return true
	})
	var stats []outbound.Stats
	for _, h := range all {
		stats = append(stats, h.hub.Stats())
	}
	return stats
}

// Describe sends the descriptions.
func (c *hubCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.ready, c.depth, c.age, c.disabled, c.bytes} {
		descs <- desc
	}
}

// Collect sends the values. While one configuration replaces another there can be two hubs with the same
// endpoint.
func (c *hubCollector) Collect(metrics chan<- prometheus.Metric) {
	stats := c.stats()
	if len(stats) == 0 {
		return
	}
	ready, bytes, now := 1.0, 0.0, c.now()
	depths, ages, disabled := make(map[string]int), make(map[string]float64), make(map[string]bool)
	for _, s := range stats {
		if !s.Ready {
			ready = 0
		}
		bytes += float64(s.Bytes)
		for _, q := range s.Queues {
			if q.Endpoint.Disabled {
				disabled[q.Endpoint.ID] = true
			}
			if q.Depth == 0 {
				continue // or endpoints that are disabled would have series for ever
			}
			depths[q.Endpoint.ID] += q.Depth
			age := 0.0
			if !q.Oldest.IsZero() {
				age = max(0, now.Sub(q.Oldest).Seconds())
			}
			ages[q.Endpoint.ID] = max(ages[q.Endpoint.ID], age)
		}
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	gauge(c.ready, ready)
	gauge(c.bytes, bytes)
	gauge(c.disabled, float64(len(disabled)))
	for endpoint, depth := range depths {
		gauge(c.depth, float64(depth), endpoint)
		gauge(c.age, ages[endpoint], endpoint)
	}
}

// Interface guard
var _ prometheus.Collector = (*hubCollector)(nil)
