package jsonpath

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestArraysAndObjectsInOrder(t *testing.T) {
	v := parse(t, ` [ 1 , "two" , [3], {"k":4} ,null ] `)
	elements, err := v.Elements()
	if err != nil {
		t.Fatal(err)
	}
	var kinds []Kind
	for _, e := range elements {
		kinds = append(kinds, e.Kind())
	}
	if want := []Kind{Number, String, Array, Object, Null}; !slices.Equal(kinds, want) {
		t.Errorf("kinds %v, want %v", kinds, want)
	}
	keys, err := parse(t, `{"b":1,"\u0061":2, "" : 3}`).Keys()
	if want := []string{"b", "a", ""}; err != nil || !slices.Equal(keys, want) {
		t.Errorf("keys %q, %v; want %q", keys, err, want)
	}
	if _, err := parse(t, `{"a":1,"\u0061":2}`).Keys(); !errors.Is(err, ErrAmbiguous) {
		t.Errorf("keys of an object with one name twice: %v", err)
	}
	var members []string
	err = parse(t, `{"b":1,"\u0062":[2]}`).EachMember(func(name string, value Value) error {
		members = append(members, name+"="+string(value.text))
		return nil
	})
	if want := []string{"b=1", "b=[2]"}; err != nil || !slices.Equal(members, want) {
		t.Errorf("members %q, %v; want %q", members, err, want)
	}
	stop := errors.New("stop")
	n := 0
	err = v.EachElement(func(Value) error {
		if n++; n == 2 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || n != 2 {
		t.Errorf("EachElement went on to element %d with error %v", n, err)
	}
	if _, err := v.Index(-1); !errors.Is(err, ErrMissing) {
		t.Errorf("index -1: %v", err)
	}
	if _, err := v.Get("a"); !errors.Is(err, ErrType) {
		t.Errorf("a member of an array: %v", err)
	}
}

// Brackets inside strings, and quotes after any number of backslashes, must not end a value
// that is stepped over.
func TestSteppingOverIsNotFooledByStrings(t *testing.T) {
	for _, inner := range []string{
		`"]"`, `"}{["`, `"\""`, `"\\"`, `"\\\""`, `"\\\\"`, `"a\\\\\"]b"`, `{"]":"}"}`, `[[],{}]`,
	} {
		text := `{"skip":[` + inner + `],"want":"here"}`
		v, err := parse(t, text).Get("want")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := v.Text(); err != nil || got != "here" {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	nested := func(open, shut string, n int) []byte {
		return []byte(strings.Repeat(open, n) + "1" + strings.Repeat(shut, n))
	}
	within := func(member []byte) []byte {
		return slices.Concat([]byte(`{"want":true,"deep":`), member, []byte(`}`))
	}
	for _, shape := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
		v := parse(t, string(within(nested(shape[0], shape[1], MaxDepth))))
		if _, err := v.Get("want"); err != nil {
			t.Errorf("%s at the limit: %v", shape[0], err)
		}
		for _, n := range []int{MaxDepth + 1, 100_000} {
			text := within(nested(shape[0], shape[1], n))
			v := parse(t, string(text))
			if _, err := v.Get("want"); !errors.Is(err, ErrDepth) {
				t.Errorf("Get beside %d of %s: %v", n, shape[0], err)
			}
			if _, err := v.Keys(); !errors.Is(err, ErrDepth) {
				t.Errorf("Keys beside %d of %s: %v", n, shape[0], err)
			}
			if err := v.Check(1 << 20); !errors.Is(err, ErrDepth) {
				t.Errorf("Check of %d of %s: %v", n, shape[0], err)
			}
		}
		// Unclosed brackets are deep before they are unclosed.
		if _, err := parse(t, `{"a":`+strings.Repeat(shape[0], 100_000)).Get("a"); !errors.Is(err, ErrDepth) {
			t.Errorf("unclosed %s: %v", shape[0], err)
		}
	}
}

func TestCheckReadsEverything(t *testing.T) {
	for _, text := range []string{
		`null`, `true`, `false`, `0`, `-1.5e3`, `"x"`, `[]`, `{}`, ` [ ] `, ` { } `,
		`[1,[2,[3]],{"a":{"b":[]}}]`, `{"a":1,"b":{"a":1}}`, `{"":0}`, `[{"a":1},{"a":1}]`,
		`{"a":"\u00e9","\u00e9":1}`,
	} {
		if err := parse(t, text).Check(100); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	wide := func(last string) string {
		var b strings.Builder
		b.WriteString(`{`)
		for i := range 40 {
			b.WriteString(`"k` + strings.Repeat("x", i) + `":0,`)
		}
		return b.String() + last + `}`
	}
	for _, tt := range []struct {
		text string
		want error
	}{
		{`{"a":1,"a":2}`, ErrAmbiguous},
		{`[0,{"x":{"a":1,"b":2,"\u0061":3}}]`, ErrAmbiguous},
		{wide(`"kx":1`), ErrAmbiguous},
		{wide(`"\u006b":1`), ErrAmbiguous},
		{`[1e999]`, ErrRange},
		{`{"a":[18446744073709551616]}`, ErrRange},
		{`["\x"]`, ErrSyntax},
		{`["\ud800"]`, ErrSyntax},
		{"[\"\xff\"]", ErrSyntax},
		{"{\"\x01\":1}", ErrSyntax},
		{`[01]`, ErrSyntax},
		{`[1.]`, ErrSyntax},
		{`[tru]`, ErrSyntax},
		{`[nulls]`, ErrSyntax},
		{`[1`, ErrSyntax},
		{`[`, ErrSyntax},
		{`{`, ErrSyntax},
		{`[1,`, ErrSyntax},
		{`[1,]`, ErrSyntax},
		{`[,1]`, ErrSyntax},
		{`[1 2]`, ErrSyntax},
		{`[}`, ErrSyntax},
		{`{]`, ErrSyntax},
		{`[[1]}`, ErrSyntax},
		{`{"a"}`, ErrSyntax},
		{`{"a":}`, ErrSyntax},
		{`{"a":1,}`, ErrSyntax},
		{`{,"a":1}`, ErrSyntax},
		{`{1:2}`, ErrSyntax},
		{`{"a":1]`, ErrSyntax},
		{`[1]]`, ErrSyntax},
		{`[] []`, ErrSyntax},
		{`1 1`, ErrSyntax},
		{`"unclosed`, ErrSyntax},
	} {
		if err := parse(t, tt.text).Check(100); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.text, err, tt.want)
		}
	}
	if err := parse(t, wide(`"last":1`)).Check(100); err != nil {
		t.Errorf("41 different names: %v", err)
	}
}

func TestCheckCountsEveryValue(t *testing.T) {
	const text = `{"a":[1,2,{"b":null}],"c":"d"}` // 7 values, with the outermost
	if err := parse(t, text).Check(7); err != nil {
		t.Errorf("7 of 7: %v", err)
	}
	if err := parse(t, text).Check(6); !errors.Is(err, ErrSize) {
		t.Errorf("6 of 7: %v", err)
	}
	million := append(bytes.Repeat([]byte("[],"), 1_000_000), ']')
	if err := parse(t, "["+string(million)).Check(1000); !errors.Is(err, ErrSize) {
		t.Errorf("a million values: %v", err)
	}
}

// A string of escaped quotes looks like a million string ends. Each is rejected by the run of
// backslashes right before it, and runs don't overlap, so the work is linear; counted here as
// allocations, because the one way to be slow without being quadratic would be to copy.
func TestEscapedQuotesCostNothing(t *testing.T) {
	text := []byte(`{"a":"` + strings.Repeat(`\"`, 500_000) + strings.Repeat(`\\`, 500_000) + `","b":1}`)
	v, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	allocs := testing.AllocsPerRun(1, func() {
		if _, err := v.Get("b"); err != nil {
			t.Error(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
