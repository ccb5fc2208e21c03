package caddymodule

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// linter collects what is wrong with one Caddyfile.
type linter struct {
	main     string
	findings []finding
	files    [][]caddyfile.Token // of the Caddyfile and of what it imports, as they are written
	verifies []*Verify
	signs    []*Sign
	publish  []*Publish

	named   map[string]routeConfig // the named routes of the server that is looked at
	depth   int                    // of those that invoke each other
	invoked map[string]bool
}

// lint returns what is wrong with a Caddyfile, in the order of its lines. It reads secrets only to compare
// them, and only those that are there.
func lint(name string, text []byte) []finding {
	l := &linter{main: filepath.Base(name)}
	// The tokens of the text as it was written: adapting it puts the values of {$NAME} in.
	l.tokenize(name, text)
	l.secretsInText()
	if a, err := adaptFile(name, text); err != nil {
		l.adaptError(err)
	} else {
		l.config(a)
	}
	l.compareSecrets()
	slices.SortStableFunc(l.findings, l.compare)
	return l.findings
}

// compare puts findings in the order of their lines, those of the Caddyfile itself before those of what it imports.
func (l *linter) compare(a, b finding) int {
	fileOf := func(f finding) string {
		file, _, _ := strings.Cut(f.Position, ":")
		if file == l.main {
			return ""
		}
		return file
	}
	return cmp.Or(strings.Compare(fileOf(a), fileOf(b)), cmp.Compare(lineOf(a.Position), lineOf(b.Position)))
}

func (l *linter) add(s severity, position, check, text, remedy string) {
	f := finding{s, position, check, text, remedy}
	if !slices.Contains(l.findings, f) { // a site with several addresses has its handlers several times
		l.findings = append(l.findings, f)
	}
}

var (
	adaptPosition = regexp.MustCompile(`[^\s:,/\\]+:\d+\b`)
	isPosition    = regexp.MustCompile(`:\d+$`).MatchString
)

// adaptError makes a finding of what keeps the Caddyfile from being read.
func (l *linter) adaptError(err error) {
	// At the end are the positions of the directive and of the blocks that it stands in, from the inside out.
	// What stands before may have numbers behind colons of its own.
	parts := strings.Split(err.Error(), ", at ")
	where := len(parts) - 1
	for where > 1 && isPosition(parts[where-1]) {
		where--
	}
	position := adaptPosition.FindString(parts[where])
	if slices.ContainsFunc(l.findings, func(f finding) bool { return f.Severity == severityError && f.Position == position }) {
		return // found before, and said better
	}
	check, text := "adapt", l.withoutValues(err.Error())
	if strings.Contains(text, "the signature covers the URL") {
		check = "public_url"
	}
	l.add(severityError, position, check, text, "the rest can be checked when that is mended")
}

var bakedVariable = regexp.MustCompile(`\{\$([^{}:]+)(?::[^{}]*)?\}`)

// withoutValues puts {$NAME} in the place of what it stands for. An error may quote any word of the
// Caddyfile, and one of those may be a secret in the wrong place.
func (l *linter) withoutValues(text string) string {
	for _, token := range slices.Concat(l.files...) {
		for _, variable := range bakedVariable.FindAllStringSubmatch(token.Text, -1) {
			if value := os.Getenv(variable[1]); value != "" {
				text = strings.ReplaceAll(text, value, variable[0])
			}
		}
	}
	return text
}
