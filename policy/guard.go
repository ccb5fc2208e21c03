package policy

import (
	"fmt"
	"math"
	"strings"

	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// CEL charges a call after it was made, and some calls not by what they do. That bounds the
// operators whose work and result are no larger than their operands. The functions here can take
// or make the product of their arguments, or go through one of them free of charge: their work is
// weighed, and taken from the evaluation's, before they are called.
var guards = map[string]func(args []ref.Val) int{
	operators.Equals:        compareWork,
	operators.NotEquals:     compareWork,
	operators.In:            containWork,
	"replace":               replaceWork,
	"split":                 splitWork,
	"join":                  joinWork,
	"format":                func(args []ref.Val) int { return product(16, sum(weigh(args[0]), weigh(args[1]))) },
	"indexOf":               func(args []ref.Val) int { return product(weigh(args[0]), weigh(args[1])) },
	"lastIndexOf":           func(args []ref.Val) int { return product(weigh(args[0]), weigh(args[1])) },
	"flatten":               func(args []ref.Val) int { return product(16, weigh(args[0])) },
	"distinct":              func(args []ref.Val) int { return product(count(args[0]), weigh(args[0])) },
	"sort":                  func(args []ref.Val) int { return product(20, weigh(args[0])) },
	"@sortByAssociatedKeys": func(args []ref.Val) int { return product(20, weigh(args[1])) },
	"math.@max":             func(args []ref.Val) int { return weigh(args[0]) },
	"math.@min":             func(args []ref.Val) int { return weigh(args[0]) },
	"sets.contains":         pairs,
	"sets.equivalent":       pairs,
	"sets.intersects":       pairs,
	"hasOnly":               pairs,
	"hasAny":                pairs,
	"hasAll":                pairs,
	"hasExactly":            pairs,
	"getFullYear":           zoneWork,
	"getMonth":              zoneWork,
	"getDayOfYear":          zoneWork,
	"getDayOfMonth":         zoneWork,
	"getDate":               zoneWork,
	"getDayOfWeek":          zoneWork,
	"getHours":              zoneWork,
	"getMinutes":            zoneWork,
	"getSeconds":            zoneWork,
	"getMilliseconds":       zoneWork,
}

// guarded is a call of a function of CEL's whose work is weighed first.
type guarded struct {
	node interpreter.InterpretableCall
	args []interpreter.InterpretableV2
	work func(args []ref.Val) int
	call functions.FunctionOp
}

// guard puts a guard before a call that needs one.
func guard(node interpreter.InterpretableCall) (interpreter.InterpretableV2, error) {
	work, ok := guards[node.Function()]
	if !ok || comparesLiteral(node) {
		return node, nil
	}
	call, err := binding(node.Function())
	if err != nil {
		return nil, err
	}
	return &guarded{node: node, args: node.Args(), work: work, call: call}, nil
}

// comparesLiteral reports whether a call compares something with a literal, which takes no longer
// than the literal is long.
func comparesLiteral(node interpreter.InterpretableCall) bool {
	switch node.Function() {
	case operators.Equals, operators.NotEquals, operators.In:
		for _, arg := range node.Args() {
			if _, ok := arg.(interpreter.InterpretableConst); ok {
				return true
			}
		}
	}
	return false
}

// ID implements CEL's Interpretable.
func (g *guarded) ID() int64 { return g.node.ID() }

// Exec implements CEL's InterpretableV2.
func (g *guarded) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	args := make([]ref.Val, len(g.args))
	for i, arg := range g.args {
		if args[i] = arg.Exec(frame); types.IsUnknownOrError(args[i]) {
			return args[i]
		}
	}
	scopeOf(frame).spend(g.work(args))
	result := types.LabelErrNode(g.ID(), g.call(args...))
	if costs := frame.CostTracker(); costs != nil {
		costs.EvalVarArgs(frame, g.ID(), g.node, args, result)
	}
	return result
}

// Eval implements CEL's Interpretable.
func (g *guarded) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, g.Exec)
}

// binding returns CEL's implementation of a function.
func binding(function string) (functions.FunctionOp, error) {
	switch function { // CEL has these in its planner, with an empty binding
	case operators.Equals:
		return func(args ...ref.Val) ref.Val { return types.Equal(args[0], args[1]) }, nil
	case operators.NotEquals:
		return func(args ...ref.Val) ref.Val { return types.Bool(types.Equal(args[0], args[1]) != types.True) }, nil
	}
	env, err := environment()
	if err != nil {
		return nil, err
	}
	overloads, err := env.Functions()[function].Bindings()
	if err != nil {
		return nil, err
	}
	for _, o := range overloads {
		// The overload that has the function's name finds the one for its arguments.
		if o.Operator != function {
			continue
		}
		return func(args ...ref.Val) ref.Val {
			switch {
			case o.OperandTrait != 0 && !args[0].Type().HasTrait(o.OperandTrait):
				return failed(WrongType)
			case o.Unary != nil && len(args) == 1:
				return o.Unary(args[0])
			case o.Binary != nil && len(args) == 2:
				return o.Binary(args[0], args[1])
			case o.Function != nil:
				return o.Function(args...)
			}
			return failed(WrongType)
		}, nil
	}
	return nil, fmt.Errorf("function %s has no implementation", function)
}

// compareWork is the work of comparing two values of which neither is a literal. Of lists and maps
// that an expression has made, CEL counts the elements and not what is in them.
func compareWork(args []ref.Val) int {
	switch made := args[0].(type) {
	case *list, *record:
		return 0 // they take it themselves
	case traits.Lister, traits.Mapper:
		return product(4, weigh(made))
	}
	return 0
}

// containWork is the work of looking for a value in a list that an expression has made.
func containWork(args []ref.Val) int {
	if _, ok := args[1].(*list); ok {
		return 0 // it takes it itself
	}
	return product(count(args[1]), weigh(args[0]))
}

func replaceWork(args []ref.Val) int {
	text, ok := args[0].(types.String)
	old, isText := args[1].(types.String)
	if !ok || !isText {
		return 0
	}
	return sum(len(text), product(strings.Count(string(text), string(old)), weigh(args[2])))
}

func splitWork(args []ref.Val) int {
	text, ok := args[0].(types.String)
	separator, isText := args[1].(types.String)
	if !ok || !isText {
		return 0
	}
	return sum(len(text), product(16, strings.Count(string(text), string(separator))))
}

func joinWork(args []ref.Val) int {
	work := weigh(args[0])
	if len(args) > 1 {
		work = sum(work, product(count(args[0]), weigh(args[1])))
	}
	return work
}

// pairs is the work of comparing each element of one list with each of another.
func pairs(args []ref.Val) int {
	return sum(product(count(args[0]), weigh(args[1])), product(count(args[1]), weigh(args[0])))
}

// zoneWork is the work of a part of a time: with a time zone, the zone is looked up in files.
func zoneWork(args []ref.Val) int {
	if len(args) > 1 {
		return 50_000
	}
	return 0
}

// count returns how many elements a list has.
func count(value ref.Val) int {
	if l, ok := value.(traits.Lister); ok {
		if size, ok := l.Size().(types.Int); ok {
			return int(size)
		}
	}
	return 0
}

// maxWeight is the most that is weighed. A list of lists of lists can hold one list a million times:
// what weighs more takes more than the work of any evaluation.
const maxWeight = 1 << 27

// weigh returns how many bytes a value takes, about.
func weigh(value ref.Val) int {
	switch v := value.(type) {
	case types.String:
		return len(v)
	case types.Bytes:
		return len(v)
	case *record:
		return v.value.Len()
	case *list:
		return v.size
	case traits.Lister:
		total := 8
		for it := v.Iterator(); it.HasNext() == types.True; {
			if total = sum(total, sum(8, weigh(it.Next()))); total > maxWeight {
				return math.MaxInt
			}
		}
		return total
	case traits.Mapper:
		total := 8
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			total = sum(total, sum(16, sum(weigh(key), weigh(v.Get(key)))))
			if total > maxWeight {
				return math.MaxInt
			}
		}
		return total
	}
	return 8
}

// sum adds without overflowing.
func sum(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

// product multiplies without overflowing.
func product(a, b int) int {
	if a > 0 && b > math.MaxInt/a {
		return math.MaxInt
	}
	return a * b
}
