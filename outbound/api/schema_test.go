package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hookseal/hookseal/outbound"
)

// times returns n texts with commas between them.
func times(n int, text func(i int) string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = text(i)
	}
	return strings.Join(all, ",")
}

// doubling is a schema of n definitions that refers to the last of them 2^n times.
func doubling(n int) string {
	return `{"$ref":"#/$defs/a0","$defs":{` + times(n, func(i int) string {
		return fmt.Sprintf(`"a%d":{"allOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]}`, i, i+1, i+1)
	}) + fmt.Sprintf(`,"a%d":{"type":"object"}}}`, n)
}

// Each of these took seconds or hundreds of MiB, or never ended.
func TestSchemasThatTakeLongAreRefused(t *testing.T) {
	draft7 := `"$schema":"http://json-schema.org/draft-07/schema#",`
	for name, schema := range map[string]string{
		"doubling":             doubling(40),
		"doubling in items":    `{"items":` + doubling(40) + `}`,
		"doubling unreachable": `{"unevaluatedItems":{"contains":{"propertyNames":{"if":` + strings.ReplaceAll(doubling(14), "#/", "#/unevaluatedItems/contains/propertyNames/if/") + `}}}}`,
		"itself":               `{"allOf":[{"$ref":"#"}]}`,
		"itself by two":        `{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#"},{"type":"null"}]}}}`,
		"itself by dependency": `{"dependentSchemas":{"a":{"$ref":"#"}}}`,
		"itself, draft 7":      `{` + draft7 + `"dependencies":{"a":{"$ref":"#"}}}`,
		"dynamic":              `{"$dynamicAnchor":"a","items":{"$dynamicRef":"#a"}}`,
		"recursive":            `{"$schema":"https://json-schema.org/draft/2019-09/schema","items":{"$recursiveRef":"#"}}`,
		"metaschema":           `{"$ref":"https://json-schema.org/draft/2020-12/schema"}`,
		"enum":                 `{"enum":[` + times(10_000, func(i int) string { return fmt.Sprint(i) }) + `]}`,
		"references":           `{"x":[` + times(1500, func(int) string { return "{}" }) + `],"allOf":[` + times(1500, func(i int) string { return fmt.Sprintf(`{"$ref":"#/x/%d"}`, i) }) + `]}`,
		"places":               `{"properties":{"` + strings.Repeat("n", 30_000) + `":{"allOf":[` + times(2000, func(int) string { return "{}" }) + `]}}}`,
		"pattern":              `{"pattern":"` + strings.Repeat("x{1000}", 2000) + `"}`,
		"patterns":             `{"allOf":[` + times(30, func(i int) string { return fmt.Sprintf(`{"pattern":"%dx{1000}"}`, i) }) + `]}`,
		"pattern of names":     `{"patternProperties":{"` + strings.Repeat("x{1000}", 30) + `":{}}}`,
		"pattern's length":     `{"pattern":"` + strings.Repeat("x", maxPatternBytes+1) + `"}`,
		"pattern's classes":    `{"pattern":"` + strings.Repeat(`\\pL`, 1000) + `"}`,
		"pattern's case":       `{"pattern":"(?i)` + strings.Repeat(`[b-\\x{1e942}]`, 1000) + `"}`,
		"number":               `{"maximum":0.` + strings.Repeat("1", 200) + `}`,
	} {
		if _, err := compileSchema([]byte(schema)); err == nil {
			t.Errorf("%s: was compiled", name)
		}
	}
}

func TestSchemasThatPeopleWriteAreTaken(t *testing.T) {
	for name, schema := range map[string]string{
		"tree":       `{"type":"object","properties":{"left":{"$ref":"#"},"right":{"$ref":"#"},"children":{"items":{"$ref":"#"}}}}`,
		"a to b":     `{"$defs":{"a":{"items":{"$ref":"#/$defs/b"}},"b":{"properties":{"a":{"$ref":"#/$defs/a"}}}},"$ref":"#/$defs/a"}`,
		"variants":   `{"oneOf":[` + times(100, func(i int) string { return fmt.Sprintf(`{"properties":{"type":{"const":"t%d"}}}`, i) }) + `]}`,
		"shared":     doubling(8),
		"countries":  `{"enum":[` + times(250, func(i int) string { return fmt.Sprintf(`"%c%c"`, 'A'+i/26, 'A'+i%26) }) + `]}`,
		"lengths":    `{"properties":{` + times(10, func(i int) string { return fmt.Sprintf(`"p%d":{"pattern":"^[\\p{L} ]{%d,255}$"}`, i, i) }) + `}}`,
		"case":       `{"pattern":"(?i)^[a-z]+$"}`,
		"metaschema": `{"$ref":"http://json-schema.org/draft-07/schema#"}`,
		"no siblings": `{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"a":{"type":"string"}},` +
			`"items":{"$ref":"#/definitions/a","if":{"$ref":"#/items"}}}`,
	} {
		if _, err := compileSchema([]byte(schema)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each of these schemas is sound by itself.
func TestPayloadsThatTakeLongAreRefused(t *testing.T) {
	twice := `{"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}`
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	list := func(n int, element string) string {
		return "[" + times(n, func(int) string { return element }) + "]"
	}
	regex := `{"$schema":"http://json-schema.org/draft-07/schema#","items":{"format":"regex"}}`
	for name, c := range map[string]struct{ schema, payload string }{
		"2^n of n levels": {twice, nested(100)},
		"names 2^n":       {`{"properties":{"a":{"$ref":"#"}},"patternProperties":{"a":{"$ref":"#"}}}`, nested(100)},
		"enum":            {`{"properties":{"a":{"items":{"enum":[` + times(4000, func(i int) string { return fmt.Sprint(i) }) + `]}}}}`, `{"a":` + list(5000, "19999.0") + "}"},
		"required":        {`{"items":{"required":[` + times(4000, func(i int) string { return fmt.Sprintf(`"%d"`, i) }) + `]}}`, list(5000, "{}")},
		"long string":     {`{"allOf":[` + list(500, `{"minLength":1}`)[1:] + `}`, `"` + strings.Repeat("é", 400<<10) + `"`},
		"pattern":         {`{"pattern":"(a?){900}(a?){900}(a?){900}b$"}`, `"` + strings.Repeat("a", 100_000) + `"`},
		"members":         {`{"unevaluatedProperties":false,"anyOf":[` + list(100, `{"minProperties":1}`)[1:] + `}`, "{" + times(30_000, func(i int) string { return fmt.Sprintf(`"%d":1`, i) }) + "}"},
		"patterns":        {regex, list(10_000, `"`+strings.Repeat("x", 200)+`"`)},
		"large pattern":   {regex, list(1, `"`+strings.Repeat(`\\pL`, 300)+`"`)},
		"depth":           {`{}`, strings.Repeat("[", maxPayloadDepth+1) + strings.Repeat("]", maxPayloadDepth+1)},
		"number":          {`{}`, "0." + strings.Repeat("1", 200)},
	} {
		schema, err := compileSchema([]byte(c.schema))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		err = checkPayload(schema, []byte(c.payload), []string{"body"})
		if err == nil {
			t.Errorf("%s: was checked", name)
			continue
		}
		refusal(t, err)
	}
	// What is allowed is of the size that large events have.
	schema, err := compileSchema([]byte(`{"type":"array","uniqueItems":true,"items":{"type":"object","required":["id","currency"],"properties":{
		"id":{"type":"integer","minimum":0},"currency":{"enum":[` + times(180, func(i int) string { return fmt.Sprintf(`"C%02d"`, i) }) + `]},"name":{"type":"string","pattern":"^[^<>]*$"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := checkPayload(schema, []byte("["+times(10_000, func(i int) string { return fmt.Sprintf(`{"id":%d,"currency":"C17","name":"somebody"}`, i) })+"]"), nil); err != nil {
		t.Errorf("a large payload: %v", err)
	}
}

// If the meter took a shorter way than the checker, there would be no bound.
func TestTheMeterNeverCountsTooLittle(t *testing.T) {
	draft7 := `{"$schema":"http://json-schema.org/draft-07/schema#",`
	for schema, payloads := range map[string][]string{
		`{"allOf":[{"properties":{"a":{"$ref":"#"}}},{"additionalProperties":{"$ref":"#"}}]}`: {strings.Repeat(`{"a":`, 10) + `{}` + strings.Repeat(`}`, 10)},
		`{"properties":{"a":{}},"patternProperties":{"^a":{"minLength":1},"b":{"maxLength":5}},"additionalProperties":{"not":{"maximum":3}},"propertyNames":{"anyOf":[{"maxLength":1},{"minLength":1}]}}`: {
			`{"a":1,"ab":"x","c":5,"b":[1],"bb":{}}`, `{}`},
		`{"prefixItems":[{"minimum":1}],"items":{"oneOf":[{"type":"integer"},{"minimum":2},{"maxLength":3}]},"contains":{"const":5},"minContains":2,"unevaluatedItems":{"maximum":1}}`: {
			`[1,2,3,"x",5,5.0]`, `[]`, `{}`},
		`{"if":{"required":["a"]},"then":{"dependentSchemas":{"a":{"minProperties":2}}},"else":{"maxProperties":0},"unevaluatedProperties":{"minimum":1}}`: {
			`{"a":1}`, `{"b":2,"c":3}`, `{}`},
		draft7 + `"items":[{"$ref":"#/definitions/a"}],"additionalItems":{"$ref":"#/definitions/b"},"contains":{"minimum":1},"definitions":{"a":{"minLength":1},"b":{"items":{"$ref":"#"},"dependencies":{"x":{"required":["y"]},"z":["x"]}}}}`: {
			`["x",[["x",[]]],{"x":1,"z":2},3]`},
		draft7 + `"items":{"items":{"$ref":"#"}}}`: {`[[[[[1]]]],[2]]`},
	} {
		c, err := compileSchema([]byte(schema))
		if err != nil {
			t.Fatalf("%s: %v", schema, err)
		}
		entered := 0
		for s := range c.prices {
			// Whatever gets past "type", "enum" and "const" is asked for its format.
			s.Format = &jsonschema.Format{Name: "counting", Validate: func(any) error { entered++; return nil }}
		}
		for _, payload := range payloads {
			decoded, err := jsonschema.UnmarshalJSON(strings.NewReader(payload))
			if err != nil {
				t.Fatal(err)
			}
			entered = 0
			_ = c.schema.Validate(decoded)
			m := c.meter(decoded)
			m.enter(c.schema, decoded, 0, 0)
			if counted := maxWork - m.left; entered == 0 || counted < entered {
				t.Errorf("%s: %s enters %d schemas, and %d were counted", schema, payload, entered, counted)
			}
		}
	}
}

func TestItemsAreUniqueAsJSONHasIt(t *testing.T) {
	schema, err := compileSchema([]byte(`{"uniqueItems":true}`))
	if err != nil {
		t.Fatal(err)
	}
	for payload, unique := range map[string]bool{
		`[]`: true, `[1]`: true, `[1,2]`: true, `{"a":1}`: true,
		`[1,1]`: false, `[1,1.0]`: false, `[100,1e2]`: false, `[0,-0]`: false, `[0.1,1e-1]`: false, `[1,-1]`: true,
		`["1",1]`: true, `[null,"z"]`: true, `[true,"true"]`: true, `[false,0]`: true, `[[],{}]`: true,
		`[{"a":1,"b":2},{"b":2,"a":1.0}]`: false, `[{"a":1},{"a":2}]`: true, `[{"a":{}},{"a":[]}]`: true,
		`[["ab"],["a","b"]]`: true, `[["a\u0004b"],["a","b"]]`: true, `[[1,2],[12]]`: true, `[[[1],2],[[1,2]]]`: true,
		`[{"a":"b"},["a","b"]]`: true, `[["s1:x"],["x"]]`: true, `["é","\u00e9"]`: false,
	} {
		if err := checkPayload(schema, []byte(payload), nil); (err == nil) != unique {
			t.Errorf("%s: %v", payload, err)
		}
	}
	// The checker's own way took seconds for these, because they all hash alike.
	split := func(i int) string {
		text := `["x`
		for bit := range 13 {
			if i>>bit&1 == 1 {
				text += `","x`
			} else {
				text += `\u0004x`
			}
		}
		return text + `"]`
	}
	if err := checkPayload(schema, []byte("["+times(1<<13, split)+"]"), nil); err != nil {
		t.Error(err)
	}
}

func TestOnlySomeSchemasAreUsedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSchemas()
		for range cap(s.slots) {
			if err := s.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		waited := make(chan error)
		go func() { waited <- s.enter(ctx) }()
		synctest.Wait()
		select {
		case err := <-waited:
			t.Fatalf("did not wait: %v", err)
		default:
		}
		cancel()
		if err := <-waited; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		go func() { waited <- s.enter(t.Context()) }()
		synctest.Wait()
		s.leave()
		if err := <-waited; err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsKeptOfSchemasIsBounded(t *testing.T) {
	s := newSchemas()
	for i := range 10 {
		s.keep(fmt.Sprint("type-", i%6), &compiled{size: maxKept / 4})
	}
	if s.kept.Len() != 4 || s.bytes != maxKept {
		t.Errorf("%d schemas of %d bytes are kept", s.kept.Len(), s.bytes)
	}
	s.keep("small", &compiled{size: 1})
	s.keep("type-3", &compiled{size: 2})
	if s.kept.Len() != 4 || s.bytes != maxKept/2+3 {
		t.Errorf("%d schemas of %d bytes are kept", s.kept.Len(), s.bytes)
	}
	// What is kept is found again, and nothing else is taken for it.
	one, err := s.of("a", []byte(`{"type":"object"}`))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.of("a", []byte(`{"type":"object"}`)); err != nil || again != one || one.size < schemaSize {
		t.Errorf("%v, %v", again, err)
	}
	if other, err := s.of("a", []byte(`{"type":"array"}`)); err != nil || other == one {
		t.Errorf("%v, %v", other, err)
	}
}

func TestVersionsOfSchemasAreBounded(t *testing.T) {
	inBubble(t, func(r *rig) {
		versions := func(n int, schema string) string {
			return `{"description":"","schemas":{` + times(n, func(i int) string { return fmt.Sprintf(`"%d":%s`, i, schema) }) + `}}`
		}
		r.do("PUT", "/api/v1/event-type/a", versions(60_000, "{}")).wrongAt("body", "schemas")
		r.do("PUT", "/api/v1/event-type/a", versions(maxVersions, "{}")).want(http.StatusCreated)
		// Those that aren't used are not compiled, but neither may they be of any size.
		r.do("PUT", "/api/v1/event-type/a", `{"description":"","schemas":{"1":`+doubling(40)+`,"2":{}}}`).want(http.StatusOK)
		r.do("PUT", "/api/v1/event-type/a", `{"description":"","schemas":{"1":{},"2":`+doubling(40)+`}}`).wrongAt("body", "schemas", "2")
		r.do("PUT", "/api/v1/event-type/a", `{"description":"","schemas":{"1":{"enum":[`+times(6000, func(int) string { return "1" })+`]},"2":{}}}`).wrongAt("body", "schemas", "1")
	})
}

// A schema may have been kept before there was a bound.
func TestASchemaWithoutABoundIsNotUsed(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		r.do("PUT", "/api/v1/event-type/a", `{"description":"","schemas":{"1":{}}}`).want(http.StatusCreated)
		if _, err := r.hub.ChangeEventType(r.Context(), "a", func(t *outbound.EventType) { t.Schemas["2"] = []byte(doubling(40)) }); err != nil {
			r.Fatal(err)
		}
		r.do("POST", "/api/v1/app/acme/msg", `{"eventType":"a","payload":{}}`).want(http.StatusInternalServerError).is("code", "server_error")
	})
}
