// Package eventpattern decides in one place what a pattern of event names means, to policy and outbound.
package eventpattern

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Pattern is an event pattern: the name of an event in segments with dots between them, where a
// segment may be left open.
//
//   - "*" stands for exactly one segment, whatever it is, as long as it isn't empty.
//   - "**", as the last segment only, stands for the rest: one segment or more, never none.
//   - Every other segment stands for itself. Letter case counts.
//
// So "order.*" matches "order.created" and neither "order" nor "order.item.added"; "order.**"
// matches both "order.created" and "order.item.added", and still not "order"; "**" matches every
// event. A name without dots, as GitHub's "pull_request", is one segment. A delivery without an
// event matches no pattern.
//
// The zero Pattern matches nothing.
type Pattern struct {
	text     string
	segments []string // without the trailing "**"
	open     bool     // whether a trailing "**" was there
	exact    bool     // whether text stands for itself
}

// Parse reads a pattern. It refuses what looks like a pattern of another language: an
// empty segment, "*" as part of a segment, "**" before the end. Control characters and blanks at
// either end, which no event's name has, are refused too.
func Parse(text string) (Pattern, error) {
	if text == "" {
		return Pattern{}, errors.New("event pattern is empty; \"**\" matches every event")
	}
	if strings.TrimSpace(text) != text || strings.ContainsFunc(text, unicode.IsControl) {
		return Pattern{}, fmt.Errorf("event pattern %q has a blank at its end or a control character", text)
	}
	p := Pattern{text: text, segments: strings.Split(text, "."), exact: true}
	for i, segment := range p.segments {
		last := i == len(p.segments)-1
		switch {
		case segment == "":
			return Pattern{}, fmt.Errorf("event pattern %q has an empty segment", text)
		case segment == "*":
			p.exact = false
		case segment == "**" && last:
			p.segments, p.open, p.exact = p.segments[:i], true, false
		case segment == "**":
			return Pattern{}, fmt.Errorf("event pattern %q has \"**\" before its end; one segment is \"*\"", text)
		case strings.Contains(segment, "*"):
			return Pattern{}, fmt.Errorf("event pattern %q has \"*\" inside a segment; it stands for a whole one", text)
		}
	}
	return p, nil
}

// Match reports whether the pattern matches an event's name.
func (p Pattern) Match(event string) bool {
	if event == "" {
		return false
	}
	if p.exact {
		return event == p.text
	}
	for i, want := range p.segments {
		segment, rest, more := strings.Cut(event, ".")
		if segment != want && (want != "*" || segment == "") {
			return false
		}
		if last := i == len(p.segments)-1; last && !p.open {
			return !more
		}
		event = rest // empty if there is no more, which matches no segment and no rest
	}
	return p.open && event != ""
}

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Exact reports whether the pattern has no open segment and so matches its own text only.
func (p Pattern) Exact() bool { return p.exact }
