package policy

import (
	"errors"
	"math"
	"strings"

	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// maxSteps is how much work one call of a function may take, in comparisons, copied bytes or
// steps of a regular expression: some tenths of a second.
const maxSteps = 32 << 20

// CEL charges a call after it was made. That bounds operators whose work and result are no
// larger than what they are given. The functions here can take or make the product of their
// arguments, so their work is weighed before they are called.
var guards = map[string]func(args []ref.Val) int{
	"replace":               replaceWork,
	"split":                 splitWork,
	"join":                  joinWork,
	"format":                func(args []ref.Val) int { return weigh(args[0]) + weigh(args[1]) },
	"indexOf":               func(args []ref.Val) int { return product(weigh(args[0]), weigh(args[1])) },
	"lastIndexOf":           func(args []ref.Val) int { return product(weigh(args[0]), weigh(args[1])) },
	"distinct":              func(args []ref.Val) int { return product(count(args[0]), weigh(args[0])) },
	"sort":                  func(args []ref.Val) int { return product(20, weigh(args[0])) },
	"@sortByAssociatedKeys": func(args []ref.Val) int { return product(20, weigh(args[1])) },
	"sets.contains":         pairs,
	"sets.equivalent":       pairs,
	"sets.intersects":       pairs,
	"hasOnly":               pairs,
	"hasAny":                pairs,
	"hasAll":                pairs,
	"hasExactly":            pairs,
}

// guard puts a guard before a call that needs one.
func guard(node interpreter.InterpretableCall) (interpreter.InterpretableV2, error) {
	work, ok := guards[node.Function()]
	if !ok {
		return node, nil
	}
	call, err := binding(node)
	if err != nil {
		return nil, err
	}
	return interpreter.NewCall(node.ID(), node.Function(), node.OverloadID(), node.Args(), func(args ...ref.Val) ref.Val {
		if work(args) > maxSteps {
			overLimit()
		}
		return call(args...)
	}), nil
}

// binding returns the implementation that CEL has for a call.
func binding(node interpreter.InterpretableCall) (functions.FunctionOp, error) {
	env, err := environment()
	if err != nil {
		return nil, err
	}
	overloads, err := env.Functions()[node.Function()].Bindings()
	if err != nil {
		return nil, err
	}
	// Of a function with overloads, the one that has the function's name finds the right one.
	for _, o := range overloads {
		if o.Operator != node.Function() {
			continue
		}
		return func(args ...ref.Val) ref.Val {
			switch {
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
	return nil, errNoBinding
}

func replaceWork(args []ref.Val) int {
	text, ok := args[0].(types.String)
	old, isText := args[1].(types.String)
	if !ok || !isText {
		return 0
	}
	times := strings.Count(string(text), string(old))
	return len(text) + product(times, weigh(args[2]))
}

func splitWork(args []ref.Val) int {
	text, ok := args[0].(types.String)
	separator, isText := args[1].(types.String)
	if !ok || !isText {
		return 0
	}
	return len(text) + 16*strings.Count(string(text), string(separator))
}

func joinWork(args []ref.Val) int {
	if len(args) == 1 {
		return weigh(args[0])
	}
	return weigh(args[0]) + product(count(args[0]), weigh(args[1]))
}

// pairs is the work of comparing each element of one list with each of another.
func pairs(args []ref.Val) int {
	a, b := args[0], args[1]
	return min(product(count(a), weigh(b)), math.MaxInt/2) + min(product(count(b), weigh(a)), math.MaxInt/2)
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
		total := 0
		for it := v.Iterator(); it.HasNext() == types.True; {
			total += 8 + weigh(it.Next())
		}
		return total
	case traits.Mapper:
		total := 0
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			total += 16 + weigh(key) + weigh(v.Get(key))
		}
		return total
	}
	return 8
}

// product multiplies without overflowing.
func product(a, b int) int {
	if a > 0 && b > math.MaxInt/a {
		return math.MaxInt
	}
	return a * b
}

var errNoBinding = errors.New("function has no implementation")
