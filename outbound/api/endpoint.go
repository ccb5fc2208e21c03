package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/hookseal/hookseal/outbound"
)

// endpointIn is what a publisher says about an endpoint.
type endpointIn struct {
	uid, url, description, scheme field[string]
	version, rateLimit            field[int]
	disabled                      field[bool]
	events, channels              field[[]string]
	metadata                      field[map[string]string]
}

func readEndpoint(f *fields) endpointIn {
	return endpointIn{
		uid:         f.text("uid"),
		url:         f.text("url"),
		description: f.text("description"),
		scheme:      f.text("scheme"),
		version:     f.number("version", 1, 65535),
		rateLimit:   readRateLimit(f),
		disabled:    f.flag("disabled"),
		events:      renamed(f.some("eventTypes"), f.some("filterTypes")),
		channels:    f.some("channels"),
		metadata:    f.dictionary("metadata"),
	}
}

// to changes an endpoint: all of it for an update, else what is given. The scheme, which Svix's clients
// can't name, is left alone unless it is given; and so are the headers and the secret, which have paths
// of their own.
func (in endpointIn) to(e *outbound.Endpoint, all bool) {
	in.uid.to(&e.UID, all)
	in.url.to(&e.URL, all)
	in.description.to(&e.Description, all)
	in.scheme.to(&e.Scheme, false)
	in.version.to(&e.Version, all)
	in.rateLimit.to(&e.RateLimit, all)
	in.disabled.to(&e.Disabled, all)
	in.events.to(&e.Events, all)
	in.channels.to(&e.Channels, all)
	in.metadata.to(&e.Metadata, all)
}

var endpointPlaces = map[string][]string{
	"UID":         {"body", "uid"},
	"URL":         {"body", "url"},
	"Description": {"body", "description"},
	"Scheme":      {"body", "scheme"},
	"Version":     {"body", "version"},
	"Events":      {"body", "filterTypes"},
	"Channels":    {"body", "channels"},
	"RateLimit":   {"body", "rateLimit"},
	"Headers":     {"body", "headers"},
	"Metadata":    {"body", "metadata"},
	"Secret":      {"body", "secret"},
}

type endpointOut struct {
	endpointCommon
	Metadata map[string]string `json:"metadata"`
}

// endpointCommon is what Svix shows of an endpoint on its own and as the destination of a message.
type endpointCommon struct {
	ID          string   `json:"id"`
	UID         *string  `json:"uid"`
	URL         string   `json:"url"`
	Description string   `json:"description"`
	Version     int      `json:"version"`
	Disabled    bool     `json:"disabled"`
	FilterTypes []string `json:"filterTypes"`
	Channels    []string `json:"channels"`
	RateLimit   *int     `json:"rateLimit"`
	CreatedAt   moment   `json:"createdAt"`
	UpdatedAt   moment   `json:"updatedAt"`
	*endpointNewer
}

// endpointNewer is what Svix renamed, and what only this server has.
type endpointNewer struct {
	EventTypes   []string             `json:"eventTypes"`
	ThrottleRate *int                 `json:"throttleRate"`
	Scheme       string               `json:"scheme,omitempty"`
	DisabledFor  outbound.DisabledFor `json:"disabledFor,omitempty"`
	Managed      bool                 `json:"managed,omitempty"`
}

func (c *call) showEndpoint(e outbound.Endpoint) endpointOut {
	return endpointOut{c.showCommon(e), dictionary(e.Metadata)}
}

func (c *call) showCommon(e outbound.Endpoint) endpointCommon {
	return endpointCommon{
		ID:          e.ID,
		UID:         optional(e.UID),
		URL:         e.URL,
		Description: e.Description,
		Version:     max(e.Version, 1),
		Disabled:    e.Disabled,
		FilterTypes: someOrNull(e.Events),
		Channels:    someOrNull(e.Channels),
		RateLimit:   optional(e.RateLimit),
		CreatedAt:   moment(e.CreatedAt),
		UpdatedAt:   moment(e.UpdatedAt),
		endpointNewer: since144(c, endpointNewer{
			EventTypes:   someOrNull(e.Events),
			ThrottleRate: optional(e.RateLimit),
			Scheme:       e.Scheme,
			DisabledFor:  e.DisabledFor,
			Managed:      e.Managed,
		}),
	}
}

// someOrNull returns a list that JSON writes as null if it is empty.
func someOrNull(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

func (c *call) replyEndpoint(status int, e outbound.Endpoint, err error) (answer, error) {
	if err != nil {
		return answer{}, named(err, endpointPlaces)
	}
	return reply(status, c.showEndpoint(e))
}

func listEndpoints(c *call) (answer, error) {
	q := c.query()
	p := q.orderedPage(true)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	page, more, err := c.hub.Endpoints(c.app(), p)
	if err != nil {
		return answer{}, err
	}
	return replyList(page, more, func(e outbound.Endpoint) string { return e.ID }, c.showEndpoint)
}

// newEndpoint is an endpoint that is to be created.
type newEndpoint struct {
	endpointIn
	secret  field[string]
	headers field[map[string]string]
}

func (c *call) readNewEndpoint() (in newEndpoint, err error) {
	f, err := c.fields()
	if err != nil {
		return in, err
	}
	f.need("url")
	in = newEndpoint{readEndpoint(f), f.text("secret"), f.dictionary("headers")}
	return in, f.err()
}

func (c *call) createEndpointOf(in newEndpoint) (answer, error) {
	var e outbound.Endpoint
	in.to(&e, true)
	in.headers.to(&e.Headers, true)
	created, err := c.hub.CreateEndpoint(c.request.Context(), c.app(), e, in.secret.value)
	return c.replyEndpoint(http.StatusCreated, created, err)
}

func createEndpoint(c *call) (answer, error) {
	in, err := c.readNewEndpoint()
	if err != nil {
		return answer{}, err
	}
	return c.createEndpointOf(in)
}

func getEndpoint(c *call) (answer, error) {
	e, err := c.hub.Endpoint(c.app(), c.endpoint())
	return c.replyEndpoint(http.StatusOK, e, err)
}

// updateEndpoint replaces all that a publisher says about an endpoint. If there is none it is created,
// with the uid in the body or else the one in the path.
func updateEndpoint(c *call) (answer, error) {
	in, err := c.readNewEndpoint()
	if err != nil {
		return answer{}, err
	}
	changed, err := c.hub.ChangeEndpoint(c.request.Context(), c.app(), c.endpoint(), func(e *outbound.Endpoint) { in.to(e, true) })
	if !errors.Is(err, outbound.ErrNotFound) {
		return c.replyEndpoint(http.StatusOK, changed, err)
	}
	if !in.uid.given() {
		// An id of the hub's can't be given again.
		if strings.HasPrefix(c.endpoint(), "ep_") {
			return answer{}, err
		}
		in.uid = field[string]{set: true, value: c.endpoint()}
	}
	return c.createEndpointOf(in)
}

func patchEndpoint(c *call) (answer, error) {
	f, err := c.fields()
	if err != nil {
		return answer{}, err
	}
	f.never("url", "description", "version", "disabled", "metadata")
	in := readEndpoint(f)
	secret := f.text("secret")
	if err := f.err(); err != nil {
		return answer{}, err
	}
	if secret.given() {
		if err := c.checkSecret(in, secret.value); err != nil {
			return answer{}, named(err, endpointPlaces)
		}
	}
	changed, err := c.hub.ChangeEndpoint(c.request.Context(), c.app(), c.endpoint(), func(e *outbound.Endpoint) { in.to(e, false) })
	if err == nil && secret.given() {
		err = c.hub.RotateSecret(c.request.Context(), c.app(), changed.ID, secret.value, defaultOverlap)
	}
	return c.replyEndpoint(http.StatusOK, changed, err)
}

func deleteEndpoint(c *call) (answer, error) {
	return done, c.hub.DeleteEndpoint(c.request.Context(), c.app(), c.endpoint())
}
