package caddymodule

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap/zapcore"

	"github.com/hookseal/hookseal/policy"
	"github.com/hookseal/hookseal/replay"
	"github.com/hookseal/hookseal/verifiers"
)

// delivery is one request on its way through webhook_verify and the handlers behind it. All that
// a request needs of us stands in it, so that it costs one piece of memory.
type delivery struct {
	verifiers.Delivery

	reporter *reporter
	inner    *delivery // of a webhook_verify behind this one
	route    *Verify   // nil for a request that was never verified
	// acknowledgement is how the provider wants to be told that the app accepted, and nil if any 2xx does.
	acknowledgement *verifiers.Acknowledgement
	claim           replay.Claim
	verdict         verdict
	reason          string
	concluded       bool
	arrival         arrival
	context         deliveryContext
	body            verifiedBody
	writer          statusWriter
	headerValues    [5]string
	rules           *policy.Delivery
}

// newDelivery returns a delivery of which nothing is known yet.
func newDelivery(r *reporter) *delivery {
	return &delivery{Delivery: verifiers.Delivery{Provider: r.provider}, reporter: r}
}

// deliveryKey is the context key of the delivery. It is a type of ours, so that nothing in a
// configuration can put a delivery there.
type deliveryKey struct{}

// deliveryOf returns the delivery that webhook_verify let on, or nil.
func deliveryOf(r *http.Request) *delivery {
	d, _ := r.Context().Value(deliveryKey{}).(*delivery)
	return d
}

// forRules returns what rules see of the delivery.
func (d *delivery) forRules(r *http.Request) *policy.Delivery {
	if d.rules == nil {
		d.rules = ruleSubjects.Get().(*policy.Delivery)
		d.rules.Provider, d.rules.Event, d.rules.ID, d.rules.Key = d.Provider, d.Event, d.ID, d.Key
		d.rules.Timestamp, d.rules.Body = d.Timestamp, d.body.bytes
		setRequest(d.rules, r)
	}
	return d.rules
}

// ruleSubjects keeps what rules see for the next delivery. A delivery's own goes back when the
// handlers behind webhook_verify have returned.
var ruleSubjects = sync.Pool{New: func() any { return new(policy.Delivery) }}

// releaseRules gives back what forRules took.
func (d *delivery) releaseRules() {
	if d.rules != nil {
		*d.rules = policy.Delivery{}
		ruleSubjects.Put(d.rules)
		d.rules = nil
	}
}

// setRequest fills in what rules see of a request, as it arrived, before anything rewrote it.
func setRequest(subject *policy.Delivery, r *http.Request) {
	subject.Method = r.Method
	arrived := r.URL
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		subject.Method, arrived = original.Method, original.URL
	}
	// As Caddy's own matchers read it, so that a rule sees the path that led here.
	subject.Path, subject.RawQuery = caddyhttp.CleanPath(arrived.Path, true), arrived.RawQuery
	client, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	subject.Client, _ = netip.ParseAddr(client)
	subject.Header = r.Header
	subject.Now = time.Now()
}

// placeholder answers {http.webhook.*}.
func (d *delivery) placeholder(key string) (any, bool) {
	const prefix = "http.webhook."
	if len(key) < len(prefix) || key[:len(prefix)] != prefix {
		return nil, false
	}
	for d.inner != nil {
		d = d.inner
	}
	switch key[len(prefix):] {
	case "provider":
		return d.Provider, true
	case "event":
		return d.Event, true
	case "id":
		return d.ID, true
	case "timestamp":
		return unixText(d.Timestamp), true
	case "key":
		return d.Key, true
	case "verdict":
		return string(d.verdict), true
	case "reason":
		return d.reason, true
	}
	return nil, false
}

// MarshalLogObject writes the delivery's fields to a log line.
func (d *delivery) MarshalLogObject(e zapcore.ObjectEncoder) error {
	add := func(name, value string) {
		if value != "" {
			e.AddString(name, value)
		}
	}
	add("route", d.reporter.route)
	add("provider", d.Provider)
	add("verdict", string(d.verdict))
	add("reason", d.reason)
	add("event", d.Event)
	add("id", d.ID)
	add("timestamp", unixText(d.Timestamp))
	add("key", d.Key)
	if d.claim.State != replay.Unknown {
		add("claim", d.claim.Key.String())
	}
	return nil
}

// announce makes placeholders and the access log speak of the delivery.
func (d *delivery) announce(ctx context.Context) {
	if outer, ok := ctx.Value(deliveryKey{}).(*delivery); ok {
		outer.inner = d
	} else if replacer, ok := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		replacer.Map(d.placeholder)
	}
	if extra, ok := ctx.Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Set(zapcore.Field{Key: "webhook", Type: zapcore.ObjectMarshalerType, Interface: d})
	}
}
