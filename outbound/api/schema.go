package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/hookseal/hookseal/internal/jsonpath"
	"github.com/hookseal/hookseal/outbound"
)

// The bounds of schemas, and of payloads that are checked against one.
const (
	maxSchema        = 64 << 10 // bytes
	maxSchemaDepth   = 64
	maxSchemaValues  = 5000
	maxSchemaRefs    = 1_000_000 // references × objects
	maxSchemaPlaces  = 1 << 20   // bytes of the pointers to all values of a schema together
	maxVersions      = 100       // of the schema of an event type
	maxSchemas       = 1000      // that are kept compiled
	maxKept          = 32 << 20  // bytes of those, about
	maxSlots         = 4         // schemas that are compiled or used at once
	maxPayloadValues = 100_000
	maxPayloadDepth  = 128
	maxNumber        = 100 // characters
	maxViolations    = 10  // that are told of one payload
	maxNameShown     = 256 // bytes of a name in the place of a violation
)

// schemas keeps the compiled schemas of event types.
type schemas struct {
	// slots bounds how many schemas are compiled or used at once, because that takes time and memory.
	slots chan struct{}

	mu    sync.Mutex
	kept  *simplelru.LRU[string, *compiled]
	bytes int
}

// compiled is a schema as it was set, and compiled, with what it costs to use.
type compiled struct {
	source json.RawMessage
	schema *jsonschema.Schema
	prices map[*jsonschema.Schema]price
	notes  bool // whether it has unevaluatedProperties or unevaluatedItems
	size   int  // bytes that it takes, about
}

func newSchemas() *schemas {
	s := &schemas{slots: make(chan struct{}, min(max(1, runtime.GOMAXPROCS(0)/2), maxSlots))}
	// The only error is a size below 1.
	s.kept, _ = simplelru.NewLRU(maxSchemas, func(_ string, gone *compiled) { s.bytes -= gone.size })
	return s
}

// enter waits for a slot. Whoever gets one leaves it.
func (s *schemas) enter(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *schemas) leave() { <-s.slots }

// of returns a schema of an event type compiled.
func (s *schemas) of(eventType string, source json.RawMessage) (*compiled, error) {
	s.mu.Lock()
	kept, ok := s.kept.Get(eventType)
	s.mu.Unlock()
	if ok && bytes.Equal(kept.source, source) {
		return kept, nil
	}
	schema, err := compileSchema(source)
	if err != nil {
		return nil, err
	}
	s.keep(eventType, schema)
	return schema, nil
}

func (s *schemas) keep(eventType string, schema *compiled) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept.Remove(eventType)
	s.kept.Add(eventType, schema)
	for s.bytes += schema.size; s.bytes > maxKept; {
		s.kept.RemoveOldest()
	}
}

// newestVersion returns the greatest version, or "" if there is none.
func newestVersion(schemas map[string]json.RawMessage) string {
	newest, found := -1, ""
	for version := range schemas {
		if n, err := strconv.Atoi(version); err == nil && isVersion(version) && n > newest {
			newest, found = n, version
		}
	}
	return found
}

// newestSchema returns the schema with the greatest version, or nil if there is none.
func newestSchema(schemas map[string]json.RawMessage) json.RawMessage {
	return schemas[newestVersion(schemas)]
}

// isVersion reports whether a schema can be of a version: a number of which there is one spelling only.
func isVersion(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= 0 && strconv.Itoa(n) == text
}

// noLoader refuses to fetch anything: a schema is what was set, and no address in it is ever called.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("schemas of other addresses are not fetched")
}

// readSchema decodes a schema. Its errors say what is wrong with it, and of what there is too much.
func readSchema(source json.RawMessage) (any, error) {
	if len(source) > maxSchema {
		return nil, fmt.Errorf("the schema has more than %d bytes", maxSchema)
	}
	if depth(source) > maxSchemaDepth {
		return nil, fmt.Errorf("the schema is nested deeper than %d", maxSchemaDepth)
	}
	value, err := jsonpath.Parse(source)
	if err == nil {
		err = value.Check(maxSchemaValues)
	}
	if errors.Is(err, jsonpath.ErrSize) {
		return nil, fmt.Errorf("the schema has more than %d values", maxSchemaValues)
	}
	if err != nil {
		return nil, fmt.Errorf("the schema can't be read: %v", err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(source))
	if err != nil {
		return nil, errors.New("the schema can't be read")
	}
	if !areNumbersModest(document) {
		return nil, errors.New("the schema has a number that is too long, or with too large an exponent")
	}
	// To compile a reference takes as long as the schema is large, if it leads to what isn't the place of a
	// schema.
	if refs, objects := countRefs(document); refs*objects > maxSchemaRefs {
		return nil, errors.New("the schema has too many references for how large it is")
	}
	// The compiler keeps the place of each schema.
	if places(document, 0) > maxSchemaPlaces {
		return nil, errors.New("the schema has names that are too long for how deep they stand")
	}
	return document, nil
}

// countRefs returns how many references and how many objects there are in a schema.
func countRefs(value any) (refs, objects int) {
	add := func(part any) {
		r, o := countRefs(part)
		refs, objects = refs+r, objects+o
	}
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			add(element)
		}
	case map[string]any:
		objects++
		if _, ok := v["$ref"]; ok {
			refs++
		}
		for _, member := range v {
			add(member)
		}
	}
	return refs, objects
}

// places returns how many bytes the JSON pointers to a value and to all that it has in it have together.
func places(value any, place int) int {
	all := place
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			all += places(element, place+len("/00"))
		}
	case map[string]any:
		for name, member := range v {
			all += places(member, place+len("/")+len(name))
		}
	}
	return all
}

// compileSchema compiles a schema. Its errors say what is wrong with it.
func compileSchema(source json.RawMessage) (*compiled, error) {
	document, err := readSchema(source)
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	found := &patterns{of: make(map[string]*pattern)}
	compiler.UseRegexpEngine(found.compile)
	// What relative references are relative to. There is nothing there.
	const address = "https://schema.invalid/"
	if err := compiler.AddResource(address, document); err != nil {
		return nil, fmt.Errorf("the schema can't be used: %.2000v", err)
	}
	schema, err := compiler.Compile(address)
	if err != nil {
		return nil, fmt.Errorf("the schema can't be used: %.2000v", err)
	}
	of, err := prices(schema)
	if err != nil {
		return nil, err
	}
	c := &compiled{
		source: source,
		schema: schema,
		prices: of,
		size:   len(source) + len(of)*schemaSize + places(document, 0)*placeSize + found.size*stepSize,
	}
	for s := range of {
		mend(s)
		c.notes = c.notes || s.UnevaluatedProperties != nil || s.UnevaluatedItems != nil
	}
	return c, nil
}

// The bytes that the parts of a compiled schema take, as measured.
const (
	schemaSize = 1 << 10
	placeSize  = 4 // for each byte of a place
	stepSize   = 64
)

// mend replaces the keywords that with the checker take a time which neither the schema nor the size of
// the payload bounds.
func mend(s *jsonschema.Schema) {
	if s.UniqueItems {
		s.UniqueItems = false
		s.Extensions = append(s.Extensions, distinct{})
	}
	if s.Format != nil && s.Format.Name == formatRegex {
		s.Format = &jsonschema.Format{Name: formatRegex, Validate: isPattern}
	}
}

const formatRegex = "regex"

// depth returns how many brackets are open at once in a valid JSON text, at the most.
func depth(text []byte) int {
	deepest, open, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			open++
			deepest = max(deepest, open)
		case c == '}' || c == ']':
			open--
		}
	}
	return deepest
}

// areNumbersModest reports whether no number in a decoded JSON value takes long to compute with: the
// checker does so exactly, and 1e-999999 has a million digits.
func areNumbersModest(value any) bool {
	switch v := value.(type) {
	case json.Number:
		_, exponent, ok := strings.Cut(strings.ToLower(v.String()), "e")
		n, err := strconv.Atoi(exponent)
		return len(v) <= maxNumber && (!ok || err == nil && n >= -400 && n <= 400)
	case []any:
		for _, element := range v {
			if !areNumbersModest(element) {
				return false
			}
		}
	case map[string]any:
		for _, member := range v {
			if !areNumbersModest(member) {
				return false
			}
		}
	}
	return true
}

// checkSchema checks the payload of a message against the newest schema of its event type, if there is
// one. The location is that of the payload in the request.
func (c *call) checkSchema(m outbound.Message, location ...string) error {
	t, err := c.hub.EventType(m.EventType)
	if errors.Is(err, outbound.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	source := newestSchema(t.Schemas)
	if source == nil {
		return nil
	}
	if err := c.schemas.enter(c.request.Context()); err != nil {
		return err
	}
	defer c.schemas.leave()
	schema, err := c.schemas.of(t.Name, source)
	if err != nil {
		return &fault{status: http.StatusInternalServerError, code: "server_error", detail: "The schema of the event type can't be used any more: set it again."}
	}
	return checkPayload(schema, m.Payload, location)
}

// checkPayload checks a payload. What it tells has the places of violations, which are names and indices,
// and the schema's own words, but no value of the payload.
func checkPayload(schema *compiled, payload []byte, location []string) error {
	value, err := jsonpath.Parse(payload)
	if err == nil {
		// Also refuses a name that stands twice: the subscriber may read the one that wasn't checked.
		err = value.Check(maxPayloadValues)
	}
	if err != nil {
		return invalid("Can't be checked against the event type's schema: "+err.Error()+".", location...)
	}
	if depth(payload) > maxPayloadDepth {
		return invalid(fmt.Sprintf("Can't be checked against the event type's schema: it is nested deeper than %d.", maxPayloadDepth), location...)
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err != nil || !areNumbersModest(decoded) {
		return invalid("Can't be checked against the event type's schema.", location...)
	}
	if schema.isTooMuch(decoded) {
		return invalid("Can't be checked against the event type's schema: that would take too long. Send less in one message, or make the schema simpler.", location...)
	}
	err = schema.schema.Validate(decoded)
	if err == nil {
		return nil
	}
	f := &fault{status: http.StatusUnprocessableEntity}
	var problem *jsonschema.ValidationError
	if errors.As(err, &problem) {
		f.violations = leaves(nil, problem, location)
	} else {
		f.violations = []violation{{location, "Does not fit the event type's schema.", typeValue}}
	}
	return f
}

// leaves appends what is wrong in the end: the causes that have no causes themselves.
func leaves(found []violation, problem *jsonschema.ValidationError, location []string) []violation {
	if len(found) == maxViolations {
		return found
	}
	if len(problem.Causes) == 0 {
		message := "Does not fit the event type's schema"
		if keywords := problem.ErrorKind.KeywordPath(); len(keywords) > 0 {
			message += ": " + keywords[0]
		}
		if required, ok := problem.ErrorKind.(*kind.Required); ok {
			message += ", " + strings.Join(required.Missing, ", ")
		}
		place := append([]string(nil), location...)
		for _, name := range problem.InstanceLocation {
			place = append(place, name[:min(len(name), maxNameShown)])
		}
		return append(found, violation{place, message + ".", typeValue})
	}
	for _, cause := range problem.Causes {
		found = leaves(found, cause, location)
	}
	return found
}
