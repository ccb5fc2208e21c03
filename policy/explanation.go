package policy

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// Explanation is an evaluation with what it took. It holds nothing of the delivery.
type Explanation struct {
	// Holds and Err are what Eval returns.
	Holds bool
	Err   *Error
	// Cost is the work by CEL's measure, 0 where an error kept it from being counted.
	Cost uint64
	// Stepped is how many bytes of the body and the header were stepped over, or what takes as long. What
	// an evaluation before it on the same Delivery has read isn't read again.
	Stepped int
	// Reads are the places that were read, such as "body.repository.name", in the order of their names: not
	// those behind what had decided already.
	Reads []string
}

// Explain evaluates the expression on a delivery, and counts what that takes. It plans the expression anew,
// which takes much longer than the evaluation: it is for people who look at one delivery.
func (e *Expression) Explain(ctx context.Context, d *Delivery) (Explanation, error) {
	env, err := environment()
	if err != nil {
		return Explanation{}, fmt.Errorf("make the CEL environment: %w", err)
	}
	compiled, issues := env.Compile(e.source)
	if issues.Err() != nil {
		return Explanation{}, sourceError(issues.Errors()[0])
	}
	counted := *e
	counted.program, err = env.Program(compiled, cel.CostLimit(maxCost), cel.CustomDecoratorV2(plan),
		cel.EvalOptions(cel.OptOptimize, cel.OptTrackCost, cel.OptTrackState), cel.InterruptCheckFrequency(interruptEvery))
	if err != nil {
		return Explanation{}, fmt.Errorf("expression can't be planned: %s", oneLine(err.Error()))
	}
	counter := &countingProgram{Program: counted.program}
	counted.program = counter
	var x Explanation
	x.Holds, x.Err = counted.eval(ctx, d)
	x.Cost, x.Stepped = counter.cost, d.cache.spent
	x.Reads = counter.reads(compiled.NativeRep().Expr())
	return x, nil
}

// countingProgram keeps what the last evaluation took.
type countingProgram struct {
	cel.Program
	cost  uint64
	state interpreter.EvalState // what became of each part of the expression
}

func (p *countingProgram) Eval(input any) (result ref.Val, details *cel.EvalDetails, err error) {
	result, details, err = p.Program.Eval(input)
	p.count(details)
	return result, details, err
}

func (p *countingProgram) ContextEval(ctx context.Context, input any) (result ref.Val, details *cel.EvalDetails, err error) {
	result, details, err = p.Program.ContextEval(ctx, input)
	p.count(details)
	return result, details, err
}

func (p *countingProgram) count(details *cel.EvalDetails) {
	p.state = details.State()
	if cost := details.ActualCost(); cost != nil {
		p.cost = *cost
	}
}

// variables are those of a delivery, as against those of comprehensions.
var variables = []string{"provider", "event", "id", "key", "timestamp", "now", "method", "path", "query", "header", "body"}

// reads returns the places that the evaluation of an expression came to. One that a longer one goes through isn't
// listed.
func (p *countingProgram) reads(e ast.Expr) []string {
	found := make(map[string]bool)
	through := make(map[string]bool)
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		place, from := placeOf(e)
		if place == "" || p.state == nil {
			return
		}
		if _, evaluated := p.state.Value(e.ID()); !evaluated {
			return
		}
		found[place] = true
		if from != "" {
			through[from] = true
		}
	}))
	var all []string
	for place := range found {
		if !through[place] {
			all = append(all, place)
		}
	}
	slices.Sort(all)
	return all
}

// placeOf returns the place that an expression is, and the one that it is a member of.
func placeOf(e ast.Expr) (place, from string) {
	switch e.Kind() {
	case ast.IdentKind:
		if slices.Contains(variables, e.AsIdent()) {
			return e.AsIdent(), ""
		}
	case ast.SelectKind:
		if from, _ = placeOf(e.AsSelect().Operand()); from != "" {
			return from + "." + e.AsSelect().FieldName(), from
		}
	case ast.CallKind:
		call := e.AsCall()
		if call.FunctionName() != operators.Index || len(call.Args()) != 2 || call.Args()[1].Kind() != ast.LiteralKind {
			return "", ""
		}
		if from, _ = placeOf(call.Args()[0]); from == "" {
			return "", ""
		}
		switch key := call.Args()[1].AsLiteral().(type) {
		case types.String:
			return from + "[" + strconv.Quote(string(key)) + "]", from
		case types.Int:
			return from + "[" + strconv.FormatInt(int64(key), 10) + "]", from
		}
	}
	return "", ""
}
