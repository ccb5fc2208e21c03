package caddymodule

import (
	"fmt"
	"strings"
)

// severity is how bad a finding is.
type severity string

// The severities. An error means that deliveries are lost, refused, or let in that shouldn't be; a warning
// that they may be; the rest is to know.
const (
	severityError   severity = "error"
	severityWarning severity = "warning"
	severityNote    severity = "note"
)

// finding is one thing that lint found.
type finding struct {
	Severity severity `json:"severity"`
	// Position is file and line, without the path.
	Position string `json:"position,omitempty"`
	// Check is the name of the check, which stays the same.
	Check string `json:"check"`
	// Text says what is wrong, and Remedy what to do about it. Neither has a secret in it.
	Text   string `json:"text"`
	Remedy string `json:"remedy"`
}

func (f finding) String() string {
	where := ""
	if f.Position != "" {
		where = f.Position + ": "
	}
	return fmt.Sprintf("%s%s: %s: %s [%s]", where, f.Severity, f.Text, f.Remedy, f.Check)
}

// lineOf returns the number of a position's line, and 0 if there is none.
func lineOf(position string) (n int) {
	if i := strings.LastIndexByte(position, ':'); i >= 0 {
		_, _ = fmt.Sscan(position[i+1:], &n)
	}
	return n
}
