package policy

import (
	"context"
	"errors"
	"fmt"
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

// What hasn't a loop can be long too, by the number of what it reads.
func TestEndOfTheContextEndsAnExpressionWithoutALoop(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	many := `{"a":"` + strings.Repeat("x", 2<<20) + `"}`
	fields := "a=1&b=" + strings.Repeat("x", 1<<20)
	for _, tt := range []struct{ source, contentType, body string }{
		{`has(body.a) && !has(body.b)`, "", many},
		{`has(body.a) || true`, "", many},
		{`body != {}`, "", many},
		{`body.a.matches("x+")`, "", many},
		{`parse_json(id) == 1 && has(body.a)`, "", many},
		{`body.a == "1"`, form, fields},
		{`size(body) == 2`, form, fields},
	} {
		e, err := Compile(tt.source)
		if err != nil {
			t.Fatal(err)
		}
		d := withBody(tt.contentType, tt.body)()
		d.ID = "1"
		late := &lateContext{Context: context.Background(), done: make(chan struct{})}
		if holds, err := e.Eval(late, d); holds || ClassOf(err) != Interrupted {
			t.Errorf("%s: %v, %v", tt.source, holds, err)
		}
		// What the end cut short isn't taken for what was there, and the context isn't kept.
		if d.cache.ctx != nil {
			t.Errorf("%s: the context is kept", tt.source)
		}
		if holds, err := e.Eval(context.Background(), d); !holds || err != nil {
			t.Errorf("%s the second time: %v, %v", tt.source, holds, err)
		}
	}
}

func TestFormThatWasCutShortIsReadAnew(t *testing.T) {
	d := withBody("application/x-www-form-urlencoded", strings.Repeat("a=1&", 20_000)+"blocked=true")()
	late := &lateContext{Context: context.Background(), done: make(chan struct{})}
	e, err := Compile(`!has(body.blocked)`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Eval(late, d); ClassOf(err) != Interrupted {
		t.Fatal(err)
	}
	if holds, err := e.Eval(context.Background(), d); holds || err != nil {
		t.Errorf("%v, %v", holds, err)
	}
}

// The many reads of these take many times what their bytes do, if the body is one of many short
// parts or escapes, and about what their bytes do if it isn't.
func TestReadsAreChargedByWhatTheyTake(t *testing.T) {
	var names, indexes []string
	for i := range 12 {
		names = append(names, fmt.Sprintf("has(body.k%d)", i))
		indexes = append(indexes, fmt.Sprintf("body[%d] == 1", i))
	}
	members, elements := strings.Join(names, " || "), strings.Join(indexes, " || ")
	const size = 1 << 20
	for _, tt := range []struct{ name, source, body, want string }{
		{"usual", members, `{"a":[` + strings.Repeat(`{"name":"Ann Example","mail":"ann@example.com"},`, size/50) + `0]}`, "false"},
		{"escapes in names", members, `{` + strings.Repeat(`"\u0061":0,`, size/11) + `"b":0}`, "error: cost_limit"},
		{"a name of escapes", members, `{"` + strings.Repeat(`\n`, size/2) + `":0}`, "error: cost_limit"},
		{"short names", members, `{` + strings.Repeat(`"":0,`, size/5) + `"b":0}`, "error: cost_limit"},
		{"brackets", members, `{"a":[` + strings.Repeat(`[]`, size/2) + `]}`, "error: cost_limit"},
		{"short elements", elements, `[` + strings.Repeat(`0,`, size/2) + `0]`, "error: cost_limit"},
		{"escapes in members' names", `body.l.exists(o, has(o.a) || has(o.b) || has(o.c))`,
			`{"l":[` + strings.Repeat(`{"\n":0,"\t":0,"\r":0,"\b":0,"\f":0},`, size/36) + `{}]}`, "error: cost_limit"},
		{"long elements", elements, `[` + strings.Repeat(`"`+strings.Repeat("x", 1000)+`",`, size/1000) + `0]`, "false"},
	} {
		if got := outcome(t, tt.source, withBody("", tt.body)()); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	// A form's names are decoded once, however many of them are asked for, and so is each value.
	d := withBody("application/x-www-form-urlencoded", strings.Repeat("a&", 100_000)+"b=%41")()
	if got := outcome(t, members, d); got != "false" {
		t.Errorf("form: %s", got)
	}
	once := d.cache.spent
	if got := outcome(t, members+` || body.b != "A"`, d); got != "false" || d.cache.spent > 100 || once < 100_000 {
		t.Errorf("form: %s; %d at first and then %d", got, once, d.cache.spent)
	}
	if got := outcome(t, `body.b == "A"`, d); got != "true" || d.cache.spent != 0 {
		t.Errorf("form: %s; %d for a value that has been read", got, d.cache.spent)
	}
}

// CEL counts the elements of the lists and maps that an expression has made. What is in them is as
// much as the sender likes.
func TestComparisonsOfMadeValuesAreChargedByTheirBytes(t *testing.T) {
	text := strings.Repeat("x", 10<<10)
	body := `{"texts":["` + strings.Repeat(text+`","`, 9) + text + `"],"few":[0` + strings.Repeat(",0", 9) + `],"many":[0` + strings.Repeat(",0", 20_000) + `]}`
	const a, b = `cel.bind(a, body.texts.map(x, x + "a"), cel.bind(b, body.texts.map(x, x + "a"), `, `))`
	for source, want := range map[string]string{
		a + `body.few.all(i, a == b)` + b:                  "true",
		a + `body.few.exists(i, a != b)` + b:               "false",
		a + `body.few.all(i, a in [b])` + b:                "true",
		a + `body.many.all(i, a == b)` + b:                 "error: cost_limit",
		a + `!body.many.exists(i, a != b)` + b:             "error: cost_limit",
		a + `body.many.all(i, {"k": a} == {"k": b})` + b:   "error: cost_limit",
		a + `body.many.all(i, [[a]] == [[b]])` + b:         "error: cost_limit",
		a + `body.many.all(i, a in [b])` + b:               "error: cost_limit",
		a + `body.many.all(i, {"k": a} in [{"k": b}])` + b: "error: cost_limit",
	} {
		if got := outcome(t, source, withBody("", body)()); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
	// A list of lists of lists holds one of them 400,000,000 times, without taking any room.
	const nested = `cel.bind(a, body.many.map(x, 0), cel.bind(b, body.many.map(x, a), cel.bind(c, body.many.map(x, b), `
	for _, source := range []string{`b == c[0]`, `b != c[0]`, `b in c`, `b.flatten() == a`, `c.distinct() == c`} {
		if got := outcome(t, nested+source+`)))`, withBody("", body)()); got != "error: cost_limit" {
			t.Errorf("%s: %s", source, got)
		}
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
