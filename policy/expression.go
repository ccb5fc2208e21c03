package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Expression is a compiled CEL expression over a delivery, with a boolean result. It can be used
// by several goroutines at once, each with its own Delivery.
type Expression struct {
	source  string
	program cel.Program
	info    *ast.SourceInfo
	root    int64 // the id of the outermost node
	loops   bool  // whether it has comprehensions, which can take long in many small steps
}

// interruptEvery is after how many elements a comprehension looks whether the context has ended.
const interruptEvery = 100

// Compile compiles an expression. Its errors are one line with the place in the source, and with
// what to do about it where that can be said: they are made for a config error. It refuses what
// isn't an expression of this language, what can't have a boolean result, and what is larger or
// costs more than the limits in the package's doc allow.
func Compile(source string) (*Expression, error) {
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("make the CEL environment: %w", err)
	}
	if strings.TrimSpace(source) == "" {
		return nil, errors.New(`expression is empty; "true" always holds`)
	}
	compiled, issues := env.Compile(source)
	if all := issues.Errors(); len(all) > 0 {
		return nil, sourceError(all[0])
	}
	if kind := compiled.OutputType().Kind(); kind != types.BoolKind && kind != types.DynKind {
		return nil, fmt.Errorf("expression has the type %s; it has to be a bool, as a comparison is",
			oneLine(cel.FormatCELType(compiled.OutputType())))
	}
	options, err := costOptions(env, compiled)
	if err != nil {
		return nil, err
	}
	program, err := env.Program(compiled, append(options,
		cel.CustomDecoratorV2(plan),
		cel.EvalOptions(cel.OptOptimize),
		cel.InterruptCheckFrequency(interruptEvery))...)
	if err != nil {
		return nil, fmt.Errorf("expression can't be planned: %s", oneLine(err.Error()))
	}
	native := compiled.NativeRep()
	return &Expression{
		source:  source,
		program: program,
		info:    native.SourceInfo(),
		root:    native.Expr().ID(),
		loops:   hasLoops(native.Expr()),
	}, nil
}

// String returns the expression's source.
func (e *Expression) String() string { return e.source }

// Eval evaluates the expression on a delivery. An error is an [*Error], and with it the result is
// false. When the context ends, so does the evaluation.
func (e *Expression) Eval(ctx context.Context, d *Delivery) (bool, error) {
	result, failure := e.eval(ctx, d)
	if failure != nil { // a nil *Error must not become an error that isn't nil
		return false, failure
	}
	return result, nil
}

func (e *Expression) eval(ctx context.Context, d *Delivery) (bool, *Error) {
	if ctx.Err() != nil {
		return false, &Error{Class: Interrupted}
	}
	s := (*scope)(d)
	s.begin(ctx)
	var result ref.Val
	var err error
	if e.loops && ctx.Done() != nil {
		result, _, err = e.program.ContextEval(ctx, s)
		s.end()
		if ctx.Err() != nil { // "||" may have absorbed the interruption of one of its sides
			return false, &Error{Class: Interrupted}
		}
	} else {
		// Without a loop, what an evaluation can take is bounded by the expression's length and
		// by spend, which looks at the context. ContextEval makes a context of its own for each:
		// that takes some six times as long as the evaluation of most.
		result, _, err = e.program.Eval(s)
		s.end()
	}
	if err != nil {
		return false, e.failure(err)
	}
	holds, ok := result.(types.Bool)
	if !ok {
		return false, e.at(e.root, WrongType)
	}
	return bool(holds), nil
}

// failure turns what CEL returned into an Error, which holds nothing of the delivery.
func (e *Expression) failure(err error) *Error {
	class := classify(err)
	celErr, ok := errors.AsType[*types.Err](err)
	// CEL has one value for all errors of this kind, and notes in it the place of the first.
	if !ok || celErr == types.NoSuchOverloadErr() {
		return &Error{Class: class}
	}
	return e.at(celErr.NodeID(), class)
}

// at returns the error of a class at a node of the expression.
func (e *Expression) at(id int64, class Class) *Error {
	place := e.info.GetStartLocation(id)
	if place.Line() < 1 || place.Column() < 0 {
		return &Error{Class: class}
	}
	return &Error{Class: class, Line: place.Line(), Column: place.Column() + 1}
}

// sourceError makes one line of an error in the source, with its place and with a remedy for
// what is known to go wrong.
func sourceError(e *cel.Error) error {
	text := oneLine(e.Message)
	for _, known := range remedies {
		if strings.Contains(text, known.part) {
			text += "; " + known.remedy
			break
		}
	}
	if e.Location.Line() < 1 {
		return errors.New(text)
	}
	return fmt.Errorf("%d:%d: %s", e.Location.Line(), e.Location.Column()+1, text)
}

var remedies = []struct{ part, remedy string }{
	{"token recognition error at: '= '", `equality is "=="`},
	{"token recognition error at: '& '", `"and" is "&&"`},
	{"token recognition error at: '| '", `"or" is "||"`},
	{"undeclared reference to 'request'", "the request is in method, path, query, header and body"},
	{"undeclared reference to 'headers'", "the headers are in header"},
	{"undeclared reference to 'payload'", "the payload is in body"},
	{"undeclared reference to", "the variables are provider, event, id, key, timestamp, now, method, path, query, header and body, and a text stands in quotes"},
	{"comprehension exceeds nesting limit", fmt.Sprintf("at most %d may stand inside one another", maxComprehensions)},
	{"cel.bind exceeds nesting limit", fmt.Sprintf("at most %d may stand inside one another", maxBindings)},
	{"expression code point size exceeds limit", fmt.Sprintf("an expression has at most %d characters: make several rules of it", maxSource)},
	{"recursion limit", fmt.Sprintf("operators and parentheses may nest %d deep", maxNesting)},
	{"invalid matches argument", "regular expressions are RE2's, which has no lookahead and no backreference"},
	{"invalid duration argument", `a duration is written as in duration("90s")`},
	{"invalid timestamp argument", `a timestamp is written as in timestamp("2026-01-02T03:04:05Z")`},
}

// oneLine condenses a message of CEL, which may quote the source over several lines.
func oneLine(text string) string {
	const limit = 300
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + " …"
	}
	return text
}
