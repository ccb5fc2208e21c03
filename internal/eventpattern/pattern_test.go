package eventpattern

import (
	"strings"
	"testing"
)

func pattern(t testing.TB, text string) Pattern {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPatternsMatchWholeSegments(t *testing.T) {
	for _, tt := range []struct {
		pattern  string
		match    []string
		mismatch []string
	}{
		{"push",
			[]string{"push"},
			[]string{"", "Push", "pushed", "push.", ".push", "push.x"}},
		{"order.created",
			[]string{"order.created"},
			[]string{"order", "order.", "order.create", "order.created.x", "order_created"}},
		{"order.*",
			[]string{"order.created", "order.*", "order.status_changed"},
			[]string{"order", "order.", "order.item.added", "orders.created", "x.order.created"}},
		{"*.created",
			[]string{"order.created"},
			[]string{".created", "created", "a.b.created"}},
		{"product.*.updated",
			[]string{"product.stock.updated"},
			[]string{"product..updated", "product.updated", "product.a.b.updated"}},
		{"*",
			[]string{"push", "pull_request", "Push Hook"},
			[]string{"", "a.b", "."}},
		{"order.**",
			[]string{"order.created", "order.item.added", "order.a.b.c"},
			[]string{"order", "order.", "orders.created"}},
		{"*.*.**",
			[]string{"a.b.c", "a.b.c.d"},
			[]string{"a", "a.b", "a.b."}},
		{"**",
			[]string{"push", "a.b.c", "..."},
			[]string{""}},
		{"Push Hook",
			[]string{"Push Hook"},
			[]string{"Push", "push hook"}},
	} {
		p := pattern(t, tt.pattern)
		if p.String() != tt.pattern {
			t.Errorf("String of %s is %s", tt.pattern, p)
		}
		for _, event := range tt.match {
			if !p.Match(event) {
				t.Errorf("%s does not match %q", tt.pattern, event)
			}
		}
		for _, event := range tt.mismatch {
			if p.Match(event) {
				t.Errorf("%s matches %q", tt.pattern, event)
			}
		}
	}
	var zero Pattern
	for _, event := range []string{"", "push"} {
		if zero.Match(event) {
			t.Errorf("the zero Pattern matches %q", event)
		}
	}
}

func TestPatternsOfOtherLanguagesAreRefused(t *testing.T) {
	for _, text := range []string{
		"", ".", "a.", ".a", "a..b", "**.a", "a.**.b", "**.**", "***", "a*", "*a", "order.cr*ted",
		"a.***", "a**", " push", "push ", "pu\nsh", "pu\x00sh",
	} {
		if p, err := Parse(text); err == nil {
			t.Errorf("%q was accepted as %v", text, p)
		}
	}
}

// FuzzPattern holds Match against a matcher that is written for nothing but being evident.
func FuzzPattern(f *testing.F) {
	for _, text := range []string{"push", "order.*", "order.**", "**", "*.*", "a.*.c", "a..b", "a.**.b"} {
		f.Add(text, "order.created")
		f.Add(text, text)
		f.Add(text, "a.b.c")
	}
	f.Fuzz(func(t *testing.T, text, event string) {
		p, err := Parse(text)
		if err != nil {
			if p.Match(event) {
				t.Fatalf("the pattern of an error matches %q", event)
			}
			return
		}
		want := event != "" && naiveMatch(strings.Split(text, "."), strings.Split(event, "."))
		if got := p.Match(event); got != want {
			t.Fatalf("%q on %q: got %v, want %v", text, event, got, want)
		}
	})
}

func naiveMatch(pattern, event []string) bool {
	switch {
	case len(pattern) == 0:
		return len(event) == 0
	case pattern[0] == "**":
		return strings.Join(event, ".") != ""
	case len(event) == 0:
		return false
	case pattern[0] == "*":
		return event[0] != "" && naiveMatch(pattern[1:], event[1:])
	}
	return pattern[0] == event[0] && naiveMatch(pattern[1:], event[1:])
}
