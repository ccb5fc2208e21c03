package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/hookseal/hookseal/internal/jsonpath"
	"github.com/hookseal/hookseal/outbound"
)

// eventTypeIn is what a publisher says about an event type.
type eventTypeIn struct {
	description, groupName field[string]
	featureFlags           field[[]string]
	deprecated, archived   field[bool]
	schemas                field[map[string]json.RawMessage]
}

func readEventType(f *fields) eventTypeIn {
	return eventTypeIn{
		description:  f.text("description"),
		groupName:    f.text("groupName"),
		featureFlags: renamed(f.texts("featureFlags"), readFeatureFlag(f)),
		deprecated:   f.flag("deprecated"),
		archived:     f.flag("archived"),
		schemas:      readSchemas(f),
	}
}

// readFeatureFlag reads the one feature flag that an event type could have before it could have more.
func readFeatureFlag(f *fields) field[[]string] {
	one := f.text("featureFlag")
	many := field[[]string]{set: one.set, null: one.null}
	if one.given() {
		many.value = []string{one.value}
	}
	return many
}

// readSchemas reads the schemas, by version, and compiles each, so that a message never meets one that
// can't be checked.
func readSchemas(f *fields) field[map[string]json.RawMessage] {
	schemas := dictionaryOf(f, "schemas", func(v jsonpath.Value) (json.RawMessage, error) {
		// A copy, because the whole body would be kept with it.
		return bytes.Clone(v.Raw()), nil
	})
	for version, schema := range schemas.value {
		problem := ""
		if !isVersion(version) {
			problem = "The names are the versions: numbers without a sign."
		} else if _, err := compileSchema(schema); err != nil {
			problem = err.Error()
		}
		if problem != "" {
			f.wrong = append(f.wrong, violation{append(f.at("schemas"), version), problem, typeValue})
		}
	}
	return schemas
}

// to changes an event type: all of it for an update, else what is given.
func (in eventTypeIn) to(t *outbound.EventType, all bool) {
	in.description.to(&t.Description, all)
	in.groupName.to(&t.GroupName, all)
	in.featureFlags.to(&t.FeatureFlag, all)
	in.deprecated.to(&t.Deprecated, all)
	in.archived.to(&t.Archived, all)
	in.schemas.to(&t.Schemas, all)
}

var eventTypePlaces = map[string][]string{
	"Name":        {"body", "name"},
	"Description": {"body", "description"},
	"GroupName":   {"body", "groupName"},
	"FeatureFlag": {"body", "featureFlags"},
	"Schemas":     {"body", "schemas"},
}

type eventTypeOut struct {
	Name        string                     `json:"name"`
	Description string                     `json:"description"`
	Archived    bool                       `json:"archived"`
	Deprecated  bool                       `json:"deprecated"`
	Schemas     map[string]json.RawMessage `json:"schemas"`
	GroupName   *string                    `json:"groupName,omitempty"`
	FeatureFlag *string                    `json:"featureFlag,omitempty"`
	CreatedAt   moment                     `json:"createdAt"`
	UpdatedAt   moment                     `json:"updatedAt"`
	*flags
}

// flags are the newer form of featureFlag.
type flags struct {
	FeatureFlags []string `json:"featureFlags"`
}

func (c *call) showEventType(t outbound.EventType) eventTypeOut {
	out := eventTypeOut{
		Name:        t.Name,
		Description: t.Description,
		Archived:    t.Archived,
		Deprecated:  t.Deprecated,
		Schemas:     t.Schemas,
		GroupName:   optional(t.GroupName),
		CreatedAt:   moment(t.CreatedAt),
		UpdatedAt:   moment(t.UpdatedAt),
		flags:       since144(c, flags{t.FeatureFlag}),
	}
	if len(t.FeatureFlag) > 0 {
		out.FeatureFlag = &t.FeatureFlag[0]
	}
	return out
}

func (c *call) replyEventType(status int, t outbound.EventType, err error) (answer, error) {
	if err != nil {
		return answer{}, named(err, eventTypePlaces)
	}
	return reply(status, c.showEventType(t))
}

func (c *call) eventType() string { return c.arguments["type"] }

func listEventTypes(c *call) (answer, error) {
	q := c.query()
	p := q.orderedPage(false)
	archived := q.flag("include_archived", false)
	content := q.flag("with_content", false)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	// The list itself is empty while the hub isn't ready.
	if err := c.hub.Ready(); err != nil {
		return answer{}, err
	}
	page, more := c.hub.EventTypes(p, archived)
	return replyList(page, more, func(t outbound.EventType) string { return t.Name }, func(t outbound.EventType) eventTypeOut {
		if !content {
			t.Schemas = nil
		}
		return c.showEventType(t)
	})
}

// createEventType adds an event type, or takes an archived one into use again with what the request
// says about it.
func createEventType(c *call) (answer, error) {
	f, err := c.fields()
	if err != nil {
		return answer{}, err
	}
	f.need("name", "description")
	name := f.text("name")
	in := readEventType(f)
	if err := f.err(); err != nil {
		return answer{}, err
	}
	t := outbound.EventType{Name: name.value}
	in.to(&t, true)
	created, err := c.hub.CreateEventType(c.request.Context(), t)
	if !errors.Is(err, outbound.ErrExists) {
		return c.replyEventType(http.StatusCreated, created, err)
	}
	if !created.Archived {
		return answer{}, &fault{status: http.StatusConflict, code: "event_type_exists", detail: "An event type with this name exists already."}
	}
	changed, err := c.hub.ChangeEventType(c.request.Context(), t.Name, func(t *outbound.EventType) { in.to(t, true) })
	return c.replyEventType(http.StatusCreated, changed, err)
}

func getEventType(c *call) (answer, error) {
	t, err := c.hub.EventType(c.eventType())
	return c.replyEventType(http.StatusOK, t, err)
}

// updateEventType replaces all but the name of an event type. If there is none it is created.
func updateEventType(c *call) (answer, error) {
	f, err := c.fields()
	if err != nil {
		return answer{}, err
	}
	f.need("description")
	in := readEventType(f)
	if err := f.err(); err != nil {
		return answer{}, err
	}
	changed, err := c.hub.ChangeEventType(c.request.Context(), c.eventType(), func(t *outbound.EventType) { in.to(t, true) })
	if !errors.Is(err, outbound.ErrNotFound) {
		return c.replyEventType(http.StatusOK, changed, err)
	}
	t := outbound.EventType{Name: c.eventType()}
	in.to(&t, true)
	created, err := c.hub.CreateEventType(c.request.Context(), t)
	return c.replyEventType(http.StatusCreated, created, err)
}

func patchEventType(c *call) (answer, error) {
	f, err := c.fields()
	if err != nil {
		return answer{}, err
	}
	f.never("description", "archived", "deprecated")
	in := readEventType(f)
	if err := f.err(); err != nil {
		return answer{}, err
	}
	changed, err := c.hub.ChangeEventType(c.request.Context(), c.eventType(), func(t *outbound.EventType) { in.to(t, false) })
	return c.replyEventType(http.StatusOK, changed, err)
}

// deleteEventType archives an event type, or with expunge removes it.
func deleteEventType(c *call) (answer, error) {
	q := c.query()
	expunge := q.flag("expunge", false)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	if expunge {
		return done, c.hub.DeleteEventType(c.request.Context(), c.eventType())
	}
	_, err := c.hub.ChangeEventType(c.request.Context(), c.eventType(), func(t *outbound.EventType) { t.Archived = true })
	return done, err
}
