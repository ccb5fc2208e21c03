package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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
	maxSchemas       = 1000     // that are kept compiled
	maxSchemaDepth   = 64
	maxPayloadValues = 100_000
	maxViolations    = 10  // that are told of one payload
	maxNameShown     = 256 // bytes of a name in the place of a violation
)

// schemas keeps the compiled schemas of event types.
type schemas struct {
	mu   sync.Mutex
	kept *simplelru.LRU[string, compiled]
}

// compiled is a schema as it was set, and compiled.
type compiled struct {
	source json.RawMessage
	schema *jsonschema.Schema
}

func newSchemas() *schemas {
	// The only error is a size below 1.
	kept, _ := simplelru.NewLRU[string, compiled](maxSchemas, nil)
	return &schemas{kept: kept}
}

// of returns the newest schema of an event type, or nil if it has none.
func (s *schemas) of(t outbound.EventType) (*jsonschema.Schema, error) {
	source := newestSchema(t.Schemas)
	if source == nil {
		return nil, nil
	}
	s.mu.Lock()
	kept, ok := s.kept.Get(t.Name)
	s.mu.Unlock()
	if ok && bytes.Equal(kept.source, source) {
		return kept.schema, nil
	}
	schema, err := compileSchema(source)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.kept.Add(t.Name, compiled{source, schema})
	s.mu.Unlock()
	return schema, nil
}

// newestSchema returns the schema with the greatest version, or nil if there is none.
func newestSchema(schemas map[string]json.RawMessage) json.RawMessage {
	newest := -1
	var found json.RawMessage
	for version, schema := range schemas {
		if n, err := strconv.Atoi(version); err == nil && isVersion(version) && n > newest {
			newest, found = n, schema
		}
	}
	return found
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

// compileSchema compiles a schema. Its errors say what is wrong with it.
func compileSchema(source json.RawMessage) (*jsonschema.Schema, error) {
	if len(source) > maxSchema {
		return nil, fmt.Errorf("the schema has more than %d bytes", maxSchema)
	}
	if depth(source) > maxSchemaDepth {
		return nil, fmt.Errorf("the schema is nested deeper than %d", maxSchemaDepth)
	}
	value, err := jsonpath.Parse(source)
	if err == nil {
		err = value.Check(maxPayloadValues)
	}
	if err != nil {
		return nil, fmt.Errorf("the schema can't be read: %v", err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(source))
	if err != nil {
		return nil, errors.New("the schema can't be read")
	}
	if !areNumbersModest(document) {
		return nil, errors.New("the schema has a number with too large an exponent")
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	// What relative references are relative to. There is nothing there.
	const address = "https://schema.invalid/"
	if err := compiler.AddResource(address, document); err != nil {
		return nil, fmt.Errorf("the schema can't be used: %v", err)
	}
	schema, err := compiler.Compile(address)
	if err != nil {
		return nil, fmt.Errorf("the schema can't be used: %v", err)
	}
	return schema, nil
}

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
		return !ok || err == nil && n >= -400 && n <= 400
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
	schema, err := c.schemas.of(t)
	if err != nil {
		return &fault{status: http.StatusInternalServerError, code: "server_error", detail: "The schema of the event type can't be used any more: set it again."}
	}
	if schema == nil {
		return nil
	}
	return checkPayload(schema, m.Payload, location)
}

// checkPayload checks a payload. What it tells has the places of violations, which are names and indices,
// and the schema's own words, but no value of the payload.
func checkPayload(schema *jsonschema.Schema, payload []byte, location []string) error {
	value, err := jsonpath.Parse(payload)
	if err == nil {
		// Also refuses a name that stands twice: the subscriber may read the one that wasn't checked.
		err = value.Check(maxPayloadValues)
	}
	if err != nil {
		return invalid("Can't be checked against the event type's schema: "+err.Error()+".", location...)
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err != nil || !areNumbersModest(decoded) {
		return invalid("Can't be checked against the event type's schema.", location...)
	}
	err = schema.Validate(decoded)
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
