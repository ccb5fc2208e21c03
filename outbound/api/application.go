package api

import (
	"errors"
	"math"
	"net/http"
	"strings"

	"github.com/hookseal/hookseal/outbound"
)

// applicationIn is what a publisher says about an application.
type applicationIn struct {
	uid, name field[string]
	rateLimit field[int]
	metadata  field[map[string]string]
}

func readApplication(f *fields) applicationIn {
	return applicationIn{
		uid:       f.text("uid"),
		name:      f.text("name"),
		rateLimit: readRateLimit(f),
		metadata:  f.dictionary("metadata"),
	}
}

// readRateLimit reads how many messages a second may be sent, by its two names.
func readRateLimit(f *fields) field[int] {
	return renamed(f.number("throttleRate", 1, math.MaxUint16), f.number("rateLimit", 1, math.MaxUint16))
}

// to changes an application: all of it for an update, else what is given.
func (in applicationIn) to(a *outbound.Application, all bool) {
	in.uid.to(&a.UID, all)
	in.name.to(&a.Name, all)
	in.rateLimit.to(&a.RateLimit, all)
	in.metadata.to(&a.Metadata, all)
}

// applicationPlaces are where the fields of an application stand in a request.
var applicationPlaces = map[string][]string{
	"UID":       {"body", "uid"},
	"Name":      {"body", "name"},
	"RateLimit": {"body", "rateLimit"},
	"Metadata":  {"body", "metadata"},
}

type applicationOut struct {
	ID        string            `json:"id"`
	UID       *string           `json:"uid,omitempty"`
	Name      string            `json:"name"`
	RateLimit *int              `json:"rateLimit,omitempty"`
	Metadata  map[string]string `json:"metadata"`
	CreatedAt moment            `json:"createdAt"`
	UpdatedAt moment            `json:"updatedAt"`
	*throttle
}

// throttle is the newer name of rateLimit.
type throttle struct {
	Rate *int `json:"throttleRate"`
}

func (c *call) showApplication(a outbound.Application) applicationOut {
	return applicationOut{
		ID:        a.ID,
		UID:       optional(a.UID),
		Name:      a.Name,
		RateLimit: optional(a.RateLimit),
		Metadata:  dictionary(a.Metadata),
		CreatedAt: moment(a.CreatedAt),
		UpdatedAt: moment(a.UpdatedAt),
		throttle:  since144(c, throttle{optional(a.RateLimit)}),
	}
}

func (c *call) replyApplication(status int, a outbound.Application, err error) (answer, error) {
	if err != nil {
		return answer{}, named(err, applicationPlaces)
	}
	return reply(status, c.showApplication(a))
}

func listApplications(c *call) (answer, error) {
	q := c.query()
	p := q.orderedPage(false)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	// The list itself is empty while the hub isn't ready.
	if err := c.hub.Ready(); err != nil {
		return answer{}, err
	}
	page, more := c.hub.Applications(p)
	return replyList(page, more, func(a outbound.Application) string { return a.ID }, c.showApplication)
}

func createApplication(c *call) (answer, error) {
	q := c.query()
	getIfExists := q.flag("get_if_exists", false)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	a, err := c.readWholeApplication()
	if err != nil {
		return answer{}, err
	}
	created, err := c.hub.CreateApplication(c.request.Context(), a)
	if getIfExists && errors.Is(err, outbound.ErrExists) {
		return c.replyApplication(http.StatusOK, created, nil)
	}
	return c.replyApplication(http.StatusCreated, created, err)
}

// readWholeApplication reads an application as it is to be, out of the request's body.
func (c *call) readWholeApplication() (a outbound.Application, err error) {
	f, err := c.fields()
	if err != nil {
		return a, err
	}
	f.need("name")
	readApplication(f).to(&a, true)
	return a, f.err()
}

func getApplication(c *call) (answer, error) {
	a, err := c.hub.Application(c.app())
	return c.replyApplication(http.StatusOK, a, err)
}

// updateApplication replaces all that a publisher says about an application. If there is none it is
// created, with the uid in the body or else the one in the path.
func updateApplication(c *call) (answer, error) {
	a, err := c.readWholeApplication()
	if err != nil {
		return answer{}, err
	}
	changed, err := c.hub.ChangeApplication(c.request.Context(), c.app(), func(old *outbound.Application) {
		old.UID, old.Name, old.RateLimit, old.Metadata = a.UID, a.Name, a.RateLimit, a.Metadata
	})
	if !errors.Is(err, outbound.ErrNotFound) {
		return c.replyApplication(http.StatusOK, changed, err)
	}
	if a.UID == "" {
		// An id of the hub's can't be given again.
		if strings.HasPrefix(c.app(), "app_") {
			return answer{}, err
		}
		a.UID = c.app()
	}
	created, err := c.hub.CreateApplication(c.request.Context(), a)
	return c.replyApplication(http.StatusCreated, created, err)
}

func patchApplication(c *call) (answer, error) {
	f, err := c.fields()
	if err != nil {
		return answer{}, err
	}
	f.never("name", "metadata")
	in := readApplication(f)
	if err := f.err(); err != nil {
		return answer{}, err
	}
	changed, err := c.hub.ChangeApplication(c.request.Context(), c.app(), func(a *outbound.Application) { in.to(a, false) })
	return c.replyApplication(http.StatusOK, changed, err)
}

func deleteApplication(c *call) (answer, error) {
	return done, c.hub.DeleteApplication(c.request.Context(), c.app())
}
