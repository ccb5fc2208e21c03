package policy

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
)

func TestCompileErrorsAreOneLineWithPlaceAndRemedy(t *testing.T) {
	for _, tt := range []struct{ source, want string }{
		{``, `expression is empty; "true" always holds`},
		{" \n", `expression is empty; "true" always holds`},
		{`1 + 1`, `expression has the type int; it has to be a bool, as a comparison is`},
		{`body.a + "x"`, ``}, // may be anything
		{`[true]`, `expression has the type list(bool); `},
		{`event = "push"`, `1:7: Syntax error: token recognition error at: '= '; equality is "=="`},
		{`event == "a" & id == "b"`, `1:14: Syntax error: token recognition error at: '& '; "and" is "&&"`},
		{`event == "a" | id == "b"`, `1:14: Syntax error: token recognition error at: '| '; "or" is "||"`},
		{`event == "push`, `1:10: Syntax error: token recognition error at: '"push'`},
		{"event == \"a\" &&\n  (id == \"b\"", `2:13: Syntax error: `},
		{`event == push`, `1:10: undeclared reference to 'push'; the variables are provider, event,`},
		{`headers["a"] == "b"`, `1:1: undeclared reference to 'headers' (did you mean 'header'?); the headers are in header`},
		{`payload.a == 1`, `1:1: undeclared reference to 'payload'; the payload is in body`},
		{`event.startswith("a")`, `1:17: undeclared reference to 'startswith'`},
		{`event == 1`, `1:7: found no matching overload for '_==_' applied to '(string, int)'`},
		{`event && true`, `1:1: `},
		{`cidr(1)`, `1:5: found no matching overload for 'cidr' applied to '(int)'`},
		{`event.matches_event("order*")`, `1:21: event pattern "order*" has "*" inside a segment; it stands for a whole one`},
		{`event.matches_event(id)`, `1:21: the event pattern has to be a literal`},
		{`cidr("10.0.0.1")`, `1:6: address range "10.0.0.1" has no length; a single address is "10.0.0.1/32"`},
		{`cidr("::1")`, `1:6: address range "::1" has no length; a single address is "::1/128"`},
		{`cidr("10.1.0.0/8")`, `1:6: address range "10.1.0.0/8" has bits beyond its length; it would be "10.0.0.0/8"`},
		{`cidr("::ffff:10.0.0.0/104")`, `1:6: address range "::ffff:10.0.0.0/104" is IPv4 written as IPv6; write it as IPv4`},
		{`cidr(["10.0.0.0/8", "localhost"])`, `1:21: "localhost" is not an address range such as`},
		{`cidr([])`, `1:6: cidr without an address range matches no client`},
		{`cidr([id])`, `1:7: the address range has to be a literal`},
		{`cidr(path)`, `1:6: the address range has to be a literal`},
		{`header["X-Topic"] == ""`, `1:8: the names in header are in lower case; write header["x-topic"]`},
		{`header.Host == ""`, `1:7: the names in header are in lower case; write header["host"]`},
		{`"Host" in header`, `1:1: the names in header are in lower case; write header["host"]`},
		{`has(header.Host)`, `1:4: the names in header are in lower case; write header["host"]`},
		{`path.matches("(?=a)")`, `1:14: invalid matches argument; regular expressions are RE2's`},
		{`path.matches(id)`, `1:14: the regular expression has to be a literal`},
		{`matches(path, body.x)`, `1:19: the regular expression has to be a literal`},
		{`path.matches("((a{30}){30}){30}")`, `1:14: `},
		{`path.matches("(a{30}){30}b{200}")`, `1:14: regex program size`},
		{`now > timestamp("yesterday")`, `1:17: invalid timestamp argument; a timestamp is written as in`},
		{`now - timestamp > duration("5 minutes")`, `1:28: invalid duration argument; a duration is written as in duration("90s")`},
		{`[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))`, `1:41: comprehension exceeds nesting limit; at most 3 may stand inside one another`},
		{`body.a.all(x, body.a.all(y, body.a.all(z, x + y == z)))`, `expression costs too much: `},
		{`lists.range(body.n).size() > 0`, `expression's cost has no bound, as that of lists.range of a number from the delivery`},
		{strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200), ``}, // the parser's own words
		{`event == "` + strings.Repeat("x", maxSource) + `"`, `expression code point size exceeds limit`},
		{`json.parse(id).hasValue()`, `1:`}, // takes the last of two members
		{`"\xff" == id`, ``},
	} {
		e, err := Compile(tt.source)
		if tt.want == "" {
			continue // only that it comes back
		}
		if err == nil || e != nil {
			t.Errorf("%.60s: compiled", tt.source)
			continue
		}
		text := err.Error()
		if !strings.Contains(text, tt.want) {
			t.Errorf("%.60s:\n\t%s\nwant\t%s", tt.source, text, tt.want)
		}
		if strings.ContainsAny(text, "\n\t") || len(text) > 500 {
			t.Errorf("%.60s: not one line: %q", tt.source, text)
		}
	}
}

func TestSensibleExpressionsAreAccepted(t *testing.T) {
	for _, source := range []string{
		`true`,
		`body.commits.exists(c, c.message.contains("x"))`,
		`body.commits.exists(c, c.added.exists(f, f.startsWith("infra/")))`,
		`body.commits.exists(c, (c.added + c.modified + c.removed).exists(f, f.matches("^infra/.*[.]tf$")))`,
		`body.pull_request.labels.map(l, l.name).hasAny(["urgent", "security"])`,
		`body.a.filter(x, x.n > 1).map(x, x.name).join(",").split(",").size() > 3`,
		`event in ["push", "pull_request"] && body.repository.owner.login == "acme" && !body.repository.private`,
		`cel.bind(r, body.repository, r.owner.login == "acme" && r.name.startsWith("x"))`,
		`body.flag`,
		"// a comment\nevent == 'push' // another",
		`path.matches("^/v[0-9]+/hooks/[a-z-]{1,40}$")`,
		strings.Repeat("event == \"x\" || ", 150) + "false",
	} {
		if _, err := Compile(source); err != nil {
			t.Errorf("%.80s: %v", source, err)
		}
	}
}

func TestExpressionKeepsItsSource(t *testing.T) {
	const source = "event == \"push\" // why"
	e, err := Compile(source)
	if err != nil {
		t.Fatal(err)
	}
	if e.String() != source {
		t.Errorf("String is %q", e)
	}
}

func TestResultThatIsNoBooleanIsAnError(t *testing.T) {
	d := withBody("", `{"t":true,"f":false,"n":1,"z":0,"s":"true","e":"","null":null,"l":[true],"o":{}}`)
	check(t, d, map[string]string{
		`body.t`: "true", `body.f`: "false",
		`body.n`: "error: wrong_type", `body.z`: "error: wrong_type", `body.s`: "error: wrong_type", `body.e`: "error: wrong_type",
		`body["null"]`: "error: wrong_type", `body.l`: "error: wrong_type", `body.o`: "error: wrong_type", `body.t ? body.n : true`: "error: wrong_type",
		`!body.n`: "error: wrong_type", `body.t && body.n`: "error: wrong_type", `body.n || body.t`: "true",
	})
}

// Each of these makes the most of what a body allows. None may hold, and each has to end: were one
// not to, this test would not.
func TestEvaluationIsBoundedWhateverTheBody(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"numbers":[0`)
	b.WriteString(strings.Repeat(",1234567", 5_000))
	b.WriteString(`],"objects":[{"a":1}`)
	b.WriteString(strings.Repeat(`,{"a":1234567}`, 3_000))
	b.WriteString(`],"text":"` + strings.Repeat("ab", 1<<16) + `","needle":"` + strings.Repeat("ab", 1<<14) + `x"}`)
	body := b.String()
	for _, source := range []string{
		`body.objects.all(x, body.objects.all(y, x.a + y.a >= 0))`,
		`body.objects.exists(x, body.objects == body.objects && x.a == 2)`,
		`body.numbers.exists(x, body.absent == x)`,
		`body.numbers.distinct() == []`,
		`body.objects.distinct() == []`,
		`sets.contains(body.objects, body.objects)`,
		`body.objects.hasExactly(body.objects.reverse())`,
		`body.text.indexOf(body.needle) > 0`,
		`body.text.lastIndexOf(body.needle) > 0`,
		`body.text.replace("a", body.needle) == ""`,
		`body.text.replace("", body.needle, 1000000) == ""`,
		`body.numbers.map(x, "").join(body.needle) == ""`,
		`body.numbers.exists(x, body.text.split("").size() == x)`,
		`body.text.matches("(a|b|ab|ba|aba|bab|abab|baba|ababa|babab|ababab)*x")`,
		`body.numbers.exists(x, body.text.matches("x$") && x == 1)`,
		`body.numbers.exists(x, body.text + body.text == string(x))`,
		`body.numbers.exists(x, "%s%s".format([body.text, body.objects]) == string(x))`,
		`cel.bind(a, body.text + body.text, cel.bind(b, a + a, cel.bind(c, b + b, cel.bind(d, c + c, cel.bind(e, d + d, e + e == "")))))`,
		`body.numbers.exists(x, math.greatest(body.numbers) < x)`,
		`body.numbers.exists(x, size(body.text) == x)`,
		`body.numbers.exists(x, string(x) == body.text)`,
		`body.numbers.exists(x, now.getHours("Europe/Berlin") > x + 2000000)`,
		`body.numbers.exists(x, lists.range(10000).size() == x)`,
	} {
		d := withBody("", body)()
		if got := outcome(t, source, d); got == "true" {
			t.Errorf("%s: true", source)
		}
		// What was used up by one evaluation is there again for the next.
		if got := outcome(t, `body.numbers[0] == 0 && body.objects[0].a == 1`, d); got != "true" {
			t.Errorf("after %s: %s", source, got)
		}
	}
	for _, source := range []string{
		`body.numbers.distinct() == []`,
		`body.numbers.distinct() == [] || true`, // the limit is no error for "||" to ignore
		`body.objects.exists(x, body.objects == body.objects && x.a == 2) || true`,
	} {
		if got := outcome(t, source, withBody("", body)()); got != "error: cost_limit" {
			t.Errorf("%s: %s", source, got)
		}
	}
}

func TestEndOfTheContextEndsALoop(t *testing.T) {
	body := `{"l":[` + strings.Repeat("1,", 50_000) + `1]}`
	for _, source := range []string{`body.l.all(x, x == 1)`, `body.l.all(x, x == 1) || true`, `true || body.l.all(x, x == 1)`} {
		e, err := Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		if holds, err := e.Eval(ctx, &Delivery{Body: []byte(body)}); !holds || err != nil {
			t.Errorf("%s: %v, %v", source, holds, err)
		}
		cancel()
		if holds, err := e.Eval(ctx, &Delivery{Body: []byte(body)}); holds || ClassOf(err) != Interrupted {
			t.Errorf("%s after the end: %v, %v", source, holds, err)
		}
	}
	// The context ends when the loop has begun: Err said no, and Done says yes.
	e, err := Compile(`body.l.all(x, x == 1)`)
	if err != nil {
		t.Fatal(err)
	}
	ctx := &lateContext{Context: context.Background(), done: make(chan struct{})}
	close(ctx.done)
	if holds, err := e.Eval(ctx, &Delivery{Body: []byte(body)}); holds || ClassOf(err) != Interrupted {
		t.Errorf("%v, %v", holds, err)
	}
}

// lateContext has ended, and says so from the second time on that it is asked.
type lateContext struct {
	context.Context
	done  chan struct{}
	asked bool
}

func (c *lateContext) Done() <-chan struct{} { return c.done }

func (c *lateContext) Err() error {
	if !c.asked {
		c.asked = true
		return nil
	}
	return context.Canceled
}

func TestExpressionsAreSharedByGoroutines(t *testing.T) {
	set, err := NewRules([]string{`body.customer.id == 7`}, []Rule{
		{When: `body.lines.exists(l, l.sku == "none")`},
		{When: `body.absent == 1 || body.currency.startsWith(body.total)`},
		{When: `header["x-shop-topic"].matches("^orders/") && cidr("10.0.0.0/8") && event.matches_event("order.*")`},
	})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if got := set.Decide(t.Context(), example()); got.Rule != 2 || got.DeniedBy != -1 || len(got.Failures) != 1 {
					t.Errorf("%+v", got)
				}
			}
		})
	}
	all.Wait()
}

func TestErrorOfEvalIsNilWhenThereIsNone(t *testing.T) {
	_, err := eval(t, `true`, &Delivery{})
	if err != nil { // a nil *Error in an error would not be nil
		t.Errorf("%v", err)
	}
	_, err = eval(t, `body.a == 1`, &Delivery{Body: []byte(`{}`)})
	if _, ok := errors.AsType[*Error](err); !ok {
		t.Errorf("%T", err)
	}
}
