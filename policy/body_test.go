package policy

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func withBody(contentType, body string) func() *Delivery {
	return func() *Delivery {
		d := &Delivery{Body: []byte(body), Header: http.Header{}}
		if contentType != "" {
			d.Header["Content-Type"] = []string{contentType}
		}
		return d
	}
}

// SkillfulAgents/SuperAgent#414: a missing JSON key made a rule pass, or kept
// a deny rule from firing. Here it makes a rule not match and a requirement deny, however the
// condition is written around it.
func TestMissingKeyNeitherPassesARuleNorStopsADenial(t *testing.T) {
	d := withBody("", `{"present":{"empty":{}},"list":[],"nil":null}`)
	for _, missing := range []string{`body.absent`, `body.present.absent`, `body.present.empty.absent`, `body.list[0]`,
		`body["absent"]`, `body.nil.absent`, `body.absent.absent`, `body.list[0].absent`, `header["absent"]`, `query.absent`} {
		tried := 0
		for _, condition := range []string{
			`%s == "a"`, `%s != "a"`, `!(%s == "a")`, `!(%s != "a")`, `!!(%s != "a")`,
			`%s == null`, `%s != null`, `dyn(%s) == false`, `dyn(%s) != true`,
			`%s in ["a"]`, `!(%s in ["a"])`, `%s in [null, "", false, 0]`,
			`dyn(%s) < 10 || dyn(%[1]s) >= 10`,
			`string(%s) == ""`, `size(%s) == 0`, `dyn(%s)`, `!dyn(%s)`,
			`dyn(%s) ? true : true`, `[%s] != ["a"]`, `{"k": %s} != {"k": "a"}`,
			`[%s].all(x, x == x)`, `![%s].exists(x, x == "a")`, `["a"].all(x, x != %s)`,
			`cel.bind(x, %s, x != "a")`, `type(%s) != string`,
			`%s != "a" && true`, `true && %s != "a"`, `%s != "a" || false`,
		} {
			source := fmt.Sprintf(condition, missing)
			e, err := Compile(source)
			if err != nil {
				continue // of a type that CEL knows to be wrong here
			}
			tried++
			if holds, err := e.Eval(context.Background(), d()); holds || ClassOf(err) != MissingKey {
				t.Errorf("%s: %v, %v", source, holds, err)
			}
			set, err := NewRules([]string{source}, []Rule{{Events: []string{"**"}}})
			if err != nil {
				t.Fatal(err)
			}
			delivery := d()
			delivery.Event = "push"
			decision := set.Decide(context.Background(), delivery)
			if decision.DeniedBy != 0 || decision.Rule != -1 || len(decision.Failures) != 1 {
				t.Errorf("require %s: %+v", source, decision)
			}
			set, err = NewRules(nil, []Rule{{When: source}, {Events: []string{"push"}}})
			if err != nil {
				t.Fatal(err)
			}
			if decision := set.Decide(context.Background(), delivery); decision.Rule != 1 || len(decision.Failures) != 1 {
				t.Errorf("when %s: %+v", source, decision)
			}
		}
		if tried < 20 {
			t.Errorf("only %d conditions on %s were tried", tried, missing)
		}
	}
	// What CEL itself makes of errors, as the doc says, and how to ask for what may be absent.
	check(t, d, map[string]string{
		`body.absent == 1 || true`:                     "true",
		`body.absent == 1 && false`:                    "false",
		`!(body.absent == 1 && false)`:                 "true",
		`has(body.absent) && body.absent == 1`:         "false",
		`!has(body.absent) || body.absent != 1`:        "true",
		`has(body.present.absent)`:                     "false",
		`has(body.absent.absent)`:                      "error: missing_key",
		`has(body.nil) && body.nil == null`:            "true",
		`has(body.nil.absent)`:                         "error: missing_key",
		`!has(body.nil.absent)`:                        "error: missing_key",
		`!has(body.list.absent)`:                       "error: wrong_type",
		`"absent" in body`:                             "false",
		`body.list.all(x, x.absent == 1)`:              "true", // of no elements
		`[1, 2].exists(x, x == 2 || body.absent == x)`: "true",
	})
}

func TestAmbiguousKeysAreErrorsForWhoReadsThem(t *testing.T) {
	for _, body := range []string{
		`{"a":1,"ok":{"x":1},"a":1}`,
		`{"a":1,"\u0061":2,"ok":{"x":1}}`,
		`{"\u0061":1,"ok":{"x":1},"a":2}`,
	} {
		check(t, withBody("", body), map[string]string{
			`body.a == 1`:               "error: ambiguous_key",
			`body.a != 1`:               "error: ambiguous_key",
			`has(body.a)`:               "error: ambiguous_key",
			`!has(body.a)`:              "error: ambiguous_key",
			`"a" in body`:               "error: ambiguous_key",
			`size(body) == 2`:           "error: ambiguous_key",
			`body == {}`:                "error: ambiguous_key",
			`body.exists(k, k == "ok")`: "error: ambiguous_key",
			`body.ok.x == 1`:            "true",
			`body.ok == {"x": 1}`:       "true",
			`has(body.b)`:               "false",
		})
	}
	check(t, withBody("", `{"deep":[{"x":{"a":1,"a":1}}],"deeper":{"x":[{"b":{"a":1,"a":2}}]}}`), map[string]string{
		`body.deep[0].x.a == 1`:            "error: ambiguous_key",
		`has(body.deep[0].x.b)`:            "false",
		`body.deep == []`:                  "error: ambiguous_key",
		`[] == body.deep`:                  "error: ambiguous_key",
		`body.deep != []`:                  "error: ambiguous_key",
		`size(body.deep) == 1`:             "error: ambiguous_key",
		`body.deeper.x.all(e, e.b.a == 1)`: "error: ambiguous_key",
		`{"x": 1} in body.deep`:            "error: ambiguous_key",
	})
}

func TestNestingBeyondTheLimitIsAnError(t *testing.T) {
	deep := func(n int) func() *Delivery {
		return withBody("", `{"a":1,"deep":`+strings.Repeat(`[`, n)+strings.Repeat(`]`, n)+`}`)
	}
	check(t, deep(1000), map[string]string{
		`body.a == 1`:                  "true",
		`size(body.deep) == 1`:         "true",
		`body.deep[0][0][0][0] != [1]`: "true",
	})
	for _, n := range []int{1025, 100_000} {
		check(t, deep(n), map[string]string{
			`body.a == 1`:          "error: too_deep",
			`has(body.b)`:          "error: too_deep",
			`size(body.deep) == 1`: "error: too_deep",
			`size(body) == 2`:      "error: too_deep",
			`event == ""`:          "true",
		})
	}
	unclosed := withBody("", strings.Repeat(`[`, 100_000))
	check(t, unclosed, map[string]string{
		`body[0] == 1`:   "error: too_deep",
		`body == []`:     "error: too_deep",
		`size(body) > 0`: "error: too_deep",
	})
	objects := withBody("", strings.Repeat(`{"a":`, 100_000)+`1`+strings.Repeat(`}`, 100_000))
	check(t, objects, map[string]string{`body.a.a == 1`: "error: too_deep"})
}

func TestNumbersAreExactOrErrors(t *testing.T) {
	check(t, withBody("", `{"zero":0,"minus":-0,"max":9223372036854775807,"uint":9223372036854775808,"umax":18446744073709551615,
		"over":18446744073709551616,"under":-9223372036854775809,"exact":9007199254740993,"half":0.5,"exp":1e3,"huge":1e400,"tiny":1e-400,"bad":01,"bad2":1.}`), map[string]string{
		`body.zero == 0 && body.minus == 0`:          "true",
		`body.zero == 0.0 && body.zero == 0u`:        "true",
		`type(body.max) == int`:                      "true",
		`body.max == 9223372036854775807`:            "true",
		`type(body.uint) == uint`:                    "true",
		`body.uint == 9223372036854775808u`:          "true",
		`body.uint > body.max`:                       "true",
		`body.umax == 18446744073709551615u`:         "true",
		`body.over == 1`:                             "error: number_range",
		`body.over != 1`:                             "error: number_range",
		`body.under < 0`:                             "error: number_range",
		`body.huge > 1`:                              "error: number_range",
		`body.tiny == 0`:                             "true",
		`body.exact == 9007199254740993`:             "true",
		`body.exact == 9007199254740992`:             "false",
		`type(body.half) == double && body.half < 1`: "true",
		`body.exp == 1000 && body.exp > 999u`:        "true",
		`body.exp in [1000]`:                         "true",
		`body.bad == 1`:                              "error: invalid_json",
		`body.bad2 == 1`:                             "error: invalid_json",
		`has(body.over)`:                             "error: number_range",
		`size(body) > 0`:                             "error: number_range",
		`body.max + 1 > 0`:                           "error: number_range",
		`body.zero / body.minus == 1`:                "error: other",
	})
	check(t, withBody("", `{"list":[1,18446744073709551616]}`), map[string]string{
		`body.list[0] == 1`:   "true",
		`body.list == [1]`:    "error: number_range",
		`[1, 1] == body.list`: "error: number_range", // CEL's own list would take the error for equal
		`1 in body.list`:      "error: number_range",
	})
}

func TestBodyThatIsNotJSONConcernsOnlyWhoReadsIt(t *testing.T) {
	for _, body := range []string{"", " ", "text", "\xff\xfe", "<xml/>", "{", `{"a":1`, `{"a":1}}`, `{"a":1} x`, `{"a" 1}`, `{'a':1}`,
		"\ufeff{\"a\":1}", "{\"a\":\"\xff\"}", `{"a":"\ud800"}`, "{\"a\":\"\x00\"}", `{"a":tru}`, "a=1&b=2", "--boundary\r\n"} {
		for _, source := range []string{`body.a == 1`, `body.a != 1`, `body == 1`, `size(body) > 0`, `body["a"] == 1`} {
			if got := outcome(t, source, withBody("", body)()); !strings.HasPrefix(got, "error: ") {
				t.Errorf("%s of %q: %s", source, body, got)
			}
		}
		if got := outcome(t, `event == "" && method == ""`, withBody("", body)()); got != "true" {
			t.Errorf("a rule that doesn't read %q: %s", body, got)
		}
	}
	check(t, withBody("", `"text"`), map[string]string{`body == "text"`: "true", `body.a == 1`: "error: missing_key"})
	check(t, withBody("", ` [1, "b"] `), map[string]string{`body == [1, "b"]`: "true", `body[1] == "b"`: "true", `body[-1] == 1`: "error: missing_key",
		`body[1u] == "b" && body[1.0] == "b"`: "true", `body[0.5] == 1`: "error: wrong_type", `body["0"] == 1`: "error: wrong_type"})
	check(t, withBody("", `null`), map[string]string{`body == null`: "true", `body`: "error: wrong_type"})
	check(t, withBody("", ` true `), map[string]string{`body`: "true", `!body`: "false"})
	check(t, withBody("", `{"":{"":1},"a b":2,"ü":3}`), map[string]string{`body[""][""] == 1`: "true", `body["a b"] == 2`: "true", `body["\u00fc"] == 3`: "true"})
	// What is stepped over is not looked at: that is what makes a path cheap.
	check(t, withBody("", `{"junk":[nonsense,"\x"],"a":1}`), map[string]string{`body.a == 1`: "true", `body.junk[0] == 1`: "error: invalid_json", `size(body) == 2`: "error: invalid_json"})
}

func TestFormBodies(t *testing.T) {
	for _, contentType := range []string{"application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded ; charset=utf-8"} {
		check(t, withBody(contentType, "payload=%7B%22action%22%3A%22opened%22%7D&n=1&twice=1&twice=2&plus=a+b"), map[string]string{
			`parse_json(body.payload).action == "opened"`: "true",
			`body.n == "1"`:             "true",
			`body.n == 1`:               "false", // fields are strings
			`body.plus == "a b"`:        "true",
			`body.twice == "1"`:         "error: ambiguous_key",
			`body.none == "1"`:          "error: missing_key",
			`has(body.n)`:               "true",
			`has(body.none)`:            "false",
			`size(body) == 4`:           "error: ambiguous_key",
			`body.payload.action == ""`: "error: missing_key",
			`body[0] == ""`:             "error: wrong_type",
		})
	}
	check(t, withBody("application/x-www-form-urlencoded", "a=1&b=2"), map[string]string{
		`body == {"a": "1", "b": "2"}`:        "true",
		`{"a": "1", "b": "2"} == body`:        "true",
		`body.all(name, int(body[name]) > 0)`: "true",
	})
	check(t, withBody("application/x-www-form-urlencoded", ""), map[string]string{`size(body) == 0`: "true"})
}

// The Content-Type isn't signed: whoever sends a genuine body on under another one must not get a
// negative condition to hold by it.
func TestContentTypeCannotHideTheMembersOfABody(t *testing.T) {
	conditions := []string{`!has(body.blocked)`, `!("blocked" in body)`, `!has(body.blocked) || body.blocked == false`,
		`!body.exists(name, name == "blocked")`, `size(body) == 1`, `body != {}`}
	const form = "application/x-www-form-urlencoded"
	for _, tt := range []struct{ contentType, body, want string }{
		{form, `{"blocked":true,"a":"b"}`, "error: invalid_form"},
		{form + ";charset=utf-8", " \t\r\n{\"blocked\":true}", "error: invalid_form"},
		{form, "\ufeff{\"blocked\":true}", "error: invalid_form"},
		{form, `{"a":"&b=","blocked":true}`, "error: invalid_form"},
		{form, `[{"blocked":true}]`, "error: invalid_form"},
		{"", "blocked=true&a=b", "error: invalid_json"},
		{"application/json", "blocked=true&a=b", "error: invalid_json"},
		{"text/plain", "1=2&blocked=true", "error: invalid_json"},
		{"application/json", `"a"=&blocked=true`, "error: invalid_json"},
		{"application/json", `{"a":1}=&blocked=true`, "error: invalid_json"},
		{form + ", application/json", "blocked=true", "error: invalid_json"},
		{"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=blocked\r\n\r\ntrue\r\n--x--\r\n", "error: invalid_json"},
	} {
		for _, condition := range conditions {
			if got := outcome(t, condition, withBody(tt.contentType, tt.body)()); got != tt.want {
				t.Errorf("%s of %q as %q: %s, want %s", condition, tt.body, tt.contentType, got, tt.want)
			}
		}
	}
	// JSON is read as such under every other type, and under none.
	for _, contentType := range []string{"", "application/json", "text/plain", "multipart/form-data; boundary=x", form + ", application/json", "x"} {
		check(t, withBody(contentType, `{"blocked":true}`), map[string]string{`!has(body.blocked)`: "false", `body.blocked`: "true"})
	}
	// A form that holds such bytes, but doesn't begin with them, is one.
	check(t, withBody(form, `a={"blocked":true}`), map[string]string{`!has(body.blocked)`: "true", `parse_json(body.a).blocked`: "true"})
}

// As the doc says to rule writers whose app folds case. A regular expression folds as Go's
// encoding/json does, outside ASCII too.
func TestNameInAnotherSpellingCanBeFound(t *testing.T) {
	for body, want := range map[string]string{
		`{"blocked":false}`:                     "true",
		`{"blocked":false,"Blocked":true}`:      "false",
		`{"bloc\u212aed":true,"blocked":false}`: "false",
		`{"blocked":false,"unblocked":true}`:    "true",
	} {
		if got := outcome(t, `body.exists_one(name, name.matches("(?i)^blocked$")) && !body.blocked`, withBody("", body)()); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

// What was verified is the body as it is on the wire, and nothing here decompresses it: a rule
// can't be shown something else than the app would see.
func TestEncodedOrAmbiguousBodyCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		header http.Header
		want   string
	}{
		{http.Header{"Content-Encoding": {"gzip"}}, "error: encoded_body"},
		{http.Header{"Content-Encoding": {"identity, GZIP"}}, "error: encoded_body"},
		{http.Header{"Content-Encoding": {"identity", "br"}}, "error: encoded_body"},
		{http.Header{"Content-Encoding": {"Identity"}}, "true"},
		{http.Header{"Content-Encoding": {""}}, "true"},
		{http.Header{"Content-Type": {"application/json", "application/x-www-form-urlencoded"}}, "error: ambiguous_key"},
		{http.Header{"Content-Type": {"text/plain"}}, "true"},
		{nil, "true"},
	} {
		d := &Delivery{Body: []byte(`{"a":1}`), Header: tt.header}
		for _, source := range []string{`body.a == 1`, `body == {"a": 1}`, `has(body.a)`} {
			if got := outcome(t, source, d); got != tt.want {
				t.Errorf("%s with %v: %s, want %s", source, tt.header, got, tt.want)
			}
		}
	}
}

func TestParseJSONIsAsStrictAsTheBody(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1}`:                 "true",
		`{"a":1,"b":2}`:           "true",
		`{"a":2}`:                 "false",
		`{"b":1}`:                 "error: missing_key",
		`{"a":1,"b":1,"b":2}`:     "error: ambiguous_key", // it is read as a whole
		`{"a":1,"b":1e999}`:       "error: number_range",
		`{"a":1`:                  "error: invalid_json",
		``:                        "error: invalid_json",
		`1`:                       "error: missing_key",
		strings.Repeat("[", 2000): "error: too_deep",
	} {
		d := &Delivery{ID: text}
		for range 2 { // the second time it is remembered
			if got := outcome(t, `parse_json(id).a == 1`, d); got != want {
				t.Errorf("%.40s: %s, want %s", text, got, want)
			}
		}
	}
	check(t, withBody("", `{"n":1}`), map[string]string{`parse_json(body.n) == 1`: "error: wrong_type", `parse_json(string(body.n)) == 1`: "true"})
}

func TestWhatIsTakenAsAWholeIsBounded(t *testing.T) {
	many := withBody("", `{"a":1,"l":[`+strings.Repeat(`0,`, maxValues)+`0]}`)
	check(t, many, map[string]string{
		`body.a == 1`:              "true",
		`body.l[249999] == 0`:      "true",
		`size(body.l) > 0`:         "error: too_large",
		`body.l.exists(x, x == 1)`: "error: too_large",
	})
	fields := withBody("application/x-www-form-urlencoded", func() string {
		var b bytes.Buffer
		for i := range maxValues + 1 {
			fmt.Fprintf(&b, "f%d&", i)
		}
		return b.String()
	}())
	check(t, fields, map[string]string{`body.f7 == ""`: "error: too_large", `!has(body.g)`: "error: too_large", `size(body) > 0`: "error: too_large"})
	check(t, func() *Delivery { return &Delivery{RawQuery: string(fields().Body), Body: fields().Body} },
		map[string]string{`query.f7 == ""`: "error: too_large", `size(query) > 0`: "error: too_large"})
}
