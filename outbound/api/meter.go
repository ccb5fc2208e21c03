package api

import (
	"encoding/json"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// maxWork is how much it may take to check one payload, in units of entering a schema.
const maxWork = 500_000

// meter goes through a payload as the checker will, without checking anything, and counts what that will
// take. It is needed because the checker can't be stopped: a schema that leads back to itself twice takes
// 2^n steps for a payload n levels deep. The meter takes every way that the checker may take, so that it
// never counts too little, and gives up when it has counted enough.
type meter struct {
	of       map[*jsonschema.Schema]price
	left     int
	heaviest int // number of the payload
	// members is how many members or elements come to a unit.
	members int
}

// The members per unit. What is evaluated is noted of each, under a schema that has unevaluatedProperties
// or unevaluatedItems.
const (
	membersPerUnit      = 4
	notedMembersPerUnit = 1
)

// isTooMuch reports whether checking a decoded payload takes too long.
func (c *compiled) isTooMuch(payload any) bool {
	m := c.meter(payload)
	m.enter(c.schema, payload, 0, 0)
	return m.left < 0
}

func (c *compiled) meter(payload any) *meter {
	var has contents
	has.add(payload)
	m := &meter{of: c.prices, left: maxWork, heaviest: has.heaviest, members: membersPerUnit}
	if c.notes {
		m.members = notedMembersPerUnit
	}
	return m
}

// enter counts what a schema takes for a value at a depth, where it is reached from the value's first
// schema by some steps in place.
func (m *meter) enter(s *jsonschema.Schema, value any, depth, steps int) {
	// What is wrong is noted with its place, and whether the schema leads to itself is looked for in the
	// steps.
	m.left -= 1 + depth/8 + steps/16
	if s.Bool != nil || m.left < 0 {
		return
	}
	price := m.of[s]
	m.left -= price.plain
	switch v := value.(type) {
	case string:
		m.text(s, v)
	case json.Number:
		m.left -= (price.limits + price.compared) * weightOf(v)
	case []any:
		m.left -= price.compared*m.heaviest + len(v)/m.members
		m.array(s, v, depth)
	case map[string]any:
		m.left -= price.compared*m.heaviest + len(v)/m.members
		m.object(s, v, depth)
	}
	for _, part := range price.inPlace {
		if m.left < 0 {
			return
		}
		m.enter(part, value, depth, steps+1)
	}
}

func (m *meter) text(s *jsonschema.Schema, text string) {
	m.left -= len(text) / bytesPerUnit
	if s.Pattern != nil {
		m.match(s.Pattern, text)
	}
	if s.Format != nil {
		m.left -= formatPrice
		if s.Format.Name == formatRegex && bytesOf(text) <= maxPatternGiven {
			m.left -= patternPrice * len(text)
		}
	}
}

// The prices of formats: of any one, and for each byte of a pattern that is parsed.
const (
	formatPrice  = 4
	patternPrice = 4
)

func (m *meter) match(p jsonschema.Regexp, text string) {
	m.left--
	if p, ok := p.(*pattern); ok {
		m.left -= p.steps * len(text) / stepsPerUnit
	}
}

func (m *meter) array(s *jsonschema.Schema, array []any, depth int) {
	if len(s.Extensions) > 0 { // distinct
		var has contents
		has.add(array)
		m.left -= has.values + has.numbers + has.bytes/bytesPerUnit
	}
	for i, element := range array {
		if m.left < 0 {
			return
		}
		for _, part := range []*jsonschema.Schema{s.Contains, s.UnevaluatedItems, itemOf(s, i)} {
			if part != nil {
				m.enter(part, element, depth+1, 0)
			}
		}
	}
}

// itemOf returns the schema of an element by its index, or nil.
func itemOf(s *jsonschema.Schema, i int) *jsonschema.Schema {
	first, rest := s.PrefixItems, any(s.Items2020)
	if s.DraftVersion < 2020 {
		if first, _ = s.Items.([]*jsonschema.Schema); first == nil {
			rest = s.Items
		} else {
			rest = s.AdditionalItems
		}
	}
	if i < len(first) {
		return first[i]
	}
	part, _ := rest.(*jsonschema.Schema)
	return part
}

func (m *meter) object(s *jsonschema.Schema, object map[string]any, depth int) {
	for name, member := range object {
		if m.left < 0 {
			return
		}
		part, evaluated := s.Properties[name]
		if evaluated {
			m.enter(part, member, depth+1, 0)
		}
		for p, part := range s.PatternProperties {
			if m.match(p, name); m.left >= 0 && p.MatchString(name) {
				evaluated = true
				m.enter(part, member, depth+1, 0)
			}
		}
		if part, ok := s.AdditionalProperties.(*jsonschema.Schema); ok && !evaluated {
			m.enter(part, member, depth+1, 0)
		}
		if s.UnevaluatedProperties != nil {
			m.enter(s.UnevaluatedProperties, member, depth+1, 0)
		}
		if s.PropertyNames != nil {
			m.enter(s.PropertyNames, name, depth+1, 0)
		}
	}
}
