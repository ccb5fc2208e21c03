package api

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hookseal/hookseal/outbound"
)

// sendExample publishes an example of an event type to one endpoint, whatever that subscribes to. The
// example is one that the type's schema has, or one made up from it, or {} if there is no schema.
func sendExample(c *call) (answer, error) {
	f, err := c.fields()
	if err != nil {
		return answer{}, err
	}
	f.need("eventType")
	eventType := f.text("eventType").value
	index := f.number("exampleIndex", 0, 1<<16).value
	if err := f.err(); err != nil {
		return answer{}, err
	}
	endpoint, err := c.hub.Endpoint(c.app(), c.endpoint())
	if err != nil {
		return answer{}, err
	}
	t, err := c.hub.EventType(eventType)
	if err != nil && faultOf(err) != errNotFound {
		return answer{}, err
	}
	payload := []byte("{}")
	if source := newestSchema(t.Schemas); source != nil {
		if payload, err = exampleOf(source, index); err != nil {
			return answer{}, err
		}
	}
	m := outbound.Message{EventType: eventType, Payload: payload, Only: endpoint.ID}
	if m.IdempotencyKey, err = c.messageKey("example "+endpoint.ID, c.idempotencyKey()); err != nil {
		return answer{}, err
	}
	// A subscriber must not be sent as an example what could never be sent to it as an event.
	if int64(len(payload)) > c.maxBody || c.checkSchema(m) != nil {
		return answer{}, invalid("The schema of the event type has no example that fits it, and none could be made up: give it \"examples\".", "body", "eventType")
	}
	published, err := c.publishTo(c.app(), m, nil)
	if err == nil && !isCopy(published, m) {
		err = errOtherMessage
	}
	if err != nil {
		return answer{}, named(err, messagePlaces)
	}
	return reply(http.StatusAccepted, c.showMessage(published, true))
}

// exampleOf returns an example that a schema has, or one that is made up from it.
func exampleOf(source json.RawMessage, index int) ([]byte, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(source))
	if err != nil {
		return nil, err
	}
	if schema, ok := document.(map[string]any); ok {
		if examples, ok := schema["examples"].([]any); ok && len(examples) > 0 {
			if index >= len(examples) {
				return nil, invalid("The schema has only "+strconv.Itoa(len(examples))+" examples.", "body", "exampleIndex")
			}
			return json.Marshal(examples[index])
		}
	}
	e := exampler{root: document, left: maxExample}
	return json.Marshal(e.of(document, 0))
}

// The bounds of an example that is made up: schemas may lead back to themselves.
const (
	maxExample      = 1000 // values
	maxExampleDepth = 16
)

// exampler makes up examples from a schema.
type exampler struct {
	root any
	left int // how many values may still be made up
}

// of returns an example of a schema. It knows the common keywords: what it makes up has to be checked.
func (e *exampler) of(document any, depth int) any {
	e.left--
	schema, ok := document.(map[string]any)
	if !ok || e.left < 0 || depth > maxExampleDepth {
		return map[string]any{}
	}
	for _, keyword := range []string{"const", "example", "default"} {
		if value, ok := schema[keyword]; ok {
			return value
		}
	}
	for _, keyword := range []string{"examples", "enum"} {
		if values, ok := schema[keyword].([]any); ok && len(values) > 0 {
			return values[0]
		}
	}
	if ref, ok := schema["$ref"].(string); ok {
		return e.of(e.resolve(ref), depth+1)
	}
	for _, keyword := range []string{"oneOf", "anyOf"} {
		if choices, ok := schema[keyword].([]any); ok && len(choices) > 0 {
			return e.of(choices[0], depth+1)
		}
	}
	switch typeOf(schema) {
	case "object":
		return e.object(schema, depth)
	case "array":
		return e.array(schema, depth)
	case "string":
		return exampleString(schema)
	case "integer", "number":
		return exampleNumber(schema)
	case "boolean":
		return true
	case "null":
		return nil
	}
	return map[string]any{}
}

// typeOf returns the type of what a schema describes, or "" if it leaves that open.
func typeOf(schema map[string]any) string {
	switch t := schema["type"].(type) {
	case string:
		return t
	case []any:
		for _, one := range t {
			if name, ok := one.(string); ok && name != "null" {
				return name
			}
		}
	}
	for _, keyword := range []string{"properties", "allOf"} {
		if _, ok := schema[keyword]; ok {
			return "object"
		}
	}
	if _, ok := schema["items"]; ok {
		return "array"
	}
	return ""
}

func (e *exampler) object(schema map[string]any, depth int) map[string]any {
	object := make(map[string]any)
	parts, _ := schema["allOf"].([]any)
	for _, part := range parts {
		if members, ok := e.of(part, depth+1).(map[string]any); ok {
			for name, value := range members {
				object[name] = value
			}
		}
	}
	required, _ := schema["required"].([]any)
	properties, _ := schema["properties"].(map[string]any)
	// In order, so that the same schema always gives the same example: a copy of the request must not
	// come to another message.
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		// Deep down only what has to be there, so that a schema that leads back to itself ends.
		if depth < maxExampleDepth/2 || slices.Contains(required, any(name)) {
			object[name] = e.of(properties[name], depth+1)
		}
	}
	return object
}

func (e *exampler) array(schema map[string]any, depth int) []any {
	array := []any{}
	first, _ := schema["prefixItems"].([]any)
	for _, item := range first {
		array = append(array, e.of(item, depth+1))
	}
	items, ok := schema["items"]
	for n := count(schema["minItems"], 1); ok && len(array) < n && e.left > 0; {
		array = append(array, e.of(items, depth+1))
	}
	return array
}

// resolve returns what a reference within the schema leads to.
func (e *exampler) resolve(ref string) any {
	path, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	found := e.root
	for step := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if path == "" {
			break
		}
		name, err := url.PathUnescape(step)
		object, ok := found.(map[string]any)
		if err != nil || !ok {
			return nil
		}
		found = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
	}
	return found
}

// formats are examples of strings.
var formats = map[string]string{
	"date":      "2026-01-31",
	"date-time": "2026-01-31T12:00:00Z",
	"email":     "someone@example.com",
	"hostname":  "example.com",
	"ipv4":      "192.0.2.1",
	"ipv6":      "2001:db8::1",
	"time":      "12:00:00Z",
	"uri":       "https://example.com/",
	"uuid":      "00000000-0000-4000-8000-000000000000",
}

func exampleString(schema map[string]any) string {
	if format, ok := schema["format"].(string); ok && formats[format] != "" {
		return formats[format]
	}
	text := "string"
	if short := count(schema["maxLength"], len(text)); short < len(text) {
		text = text[:short]
	}
	return text + strings.Repeat(".", max(0, count(schema["minLength"], 0)-len(text)))
}

func exampleNumber(schema map[string]any) any {
	if least, ok := schema["minimum"]; ok {
		return least
	}
	if below, ok := schema["exclusiveMinimum"]; ok {
		return count(below, 0) + 1
	}
	if most, ok := schema["maximum"]; ok {
		return most
	}
	if step, ok := schema["multipleOf"]; ok {
		return step
	}
	return 1
}

// count returns a small number of a schema, or another one if there is none.
func count(value any, otherwise int) int {
	number, ok := value.(json.Number)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(number.String())
	if err != nil || n < 0 || n > maxExample {
		return otherwise
	}
	return n
}
