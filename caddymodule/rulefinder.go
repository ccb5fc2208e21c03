package caddymodule

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// foundRoute is a webhook_route that a path leads to, and the webhook_verify that stands before it.
type foundRoute struct {
	route  *Route
	verify *Verify // nil if there is none
}

// ruleFinder looks for the rules that a request with a path comes to.
type ruleFinder struct {
	path    string
	host    string // without its port; "" is any
	known   bool   // a site has the host
	verify  *Verify
	found   []foundRoute
	guessed bool // a matcher of something else than the path was taken to match

	verifies []*Verify // all that are on the way
	named    map[string]routeConfig
	depth    int // of named routes that invoke each other
}

// maxInvoked bounds how deep named routes may invoke each other: nothing keeps them from doing it in a circle.
const maxInvoked = 16

// rulesFor returns the webhook_routes of a Caddyfile that a path at a host leads to.
func rulesFor(name string, text []byte, path, host string) (*ruleFinder, error) {
	a, err := adaptFile(name, text)
	if err != nil {
		return nil, err
	}
	f := a.find(path, host)
	if len(f.found) == 0 {
		return nil, fmt.Errorf("no webhook_route is on the way of %s", path)
	}
	return f, nil
}

// find returns what a path at a host leads to. A delivery may have been captured somewhere else: if no site has the
// host, any has.
func (a *adapted) find(path, host string) *ruleFinder {
	f := new(ruleFinder)
	for _, server := range a.servers {
		f.path, f.host, f.verify, f.named = strings.ToLower(path), strings.ToLower(host), nil, server.Named
		f.routes(server.Routes)
	}
	if host != "" && !f.known && len(f.found)+len(f.verifies) == 0 {
		return a.find(path, "")
	}
	return f
}

// routes goes through the routes that the path takes. Of a group it is the first that matches, and none is behind
// one that is the last.
func (f *ruleFinder) routes(routes []routeConfig) {
	taken := make(map[string]bool)
	for _, route := range routes {
		if route.Group != "" && taken[route.Group] || !f.matches(route.Match) {
			continue
		}
		taken[route.Group] = true
		f.handlers(route.Handle)
		if route.Terminal && (f.host != "" || len(route.Match) == 0) {
			return
		}
	}
}

// matches reports whether the path does. Matchers of anything else are taken to match.
func (f *ruleFinder) matches(match json.RawMessage) bool {
	var sets []map[string]json.RawMessage
	if len(match) == 0 || json.Unmarshal(match, &sets) != nil {
		return true
	}
	for _, set := range sets {
		var paths, hosts []string
		ok := true
		for name, matcher := range set {
			switch {
			case name == "path" && json.Unmarshal(matcher, &paths) == nil:
				ok = ok && slices.ContainsFunc(paths, func(pattern string) bool { return matchesPath(strings.ToLower(pattern), f.path) })
			case name == "host" && json.Unmarshal(matcher, &hosts) == nil:
				if f.host != "" {
					has := slices.ContainsFunc(hosts, func(pattern string) bool { return matchesHost(strings.ToLower(pattern), f.host) })
					f.known = f.known || has
					ok = ok && has
				}
			default:
				f.guessed = true
			}
		}
		if ok {
			return true
		}
	}
	return false
}

// matchesPath reports whether a path matches one of Caddy's patterns: with * at its ends, or exactly.
func matchesPath(pattern, path string) bool {
	suffix, openStart := strings.CutPrefix(pattern, "*")
	middle, openEnd := strings.CutSuffix(suffix, "*")
	switch {
	case openStart && openEnd:
		return strings.Contains(path, middle)
	case openStart:
		return strings.HasSuffix(path, suffix)
	case openEnd:
		return strings.HasPrefix(path, strings.TrimSuffix(pattern, "*"))
	}
	return pattern == path
}

// matchesHost reports whether a host matches one of Caddy's patterns, in which * is one label. A placeholder in it may
// stand for any host.
func matchesHost(pattern, host string) bool {
	a, b := strings.Split(pattern, "."), strings.Split(host, ".")
	return strings.Contains(pattern, "{") || slices.EqualFunc(a, b, func(wide, label string) bool { return wide == "*" || wide == label })
}

func (f *ruleFinder) handlers(handlers []json.RawMessage) {
	for _, text := range handlers {
		var handler handlerConfig
		if json.Unmarshal(text, &handler) != nil {
			continue
		}
		switch handler.Name {
		case "subroute":
			f.routes(handler.Routes)
		case "rewrite": // as handle_path does it
			f.path = "/" + strings.TrimPrefix(strings.TrimPrefix(f.path, strings.ToLower(handler.StripPathPrefix)), "/")
		case "invoke":
			if route, ok := f.named[handler.Invoke]; ok && f.depth < maxInvoked {
				f.depth++
				f.handlers(route.Handle)
				f.depth--
			}
		case "webhook_verify":
			v := new(Verify)
			if json.Unmarshal(text, v) == nil {
				v.setDefaults()
				f.verify = v
				if !slices.ContainsFunc(f.verifies, func(other *Verify) bool { return other.Name == v.Name }) {
					f.verifies = append(f.verifies, v)
				}
			}
		case "webhook_route":
			rt := new(Route)
			if json.Unmarshal(text, rt) == nil {
				f.found = append(f.found, foundRoute{rt, f.verify})
			}
		}
	}
}
