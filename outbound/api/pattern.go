package api

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The bounds of the patterns of a schema, of all of them together.
const (
	maxPatternBytes = 16 << 10 // a class as \pL counts as classBytes more
	maxPatternSize  = 20_000   // steps of their programs, after x{1000} was written out
)

// pattern is a regular expression of a schema.
type pattern struct {
	*regexp.Regexp
	steps int // of its program, about
}

// patterns compiles the patterns of one schema, each of them once, until together they are too large.
type patterns struct {
	of          map[string]*pattern
	bytes, size int
}

func (p *patterns) compile(text string) (jsonschema.Regexp, error) {
	if known := p.of[text]; known != nil {
		return known, nil
	}
	if p.bytes += bytesOf(text); p.bytes > maxPatternBytes {
		return nil, fmt.Errorf("the patterns of the schema have more than %d bytes together", maxPatternBytes)
	}
	parsed, err := parsePattern(text)
	if err != nil {
		return nil, err
	}
	steps := stepsOf(parsed)
	if p.size += steps + rangesOf(parsed)/rangesPerStep; p.size > maxPatternSize {
		return nil, errors.New("the patterns of the schema are too large with their repetitions written out")
	}
	// For what begins with ^ package regexp would make a table that has each class anew at every step, 8 KiB
	// for \pL. Behind a group it doesn't.
	compiled, err := regexp.Compile("()" + text)
	if err != nil {
		return nil, err
	}
	p.of[text] = &pattern{compiled, steps}
	return p.of[text], nil
}

// bytesOf returns how long a pattern is, with what the classes take that have a thousand ranges each.
func bytesOf(text string) int {
	return len(text) + classBytes*(strings.Count(text, `\p`)+strings.Count(text, `\P`))
}

const classBytes = 64

// foldsBeyondASCII is a text in which letter case is ignored and characters beyond ASCII are named. To
// parse (?i)[b-\x{1e942}] takes a millisecond, and there is room for thousands.
func foldsBeyondASCII(text string) bool {
	return ignoresCase.MatchString(text) && beyondASCII.MatchString(text)
}

var (
	ignoresCase = regexp.MustCompile(`\(\?[A-Za-z-]*i`)
	beyondASCII = regexp.MustCompile(`[^\x00-\x7f]|\\[xpP]`)
)

// parsePattern parses a pattern, of which bytesOf has been bounded.
func parsePattern(text string) (*syntax.Regexp, error) {
	if foldsBeyondASCII(text) {
		return nil, errors.New("a pattern with (?i) can name ASCII characters only")
	}
	return syntax.Parse(text, syntax.Perl)
}

// stepsOf returns about how many steps the program of a pattern has. The parser bounds repetitions inside
// repetitions, so that it can't overflow.
func stepsOf(parsed *syntax.Regexp) int {
	steps := 1
	if parsed.Op == syntax.OpLiteral {
		steps = len(parsed.Rune)
	}
	for _, part := range parsed.Sub {
		steps += stepsOf(part)
	}
	if parsed.Op == syntax.OpRepeat {
		steps *= max(parsed.Min, parsed.Max, 1)
	}
	return steps
}

// rangesOf returns how many numbers bound the classes of a pattern: 1,300 for \pL. Repetitions share them.
func rangesOf(parsed *syntax.Regexp) int {
	ranges := 0
	if parsed.Op == syntax.OpCharClass {
		ranges = len(parsed.Rune)
	}
	for _, part := range parsed.Sub {
		ranges += rangesOf(part)
	}
	return ranges
}

// rangesPerStep is how many of them take as much room as one step.
const rangesPerStep = 8

// isPattern is the format "regex". The checker's own would compile what a payload has, whatever its size.
func isPattern(value any) error {
	text, ok := value.(string)
	if !ok {
		return nil
	}
	if bytesOf(text) > maxPatternGiven {
		return fmt.Errorf("the pattern has more than %d bytes", maxPatternGiven)
	}
	_, err := parsePattern(text)
	return err
}

// maxPatternGiven is how many bytes a pattern in a payload may have.
const maxPatternGiven = 1 << 10
