package policy

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// naiveDecide is what Decide means: everything in order, nothing prepared.
func naiveDecide(t *testing.T, requires []string, rules []Rule, d func() *Delivery) (deniedBy, rule int) {
	t.Helper()
	holds := func(source string) bool {
		result, err := eval(t, source, d())
		return err == nil && result
	}
	for i, require := range requires {
		if !holds(require) {
			return i, -1
		}
	}
	for i, r := range rules {
		matches := len(r.Events) == 0
		for _, text := range r.Events {
			matches = matches || pattern(t, text).Match(d().Event)
		}
		if matches && (r.When == "" || holds(r.When)) {
			return -1, i
		}
	}
	return -1, -1
}

// The table of event names may take rules out of the line to be tried, and must not change which
// of them is first.
func TestFirstMatchIsTheFirstInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	events := []string{"", "push", "order", "order.created", "order.item.added", "invoice.paid"}
	patterns := []string{"push", "order", "order.created", "order.*", "order.**", "*", "*.*", "**", "invoice.paid", "*.paid"}
	conditions := []string{`true`, `false`, `body.n == 1`, `body.n > 1`, `body.absent == 1`, `event == "push"`, `event != "push"`,
		`body.n`, `has(body.n) && event.matches_event("order.**")`}
	outcomes := make(map[int]int)
	for range 400 {
		var requires []string
		for range random.IntN(3) / 2 {
			requires = append(requires, pick([]string{`true`, `body.n >= 1`, `event != ""`, `body.absent == 1`}))
		}
		var rules []Rule
		for range random.IntN(8) {
			var r Rule
			if random.IntN(4) > 0 {
				for range 1 + random.IntN(3) {
					r.Events = append(r.Events, pick(patterns))
				}
			}
			if r.Events == nil || random.IntN(3) == 0 {
				r.When = pick(conditions)
			}
			rules = append(rules, r)
		}
		set, err := NewRules(requires, rules)
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range events {
			d := func() *Delivery {
				return &Delivery{Event: event, Body: []byte(fmt.Sprintf(`{"n":%d}`, 1+len(event)%2))}
			}
			deniedBy, rule := naiveDecide(t, requires, rules, d)
			got := set.Decide(context.Background(), d())
			if got.DeniedBy != deniedBy || got.Rule != rule {
				t.Fatalf("requires %q, rules %+v, event %q: got %+v, want denied by %d, rule %d",
					requires, rules, event, got, deniedBy, rule)
			}
			outcomes[rule]++
		}
	}
	for rule := -1; rule < 6; rule++ {
		if outcomes[rule] < 10 {
			t.Errorf("rule %d was the outcome only %d times", rule, outcomes[rule])
		}
	}
}

func TestDecisionTellsWhatCouldNotBeEvaluated(t *testing.T) {
	set, err := NewRules(
		[]string{`body.a == 1 || body.x == 1`, `true`},
		[]Rule{
			{When: `body.b == 1`},
			{Events: []string{"ping"}, When: `body.c == 1`}, // another event: not evaluated
			{Events: []string{"push"}, When: `body.a > "text"`},
			{Events: []string{"*"}, When: `body.a == 1`},
			{When: `body.d == 1`}, // after the match: not evaluated
		})
	if err != nil {
		t.Fatal(err)
	}
	got := set.Decide(context.Background(), &Delivery{Event: "push", Body: []byte(`{"a":1}`)})
	want := Decision{DeniedBy: -1, Rule: 3, Failures: []Failure{
		{Require: -1, Rule: 0, Err: &Error{Class: MissingKey, Line: 1, Column: 5}},
		{Require: -1, Rule: 2, Err: &Error{Class: WrongType, Line: 1, Column: 8}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	got = set.Decide(context.Background(), &Delivery{Event: "push", Body: []byte(`{"b":1}`)})
	want = Decision{DeniedBy: 0, Rule: -1, Failures: []Failure{
		{Require: 0, Rule: -1, Err: &Error{Class: MissingKey, Line: 1, Column: 5}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOrdinaryDecisionsAllocateNothing(t *testing.T) {
	set, err := NewRules(nil, []Rule{{Events: []string{"ping"}}, {Events: []string{"order.*"}}, {Events: []string{"push"}}})
	if err != nil {
		t.Fatal(err)
	}
	for event, rule := range map[string]int{"ping": 0, "order.created": 1, "push": 2, "other": -1, "": -1} {
		d := &Delivery{Event: event}
		allocs := testing.AllocsPerRun(100, func() {
			if got := set.Decide(context.Background(), d); got.Rule != rule || got.DeniedBy != -1 {
				t.Errorf("%s: %+v", event, got)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", event, allocs)
		}
	}
}

func TestSetWithoutRulesMatchesNothingAndDeniesNothing(t *testing.T) {
	set, err := NewRules(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := set.Decide(context.Background(), &Delivery{Event: "push"})
	if want := (Decision{DeniedBy: -1, Rule: -1}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A context that ends makes no decision for anybody: requirements deny and rules don't match.
func TestEndedContextDeniesAndMatchesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	set, err := NewRules([]string{`true`}, []Rule{{When: `true`}})
	if err != nil {
		t.Fatal(err)
	}
	got := set.Decide(ctx, &Delivery{})
	if got.DeniedBy != 0 || len(got.Failures) != 1 || got.Failures[0].Err.Class != Interrupted {
		t.Errorf("require: %+v", got)
	}
	set, err = NewRules(nil, []Rule{{When: `true`}})
	if err != nil {
		t.Fatal(err)
	}
	got = set.Decide(ctx, &Delivery{})
	if got.Rule != -1 || len(got.Failures) != 1 || got.Failures[0].Err.Class != Interrupted {
		t.Errorf("rule: %+v", got)
	}
}

func TestErrorsOfASetSayWhere(t *testing.T) {
	for _, tt := range []struct {
		requires []string
		rules    []Rule
		want     string
	}{
		{[]string{`true`, `event = "x"`}, nil, `require 2: 1:7: `},
		{[]string{``}, nil, `require 1: expression is empty`},
		{nil, []Rule{{Events: []string{"push"}}, {Events: []string{"push", "a..b"}}}, `rule 2: event pattern "a..b" has an empty segment`},
		{nil, []Rule{{}}, `rule 1: needs an event pattern or a condition`},
		{nil, []Rule{{When: `true`}, {When: `true`}, {When: `foo`}}, `rule 3: when: 1:1: undeclared reference to 'foo'`},
	} {
		set, err := NewRules(tt.requires, tt.rules)
		if err == nil || set != nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q, %+v: %v, want %s", tt.requires, tt.rules, err, tt.want)
		}
	}
}

func pattern(t testing.TB, text string) Pattern {
	t.Helper()
	p, err := ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
