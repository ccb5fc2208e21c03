package jsonpath

import (
	"errors"
	"strings"
	"testing"
)

// TestAPatternVisitsEveryElement: a step "*" is every element of an array, in order, at any place of
// the path; what isn't there is an error and not a value fewer.
func TestAPatternVisitsEveryElement(t *testing.T) {
	for _, test := range []struct {
		pattern, text, want string
		err                 error
	}{
		{"items.*.id", `{"items":[{"id":1},{"id":"2"},{"x":0,"id":3}]}`, "1 2 3", nil},
		{"*.id", `[{"id":1},{"id":2}]`, "1 2", nil},
		{"*", ` [1, "2" ,true] `, "1 2 true", nil},
		{"items.*", `{"items":["a"]}`, "a", nil},
		{"a.*.b.*.c", `{"a":[{"b":[{"c":1},{"c":2}]},{"b":[]},{"b":[{"c":3}]}]}`, "1 2 3", nil},
		{"*.*", `[[1,2],[],[3]]`, "1 2 3", nil},
		{"a.b", `{"a":{"b":7}}`, "7", nil},
		{`a\.*.b`, `{"a.*":{"b":7}}`, "7", nil},
		{`\*.b`, `{"*":{"b":7}}`, "7", nil},
		{"items.*.id", `{"items":[]}`, "", nil},
		{"items.*.id", `{"items":[{"id":1},{}]}`, "1", ErrMissing},
		{"items.*.id", `{"items":[{"id":1},{"id":2,"id":3}]}`, "1", ErrAmbiguous},
		{"items.*.id", `{"items":[{"id":1},2]}`, "1", ErrType},
		{"items.*.id", `{"items":{"id":1}}`, "", ErrType},
		{"items.*.id", `{"items":[{"id":1}],"items":[{"id":1}]}`, "", ErrAmbiguous},
		{"items.*.id", `{}`, "", ErrMissing},
		{"items.*.id", `{"items":[{"id":1},{"id":2}`, "1 2", ErrSyntax},
		{"items.*.id", `<xml>`, "", ErrSyntax},
		{"*", `[` + strings.Repeat("[", MaxDepth+1), "", ErrDepth},
	} {
		p, err := ParsePattern(test.pattern)
		if err != nil {
			t.Fatalf("%s: %v", test.pattern, err)
		}
		var got []string
		err = p.Each([]byte(test.text), func(v Value) error {
			text, err := v.Scalar()
			got = append(got, text)
			return err
		})
		// A text that breaks off may be found out before or after its first elements.
		if !errors.Is(err, test.err) || test.err == nil && err != nil || err != ErrSyntax && strings.Join(got, " ") != test.want {
			t.Errorf("%s of %.60s: %q, %v; want %q, %v", test.pattern, test.text, got, err, test.want, test.err)
		}
		if p.String() != test.pattern {
			t.Errorf("%s prints as %s", test.pattern, p)
		}
	}
}

// TestWhatIsNoPatternIsRefused: a pattern has the grammar of a path.
func TestWhatIsNoPatternIsRefused(t *testing.T) {
	for _, text := range []string{"", ".", "a.", ".a", "a..*", "*..a", "*.", ".*", `a\`, "a.*.", "a.*..b"} {
		if p, err := ParsePattern(text); err == nil {
			t.Errorf("%q is %q", text, p.paths)
		}
	}
	for text, want := range map[string]bool{"*": true, "a.*": true, "*.a": true, "a.*.b": true, "a": false, `a.\*`: false, "a*.b": false, "a.**": false} {
		if IsPattern(text) != want {
			t.Errorf("%q is a pattern: want %t", text, want)
		}
	}
}

// TestAVisitEndsAtItsError: what visit returns ends it and is returned.
func TestAVisitEndsAtItsError(t *testing.T) {
	p, err := ParsePattern("*.*")
	if err != nil {
		t.Fatal(err)
	}
	stop, visits := errors.New("stop"), 0
	err = p.Each([]byte(`[[1,2],[3]]`), func(Value) error {
		if visits++; visits == 2 {
			return stop
		}
		return nil
	})
	if err != stop || visits != 2 {
		t.Errorf("%v after %d visits", err, visits)
	}
}
