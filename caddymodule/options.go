package caddymodule

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// options reads the block of a directive strictly: an unknown option, one that stands twice and
// one with too few or too many arguments are errors with file and line. The first error ends it.
type options struct {
	*caddyfile.Dispenser
	nesting int
	seen    map[string]bool
	err     error
}

// newOptions begins the block that follows the dispenser's current line. Arguments that are left
// on that line are an error, which does not repeat them: one may be a secret.
func newOptions(d *caddyfile.Dispenser) *options {
	o := &options{Dispenser: d, nesting: d.Nesting(), seen: make(map[string]bool)}
	if d.NextArg() {
		o.fail("an argument too many: options go into the block")
	}
	return o
}

// next moves on to the next option. repeatable options may stand more than once.
func (o *options) next(repeatable ...string) bool {
	if o.err != nil || !o.NextBlock(o.nesting) {
		return false
	}
	name := o.Val()
	if o.seen[name] && !slices.Contains(repeatable, name) {
		o.fail("%s stands twice: write it once", name)
		return false
	}
	o.seen[name] = true
	return true
}

func (o *options) fail(format string, args ...any) {
	if o.err == nil {
		o.err = o.Errf(format, args...)
	}
}

// unknown ends the block at an option that isn't one of the known ones.
func (o *options) unknown(known ...string) {
	if o.Val() == "{" {
		o.fail("a block where none can be: the option before it takes arguments only")
		return
	}
	o.fail("unknown option %q: use %s", o.Val(), either(known))
}

// either lists words of which one is to be chosen.
func either[T ~string](words []T) string {
	var b strings.Builder
	for i, word := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(word))
	}
	return b.String()
}

// args returns the arguments of the current option, whose number must lie in the bounds.
func (o *options) args(least, most int) []string {
	name := o.Val()
	args := o.RemainingArgs()
	if len(args) < least || len(args) > most {
		switch {
		case most == 0:
			o.fail("%s takes no argument", name)
		case most == 1:
			o.fail("%s takes one argument, not %d", name, len(args))
		case least == most:
			o.fail("%s takes %d arguments, not %d", name, most, len(args))
		default:
			o.fail("%s takes %d to %d arguments, not %d", name, least, most, len(args))
		}
		return make([]string, most)
	}
	return append(args, make([]string, most-len(args))...)
}

// flag reads an option without arguments.
func (o *options) flag(target *bool) {
	o.args(0, 0)
	*target = true
}

// text reads an option with one argument.
func (o *options) text(target *string) {
	name := o.Val()
	if *target = o.args(1, 1)[0]; *target == "" {
		o.fail("%s is empty: leave it out, or write something", name)
	}
}

// oneOf reads an option whose argument is one of a few words.
func (o *options) oneOf(target *string, words ...string) {
	name := o.Val()
	*target = o.args(1, 1)[0]
	if !slices.Contains(words, *target) {
		o.fail("%s %q: use %s", name, *target, either(words))
	}
}

// duration reads an option with a duration above zero.
func (o *options) duration(target *caddy.Duration) {
	name := o.Val()
	text := o.args(1, 1)[0]
	d, err := caddy.ParseDuration(text)
	if err != nil || d <= 0 {
		o.fail("%s %q: write a duration above zero, such as 5m or 24h", name, text)
	}
	*target = caddy.Duration(d)
}

// time reads an option with a point in time.
func (o *options) time(target *time.Time) {
	name := o.Val()
	text := o.args(1, 1)[0]
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.IsZero() {
		o.fail("%s %q: write a time with its zone, such as 2026-01-31T12:00:00Z", name, text)
	}
	*target = at
}

// size reads an option with a number of bytes that lies in the bounds.
func (o *options) size(target *int64, least, most uint64) {
	name := o.Val()
	text := o.args(1, 1)[0]
	n, err := humanize.ParseBytes(text)
	if err != nil || n < least || n > most {
		o.fail("%s %q: write a size from %s to %s, such as 5MiB", name, text, humanize.IBytes(least), humanize.IBytes(most))
	}
	*target = int64(n)
}

// number reads an option with a whole number that lies in the bounds.
func (o *options) number(target *int, least, most int) {
	name := o.Val()
	text := o.args(1, 1)[0]
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		o.fail("%s %q: write a whole number from %d to %d", name, text, least, most)
	}
	*target = n
}

// position names the current line as "Caddyfile:12", for errors that come up after the Caddyfile
// has become JSON. It holds no path.
func position(d *caddyfile.Dispenser) string {
	return fmt.Sprintf("%s:%d", filepath.Base(d.File()), d.Line())
}

// at puts a position before an error.
func at(position string, err error) error {
	if err == nil || position == "" {
		return err
	}
	return fmt.Errorf("%s: %w", position, err)
}

// shortDuration writes a duration without empty units: 10m, not 10m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
