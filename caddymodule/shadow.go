package caddymodule

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// shadowed returns which rules of a webhook_route can never match, because one before them takes all that
// they could take, as a text for each, by the rule's index. Expressions are compared as texts only.
func shadowed(rules []RouteRule) map[int]string {
	all := make(map[int]string)
	for i, rule := range rules {
		for j, earlier := range rules[:i] {
			if coversRule(earlier, rule) {
				all[i] = fmt.Sprintf("rule %d can never match: rule %d takes all that it could", i+1, j+1)
				break
			}
		}
		if _, done := all[i]; done || len(rule.Event) == 0 {
			continue
		}
		// Several earlier rules may take its patterns among them.
		var taken []string
		for _, pattern := range rule.Event {
			if slices.ContainsFunc(rules[:i], func(earlier RouteRule) bool {
				return coversRule(earlier, RouteRule{Event: []string{pattern}, When: rule.When})
			}) {
				taken = append(taken, pattern)
			}
		}
		switch {
		case len(taken) == len(rule.Event):
			all[i] = fmt.Sprintf("rule %d can never match: the rules before it take all its events", i+1)
		case len(taken) > 0:
			all[i] = fmt.Sprintf("rule %d never sees %s: the rules before it take that", i+1, strings.Join(taken, ", "))
		}
	}
	return all
}

// coversRule reports whether a rule matches whatever another one matches.
func coversRule(a, b RouteRule) bool {
	when := strings.TrimSpace(a.When)
	if when != "" && when != "true" && when != strings.TrimSpace(b.When) {
		return false
	}
	if len(a.Event) == 0 {
		return true
	}
	if len(b.Event) == 0 {
		return false
	}
	for _, pattern := range b.Event {
		if !slices.ContainsFunc(a.Event, func(wider string) bool { return coversPattern(wider, pattern) }) {
			return false
		}
	}
	return true
}

// coversPattern reports whether an event pattern matches whatever another one matches.
func coversPattern(wider, narrower string) bool {
	a, b := strings.Split(wider, "."), strings.Split(narrower, ".")
	for i, segment := range a {
		switch {
		case i >= len(b):
			return false
		case segment == "**":
			return true // one segment or more, and there is one
		case b[i] == "**":
			return false
		case segment != "*" && segment != b[i]:
			return false
		}
	}
	return len(a) == len(b)
}

// coversMatch reports whether the matchers of a Caddy route take whatever those of another one take: they
// are the same, there are none, or there are paths alone and each lies in one of the wider ones.
func coversMatch(wider, narrower json.RawMessage) bool {
	if len(wider) == 0 || string(wider) == string(narrower) {
		return true
	}
	a, b := pathsOf(wider), pathsOf(narrower)
	for _, path := range b {
		if !slices.ContainsFunc(a, func(pattern string) bool {
			prefix, open := strings.CutSuffix(pattern, "*")
			return pattern == path || open && !strings.Contains(prefix, "*") && strings.HasPrefix(path, prefix)
		}) {
			return false
		}
	}
	return len(b) > 0
}

// pathsOf returns the paths of matchers that are about paths alone, in the lower case by which Caddy
// compares them.
func pathsOf(match json.RawMessage) (paths []string) {
	var sets []map[string]json.RawMessage
	if json.Unmarshal(match, &sets) != nil || len(sets) != 1 || len(sets[0]) != 1 {
		return nil
	}
	if json.Unmarshal(sets[0]["path"], &paths) != nil {
		return nil
	}
	for i := range paths {
		paths[i] = strings.ToLower(paths[i])
	}
	return paths
}
