package policy

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// Delivery is what rules can see of a verified delivery. The caller fills in the fields, which
// costs nothing; what follows from them (the query's parameters, the body's members) is read when
// a rule first asks for it and kept for the rules after it.
//
// A Delivery is used through a pointer, by one goroutine at a time, and its fields stay as they
// are once a rule has seen them. Between evaluations nothing refers to it, so a caller can keep
// Deliveries in a pool, if it clears each with *d = Delivery{}.
type Delivery struct {
	// Provider is the name of who sent the delivery, such as "github".
	Provider string
	// Event is the event's name as the provider spells it, empty if it names none.
	Event string
	// ID is the delivery's id, empty if it has none.
	ID string
	// Key is the label of the secret that the delivery was verified with.
	Key string
	// Timestamp is the signed time. The zero time means that the scheme signs none, and makes
	// reading the variable timestamp an error.
	Timestamp time.Time
	// Now is the time of the evaluation, the variable now.
	Now time.Time
	// Method, Path and RawQuery are the request's: "POST", the path as it was decoded, and what
	// stood after the question mark, undecoded.
	Method, Path, RawQuery string
	// Header holds the request's headers under their canonical names, as net/http does.
	Header http.Header
	// Body is the body as it came over the wire and was verified.
	Body []byte
	// Client is the address of the client, for cidr. The zero Addr means that it isn't known,
	// and makes cidr an error.
	Client netip.Addr

	cache cache
}

// cache holds what was read of a Delivery so far.
type cache struct {
	texts [lastText + 1]ref.Val
	times [2]ref.Val

	body   ref.Val // nil until it is read, and as long as it can't be
	root   object  // where body points, if it is an object
	form   form    // where body points, if it is a form
	query  form
	header headers

	parsed ref.Val // what parse_json made of text last
	text   string

	parts, escapes int // see survey

	// Of the current evaluation: its context if that can end, its work so far in bytes, and the
	// work after which it looks at the context next.
	ctx   context.Context
	spent int
	look  int
}

// The places of the string variables in cache.texts.
const (
	textProvider = iota
	textEvent
	textID
	textKey
	textMethod
	textPath
	lastText = textPath
)

// scope is a Delivery as CEL sees it: the variables by name. It is the same memory under another
// set of methods, so that evaluating takes no allocation and Delivery has no method of CEL's.
type scope Delivery

// scopeName is the name under which functions find the scope. No expression can spell it.
const scopeName = "@scope"

// scopeOf returns the scope of the evaluation that frame belongs to.
func scopeOf(frame *interpreter.ExecutionFrame) *scope {
	s, _ := frame.ResolveName(scopeName)
	return s.(*scope)
}

// Parent implements CEL's Activation.
func (s *scope) Parent() interpreter.Activation { return nil }

// ResolveName implements CEL's Activation.
func (s *scope) ResolveName(name string) (any, bool) {
	switch name {
	case "event":
		return s.variable(textEvent, s.Event), true
	case "body":
		return s.body(), true
	case "provider":
		return s.variable(textProvider, s.Provider), true
	case "id":
		return s.variable(textID, s.ID), true
	case "key":
		return s.variable(textKey, s.Key), true
	case "method":
		return s.variable(textMethod, s.Method), true
	case "path":
		return s.variable(textPath, s.Path), true
	case "timestamp":
		if s.Timestamp.IsZero() {
			return failed(NoTimestamp), true
		}
		return s.time(0, s.Timestamp), true
	case "now":
		return s.time(1, s.Now), true
	case "header":
		s.cache.header.header = s.Header
		return &s.cache.header, true
	case "query":
		s.cache.query.scope, s.cache.query.raw = s, s.RawQuery
		return &s.cache.query, true
	case scopeName:
		return s, true
	}
	return nil, false
}

// variable returns a string variable. It is kept because turning a string into a CEL value
// allocates.
func (s *scope) variable(i int, text string) ref.Val {
	if s.cache.texts[i] == nil {
		s.cache.texts[i] = types.String(text)
	}
	return s.cache.texts[i]
}

func (s *scope) time(i int, t time.Time) ref.Val {
	if s.cache.times[i] == nil {
		s.cache.times[i] = types.Timestamp{Time: t}
	}
	return s.cache.times[i]
}

// begin starts the work of one evaluation.
func (s *scope) begin(ctx context.Context) {
	if ctx.Done() == nil {
		ctx = nil
	}
	s.cache.ctx, s.cache.spent, s.cache.look = ctx, 0, lookEvery
}

// end ends it: a Delivery that is kept in a pool must not keep a context.
func (s *scope) end() { s.cache.ctx = nil }

// lookEvery is after how much work an evaluation looks whether the context has ended.
const lookEvery = 1 << 20

// spend takes work from the evaluation's before it is done: n is the bytes that are stepped over,
// about a nanosecond each, or what takes as long. Here an evaluation ends whose context has ended.
// CEL counts operators and knows nothing of what reading a body takes: a member that stands in
// front of 25 MiB is one operator, and inside a comprehension it is one for each element. An
// evaluation may step over 16 MiB and 32 times the body, which an expression that looks at each
// part of a body a few times stays below.
func (s *scope) spend(n int) {
	if s.cache.spent = sum(s.cache.spent, n); s.cache.spent > 16<<20+32*len(s.Body) {
		overLimit()
	}
	if s.cache.spent >= s.cache.look {
		s.cache.look = s.cache.spent + lookEvery
		if s.cache.ctx != nil && s.cache.ctx.Err() != nil {
			interrupt()
		}
	}
}
