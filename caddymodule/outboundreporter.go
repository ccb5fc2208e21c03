package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"

	"github.com/hookseal/hookseal/outbound"
)

// The events on Caddy's event bus that are about what is published.
const (
	eventEndpointDisabled = "webhook_endpoint_disabled"
	eventMessageFailed    = "webhook_message_failed"
)

// outboundLogger gives the log lines about what is published a name of their own.
type outboundLogger struct{}

// CaddyModule returns the name. It is no module that could be loaded.
func (outboundLogger) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "webhook.outbound", New: func() caddy.Module { return outboundLogger{} }}
}

// outboundReporter tells everybody what becomes of messages. It never tells their payload, nor more of
// a subscriber's URL than the endpoint's id.
type outboundReporter struct {
	ctx    caddy.Context
	logger *zap.Logger
	events *caddyevents.App
}

// newOutboundReporter returns the reporter of a configuration.
func newOutboundReporter(ctx caddy.Context) (*outboundReporter, error) {
	app, err := ctx.App("events")
	if err != nil {
		return nil, err
	}
	return &outboundReporter{ctx: ctx, logger: ctx.Logger(outboundLogger{}), events: app.(*caddyevents.App)}, nil
}

// published tells that a message was accepted.
func (r *outboundReporter) published(m outbound.Message, endpoints int) {
	messagesTotal.Inc()
	r.logger.Debug("webhook published", zap.String("event", m.EventType), zap.String("message", m.ID), zap.Int("endpoints", endpoints))
}

// attempted tells what came of an attempt.
func (r *outboundReporter) attempted(a outbound.Attempt, m outbound.Message, e outbound.Endpoint) {
	attemptsTotal.WithLabelValues(attemptResult(a)).Inc()
	attemptSeconds.Observe(a.Took.Seconds())
	if a.Number > 1 {
		retriesTotal.Inc()
	}
	fields := []zap.Field{
		zap.String("event", m.EventType),
		zap.String("message", a.Message),
		zap.String("endpoint", a.Endpoint),
		zap.Int("attempt", a.Number),
		zap.Int("status", a.Code),
		zap.Duration("took", a.Took),
	}
	if a.Status == outbound.Succeeded {
		r.logger.Info("webhook sent", fields...)
		return
	}
	if a.Code == 0 {
		fields = append(fields, zap.String("problem", a.Response)) // words of ours
	}
	if !a.Next.IsZero() {
		r.logger.Info("webhook not accepted by the subscriber", append(fields, zap.Time("next", a.Next))...)
		return
	}
	r.logger.Warn("webhook not accepted by the subscriber, and not tried again", fields...)
	r.emit(eventMessageFailed, map[string]any{
		"message":     a.Message,
		"event":       m.EventType,
		"application": m.App,
		"endpoint":    a.Endpoint,
		"attempts":    a.Number,
		"status":      a.Code,
	})
}

// disabled tells that the hub has disabled an endpoint.
func (r *outboundReporter) disabled(e outbound.Endpoint) {
	r.logger.Error("endpoint disabled", zap.String("endpoint", e.ID), zap.String("uid", e.UID), zap.String("reason", string(e.DisabledFor)))
	r.emit(eventEndpointDisabled, map[string]any{
		"id":          e.ID,
		"uid":         e.UID,
		"application": e.App,
		"reason":      string(e.DisabledFor),
	})
}

// leftOut tells that an endpoint of the configuration is not in force.
func (r *outboundReporter) leftOut(err error) {
	r.logger.Error("endpoint left out", zap.Error(err))
}

// problem tells that something is wrong with the journal, or no longer.
func (r *outboundReporter) problem(err error) {
	if err != nil {
		r.logger.Error("journal can't be used: nothing is published or sent until it can", zap.Error(err))
		return
	}
	r.logger.Info("journal can be used again")
}

// emit puts an event on the bus. Listeners may take their time, and the hub must not wait for them.
func (r *outboundReporter) emit(name string, data map[string]any) {
	if r.events.ShouldEmit(name) {
		go r.events.Emit(r.ctx, name, data)
	}
}
