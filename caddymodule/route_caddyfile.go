package caddymodule

import (
	"encoding/json"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/hookseal/hookseal/policy"
)

// parseRoute reads the directive:
//
//	webhook_route {
//		require <expression>            # before all rules; any number
//		event   <pattern...> { … }      # rules, in order; any number
//		when    <expression> { … }
//		otherwise reject | { … }        # last
//		standalone
//	}
//
// The blocks hold ordinary directives.
func parseRoute(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h.Next() // the directive's name
	rt := &Route{Position: position(h.Dispenser)}
	o := newOptions(h.Dispenser)
	for o.next("require", "event", "when") {
		option := o.Val()
		if rt.Otherwise != nil {
			o.fail("%s stands behind otherwise: otherwise must be last", option)
		}
		switch option {
		case "require":
			if len(rt.Rules) > 0 {
				o.fail("require stands behind a rule: write all requirements first, because they hold for every rule")
			}
			expression := o.expression()
			rt.Require = append(rt.Require, expression)
			if _, err := policy.NewRules([]string{expression}, nil); err != nil {
				o.fail("require: %s", withoutNumber(err))
			}
		case "event":
			rule := RouteRule{Event: o.RemainingArgs()}
			if len(rule.Event) == 0 {
				o.fail(`event needs patterns, such as "event push order.*"`)
			}
			rt.Rules = append(rt.Rules, o.rule(rule, h))
		case "when":
			rt.Rules = append(rt.Rules, o.rule(RouteRule{When: o.expression()}, h))
		case "otherwise":
			args := o.RemainingArgs()
			rt.Otherwise = &RouteOtherwise{Reject: len(args) > 0}
			if len(args) > 1 || len(args) == 1 && args[0] != "reject" {
				o.fail("otherwise takes reject or a block")
			}
			rt.Otherwise.HandlersRaw = o.handlers(h)
		case "standalone":
			o.flag(&rt.Standalone)
		default:
			o.unknown("require", "event", "when", "otherwise", "standalone")
		}
	}
	if o.err != nil {
		return nil, o.err
	}
	if err := rt.check(); err != nil {
		h.Reset()
		h.Next() // the directive's name, whose line the error is to have
		return nil, h.WrapErr(err)
	}
	return rt, nil
}

// expression reads an option whose argument is a CEL expression.
func (o *options) expression() string {
	name := o.Val()
	args := o.RemainingArgs()
	if len(args) != 1 {
		o.fail("%s takes one expression: put it between backquotes", name)
		return ""
	}
	return args[0]
}

// rule reads the block of a rule. The rule is compiled by itself, so that an error has its line.
func (o *options) rule(rule RouteRule, h httpcaddyfile.Helper) RouteRule {
	if o.err != nil {
		return rule
	}
	if _, err := policy.NewRules(nil, []policy.Rule{{Events: rule.Event, When: rule.When}}); err != nil {
		o.fail("%s", withoutNumber(err))
	}
	rule.HandlersRaw = o.handlers(h)
	return rule
}

// withoutNumber returns the text of an error of policy.NewRules without the rule's number, for
// rules that are compiled one by one.
func withoutNumber(err error) string {
	_, text, _ := strings.Cut(err.Error(), ": ")
	return text
}

// handlers reads the directives of the block that opens on this line. It may be missing.
func (o *options) handlers(h httpcaddyfile.Helper) []json.RawMessage {
	if o.err != nil {
		return nil
	}
	handler, err := httpcaddyfile.ParseSegmentAsSubroute(h.WithDispenser(o.NewFromNextSegment()))
	if err != nil {
		o.err = err
		return nil
	}
	return flatten(handler.(*caddyhttp.Subroute))
}

// flatten returns the handlers of a subroute one by one if nothing but their order holds them
// together, which saves making the subroute anew for each request. A group holds nothing
// together if it has one member: Caddy gives every rewrite one.
func flatten(sub *caddyhttp.Subroute) []json.RawMessage {
	members := make(map[string]int)
	for _, route := range sub.Routes {
		members[route.Group]++
	}
	var handlers []json.RawMessage
	for _, route := range sub.Routes {
		if len(route.MatcherSetsRaw) > 0 || route.Group != "" && members[route.Group] > 1 || route.Terminal {
			return []json.RawMessage{caddyconfig.JSONModuleObject(sub, "handler", "subroute", nil)}
		}
		handlers = append(handlers, route.HandlersRaw...)
	}
	return handlers
}
