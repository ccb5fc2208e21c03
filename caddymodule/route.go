package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookseal/hookseal/policy"
)

func init() {
	caddy.RegisterModule(new(Route))
}

// Route is the handler webhook_route: ordered rules over a verified delivery. The handlers of the
// first rule that matches get it, and the next handler after them. A delivery that a requirement
// doesn't hold for, and a request that was never verified, are answered 403.
type Route struct {
	// Require lists CEL expressions that must all be true. One that can't be evaluated denies.
	Require []string `json:"require,omitempty"`

	// Rules are tried in order. One that can't be evaluated does not match.
	Rules []RouteRule `json:"rules,omitempty"`

	// Otherwise is for what no rule matches. Default: it goes on to the next handler.
	Otherwise *RouteOtherwise `json:"otherwise,omitempty"`

	// Standalone lets rules see requests that no webhook_verify stands before. Such a request has
	// no provider, event, id, key and timestamp, and its body can't be read.
	Standalone bool `json:"standalone,omitempty"`

	// Position is where a Caddyfile has the directive, for error messages.
	Position string `json:"position,omitempty"`

	rules    *policy.Rules
	steps    [][]caddyhttp.MiddlewareHandler // of each rule
	fallback []caddyhttp.MiddlewareHandler   // of Otherwise
	reporter *reporter                       // for what was never verified
	counters sync.Map                        // name of a route to its *ruleCounters
}

// RouteRule is one rule: patterns of events, or an expression, and the handlers for what it
// matches.
type RouteRule struct {
	// Event lists patterns of event names, such as "push", "order.*" or "order.**".
	Event []string `json:"event,omitempty"`

	// When is a CEL expression. With Event, both must hold.
	When string `json:"when,omitempty"`

	// HandlersRaw are the handlers.
	HandlersRaw []json.RawMessage `json:"handlers,omitempty" caddy:"namespace=http.handlers inline_key=handler"`
}

// RouteOtherwise is what happens to a delivery that no rule matches.
type RouteOtherwise struct {
	// Reject answers 403. It excludes HandlersRaw.
	Reject bool `json:"reject,omitempty"`

	// HandlersRaw are the handlers.
	HandlersRaw []json.RawMessage `json:"handlers,omitempty" caddy:"namespace=http.handlers inline_key=handler"`
}

// CaddyModule returns the Caddy module information.
func (*Route) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.webhook_route",
		New: func() caddy.Module { return new(Route) },
	}
}

// Provision compiles the rules and loads their handlers.
func (rt *Route) Provision(ctx caddy.Context) error {
	return at(rt.Position, rt.provision(ctx))
}

func (rt *Route) provision(ctx caddy.Context) (err error) {
	if rt.rules, err = rt.compile(); err != nil {
		return err
	}
	if err := registerMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	if rt.reporter, err = newReporter(ctx, "", ""); err != nil {
		return err
	}
	for i := range rt.Rules {
		handlers, err := loadHandlers(ctx, &rt.Rules[i])
		if err != nil {
			return fmt.Errorf("rule %d: %w", i+1, err)
		}
		rt.steps = append(rt.steps, handlers)
	}
	if rt.Otherwise != nil {
		if rt.fallback, err = loadHandlers(ctx, rt.Otherwise); err != nil {
			return fmt.Errorf("otherwise: %w", err)
		}
	}
	return nil
}

// check finds what makes no sense, but for what is wrong with one rule.
func (rt *Route) check() error {
	if len(rt.Require) == 0 && len(rt.Rules) == 0 && rt.Otherwise == nil {
		return errors.New("webhook_route has no rules: add require, event, when or otherwise")
	}
	if rt.Otherwise != nil && rt.Otherwise.Reject && len(rt.Otherwise.HandlersRaw) > 0 {
		return errors.New("otherwise: reject and a block exclude each other: leave one of them out")
	}
	return nil
}

// compile compiles the rules alone.
func (rt *Route) compile() (*policy.Rules, error) {
	if err := rt.check(); err != nil {
		return nil, err
	}
	rules := make([]policy.Rule, len(rt.Rules))
	for i, rule := range rt.Rules {
		rules[i] = policy.Rule{Events: rule.Event, When: rule.When}
	}
	return policy.NewRules(rt.Require, rules)
}

// loadHandlers loads the HandlersRaw of a rule.
func loadHandlers(ctx caddy.Context, of any) ([]caddyhttp.MiddlewareHandler, error) {
	modules, err := ctx.LoadModule(of, "HandlersRaw")
	if err != nil {
		return nil, err
	}
	var handlers []caddyhttp.MiddlewareHandler
	for _, m := range modules.([]any) {
		handlers = append(handlers, m.(caddyhttp.MiddlewareHandler))
	}
	return handlers, nil
}

// ServeHTTP decides where the delivery goes.
func (rt *Route) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	d := deliveryOf(r)
	var subject *policy.Delivery
	switch {
	case d != nil:
		subject = d.forRules(r)
	case rt.Standalone:
		subject = new(policy.Delivery)
		setRequest(subject, r)
	default:
		return newDelivery(rt.reporter).reject(w, r, reasonNoDelivery)
	}
	decision := rt.rules.Decide(r.Context(), subject)
	rt.count(d, decision)

	switch {
	case r.Context().Err() != nil:
		// A rule that there was no time for has neither matched nor not matched.
		return rt.refuse(d, w, r, reasonUnchecked)
	case decision.DeniedBy >= 0:
		return rt.refuse(d, w, r, reasonDenied)
	case decision.Rule >= 0:
		return run(rt.steps[decision.Rule], w, r, next)
	case rt.Otherwise == nil:
		return next.ServeHTTP(w, r)
	case rt.Otherwise.Reject:
		return rt.refuse(d, w, r, reasonNoRule)
	}
	return run(rt.fallback, w, r, next)
}

// refuse answers 403.
func (rt *Route) refuse(d *delivery, w http.ResponseWriter, r *http.Request, reason string) error {
	if d == nil {
		d = newDelivery(rt.reporter)
	}
	return d.reject(w, r, reason)
}

// run calls the handlers one behind the other, and next behind them.
func run(handlers []caddyhttp.MiddlewareHandler, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	for len(handlers) > 1 {
		last, behind := handlers[len(handlers)-1], next
		next = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			return last.ServeHTTP(w, r, behind)
		})
		handlers = handlers[:len(handlers)-1]
	}
	if len(handlers) == 0 {
		return next.ServeHTTP(w, r)
	}
	return handlers[0].ServeHTTP(w, r, next)
}

// ruleCounters count the decisions for one route, with their labels resolved.
type ruleCounters struct {
	rules           []prometheus.Counter
	denied, nowhere prometheus.Counter
}

// count counts a decision and what could not be evaluated on the way to it.
func (rt *Route) count(d *delivery, decision policy.Decision) {
	route := ""
	if d != nil {
		route = d.reporter.route
	}
	value, ok := rt.counters.Load(route)
	if !ok {
		value, _ = rt.counters.LoadOrStore(route, rt.newCounters(route))
	}
	counters := value.(*ruleCounters)
	switch {
	case decision.DeniedBy >= 0:
		counters.denied.Inc()
	case decision.Rule >= 0:
		counters.rules[decision.Rule].Inc()
	default:
		counters.nowhere.Inc()
	}
	for _, f := range decision.Failures {
		where := fmt.Sprintf("rule %d", f.Rule+1)
		if f.Require >= 0 {
			where = fmt.Sprintf("require %d", f.Require+1)
		}
		reportFailure(rt.reporter.logger, route, where, f.Err)
	}
}

// reportFailure counts a rule that could not be evaluated and shows it at the debug level.
func reportFailure(logger *zap.Logger, route, rule string, err *policy.Error) {
	ruleErrorsTotal.WithLabelValues(route, rule, string(err.Class)).Inc()
	if entry := logger.Check(zap.DebugLevel, "rule could not be evaluated"); entry != nil {
		entry.Write(zap.String("route", route), zap.String("rule", rule), zap.Error(err))
	}
}

// newCounters resolves the labels for a route. A rule's label is its place and what it says, so
// that it can be found again in the configuration.
func (rt *Route) newCounters(route string) *ruleCounters {
	c := &ruleCounters{
		denied:  rulesTotal.WithLabelValues(route, "require"),
		nowhere: rulesTotal.WithLabelValues(route, "otherwise"),
	}
	for i, rule := range rt.Rules {
		label := fmt.Sprintf("rule %d", i+1)
		if len(rule.Event) > 0 {
			label += ": event " + strings.Join(rule.Event, " ")
		}
		c.rules = append(c.rules, rulesTotal.WithLabelValues(route, label))
	}
	return c
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Route)(nil)
	_ caddyhttp.MiddlewareHandler = (*Route)(nil)
)
