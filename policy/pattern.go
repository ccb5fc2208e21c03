package policy

import "github.com/hookseal/hookseal/internal/eventpattern"

// Pattern is an event pattern: the name of an event in segments with dots between them, where a
// segment may be left open. "*" stands for exactly one segment, and "**", as the last one only, for
// the rest: one segment or more.
type Pattern = eventpattern.Pattern

// ParsePattern reads a pattern.
func ParsePattern(text string) (Pattern, error) { return eventpattern.Parse(text) }
