package policy

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// literals is the validator of what has to be a literal and of which literals make sense, so that
// a mistake is an error of the configuration, with its place, and not a rule that never matches.
type literals struct{}

// Name implements CEL's ASTValidator.
func (literals) Name() string { return "hookseal.validator.literals" }

// Validate implements CEL's ASTValidator.
func (literals) Validate(_ *cel.Env, _ cel.ValidatorConfig, checked *ast.AST, issues *cel.Issues) {
	ast.PostOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.SelectKind:
			s := e.AsSelect()
			checkHeader(issues, e, s.Operand(), s.FieldName())
		case ast.CallKind:
			c := e.AsCall()
			switch c.FunctionName() {
			case operators.Index:
				if name, ok := textOf(c.Args()[1]); ok {
					checkHeader(issues, c.Args()[1], c.Args()[0], name)
				}
			case operators.In:
				if name, ok := textOf(c.Args()[0]); ok {
					checkHeader(issues, c.Args()[0], c.Args()[1], name)
				}
			case "matches_event":
				checkPattern(issues, c.Args()[0])
			case "cidr":
				checkRanges(issues, c.Args()[0])
			case "matches":
				regex := c.Args()[len(c.Args())-1] // as a method and as a function
				if _, ok := textOf(regex); !ok {
					issues.ReportErrorAtID(regex.ID(), "the regular expression has to be a literal")
				}
			}
		}
	}))
}

// checkHeader refuses a header's name that can't be there.
func checkHeader(issues *cel.Issues, at, operand ast.Expr, name string) {
	if operand.Kind() != ast.IdentKind || operand.AsIdent() != "header" {
		return
	}
	if lower := strings.ToLower(name); lower != name {
		issues.ReportErrorAtID(at.ID(), "the names in header are in lower case; write header[%q]", lower)
	}
}

func checkPattern(issues *cel.Issues, pattern ast.Expr) {
	text, ok := textOf(pattern)
	if !ok {
		issues.ReportErrorAtID(pattern.ID(), "the event pattern has to be a literal")
		return
	}
	if _, err := ParsePattern(text); err != nil {
		issues.ReportErrorAtID(pattern.ID(), "%v", err)
	}
}

func checkRanges(issues *cel.Issues, ranges ast.Expr) {
	each := []ast.Expr{ranges}
	if ranges.Kind() == ast.ListKind {
		if each = ranges.AsList().Elements(); len(each) == 0 {
			issues.ReportErrorAtID(ranges.ID(), "cidr without an address range matches no client")
		}
	}
	for _, r := range each {
		text, ok := textOf(r)
		if !ok {
			issues.ReportErrorAtID(r.ID(), "the address range has to be a literal")
			continue
		}
		if _, err := parseRange(text); err != nil {
			issues.ReportErrorAtID(r.ID(), "%v", err)
		}
	}
}

// textOf returns the text of a string literal.
func textOf(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().(types.String)
	return string(text), ok
}
