package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// The functions of this package, beside CEL's own. What they do stands in the package's doc,
// with examples. They have no ordinary CEL binding: plan puts calls there that know the delivery
// and hold their literals parsed.
func ownFunctions() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Function("matches_event",
			cel.MemberOverload("string_matches_event", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType)),
		cel.Function("cidr",
			cel.Overload("cidr_string", []*cel.Type{cel.StringType}, cel.BoolType),
			cel.Overload("cidr_list", []*cel.Type{cel.ListType(cel.StringType)}, cel.BoolType)),
		cel.Function("parse_json",
			cel.Overload("parse_json_string", []*cel.Type{cel.StringType}, cel.DynType)),
	}
}

// plan replaces the nodes of a compiled expression that this package evaluates itself.
func plan(node interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	switch node := node.(type) {
	case *taken:
		return node, nil // an attribute comes by once for each part of its path
	case interpreter.InterpretableAttribute:
		return &taken{node}, nil
	case interpreter.InterpretableCall:
		return planCall(node)
	}
	return node, nil
}

func planCall(node interpreter.InterpretableCall) (interpreter.InterpretableV2, error) {
	args := node.Args()
	switch node.Function() {
	case "matches_event":
		return planMatchesEvent(node, args[0], args[1])
	case "cidr":
		return planCIDR(node, args[0])
	case "parse_json":
		return &call{node: node, arg: args[0], run: parseJSON}, nil
	case "matches":
		return planMatches(node, args[0], args[1])
	}
	return guard(node)
}

// planMatchesEvent compiles event.matches_event(pattern).
func planMatchesEvent(node interpreter.InterpretableCall, event, pattern interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	literal, ok := constant[types.String](pattern)
	if !ok {
		return nil, errNotLiteral
	}
	p, err := ParsePattern(string(literal))
	if err != nil {
		return nil, err
	}
	return &call{node: node, arg: event, run: func(_ *scope, arg ref.Val) ref.Val {
		event, ok := arg.(types.String)
		if !ok {
			return failed(WrongType)
		}
		return types.Bool(p.Match(string(event)))
	}}, nil
}

// planCIDR compiles cidr(range) and cidr([range, ...]).
func planCIDR(node interpreter.InterpretableCall, arg interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	var texts []string
	if text, ok := constant[types.String](arg); ok {
		texts = []string{string(text)}
	} else if list, ok := constant[traits.Lister](arg); ok {
		for it := list.Iterator(); it.HasNext() == types.True; {
			text, ok := it.Next().(types.String)
			if !ok {
				return nil, errNotLiteral
			}
			texts = append(texts, string(text))
		}
	} else {
		return nil, errNotLiteral
	}
	ranges := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		r, err := parseRange(text)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, r)
	}
	return &call{node: node, run: func(s *scope, _ ref.Val) ref.Val {
		client := s.Client.Unmap().WithZone("")
		if !client.IsValid() {
			return failed(NoClient)
		}
		for _, r := range ranges {
			if r.Contains(client) {
				return types.True
			}
		}
		return types.False
	}}, nil
}

// parseRange reads an address range in CIDR notation. It refuses what would match other
// addresses than it seems to, or none at all.
func parseRange(text string) (netip.Prefix, error) {
	r, err := netip.ParsePrefix(text)
	if err != nil {
		if addr, err := netip.ParseAddr(text); err == nil {
			return r, fmt.Errorf("address range %q has no length; a single address is \"%s/%d\"", text, addr, addr.BitLen())
		}
		return r, fmt.Errorf("%q is not an address range such as \"10.0.0.0/8\" or \"2001:db8::/32\"", text)
	}
	if r.Addr().Is4In6() {
		return r, fmt.Errorf("address range %q is IPv4 written as IPv6; write it as IPv4", text)
	}
	if r != r.Masked() {
		return r, fmt.Errorf("address range %q has bits beyond its length; it would be %q", text, r.Masked())
	}
	return r, nil
}

// parseJSON is parse_json(text).
func parseJSON(s *scope, arg ref.Val) ref.Val {
	text, ok := arg.(types.String)
	if !ok {
		return failed(WrongType)
	}
	if s.cache.parsed != nil && s.cache.text == string(text) {
		return s.cache.parsed
	}
	s.spend(len(text))
	raw := []byte(text)
	value, err := jsonpath.Parse(raw)
	if err == nil {
		s.survey(raw)
		s.spend(2 * s.stepping(value))
		err = value.Check(maxValues)
	}
	if err != nil {
		return failed(jsonClass(err))
	}
	s.cache.text, s.cache.parsed = string(text), checked(s, value)
	return s.cache.parsed
}

// planMatches compiles text.matches(regex). CEL would compile it too, and not weigh the text
// against the expression before it starts.
func planMatches(node interpreter.InterpretableCall, text, regex interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	literal, ok := constant[types.String](regex)
	if !ok {
		return nil, errNotLiteral
	}
	compiled, err := regexp.Compile(string(literal))
	if err != nil {
		return nil, errors.New("not a regular expression of RE2")
	}
	size, err := types.RegexProgramSize(string(literal))
	if err != nil {
		return nil, errors.New("not a regular expression of RE2")
	}
	return &call{node: node, arg: text, also: literal, run: func(s *scope, arg ref.Val) ref.Val {
		text, ok := arg.(types.String)
		if !ok {
			return failed(WrongType)
		}
		s.spend(product(len(text), size)) // a step per character and instruction, at worst
		return types.Bool(compiled.MatchString(string(text)))
	}}, nil
}

// errNotLiteral is a literal that isn't one. The validator finds all of them first, with their
// place in the source.
var errNotLiteral = errors.New("argument is not a literal")

// constant returns the value of a node that is one.
func constant[T any](node interpreter.InterpretableV2) (T, bool) {
	if c, ok := node.(interpreter.InterpretableConst); ok {
		value, ok := c.Value().(T)
		return value, ok
	}
	var none T
	return none, false
}

// call is a function call in a compiled expression, of a function that knows the delivery.
type call struct {
	node interpreter.InterpretableCall // the call as CEL planned it, for its id and its cost
	arg  interpreter.InterpretableV2   // the argument that isn't a literal, nil if there is none
	also ref.Val                       // the second argument of the cost, if there is one
	run  func(s *scope, arg ref.Val) ref.Val
}

// ID implements CEL's Interpretable.
func (c *call) ID() int64 { return c.node.ID() }

// Exec implements CEL's InterpretableV2.
func (c *call) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	var arg ref.Val
	if c.arg != nil {
		if arg = c.arg.Exec(frame); types.IsUnknownOrError(arg) {
			return arg
		}
	}
	result := types.LabelErrNode(c.ID(), c.run(scopeOf(frame), arg))
	if costs := frame.CostTracker(); costs != nil {
		var args []ref.Val
		for _, arg := range []ref.Val{arg, c.also} {
			if arg != nil {
				args = append(args, arg)
			}
		}
		costs.EvalVarArgs(frame, c.ID(), c.node, args, result)
	}
	return result
}

// Eval implements CEL's Interpretable.
func (c *call) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, c.Exec)
}
