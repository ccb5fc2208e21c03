package policy

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// FuzzBody evaluates what rules do with a body on any body at all: no panic, no result together
// with an error, and no error that says anything but its class and its place.
func FuzzBody(f *testing.F) {
	var compiled []*Expression
	for _, source := range sampleExpressions {
		if e, err := Compile(source); err == nil {
			compiled = append(compiled, e)
		}
	}
	for _, source := range []string{`body.a.b.c[0] == "x"`, `body[body.a] == 1`, `body.a[body.b] == 1`, `parse_json(body.a) == body.b`,
		`query.a == "1"`, `size(query) == 1`, `body.exists(k, body[k] == body.a)`, `string(body.a) == "" || int(body.a) == 1`} {
		e, err := Compile(source)
		if err != nil {
			f.Fatal(err)
		}
		compiled = append(compiled, e)
	}
	for _, body := range sampleBodies {
		f.Add([]byte(body), "")
	}
	f.Add([]byte(`{"a":1,"a":2}`), "application/json")
	f.Add([]byte(`{"a":[1e999,"\ud800",01]}`), "text/plain")
	f.Add([]byte(`a=1&b=%zz&a=2;c`), "application/x-www-form-urlencoded")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		d := &Delivery{Body: body, RawQuery: string(body), Header: http.Header{"Content-Type": {contentType}}}
		for _, e := range compiled {
			holds, err := e.Eval(context.Background(), d)
			if err == nil {
				continue
			}
			if holds {
				t.Fatalf("%s: true together with %v", e, err)
			}
			if !evaluationErrors.MatchString(err.Error()) {
				t.Fatalf("%s: %q", e, err)
			}
		}
	})
}

// FuzzCompile compiles anything: no panic, an error of one bounded line, and what compiles can be
// evaluated.
func FuzzCompile(f *testing.F) {
	for _, source := range sampleExpressions {
		f.Add(source)
	}
	for _, source := range []string{``, `event = 1`, `cidr(["10.0.0.0/8"])`, `event.matches_event("a.**")`, `path.matches("a{1000}")`, `((((((`, "\x00", `"\xff"`,
		`body.`, `header["X"]`, `lists.range(99999999)`, `has(a.b)`, `timestamp("x")`, `cel.bind(a, b, c)`, `"%99999999d".format([1]) == ""`, `a.b.c.d.e`, `[1][0u]`, `{1: 2}`, `// x`} {
		f.Add(source)
	}
	d := example()
	f.Fuzz(func(t *testing.T, source string) {
		e, err := Compile(source)
		if err != nil {
			if text := err.Error(); text == "" || len(text) > 600 || strings.ContainsAny(text, "\n\r") {
				t.Fatalf("error %q", text)
			}
			return
		}
		*d = *example()
		if holds, err := e.Eval(context.Background(), d); err != nil && (holds || !evaluationErrors.MatchString(err.Error())) {
			t.Fatalf("%v, %q", holds, err)
		}
	})
}
