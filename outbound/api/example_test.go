package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestExamplesAreSentToOneEndpointOnly(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		endpoint := r.endpointAt("acme", `,"filterTypes":["something.else"]`)
		r.endpointAt("acme", "")
		path := "/api/v1/app/acme/endpoint/" + endpoint + "/send-example"
		r.do("POST", path, `{"eventType":"unheard.of"}`).want(http.StatusAccepted).is("payload", map[string]any{})
		if got := r.delivered(); len(got) != 1 || got[0].body != "{}" {
			r.Errorf("delivered %v", got)
		}
		r.do("POST", "/api/v1/event-type", `{"name":"a","description":"","schemas":{"1":{"examples":[{"n":1},{"n":2}],"properties":{"n":{"type":"integer"}}}}}`)
		r.do("POST", path, `{"eventType":"a"}`).want(http.StatusAccepted).is("payload", map[string]int{"n": 1})
		r.do("POST", path, `{"eventType":"a","exampleIndex":1}`).want(http.StatusAccepted).is("payload", map[string]int{"n": 2})
		r.do("POST", path, `{"eventType":"a","exampleIndex":2}`).wrongAt("body", "exampleIndex")
		r.do("POST", path, `{}`).wrongAt("body", "eventType")
		r.do("POST", path, `{"eventType":"not a name"}`).wrongAt("body", "eventType")
		r.do("POST", "/api/v1/app/acme/endpoint/nobody/send-example", `{"eventType":"a"}`).want(http.StatusNotFound)
		// An example that could never be an event is none.
		r.do("PATCH", "/api/v1/event-type/a", `{"schemas":{"1":{"examples":[{"n":"x"}],"properties":{"n":{"type":"integer"}}}}}`).want(http.StatusOK)
		r.do("POST", path, `{"eventType":"a"}`).wrongAt("body", "eventType")
		if got := len(r.delivered()); got != 3 {
			r.Errorf("%d examples were delivered", got)
		}
	})
}

func TestExamplesThatAreMadeUpFit(t *testing.T) {
	for name, schema := range map[string]string{
		"empty":     `{}`,
		"any":       `true`,
		"object":    `{"type":"object","required":["a","b"],"properties":{"a":{"type":"string","minLength":10},"b":{"type":"integer","minimum":7},"c":{"type":"boolean"},"d":{"type":"null"},"e":{"type":"number","exclusiveMinimum":3}}}`,
		"formats":   `{"$schema":"http://json-schema.org/draft-07/schema#","properties":{"a":{"type":"string","format":"date-time"},"b":{"type":"string","format":"uuid"},"c":{"type":"string","format":"email"},"d":{"type":"string","format":"ipv6"}}}`,
		"array":     `{"type":"array","minItems":3,"items":{"type":["null","string"],"maxLength":2}}`,
		"ref":       `{"$ref":"#/$defs/a","$defs":{"a":{"properties":{"b":{"$ref":"#/$defs/b~1c"}}},"b/c":{"const":[1]}}}`,
		"choice":    `{"oneOf":[{"type":"string"},{"type":"integer"}]}`,
		"all":       `{"allOf":[{"required":["a"],"properties":{"a":{"enum":[5]}}},{"required":["b"],"properties":{"b":{"default":"x"}}}]}`,
		"recursive": `{"type":"object","properties":{"child":{"$ref":"#"},"n":{"type":"integer"}},"required":["n"]}`,
	} {
		compiled, err := compileSchema([]byte(schema))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		example, err := exampleOf([]byte(schema), 0)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := checkPayload(compiled, example, nil); err != nil {
			t.Errorf("%s: %s doesn't fit: %v", name, example, err)
		}
	}
}

// A schema may ask for more than fits anywhere.
func TestExamplesAreBounded(t *testing.T) {
	for name, schema := range map[string]string{
		"endless":  `{"type":"object","required":["a","b"],"properties":{"a":{"$ref":"#"},"b":{"$ref":"#"}}}`,
		"circle":   `{"$ref":"#"}`,
		"broad":    `{"type":"array","minItems":999,"items":{"type":"array","minItems":999,"items":{"type":"string","minLength":999}}}`,
		"nowhere":  `{"$ref":"#/a/b/c"}`,
		"too much": `{"type":"array","minItems":1000000000000,"items":{}}`,
		"long":     `{"type":"string","minLength":1000000000}`,
		"negative": `{"type":"string","maxLength":-5}`,
	} {
		example, err := exampleOf([]byte(schema), 0)
		if err != nil || !json.Valid(example) || len(example) > 2<<20 {
			t.Errorf("%s: %d bytes, %v", name, len(example), err)
		}
	}
	if _, err := exampleOf([]byte(strings.Repeat("[", 100_000)), 0); err == nil {
		t.Error("what is no JSON made an example")
	}
}
