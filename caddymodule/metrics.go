package caddymodule

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hookseal/hookseal/replay"
)

// The collectors belong to the process, because Caddy makes a new registry with every
// configuration and the counts must go on. Labels come from the configuration and from closed
// lists, never from a request.
var (
	deliveriesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "webhook", Name: "deliveries_total",
		Help: "Deliveries by what became of them.",
	}, []string{"route", "provider", "verdict", "reason"})

	verificationsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "webhook", Name: "verifications_total",
		Help: "Deliveries that verified, copies among them, by the label of the secret that matched.",
	}, []string{"route", "provider", "key"})

	verificationSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "caddy", Subsystem: "webhook", Name: "verification_seconds",
		Help:    "Time to verify a delivery whose body had arrived.",
		Buckets: prometheus.ExponentialBuckets(1e-6, 4, 10),
	}, []string{"route", "provider"})

	bodyBytes = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "caddy", Subsystem: "webhook", Name: "body_bytes",
		Help:    "Size of the bodies that were read.",
		Buckets: prometheus.ExponentialBuckets(256, 4, 9),
	}, []string{"route", "provider"})

	rulesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "webhook", Name: "rule_matches_total",
		Help: "Deliveries by the rule that decided where they go.",
	}, []string{"route", "rule"})

	ruleErrorsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "webhook", Name: "rule_errors_total",
		Help: "Rules that could not be evaluated, by the class of the error.",
	}, []string{"route", "rule", "error"})

	inFlightGauge = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "caddy", Subsystem: "webhook", Name: "in_flight_bytes",
		Help: "Memory that the bodies of deliveries in flight hold, without those of up to 4 KiB.",
	}, func() float64 { return float64(inFlightBytes.Load()) })

	replayEntries = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "caddy", Subsystem: "webhook", Name: "replay_entries",
		Help: "Claims in the memory store, kept and in flight.",
	}, memoryStat(func(s replay.Stats) float64 { return float64(s.Entries) }))

	replayEvictions = prometheus.NewCounterFunc(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "webhook", Name: "replay_evictions_total",
		Help: "Claims that the memory store forgot for want of room before their window had passed.",
	}, memoryStat(func(s replay.Stats) float64 { return float64(s.Evictions) }))

	messagesTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "webhook", Name: "messages_total",
		Help: "Events that were published and are on disk.",
	})

	attemptsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "webhook", Name: "attempts_total",
		Help: "Attempts to deliver a message to an endpoint, by what came of them.",
	}, []string{"result"})

	attemptSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: "caddy", Subsystem: "webhook", Name: "attempt_seconds",
		Help:    "Time that attempts took.",
		Buckets: prometheus.ExponentialBuckets(1e-3, 4, 9),
	})

	retriesTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "webhook", Name: "retries_total",
		Help: "Attempts that were not the first of their message's schedule.",
	})

	hubMetrics = newHubCollector(runningStats, time.Now)
)

func init() {
	for _, result := range attemptResults() {
		attemptsTotal.WithLabelValues(result) // counted from zero
	}
}

func memoryStat(pick func(replay.Stats) float64) func() float64 {
	return func() float64 { return pick(processMemory().Stats()) }
}

// registerMetrics adds the collectors to the registry of a configuration.
func registerMetrics(registry *prometheus.Registry) error {
	for _, c := range []prometheus.Collector{
		deliveriesTotal, verificationsTotal, verificationSeconds, bodyBytes, rulesTotal, ruleErrorsTotal, inFlightGauge, replayEntries, replayEvictions,
		messagesTotal, attemptsTotal, attemptSeconds, retriesTotal, hubMetrics,
	} {
		err := registry.Register(c)
		if _, again := errors.AsType[prometheus.AlreadyRegisteredError](err); err != nil && !again {
			return err
		}
	}
	return nil
}

// routeMetrics are the collectors of one route, with their labels resolved.
type routeMetrics struct {
	route, provider string

	outcomes map[outcomeLabels]prometheus.Counter
	keys     map[string]prometheus.Counter // by the label of a secret
	seconds  prometheus.Observer
	bytes    prometheus.Observer
}

type outcomeLabels struct {
	verdict verdict
	reason  string
}

func newRouteMetrics(route, provider string) *routeMetrics {
	m := &routeMetrics{
		route:    route,
		provider: provider,
		outcomes: make(map[outcomeLabels]prometheus.Counter),
		keys:     make(map[string]prometheus.Counter),
		seconds:  verificationSeconds.WithLabelValues(route, provider),
		bytes:    bodyBytes.WithLabelValues(route, provider),
	}
	for _, v := range []verdict{verified, rejected, duplicate, answered, unverified} {
		for _, reason := range reasonsOf(v) {
			m.outcomes[outcomeLabels{v, reason}] = m.outcome(v, reason)
		}
	}
	return m
}

// expectKeys counts the verifications of secrets from zero, so that one that is never used shows.
func (m *routeMetrics) expectKeys(secrets []SecretSource) {
	for _, s := range secrets {
		m.keys[s.Label] = verificationsTotal.WithLabelValues(m.route, m.provider, s.Label)
	}
}

// verifiedBy counts a delivery that verified with a secret of that label.
func (m *routeMetrics) verifiedBy(label string) {
	if counter, ok := m.keys[label]; ok {
		counter.Inc()
	}
}

// outcome returns the counter of a verdict and its reason.
func (m *routeMetrics) outcome(v verdict, reason string) prometheus.Counter {
	if counter, ok := m.outcomes[outcomeLabels{v, reason}]; ok {
		return counter
	}
	return deliveriesTotal.WithLabelValues(m.route, m.provider, string(v), reason)
}
