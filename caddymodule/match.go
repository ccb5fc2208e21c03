package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/hookseal/hookseal/policy"
)

func init() {
	caddy.RegisterModule(new(Match))
}

// Match is the matcher webhook: one rule of webhook_route as a request matcher. It never matches
// a request that was not verified before, nor one for which the rule can't be evaluated. Write a
// negation inside the expression: Caddy's matcher "not" would turn both into a match.
type Match struct {
	// Event lists patterns of event names, such as "push", "order.*" or "order.**".
	Event []string `json:"event,omitempty"`

	// When is a CEL expression. With Event, both must hold.
	When string `json:"when,omitempty"`

	rules  *policy.Rules
	logger *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (*Match) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.matchers.webhook",
		New: func() caddy.Module { return new(Match) },
	}
}

// Provision compiles the rule.
func (m *Match) Provision(ctx caddy.Context) (err error) {
	m.logger = ctx.Logger()
	m.rules, err = m.compile()
	return err
}

func (m *Match) compile() (*policy.Rules, error) {
	return policy.NewRules(nil, []policy.Rule{{Events: m.Event, When: m.When}})
}

// MatchWithError reports whether the rule matches the delivery.
func (m *Match) MatchWithError(r *http.Request) (bool, error) {
	d := deliveryOf(r)
	if d == nil {
		return false, nil
	}
	decision := m.rules.Decide(r.Context(), d.forRules(r))
	for _, f := range decision.Failures {
		reportFailure(m.logger, d.reporter.route, "matcher", f.Err)
	}
	// A rule that there was no time for has neither matched nor not matched.
	return decision.Rule == 0, r.Context().Err()
}

// UnmarshalCaddyfile reads the matcher, one rule on its line:
//
//	webhook event <pattern...>
//	webhook when <expression>
func (m *Match) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the matcher's name
	if !d.NextArg() {
		return errMatchSyntax(d)
	}
	switch kind := d.Val(); kind {
	case "event":
		if m.Event = d.RemainingArgs(); len(m.Event) == 0 {
			return errMatchSyntax(d)
		}
	case "when":
		args := d.RemainingArgs()
		if len(args) != 1 {
			return d.Err("webhook: when takes one expression: put it between backquotes")
		}
		m.When = args[0]
	default:
		return errMatchSyntax(d)
	}
	if _, err := m.compile(); err != nil {
		return d.Errf("webhook: %s", withoutNumber(err))
	}
	if d.NextBlock(d.Nesting()) {
		return d.Err("webhook takes no block: write the rule on its line")
	}
	if d.Next() {
		return d.Err(`webhook stands twice in one matcher: write one "when" that says both, joined by && or ||`)
	}
	return nil
}

func errMatchSyntax(d *caddyfile.Dispenser) error {
	return d.Err(`webhook takes "event <pattern...>" or "when <expression>"`)
}

// Interface guards
var (
	_ caddy.Provisioner                 = (*Match)(nil)
	_ caddyhttp.RequestMatcherWithError = (*Match)(nil)
	_ caddyfile.Unmarshaler             = (*Match)(nil)
)
