package policy

import (
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// A place is where a path such as body.repository.owner has got to: something with parts that
// haven't been looked at. CEL asks it for one part and goes on from there. A place that a path
// ends at doesn't reach any operator or function: [taken] puts the whole there, which is checked
// first, because CEL's own operators swallow errors that come up in the middle of a value. They
// take a comparison with an element that can't be read for equal, or a missing one for unequal.
type place interface {
	ref.Val
	// Get returns a part, or an error: MissingKey if there is no such part.
	Get(key ref.Val) ref.Val
	// IsSet reports whether there is such a part, for has().
	IsSet(key ref.Val) ref.Val
	// whole returns everything, as a value in which every part can be read, or an error.
	whole() ref.Val
}

// isSet is what has() says of a part that Get returned.
func isSet(part ref.Val) ref.Val {
	err, bad := part.(*types.Err)
	if !bad {
		return types.True
	}
	if classify(err) == MissingKey {
		return types.False
	}
	return part
}

// unread has the methods of a CEL value that CEL never calls on a place.
type unread struct{}

func (unread) ConvertToNative(reflect.Type) (any, error) { return nil, fault(WrongType) }
func (unread) ConvertToType(ref.Type) ref.Val            { return failed(WrongType) }
func (unread) Equal(ref.Val) ref.Val                     { return failed(WrongType) }
func (unread) Type() ref.Type                            { return types.DynType }
func (unread) Value() any                                { return nil }

// taken is an attribute (a variable and the path after it) in a compiled expression. It turns the
// place where the path ends into the whole that is there, and takes for a string what the
// functions that go through one take: CEL calls size() of 10 MB one step.
type taken struct {
	interpreter.InterpretableAttribute
}

// smallText is how long a string may be for going through it to be one of CEL's steps.
const smallText = 100

// Exec implements CEL's InterpretableV2.
func (t *taken) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	value := t.InterpretableAttribute.Exec(frame)
	switch v := value.(type) {
	case types.String:
		if len(v) > smallText {
			scopeOf(frame).spend(len(v))
		}
	case place:
		return types.LabelErrNode(t.ID(), v.whole())
	}
	return value // v would be put into an interface anew
}

// Eval implements CEL's Interpretable.
func (t *taken) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, t.Exec)
}
