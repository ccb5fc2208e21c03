package policy

import (
	"errors"
	"fmt"
	"math"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
)

// Cost is CEL's measure of work: about one for each operator and element, and one for each ten
// characters of a string that is gone through.
const (
	// maxCost is what one evaluation may cost: some tenths of a second.
	maxCost = 2_000_000
	// maxUsualCost is what an expression may cost on a delivery in which every list has
	// usualSize elements and every string as many characters. No delivery is like that, so it
	// is far above maxCost: it accepts two comprehensions over the body inside one another, with
	// a regular expression in them, and refuses three.
	maxUsualCost = 100_000_000_000
	usualSize    = 1000
)

// costOptions checks what an expression costs and returns the options that bound it.
func costOptions(env *cel.Env, compiled *cel.Ast) ([]cel.ProgramOption, error) {
	usual, err := env.EstimateCost(compiled, sizes(usualSize))
	if err != nil {
		return nil, fmt.Errorf("estimate the expression's cost: %w", err)
	}
	if usual.Max == math.MaxUint64 {
		return nil, errors.New("expression's cost has no bound, as that of lists.range of a number from the delivery")
	}
	if usual.Max > maxUsualCost {
		return nil, fmt.Errorf("expression costs too much: about %d on a delivery with lists of %d elements, and %d is the limit;"+
			" use fewer comprehensions inside one another, or shorter regular expressions in them",
			usual.Max, usualSize, maxUsualCost)
	}
	// With sizes unknown the estimate is an upper bound for all deliveries. Most expressions stay
	// far below the limit even there (a comparison with a literal costs as much as the literal
	// is long), and need not be counted while they run: counted, they take six times as long.
	worst, err := env.EstimateCost(compiled, sizes(0))
	if err != nil {
		return nil, fmt.Errorf("estimate the expression's cost: %w", err)
	}
	if worst.Max <= maxCost {
		return nil, nil
	}
	return []cel.ProgramOption{cel.CostLimit(maxCost)}, nil
}

// sizes is an estimator that takes every size it is asked for to be at most the same; 0 means
// that nothing is known of any size.
type sizes uint64

// EstimateSize implements CEL's cost.Estimator.
func (s sizes) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	if s == 0 {
		return nil
	}
	// CEL asks for the elements of a value of unknown type, and for theirs, as deep as it gets
	// an answer.
	depth := 0
	for _, step := range node.Path() {
		if step == "@items" || step == "@keys" || step == "@values" {
			depth++
		}
	}
	if depth > maxComprehensions+1 {
		return nil
	}
	return &cost.SizeEstimate{Min: 0, Max: uint64(s)}
}

// EstimateCallCost implements CEL's cost.Estimator. It leaves calls to the models of the
// functions.
func (s sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// hasLoops reports whether an expression has a comprehension that goes through something.
func hasLoops(e ast.Expr) bool {
	found := false
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.ComprehensionKind {
			return
		}
		over := e.AsComprehension().IterRange()
		if over.Kind() != ast.ListKind || over.AsList().Size() > 0 { // over nothing: cel.bind
			found = true
		}
	}))
	return found
}
