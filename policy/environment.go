package policy

import (
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/ext"
)

// The limits of an expression's source and shape. They are generous for what somebody writes and
// tight for what somebody generates.
const (
	maxSource         = 8 << 10 // code points
	maxNesting        = 100     // of parentheses, operators and calls
	maxNodes          = 10_000  // after macros are expanded
	maxComprehensions = 3       // inside one another
	maxBindings       = 8       // inside one another
	maxRegexProgram   = 1000    // instructions
	maxRange          = 10_000  // elements of lists.range
)

// environment returns the language of the expressions: variables, functions, limits. Making it
// takes milliseconds and all expressions can share it.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	text := cel.StringType
	options := []cel.EnvOption{
		cel.Variable("provider", text),
		cel.Variable("event", text),
		cel.Variable("id", text),
		cel.Variable("key", text),
		cel.Variable("method", text),
		cel.Variable("path", text),
		cel.Variable("timestamp", cel.TimestampType),
		cel.Variable("now", cel.TimestampType),
		cel.Variable("query", cel.MapType(text, text)),
		cel.Variable("header", cel.MapType(text, text)),
		cel.Variable("body", cel.DynType),

		ext.Strings(),
		ext.Sets(),
		ext.Lists(ext.ListsMaxRangeSize(maxRange)),
		ext.Math(),
		ext.Bindings(),
		// Version 0 has base64. The later ones add JSON and YAML readers, which take the last
		// of two members of a name; parse_json doesn't.
		ext.Encoders(ext.EncodersVersion(0)),
		cel.CostModel(
			linear("base64_decode_string"),
			linear("base64_encode_bytes"),
			linear("parse_json_string"),
		),

		// 1 == 1.0 and 2 > 1.5, as JSON doesn't tell them apart.
		cel.CrossTypeNumericComparisons(true),
		// has(body.a.b) is an error if body.a is no object, as the language's specification
		// has it: "not there" would be a guess.
		cel.EnableErrorOnBadPresenceTest(true),
		cel.DefaultUTCTimeZone(true),
		// body.`content-type`, so that has() can ask for any name.
		cel.EnableIdentifierEscapeSyntax(),

		cel.ParserExpressionSizeLimit(maxSource),
		cel.ParserRecursionLimit(maxNesting),
		cel.ExpressionNodeLimit(maxNodes),
		cel.RegexProgramSizeLimit(maxRegexProgram),
		cel.ASTValidators(
			cel.ValidateRegexLiterals(),
			cel.ValidateDurationLiterals(),
			cel.ValidateTimestampLiterals(),
			cel.ValidateComprehensionNestingLimit(maxComprehensions),
			cel.ValidateBindNestingLimit(maxBindings),
			literals{},
		),
		cel.EagerlyValidateDeclarations(true),
	}
	return cel.NewEnv(append(options, ownFunctions()...)...)
})

// linear is the cost of a function that reads its argument once and whose result is no larger
// than about twice that.
func linear(overload string) cost.OverloadModel {
	return cost.Overload(overload,
		cost.EvalCost(cost.Sum(cost.Const(1), cost.StringScan(cost.Length(cost.Arg(0))))),
		cost.ResultSize(cost.AtMost(cost.Scale(cost.Length(cost.Arg(0)), 2))))
}
