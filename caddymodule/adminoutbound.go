package caddymodule

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/hookseal/hookseal/outbound"
)

// outboundPath is where the admin API has what is published:
//
//	GET  /webhook_gateway/outbound/messages?application=&endpoint=&status=&limit=&iterator=
//	GET  /webhook_gateway/outbound/endpoints?application=
//	GET  /webhook_gateway/outbound/attempts?application=&message=&endpoint=&status=&limit=&iterator=
//	POST /webhook_gateway/outbound/resend    {"application", "message", "endpoint"}
//	POST /webhook_gateway/outbound/recover   {"application", "endpoint", "since"}
//
// Lists have the newest first. Where there is more, the answer has an iterator, with which the next page
// is asked for. An application that isn't named is found. No answer has a payload, an answer of a
// subscriber, a secret, or the query of a URL.
const outboundPath = "/webhook_gateway/outbound/"

const (
	defaultLimit = 50
	maxLimit     = 1000

	// maxAsk bounds the size in bytes of what resend and recover are told.
	maxAsk = 64 << 10
)

// listedMessage is a message in a list of the admin API.
type listedMessage struct {
	ID          string           `json:"id"`
	EventID     string           `json:"event_id,omitempty"`
	Event       string           `json:"event"`
	Application string           `json:"application"`
	Accepted    time.Time        `json:"accepted"`
	Deliveries  []listedDelivery `json:"deliveries"`
}

// listedDelivery is the way of a message to one endpoint.
type listedDelivery struct {
	Endpoint string    `json:"endpoint"`
	UID      string    `json:"uid,omitempty"`
	Status   string    `json:"status"`
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next,omitzero"`
}

// listedEndpoint is an endpoint in a list.
type listedEndpoint struct {
	ID          string   `json:"id"`
	UID         string   `json:"uid,omitempty"`
	Application string   `json:"application"`
	URL         string   `json:"url"`
	Events      []string `json:"events,omitempty"`
	Channels    []string `json:"channels,omitempty"`
	Configured  bool     `json:"configured"`
	Disabled    bool     `json:"disabled"`
	DisabledFor string   `json:"disabled_for,omitempty"`
	Waiting     int      `json:"waiting"`
}

// listedAttempt is an attempt in a list.
type listedAttempt struct {
	ID       string    `json:"id"`
	Message  string    `json:"message"`
	Endpoint string    `json:"endpoint"`
	Time     time.Time `json:"time"`
	Attempt  int       `json:"attempt"`
	Manual   bool      `json:"manual,omitempty"`
	Status   string    `json:"status"`
	Code     int       `json:"code,omitempty"`
	Problem  string    `json:"problem,omitempty"`
	Took     float64   `json:"took"` // seconds
	Next     time.Time `json:"next,omitzero"`
}

// outbound answers what operators ask about what is published.
func (adminAPI) outbound(w http.ResponseWriter, r *http.Request) error {
	operations := map[string]struct {
		method string
		serve  func(*asked) (any, error)
	}{
		"messages":  {http.MethodGet, (*asked).messages},
		"endpoints": {http.MethodGet, (*asked).endpoints},
		"attempts":  {http.MethodGet, (*asked).attempts},
		"resend":    {http.MethodPost, (*asked).resend},
		"recover":   {http.MethodPost, (*asked).recover},
	}
	operation, ok := operations[strings.TrimPrefix(r.URL.Path, outboundPath)]
	if !ok {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: errors.New("use messages, endpoints, attempts, resend or recover")}
	}
	if r.Method != operation.method {
		w.Header().Set("Allow", operation.method)
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: fmt.Errorf("use %s", operation.method)}
	}
	hub, err := activeHub()
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: err}
	}
	answer, err := operation.serve(&asked{hub: hub, ctx: r.Context(), query: r.URL.Query(), body: http.MaxBytesReader(w, r.Body, maxAsk)})
	if err != nil {
		return caddy.APIError{HTTPStatus: statusOfHub(err), Err: err}
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answer)
}

// activeHub returns the hub of the configuration that runs.
func activeHub() (*outbound.Hub, error) {
	if app, err := caddy.ActiveContext().AppIfConfigured("webhook_gateway"); err == nil {
		if running := app.(*Gateway).outbound.hub.Load(); running != nil {
			return running.hub, nil
		}
	}
	return nil, errors.New("the running configuration publishes nothing")
}

// statusOfHub returns the status for an error of the hub, or about what was asked.
func statusOfHub(err error) int {
	switch {
	case errors.Is(err, outbound.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, outbound.ErrUnavailable), errors.Is(err, outbound.ErrFull):
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// messages lists messages with what became of them.
func (a *asked) messages() (any, error) {
	if err := a.knows("application", "endpoint", "status", "limit", "iterator"); err != nil {
		return nil, err
	}
	page, err := a.page()
	if err != nil {
		return nil, err
	}
	status, err := a.status()
	if err != nil {
		return nil, err
	}
	endpoint := a.query.Get("endpoint")
	apps, err := a.applications(func(app string) error {
		if endpoint == "" {
			return nil
		}
		_, err := a.hub.Endpoint(app, endpoint)
		return err
	})
	if err != nil {
		return nil, err
	}
	var list []listedMessage
	more := false
	for _, app := range apps {
		found, rest, err := a.messagesOf(app, outbound.DeliveryFilter{Endpoint: endpoint, Status: status}, page)
		if err != nil {
			return nil, err
		}
		list, more = append(list, found...), more || rest
	}
	slices.SortFunc(list, func(a, b listedMessage) int { return cmp.Compare(b.ID, a.ID) })
	if len(list) > page.Limit {
		list, more = list[:page.Limit], true
	}
	answer := struct {
		Messages []listedMessage `json:"messages"`
		Iterator string          `json:"iterator,omitempty"`
	}{Messages: orEmpty(list)}
	if more {
		answer.Iterator = list[len(list)-1].ID
	}
	return answer, nil
}

// messagesOf lists messages of one application that have a delivery that the filter lets through.
func (a *asked) messagesOf(app outbound.Application, filter outbound.DeliveryFilter, page outbound.Page) (list []listedMessage, more bool, err error) {
	every := filter.Endpoint == "" && filter.Status == nil
	scan := outbound.Page{Limit: maxLimit, After: page.After, Descending: true}
	if every {
		scan.Limit = page.Limit
	}
	for {
		messages, rest, err := a.hub.Messages(a.ctx, app.ID, outbound.MessageFilter{}, scan, false)
		if err != nil {
			return nil, false, err
		}
		for _, m := range messages {
			filter.Message = m.ID
			deliveries, err := a.deliveries(app.ID, filter)
			if err != nil {
				return nil, false, err
			}
			if len(deliveries) == 0 && !every {
				continue
			}
			if len(list) == page.Limit {
				return list, true, nil
			}
			list = append(list, listedMessage{ID: m.ID, EventID: m.EventID, Event: m.EventType, Application: nameOf(app), Accepted: m.Time, Deliveries: deliveries})
		}
		if !rest || every || a.ctx.Err() != nil {
			return list, rest, a.ctx.Err()
		}
		scan.After = messages[len(messages)-1].ID
	}
}

// deliveries lists the deliveries of one message.
func (a *asked) deliveries(app string, filter outbound.DeliveryFilter) ([]listedDelivery, error) {
	list := []listedDelivery{}
	page := outbound.Page{Limit: maxLimit}
	for {
		found, more, err := a.hub.Deliveries(app, filter, page)
		if errors.Is(err, outbound.ErrNotFound) { // forgotten since it was listed
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			list = append(list, listedDelivery{Endpoint: d.Endpoint.ID, UID: d.Endpoint.UID, Status: d.Status.String(), Attempts: d.Attempts, Next: d.Next})
		}
		if !more {
			return list, nil
		}
		page.After = found[len(found)-1].Endpoint.ID
	}
}

// endpoints lists endpoints, and how much waits for each.
func (a *asked) endpoints() (any, error) {
	if err := a.knows("application"); err != nil {
		return nil, err
	}
	apps, err := a.applications(nil)
	if err != nil {
		return nil, err
	}
	waiting := make(map[string]int)
	for _, q := range a.hub.Stats().Queues {
		waiting[q.Endpoint.ID] = q.Depth
	}
	list := []listedEndpoint{}
	for _, app := range apps {
		page := outbound.Page{Limit: maxLimit}
		for {
			found, more, err := a.hub.Endpoints(app.ID, page)
			if err != nil {
				return nil, err
			}
			for _, e := range found {
				list = append(list, listedEndpoint{
					ID: e.ID, UID: e.UID, Application: nameOf(app), URL: withoutQuery(e.URL), Events: e.Events, Channels: e.Channels,
					Configured: e.Managed, Disabled: e.Disabled, DisabledFor: string(e.DisabledFor), Waiting: waiting[e.ID],
				})
			}
			if !more {
				break
			}
			page.After = found[len(found)-1].ID
		}
	}
	return map[string]any{"endpoints": list}, nil
}

// attempts lists attempts of a message, to an endpoint, or both.
func (a *asked) attempts() (any, error) {
	if err := a.knows("application", "message", "endpoint", "status", "limit", "iterator"); err != nil {
		return nil, err
	}
	page, err := a.page()
	if err != nil {
		return nil, err
	}
	filter := outbound.AttemptFilter{Message: a.query.Get("message"), Endpoint: a.query.Get("endpoint")}
	if filter.Status, err = a.status(); err != nil {
		return nil, err
	}
	app, err := a.application(filter.Message, filter.Endpoint)
	if err != nil {
		return nil, err
	}
	found, more, err := a.hub.Attempts(a.ctx, app, filter, page)
	if err != nil {
		return nil, err
	}
	answer := struct {
		Attempts []listedAttempt `json:"attempts"`
		Iterator string          `json:"iterator,omitempty"`
	}{Attempts: []listedAttempt{}}
	for _, t := range found {
		attempt := listedAttempt{
			ID: t.ID, Message: t.Message, Endpoint: t.Endpoint, Time: t.Time, Attempt: t.Number, Manual: t.Trigger == outbound.Manual,
			Status: t.Status.String(), Code: t.Code, Took: t.Took.Seconds(), Next: t.Next,
		}
		if t.Code == 0 {
			attempt.Problem = t.Response // words of ours
		}
		answer.Attempts = append(answer.Attempts, attempt)
	}
	if more {
		answer.Iterator = found[len(found)-1].ID
	}
	return answer, nil
}

// resend sends a message to an endpoint again.
func (a *asked) resend() (any, error) {
	var ask struct{ Application, Message, Endpoint string }
	if err := a.read(&ask); err != nil {
		return nil, err
	}
	if ask.Message == "" || ask.Endpoint == "" {
		return nil, errors.New("name a message and an endpoint")
	}
	a.query.Set("application", ask.Application)
	app, err := a.application(ask.Message, ask.Endpoint)
	if err != nil {
		return nil, err
	}
	return map[string]int{"messages": 1}, a.hub.Resend(a.ctx, app, ask.Message, ask.Endpoint)
}

// recover sends an endpoint again what failed.
func (a *asked) recover() (any, error) {
	var ask struct {
		Application, Endpoint string
		Since                 time.Time
	}
	if err := a.read(&ask); err != nil {
		return nil, err
	}
	if ask.Endpoint == "" || ask.Since.IsZero() {
		return nil, errors.New("name an endpoint, and since when its messages are to be sent again")
	}
	a.query.Set("application", ask.Application)
	app, err := a.application("", ask.Endpoint)
	if err != nil {
		return nil, err
	}
	n, err := a.hub.Recover(a.ctx, app, ask.Endpoint, outbound.Recovery{Since: ask.Since})
	return map[string]int{"messages": n}, err
}

// nameOf returns the name by which an application is asked for.
func nameOf(a outbound.Application) string { return cmp.Or(a.UID, a.ID) }

// withoutQuery returns a URL without its query, which may hold a secret.
func withoutQuery(text string) string {
	path, _, found := strings.Cut(text, "?")
	if found {
		return path + "?…"
	}
	return path
}

// orEmpty makes an empty list of none, for JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
