package policy

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// The bodies and expressions below, each with each, are evaluated on the lazily read body and on
// the same body decoded into Go's maps and slices, which CEL reads with its own code alone.
var (
	sampleBodies = []string{
		`{"a":1,"b":[1,2,3],"c":{"x":"y"},"s":"text","t":true,"n":null,"f":1.5}`,
		`{"a":{"a":{"a":[]}},"b":[],"c":{},"s":"","t":false,"n":0,"f":-1}`,
		`{"a":[{"k":1},{"k":2},{"k":[{"k":3}]}],"b":["x","y","x"],"c":[[1],[2,[3]]],"s":"\u00e9\n","t":[null],"n":{"a":null},"f":9007199254740993}`,
		`{"b":[3,1,2],"a":"b","c":{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":{"h":7}},"s":"a,b,c"}`,
		`{"a":18446744073709551615,"b":[1.0,1,true,"1",null,{},[]],"c":{"":""}}`,
		`[1,"two",{"three":3},[4]]`,
		`[]`, `{}`, `"text"`, `1`, `null`, `true`,
	}
	sampleExpressions = []string{
		`body == body`, `body != body`, `body.a == 1`, `body.a == body.b`, `body.a != body.b`, `body["a"] == 1`,
		`body.b == [1, 2, 3]`, `[1, 2, 3] == body.b`, `body.b != [1, 2, 3]`, `[1.0, 2u, 3] == body.b`, `body.b == []`,
		`body.c == {"x": "y"}`, `{"x": "y"} == body.c`, `body.c != {}`, `body.c == {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": {"h": 7.0}}`,
		`body.c.x == "y"`, `body.c["x"] == "y"`, `body.c.g.h == 7`, `body.c.a + body.c.b + body.c.c + body.c.d + body.c.e + body.c.f == 21`,
		`has(body.a)`, `has(body.c.x)`, `has(body.zzz)`, `"a" in body`, `"zzz" in body`, `1 in body.b`, `"x" in body.b`, `"x" in body.c`, `1 in body.c`,
		`body.a in body.b`, `body.s in body.b.map(x, x)`, `body.b in body.b.map(x, body.b)`, `body.b.map(x, x) in [body.c, body.b]`, `body.s in {body.s: 1}`, `[body.a] in body.a`,
		`body.b.map(x, x) == body.b.map(x, x)`, `body.b.map(x, x) != body.b.filter(x, x != 1)`, `{"k": body.a} == {"k": body.b}`, `[body.a, body.f] != [body.f, body.a]`, `body.a == body.n`, `body.n != body.t`,
		`size(body) == 7`, `size(body.b) == 3`, `size(body.c) > 0`, `size(body.s) == 4`, `body.b.size() == 3`,
		`body.b[0] == 1`, `body.b[2] == 3`, `body.b[3] == 1`, `body.b[-1] == 1`, `body.a[2].k[0].k == 3`, `body[1] == "two"`, `body[2].three == 3`,
		`body.b.all(x, x > 0)`, `body.b.exists(x, x == 2)`, `body.b.exists_one(x, x == "x")`, `body.b.map(x, x) == body.b`, `body.b.filter(x, x == 1).size() == 1`,
		`body.c.all(k, k != "")`, `body.c.exists(k, body.c[k] == 3)`, `body.c.map(k, body.c[k]).size() == 7`, `body.all(k, has(body.a))`,
		`body.a.exists(x, x.k == 2)`, `body.a.map(x, x.k) == [1, 2, [{"k": 3}]]`, `body.a == [{"k": 1}, {"k": 2}, {"k": [{"k": 3}]}]`, `{"k": 1} in body.a`, `{"k": 4} in body.a`,
		`body.a.map(x, x).map(x, x.k)[2][0].k == 3`, `body.a.filter(x, x.k != 1)[0].k == 2`, `body.a.exists(x, x == body.a[0])`,
		`body.n == null`, `body.n != null`, `null == body.n`, `body.n.a == null`, `body.t`, `!body.t`, `body.t ? true : false`, `body.t == true`, `body.t == [null]`,
		`body.s == "text"`, `body.s.startsWith("te")`, `body.s.contains("x") || body.s == ""`, `body.s.split(",") == body.s.split(",")`, `body.s.split(",").size() == 3`, `body.s < "u"`, `body.s.matches("^t")`,
		`body.f > 1`, `body.f == 1.5`, `body.f < body.a`, `body.a > 5u`, `body.f + 1 > 0`, `body.f + 1.0 > 0.0`, `-body.f < 0`, `body.f in [1.5, -1.0]`,
		`type(body) == map`, `type(body.b) == list`, `type(body.b) == type([])`, `type(body.c) == type({})`, `type(body.a) == int`, `type(body.s) == string`, `type(body.n) == null_type`,
		`body.b + body.b == body.b.map(x, x) + body.b`, `(body.b + [4])[3] == 4`, `body.b.slice(0, 1) == [1]`, `body.b.sort() == [1, 2, 3]`, `body.b.distinct().size() == 2`, `body.b.reverse()[0] == 3`,
		`body.c.flatten() == [1, 2, [3]]`, `body.c.flatten(1) == [1, 2, [3]]`, `sets.contains(body.b, [1])`, `sets.equivalent(body.b, [3, 2, 1])`, `sets.intersects([1], body.b)`, `body.b.hasAll([1, 2])`, `body.b.join(",") == "x,y,x"`,
		`math.greatest(body.b) == 3`, `string(body.a) == "1"`, `int(body.f) == 1`, `double(body.a) == 1.0`, `dyn(body.c) == body.c`, `[body.a, body.b] == [body.a, body.b]`, `{"k": body.c} == {"k": body.c}`,
		`cel.bind(c, body.c, c == body.c && size(c) > 0)`, `body.c in [{"x": "y"}, {}]`, `body.b in [[], [1, 2, 3]]`, `body.a in [1, {"a": {"a": []}}]`, `(body.t ? body.b : body.c) == body.b`, `(has(body.f) ? body.b : body.c)[0] == 1`,
		`"%s".format([body.b]) == "[1, 2, 3]"`, `"%s %s".format([body.c, body.s]) != ""`, `body.b.sortBy(x, -x) == [3, 2, 1]`, `body.c.exists(k, v, k == v)`,
		`body.s.replace("t", "x") == "xexx"`, `body.s.replace("t", "x", 1) == "xext"`, `body.s.indexOf("x") == 2`, `body.s.indexOf("t", 1) == 3`, `body.s.lastIndexOf("t") == 3`, `body.s.split("", 2).size() == 2`,
		`math.least(body.b) == 1`, `math.greatest(body.f, 1) > 1`, `body.b.join() == "xyx"`, `body.b.hasOnly([1, 2, 3])`, `body.b.hasAny([3])`, `body.b.hasExactly([3, 2, 1])`,
		`timestamp("2026-01-02T03:04:05Z").getHours("Europe/Berlin") == 4 && timestamp("2026-01-02T03:04:05Z").getMinutes() == 4`,
		`timestamp("2026-01-02T03:04:05.678Z").getMilliseconds("+01:00") == 678 && timestamp("2026-01-02T03:04:05Z").getSeconds() == 5`,
		`timestamp("2026-01-02T03:04:05Z").getFullYear(body.s) == 2026 || timestamp("2026-01-02T03:04:05Z").getMonth("-04:00") == 0`,
		`timestamp("2026-01-02T03:04:05Z").getDate() == 2 && timestamp("2026-01-02T03:04:05Z").getDayOfMonth() == 1`,
		`timestamp("2026-01-02T03:04:05Z").getDayOfYear() == 1 && timestamp("2026-01-02T03:04:05Z").getDayOfWeek("UTC") == 5`,
		`timestamp(body.s) > timestamp("2026-01-01T00:00:00Z")`, `duration(body.s) > duration("1s")`, `body.b.exists(x, body.b.exists(y, x + y == 5))`, `has(body.c.g.h) && !has(body.c.g.i)`,
	}
)

func TestLazyBodyIsWhatADecodedBodyIs(t *testing.T) {
	env, err := environment()
	if err != nil {
		t.Fatal(err)
	}
	compared, errs := 0, 0
	for _, source := range sampleExpressions {
		e, err := Compile(source)
		if err != nil {
			if !strings.Contains(source, "k, v,") { // of an extension that isn't part of the language
				t.Errorf("%s: %v", source, err)
			}
			continue
		}
		checked, issues := env.Compile(source)
		if issues.Err() != nil {
			t.Fatal(issues.Err())
		}
		native, err := env.Program(checked)
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range sampleBodies {
			got, gotErr := e.Eval(context.Background(), &Delivery{Body: []byte(body)})
			want, _, wantErr := native.Eval(map[string]any{"body": decoded(t, body)})
			if wantErr == nil && want.Type() != types.BoolType {
				wantErr = fault(WrongType)
			}
			compared++
			switch {
			case (gotErr != nil) != (wantErr != nil):
				t.Errorf("%s of %s: %v, %v; decoded: %v, %v", source, body, got, gotErr, want, wantErr)
			case gotErr != nil:
				errs++
			case types.Bool(got) != want:
				t.Errorf("%s of %s: %v; decoded: %v", source, body, got, want)
			}
		}
	}
	if compared < 1000 || errs < 100 || errs > compared*3/4 {
		t.Errorf("%d comparisons with %d errors: too few of a kind", compared, errs)
	}
}

// decoded returns a body as Go's maps and slices, with CEL's numbers.
func decoded(t *testing.T, body string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return numbered(t, v)
}

func numbered(t *testing.T, v any) any {
	t.Helper()
	switch v := v.(type) {
	case json.Number:
		n, err := parseNumber(v.String())
		if err != nil {
			t.Fatal(err)
		}
		return n
	case []any:
		for i := range v {
			v[i] = numbered(t, v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbered(t, v[k])
		}
	}
	return v
}

// parseNumber reads a number by the rule in the package's doc, with other means than the package.
func parseNumber(text string) (any, error) {
	var i int64
	if json.Unmarshal([]byte(text), &i) == nil {
		return i, nil
	}
	var u uint64
	if json.Unmarshal([]byte(text), &u) == nil {
		return u, nil
	}
	var f float64
	err := json.Unmarshal([]byte(text), &f)
	return f, err
}

// CEL's own operators swallow an error in the middle of a value: its lists take an element that
// can't be read for equal to anything, and its maps for different from everything. If an
// unreadable element got that far, a sender could choose what a comparison comes to.
func TestUnreadableElementsNeverReachAnOperator(t *testing.T) {
	for _, broken := range []string{
		`[1e999]`, `["\ud800"]`, `[01]`, `[{"a":1,"a":1}]`, `[18446744073709551616]`, `{"a":1e999}`, `{"a":1,"a":1}`, `{"a":"\x"}`,
		`[[1e999]]`, `{"a":{"a":[1e999]}}`, `[1,]`, `{"a":1,}`, "[\"\xff\"]", `[nul]`,
	} {
		body := `{"v":` + broken + `,"list":[[1]],"w":1}`
		for _, condition := range []string{
			`body.v == [1]`, `[1] == body.v`, `body.v != [1]`, `[1] != body.v`, `!([1] == body.v)`, `{"a": 1} == body.v`, `{"a": 1} != body.v`,
			`[[1]] == [body.v]`, `[[1]] != [body.v]`, `{"k": [1]} == {"k": body.v}`, `{"k": [1]} != {"k": body.v}`,
			`body.v in [[1]]`, `!(body.v in [[1]])`, `1 in body.v`, `!(1 in body.v)`, `"a" in body.v`,
			`size(body.v) == 1`, `body.v.all(x, true)`, `body.v.exists(x, true)`, `!body.v.exists(x, false)`, `body.v.map(x, 1) == [1]`,
			`sets.contains(body.v, [1])`, `sets.contains([1], body.v)`, `!sets.intersects(body.v, [1])`, `body.v.hasAll([])`, `body.v.distinct() == [1]`,
			`body.v.sort() == [1]`, `body.v.reverse() != [1]`, `body.v.slice(0, 1) == [1]`, `body.v + [1] != [1]`, `[1] + body.v != [1]`, `"%s".format([body.v]) != ""`,
			`type(body.v) == list || type(body.v) == map`, `dyn(body.v) != 1`, `cel.bind(v, body.v, v != [1])`, `(true ? body.v : body.w) != [1]`,
			`body != {}`, `{} != body`, `size(body) == 3`, `body.exists(k, k == "v")`, `body.list.exists(x, x != body.v)`,
		} {
			e, err := Compile(condition)
			if err != nil {
				t.Errorf("%s: %v", condition, err)
				continue
			}
			if holds, err := e.Eval(context.Background(), &Delivery{Body: []byte(body)}); err == nil {
				t.Errorf("%s of %s: %v", condition, body, holds)
			}
		}
	}
}

// Whatever the planner of CEL does with attributes, none may hand a place to an operator.
func TestPlacesNeverLeaveTheirPath(t *testing.T) {
	for _, p := range []place{&object{}, &array{}, &form{}, &headers{}} {
		if !types.IsError(p.Equal(types.True)) {
			t.Errorf("%T can be compared", p)
		}
		if _, err := p.ConvertToNative(nil); err == nil || !types.IsError(p.ConvertToType(types.StringType)) {
			t.Errorf("%T can be converted", p)
		}
	}
	env, err := environment()
	if err != nil {
		t.Fatal(err)
	}
	// An expression that returns what it read shows what the operators would have got.
	for _, source := range []string{`body`, `body.o`, `body.l`, `body["o"]`, `body.l[0]`, `(true ? body.o : body.l)`, `cel.bind(x, body.o, x)`,
		`header`, `query`, `dyn(body.o)`, `[body.l][0]`, `{"k": body.o}.k`, `body.l.map(x, x)[0]`, `body.l.filter(x, true)[0]`, `[body.o, body.l].map(x, x)[1]`} {
		checked, issues := env.Compile(source)
		if issues.Err() != nil {
			t.Fatal(issues.Err())
		}
		program, err := env.Program(checked, cel.CustomDecoratorV2(plan), cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			t.Fatal(err)
		}
		d := withBody("", `{"o":{"l":[{}]},"l":[{"o":{}}]}`)()
		value, _, err := program.Eval((*scope)(d))
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if _, ok := value.(place); ok {
			t.Errorf("%s is a %T", source, value)
		}
	}
}

// The functions whose work is weighed have to be CEL's in all else. The comparison above shows
// it of the functions that it calls: here, that it calls all of them.
func TestEveryGuardedFunctionIsComparedWithCELsOwn(t *testing.T) {
	env, err := environment()
	if err != nil {
		t.Fatal(err)
	}
	called := make(map[string]bool)
	for _, source := range sampleExpressions {
		compiled, issues := env.Compile(source)
		if issues.Err() != nil {
			continue
		}
		ast.PostOrderVisit(compiled.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
			if e.Kind() == ast.CallKind {
				called[e.AsCall().FunctionName()] = true
			}
		}))
	}
	for function := range guards {
		if env.Functions()[function] == nil {
			t.Errorf("CEL has no function %s", function)
		}
		if !called[function] {
			t.Errorf("no sample expression calls %s", function)
		}
	}
}
