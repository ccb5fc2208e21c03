package policy

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// Class is why an expression could not be evaluated. The classes are a closed list, fit for the
// label of a metric: [Classes] returns all of them.
type Class string

// The classes of evaluation errors.
const (
	// MissingKey: an object, a form, the query or the headers have no such key, an array no such
	// index, or a member was asked of a value that has none, such as a string.
	MissingKey Class = "missing_key"
	// WrongType: an operator or a function met a value of a type that it isn't defined for, or
	// the expression's result is no boolean.
	WrongType Class = "wrong_type"
	// InvalidJSON: the body, or a text given to parse_json, isn't JSON where it was read.
	InvalidJSON Class = "invalid_json"
	// InvalidForm: a form or the query isn't properly encoded where it was read.
	InvalidForm Class = "invalid_form"
	// EncodedBody: the body has a Content-Encoding. It was verified and is forwarded as it is on
	// the wire; nothing here decompresses it.
	EncodedBody Class = "encoded_body"
	// AmbiguousKey: what was read stands more than once.
	AmbiguousKey Class = "ambiguous_key"
	// TooDeep: JSON nested too deeply.
	TooDeep Class = "too_deep"
	// TooLarge: an object or array with too many values to be taken as a whole, or a form or query
	// with too many fields.
	TooLarge Class = "too_large"
	// NumberRange: a number that fits no number type, or arithmetic that overflows.
	NumberRange Class = "number_range"
	// CostLimit: the evaluation took more work than one evaluation may take.
	CostLimit Class = "cost_limit"
	// NoTimestamp: the timestamp was read and the scheme signs none.
	NoTimestamp Class = "no_timestamp"
	// NoClient: cidr was called and the client's address isn't known.
	NoClient Class = "no_client"
	// Interrupted: the context ended before the evaluation did.
	Interrupted Class = "interrupted"
	// Other: everything else, such as a division by zero or a conversion that failed.
	Other Class = "other"
)

// meaning says each class in words that hold nothing of the delivery.
var meaning = map[Class]string{
	MissingKey:   "no such key or index",
	WrongType:    "a value of the wrong type",
	InvalidJSON:  "the text read is not valid JSON",
	InvalidForm:  "the form or query read is not properly encoded",
	EncodedBody:  "the body has a content encoding",
	AmbiguousKey: "the key read stands more than once",
	TooDeep:      "JSON nested too deeply",
	TooLarge:     "too many values to be taken as a whole",
	NumberRange:  "a number out of range",
	CostLimit:    "the work of one evaluation is used up",
	NoTimestamp:  "the delivery has no signed timestamp",
	NoClient:     "the client's address is not known",
	Interrupted:  "the context ended",
	Other:        "an operation failed",
}

// Classes returns every class, in a fixed order.
func Classes() []Class {
	return []Class{MissingKey, WrongType, InvalidJSON, InvalidForm, EncodedBody, AmbiguousKey, TooDeep,
		TooLarge, NumberRange, CostLimit, NoTimestamp, NoClient, Interrupted, Other}
}

// Error is an evaluation that could not be made. It holds a class and a place in the expression,
// and nothing of the delivery: it may be logged.
type Error struct {
	Class Class
	// Line and Column are where in the expression's source the evaluation failed, counted from
	// 1; 0 if that isn't known.
	Line, Column int
}

// Error returns the place and the class in words.
func (e *Error) Error() string {
	if e.Line == 0 {
		return meaning[e.Class]
	}
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, meaning[e.Class])
}

// ClassOf returns the class of an error that an evaluation returned, Other for any other error,
// and the empty Class for nil.
func ClassOf(err error) Class {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return Other
}

// fault is a class on its way through CEL, which carries errors as values.
type fault Class

func (f fault) Error() string { return string(f) }

// failed returns a new CEL error of a class. It can't be shared: CEL notes in it the place where
// it came up first.
func failed(class Class) ref.Val { return types.WrapErr(fault(class)) }

// overLimit ends an evaluation that has used up its work. It is a panic, as CEL's own limit is,
// so that no operator between here and the end can take the error for an ordinary one.
func overLimit() {
	panic(interpreter.EvalCancelledError{Cause: interpreter.CostLimitExceeded, Message: string(CostLimit)})
}

// interrupt ends an evaluation whose context has ended, in the same way.
func interrupt() {
	panic(interpreter.EvalCancelledError{Cause: interpreter.ContextCancelled, Message: string(Interrupted)})
}

// classify finds the class of what a CEL evaluation returned as its error.
func classify(err error) Class {
	if f, ok := errors.AsType[fault](err); ok {
		return Class(f)
	}
	if cancelled, ok := errors.AsType[interpreter.EvalCancelledError](err); ok {
		if cancelled.Cause == interpreter.ContextCancelled {
			return Interrupted
		}
		return CostLimit
	}
	if errors.Is(err, interpreter.InterruptError{}) {
		return Interrupted
	}
	// The errors of CEL's own operators have no types. Their texts can quote the delivery, so
	// only their beginnings, which can't, decide, and none is passed on.
	text := err.Error()
	for _, known := range celErrors {
		if strings.HasPrefix(text, known.beginning) {
			return known.class
		}
	}
	return Other
}

var celErrors = []struct {
	beginning string
	class     Class
}{
	{"no such key", MissingKey},
	{"no such attribute", MissingKey},
	{"index out of bounds", MissingKey},
	{"index out of range", MissingKey},
	{"no such overload", WrongType},
	{"unsupported", WrongType},
	{"invalid qualifier type", WrongType},
	{"type conversion error", WrongType},
	{"got '", WrongType}, // of a comprehension: "got '%T', expected iterable type"
	{"join: invalid input", WrongType},
	{"list elements must", WrongType},
	{"integer overflow", NumberRange},
	{"unsigned integer overflow", NumberRange},
	{"duration overflow", NumberRange},
	{"timestamp overflow", NumberRange},
	{"range error", NumberRange},
}
