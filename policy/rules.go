package policy

import (
	"context"
	"errors"
	"fmt"
)

// Rule is one rule of a set. It needs an event pattern or a condition; with both, both have to
// hold.
type Rule struct {
	// Events are event patterns (see [Pattern]), of which one has to match. None leaves the
	// event open.
	Events []string
	// When is a CEL expression that has to hold. Empty leaves the condition out.
	When string
}

// Rules is a compiled set of requirements and rules. It can be used by several goroutines at
// once, each with its own Delivery.
type Rules struct {
	requires []*Expression
	// The first rule that each event selects by its name alone, and all else that a rule can
	// match by, in the order of the rules. Most deliveries are decided by the table.
	named map[string]int
	tried []trial
	size  int
}

// trial is a rule, or the part of it, that has to be tried.
type trial struct {
	rule   int
	events []Pattern   // nil if the event is left open
	when   *Expression // nil if there is no condition
}

// NewRules compiles a set: the expressions that all have to hold, then the rules, of which the
// first that matches is taken. Errors begin with the position, counted from 1, as in "require 2:"
// or "rule 3:".
func NewRules(requires []string, rules []Rule) (*Rules, error) {
	r := &Rules{named: make(map[string]int), size: len(rules)}
	for i, source := range requires {
		e, err := Compile(source)
		if err != nil {
			return nil, fmt.Errorf("require %d: %w", i+1, err)
		}
		r.requires = append(r.requires, e)
	}
	for i, rule := range rules {
		if err := r.add(i, rule); err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
	}
	return r, nil
}

func (r *Rules) add(i int, rule Rule) error {
	if len(rule.Events) == 0 && rule.When == "" {
		return errors.New("needs an event pattern or a condition")
	}
	t := trial{rule: i}
	for _, text := range rule.Events {
		p, err := ParsePattern(text)
		if err != nil {
			return err
		}
		if p.Exact() && rule.When == "" {
			if _, earlier := r.named[text]; !earlier {
				r.named[text] = i
			}
			continue
		}
		t.events = append(t.events, p)
	}
	if rule.When != "" {
		e, err := Compile(rule.When)
		if err != nil {
			return fmt.Errorf("when: %w", err)
		}
		t.when = e
	}
	if t.events != nil || t.when != nil {
		r.tried = append(r.tried, t)
	}
	return nil
}

// Decision is what a set of rules says of a delivery.
type Decision struct {
	// DeniedBy is the index, from 0, of the requirement that denied the delivery: the first
	// that didn't hold or could not be evaluated. -1 means that all of them held.
	DeniedBy int
	// Rule is the index, from 0, of the first rule that matched. -1 means that none did, or
	// that none was tried because the delivery was denied.
	Rule int
	// Failures are the evaluations that could not be made on the way to the decision, nil as a
	// rule. They have had their effect already: the requirement denied, the rule didn't match.
	Failures []Failure
}

// Failure is one evaluation that could not be made.
type Failure struct {
	// Require and Rule are the index of what was evaluated, from 0; one of the two is -1.
	Require, Rule int
	// Err says why. It holds nothing of the delivery.
	Err *Error
}

// Decide applies the set to a delivery: the requirements in order, then the rules in order. When
// the context ends before the decision is made, what hasn't been evaluated counts as what can't
// be; a caller whose context can end looks at it before it acts on a Rule of -1.
func (r *Rules) Decide(ctx context.Context, d *Delivery) Decision {
	decision := Decision{DeniedBy: -1, Rule: -1}
	for i, require := range r.requires {
		holds, err := require.eval(ctx, d)
		if err != nil {
			decision.Failures = append(decision.Failures, Failure{Require: i, Rule: -1, Err: err})
		}
		if !holds {
			decision.DeniedBy = i
			return decision
		}
	}
	last := r.size
	if named, ok := r.named[d.Event]; ok {
		decision.Rule, last = named, named
	}
	for i := range r.tried {
		t := &r.tried[i]
		if t.rule >= last {
			break
		}
		if t.events != nil && !matchAny(t.events, d.Event) {
			continue
		}
		if t.when != nil {
			holds, err := t.when.eval(ctx, d)
			if err != nil {
				decision.Failures = append(decision.Failures, Failure{Require: -1, Rule: t.rule, Err: err})
			}
			if !holds {
				continue
			}
		}
		decision.Rule = t.rule
		break
	}
	return decision
}

func matchAny(patterns []Pattern, event string) bool {
	for _, p := range patterns {
		if p.Match(event) {
			return true
		}
	}
	return false
}
