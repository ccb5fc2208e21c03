package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// The events on Caddy's event bus.
const (
	eventVerified  = "webhook_verified"
	eventRejected  = "webhook_rejected"
	eventDuplicate = "webhook_duplicate"
	eventAnswered  = "webhook_answered"
)

// reporter tells everybody what became of the deliveries of one route.
type reporter struct {
	route, provider string

	ctx     caddy.Context
	logger  *zap.Logger
	events  *caddyevents.App
	metrics *routeMetrics
}

// newReporter returns the reporter of a route. A module calls it when it is provisioned.
func newReporter(ctx caddy.Context, route, provider string) (*reporter, error) {
	app, err := ctx.App("events")
	if err != nil {
		return nil, err
	}
	return &reporter{
		route:    route,
		provider: provider,
		ctx:      ctx,
		logger:   ctx.Logger(),
		events:   app.(*caddyevents.App),
		metrics:  newRouteMetrics(route, provider),
	}, nil
}

// conclude tells the metrics, the log and whoever listens on the event bus what became of the
// delivery, once. Placeholders and the access log read it from the delivery itself.
func (d *delivery) conclude() {
	if d.concluded {
		return
	}
	d.concluded = true
	d.reporter.metrics.outcome(d.verdict, d.reason).Inc()

	level, message, event := zapcore.InfoLevel, "", ""
	switch d.verdict {
	case verified:
		message, event = "webhook delivered", eventVerified
		if level = zapcore.DebugLevel; d.reason == reasonNotAccepted {
			level, message = zapcore.WarnLevel, "webhook not accepted by the app: its claim is given back"
		}
	case duplicate:
		message, event = "webhook is a duplicate", eventDuplicate
	case answered:
		message, event = "webhook challenge answered", eventAnswered
	case rejected:
		message, event = "webhook rejected", eventRejected
	case unverified:
		level, message, event = zapcore.WarnLevel, "webhook let through unverified", eventRejected
	}
	if entry := d.reporter.logger.Check(level, message); entry != nil {
		entry.Write(zap.Object("webhook", d))
	}
	if d.reporter.events.ShouldEmit(event) {
		d.reporter.events.Emit(d.reporter.ctx, event, map[string]any{
			"route":     d.reporter.route,
			"provider":  d.Provider,
			"verdict":   string(d.verdict),
			"reason":    d.reason,
			"event":     d.Event,
			"id":        d.ID,
			"timestamp": unixText(d.Timestamp),
			"key":       d.Key,
		})
	}
}
