package caddymodule

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// config walks through the JSON.
func (l *linter) config(a *adapted) {
	for _, server := range a.servers {
		l.named, l.invoked = server.Named, make(map[string]bool)
		l.routes(server.Routes, false)
		if server.Errors != nil {
			l.routes(server.Errors.Routes, false) // whatever was verified was so for the other routes
		}
		for name, named := range server.Named {
			if !l.invoked[name] {
				l.handlers(named.Handle, true) // what stands before it depends on who invokes it
			}
		}
	}
}

// routes walks through routes that are tried in order, and reports whether one of them verifies.
func (l *linter) routes(routes []routeConfig, verified bool) bool {
	byGroup := make(map[string]bool) // of those that exclude each other
	was := verified
	for i, route := range routes {
		before := was
		for group, verifies := range byGroup {
			before = before || verifies && group != route.Group
		}
		for _, earlier := range routes[:i] {
			if route.Group != "" && earlier.Group == route.Group && coversMatch(earlier.Match, route.Match) {
				if position := firstPosition(route.Handle); position != "" {
					l.add(severityError, position, "route_shadowed", "no request gets here: a route before it takes all that this one could", "put this one before it, or give it another path")
				}
				break
			}
		}
		if i > 0 && slices.ContainsFunc(routes[:i], func(earlier routeConfig) bool {
			return len(earlier.Match) == 0 && earlier.Group == "" && answers(earlier.Handle)
		}) {
			l.unreachable(route.Handle)
		}
		verifies := l.handlers(route.Handle, before)
		switch {
		case route.Terminal: // none of those behind it gets what it takes
		case route.Group == "":
			was = was || verifies
		default:
			byGroup[route.Group] = byGroup[route.Group] || verifies
		}
		verified = verified || verifies
	}
	return verified
}

var positionField = regexp.MustCompile(`"position":\s*"([^"\\]+)"`)

// firstPosition returns the position of the first handler of ours.
func firstPosition(handlers []json.RawMessage) string {
	for _, handler := range handlers {
		if at := positionField.FindSubmatch(handler); at != nil {
			return string(at[1])
		}
	}
	return ""
}

// handlers walks through handlers that are called one behind the other, and reports whether a webhook_verify
// is among them.
func (l *linter) handlers(handlers []json.RawMessage, verified bool) bool {
	for i, text := range handlers {
		// Caddy puts the directives of two handle blocks of one path together.
		if i > 0 && verifies(handlers[:i]...) && verifies(text) {
			l.add(severityError, firstPosition(handlers[i:]), "verified_twice", "deliveries that get here have passed another webhook_verify, and would have to be genuine for both", "give each a path of its own")
		}
		if i > 0 && answers(handlers[i-1:i]) {
			l.unreachable(handlers[i:])
		}
		var handler handlerConfig
		if json.Unmarshal(text, &handler) != nil {
			continue
		}
		switch handler.Name {
		case "subroute":
			verified = l.routes(handler.Routes, verified)
		case "invoke":
			l.invoked[handler.Invoke] = true
			if route, ok := l.named[handler.Invoke]; ok && l.depth < maxInvoked {
				l.depth++
				verified = l.handlers(route.Handle, verified) || verified
				l.depth--
			}
		case "webhook_publish":
			p := new(Publish)
			if json.Unmarshal(text, p) == nil {
				l.publish = append(l.publish, p)
			}
		case "webhook_verify":
			v := new(Verify)
			if json.Unmarshal(text, v) == nil {
				l.verify(v)
			}
			verified = true
		case "webhook_sign":
			s := new(Sign)
			if json.Unmarshal(text, s) != nil {
				continue
			}
			l.signs = append(l.signs, s)
			if !verified && !s.Standalone {
				l.add(severityError, s.Position, "sign_unverified", "no webhook_verify stands before this webhook_sign: it answers 403", "put one before it, or write standalone")
			}
		case "webhook_route":
			rt := new(Route)
			if json.Unmarshal(text, rt) == nil {
				l.route(rt, verified)
			}
		}
	}
	return verified
}

// verifies reports whether there is a webhook_verify that every request comes to.
func verifies(handlers ...json.RawMessage) bool {
	return slices.ContainsFunc(handlers, func(text json.RawMessage) bool {
		var handler handlerConfig
		if json.Unmarshal(text, &handler) != nil {
			return false
		}
		return handler.Name == "webhook_verify" || handler.Name == "subroute" && slices.ContainsFunc(handler.Routes, func(r routeConfig) bool {
			return len(r.Match) == 0 && r.Group == "" && verifies(r.Handle...)
		})
	})
}

// route checks the rules of a webhook_route.
func (l *linter) route(rt *Route, verified bool) {
	if !verified && !rt.Standalone {
		l.add(severityError, rt.Position, "route_unverified", "no webhook_verify stands before this webhook_route: it answers 403", "put one before it, or write standalone")
	}
	lines := l.ruleLines(rt.Position)
	for i, text := range shadowed(rt.Rules) {
		position := rt.Position
		if i < len(lines) {
			position = lines[i]
		}
		s, remedy := severityError, "take it out, or put it before the other"
		if strings.Contains(text, "never sees") {
			s, remedy = severityWarning, "take those events out of one of the rules"
		}
		l.add(s, position, "rule_shadowed", text, remedy)
	}
	for _, rule := range rt.Rules {
		l.handlers(rule.HandlersRaw, verified || rt.Standalone)
	}
	if rt.Otherwise != nil {
		l.handlers(rt.Otherwise.HandlersRaw, verified || rt.Standalone)
	}
}

// unreachable says that the handlers of ours among those that nothing gets to can be taken out.
func (l *linter) unreachable(handlers []json.RawMessage) {
	if position := firstPosition(handlers); position != "" {
		l.add(severityError, position, "route_shadowed", "no request gets here: a handler before it answers all of them", "put this one before it, or give it another path")
	}
}

// answering are the handlers that call no next one.
var answering = []string{"static_response", "reverse_proxy", "error"}

// answers reports whether there is a handler that answers every request that comes to it.
func answers(handlers []json.RawMessage) bool {
	return slices.ContainsFunc(handlers, func(text json.RawMessage) bool {
		var handler handlerConfig
		if json.Unmarshal(text, &handler) != nil {
			return false
		}
		return slices.Contains(answering, handler.Name) || handler.Name == "subroute" && slices.ContainsFunc(handler.Routes, func(r routeConfig) bool {
			return len(r.Match) == 0 && r.Group == "" && answers(r.Handle)
		})
	})
}
