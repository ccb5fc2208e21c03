package policy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryClassIsReachedAndEveryErrorHasAClass(t *testing.T) {
	var reached []Class
	for _, tt := range []struct {
		want   Class
		source string
		d      *Delivery
	}{
		{MissingKey, `body.a == 1`, &Delivery{Body: []byte(`{}`)}},
		{MissingKey, `body[0] == 1`, &Delivery{Body: []byte(`[]`)}},
		{MissingKey, `body.map(x, x)[0] == 1`, &Delivery{Body: []byte(`[]`)}},
		{MissingKey, `id.charAt(7) == ""`, &Delivery{}},
		{WrongType, `body < "a"`, &Delivery{Body: []byte(`1`)}},
		{WrongType, `body.startsWith("a")`, &Delivery{Body: []byte(`1`)}},
		{WrongType, `body.all(x, true)`, &Delivery{Body: []byte(`1`)}},
		{WrongType, `body.join() == ""`, &Delivery{Body: []byte(`[1]`)}},
		{WrongType, `body.sort() == []`, &Delivery{Body: []byte(`[1,"a"]`)}},
		{WrongType, `body.distinct() == []`, &Delivery{Body: []byte(`"text"`)}},
		{WrongType, `size(body) == 0`, &Delivery{Body: []byte(`1`)}},
		{WrongType, `-body == 0`, &Delivery{Body: []byte(`"a"`)}},
		{InvalidJSON, `body == 1`, &Delivery{Body: []byte(`{`)}},
		{InvalidForm, `query.a == ""`, &Delivery{RawQuery: "a=%"}},
		{EncodedBody, `body == 1`, &Delivery{Header: http.Header{"Content-Encoding": {"br"}}}},
		{AmbiguousKey, `body.a == 1`, &Delivery{Body: []byte(`{"a":1,"a":1}`)}},
		{TooDeep, `body == 1`, &Delivery{Body: []byte(strings.Repeat("[", 2000))}},
		{TooLarge, `size(body) == 1`, &Delivery{Body: []byte("[" + strings.Repeat("1,", maxValues) + "1]")}},
		{NumberRange, `body == 1`, &Delivery{Body: []byte(`1e999`)}},
		{NumberRange, `body + 1 == 1`, &Delivery{Body: []byte(`9223372036854775807`)}},
		{NumberRange, `uint(body) == 1u`, &Delivery{Body: []byte(`-1`)}},
		{CostLimit, `body.all(x, body.all(y, x + y > 0))`, &Delivery{Body: []byte("[" + strings.Repeat("1,", 10_000) + "1]")}},
		{NoTimestamp, `timestamp == now`, &Delivery{}},
		{NoClient, `cidr("::/0")`, &Delivery{}},
		{Other, `1 / size(id) == 1`, &Delivery{}},
		{Other, `timestamp(id) == now`, &Delivery{ID: "secret"}},
		{Other, `now.getHours(id) == 1`, &Delivery{ID: "secret"}},
		{Other, `base64.decode(id) == b""`, &Delivery{ID: "secret!"}},
	} {
		_, err := eval(t, tt.source, tt.d)
		if got := ClassOf(err); got != tt.want {
			t.Errorf("%s: class %q (%v), want %q", tt.source, got, err, tt.want)
		}
		reached = append(reached, ClassOf(err))
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	e, err := Compile(`true`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Eval(ended, &Delivery{})
	reached = append(reached, ClassOf(err))
	for _, class := range Classes() {
		if !slices.Contains(reached, class) {
			t.Errorf("class %s was never reached", class)
		}
		if meaning[class] == "" {
			t.Errorf("class %s has no meaning", class)
		}
	}
	if len(meaning) != len(Classes()) {
		t.Errorf("%d meanings for %d classes", len(meaning), len(Classes()))
	}
	if got := ClassOf(nil); got != "" {
		t.Errorf("class of nil: %q", got)
	}
	if got := ClassOf(errors.New("any")); got != Other {
		t.Errorf("class of another error: %q", got)
	}
	if got := ClassOf(fmt.Errorf("wrapped: %w", &Error{Class: TooDeep})); got != TooDeep {
		t.Errorf("class of a wrapped error: %q", got)
	}
}

// evaluationErrors is everything that the error of an evaluation can say.
var evaluationErrors = func() *regexp.Regexp {
	var all []string
	for _, text := range meaning {
		all = append(all, regexp.QuoteMeta(text))
	}
	return regexp.MustCompile(`^(\d+:\d+: )?(` + strings.Join(all, "|") + `)$`)
}()

// CEL's own errors quote what they could not convert or find. None of that may come out.
func TestErrorsHoldNothingOfTheDelivery(t *testing.T) {
	d := func() *Delivery {
		return &Delivery{
			ID: "s3cret", Path: "/s3cret", RawQuery: "a=s3cret&s3cret=%zz",
			Header: http.Header{"X-A": {"s3cret"}},
			Body:   []byte(`{"a":"s3cret","s3cret":{"b":1},"l":["s3cret"],"n":123}`),
		}
	}
	failures := 0
	for _, source := range []string{
		`timestamp(id) > now`, `duration(path) > duration("1s")`, `int(id) == 1`, `uint(id) == 1u`, `double(id) == 1.0`, `bool(id)`,
		`header["x-a"] in [timestamp(header["x-a"]) > now]`, `query.a == query.s3`, `body.s3cret.b.c == 1`, `body[body.a].x == 1`,
		`body[body.l[0]][body.a] == 1`, `body.l[body.n] == 1`, `body.l[body.a] == 1`, `now.getHours(body.a) == 1`, `body.l.slice(body.n, 0) == []`,
		`body.l.join(",").charAt(body.n) == ""`, `base64.decode(body.a + "!") == b""`, `parse_json(body.a) == 1`, `{"a": 1}[body.a] == 1`,
		`[1, 2][body.n] == 1`, `body.a.substring(body.n) == ""`, `"%d".format([body.a]) == ""`, `"%z".format([body.a]) == "" || body.a`, `body.l.sort() < 1`,
		`body.l + body.a == []`, `body.a * 2 == 1`, `-body.a == 1`, `body.a`, `body.l`, `lists.range(3)[body.n] == 1`, `body.l.flatten() > 1`,
	} {
		e, err := Compile(source)
		if err != nil {
			continue // found out before there is a delivery
		}
		_, err = e.Eval(context.Background(), d())
		if err == nil {
			continue
		}
		failures++
		if text := err.Error(); strings.Contains(text, "s3cret") || strings.Contains(text, "123") || !evaluationErrors.MatchString(text) {
			t.Errorf("%s: %s", source, text)
		}
		for err := err; err != nil; err = errors.Unwrap(err) {
			if strings.Contains(fmt.Sprintf("%+v %#v", err, err), "s3cret") {
				t.Errorf("%s: %#v", source, err)
			}
		}
	}
	if failures < 25 {
		t.Errorf("only %d of the expressions failed", failures)
	}
}
