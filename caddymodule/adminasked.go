package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"

	"github.com/hookseal/hookseal/outbound"
)

// asked is one request about what is published.
type asked struct {
	hub   *outbound.Hub
	ctx   context.Context
	query url.Values
	body  io.Reader
}

// read reads the JSON that was sent.
func (a *asked) read(target any) error {
	text, err := io.ReadAll(a.body)
	if err != nil {
		return errors.New("the body could not be read, or is too large")
	}
	return decodeStrictly(text, target)
}

// knows finds a parameter that isn't one of the known ones: misspelt, it would widen the list.
func (a *asked) knows(names ...string) error {
	for name := range a.query {
		if !slices.Contains(names, name) {
			return fmt.Errorf("unknown parameter %q: use %s", name, either(names))
		}
	}
	return nil
}

// page returns the part of a list that is asked for.
func (a *asked) page() (outbound.Page, error) {
	page := outbound.Page{Limit: defaultLimit, After: a.query.Get("iterator"), Descending: true}
	if text := a.query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxLimit {
			return page, fmt.Errorf("limit: use a whole number from 1 to %d", maxLimit)
		}
		page.Limit = n
	}
	return page, nil
}

// status returns the status that is asked for, nil for all.
func (a *asked) status() (*outbound.Status, error) {
	text := a.query.Get("status")
	if text == "" {
		return nil, nil
	}
	var words []string
	for _, status := range []outbound.Status{outbound.Succeeded, outbound.Waiting, outbound.Failed, outbound.Sending} {
		if text == status.String() {
			return &status, nil
		}
		words = append(words, status.String())
	}
	return nil, fmt.Errorf("status %q: use %s", text, either(words))
}

// applications returns the application that is named, or all of those that have something.
func (a *asked) applications(has func(app string) error) ([]outbound.Application, error) {
	if err := a.hub.Ready(); err != nil {
		return nil, err
	}
	if name := a.query.Get("application"); name != "" {
		app, err := a.hub.Application(name)
		if err == nil && has != nil {
			err = has(app.ID)
		}
		return []outbound.Application{app}, err
	}
	var all []outbound.Application
	page := outbound.Page{Limit: maxLimit}
	for {
		found, more := a.hub.Applications(page)
		for _, app := range found {
			if has == nil || has(app.ID) == nil {
				all = append(all, app)
			}
		}
		if !more {
			return all, nil
		}
		page.After = found[len(found)-1].ID
	}
}

// application returns the id of the one application that has the message and the endpoint, of which one
// may be left out.
func (a *asked) application(message, endpoint string) (string, error) {
	if message == "" && endpoint == "" {
		return "", errors.New("name a message, an endpoint or both")
	}
	apps, err := a.applications(func(app string) error {
		var err error
		if message != "" {
			_, err = a.hub.Message(a.ctx, app, message, false)
		}
		if endpoint != "" && err == nil {
			_, err = a.hub.Endpoint(app, endpoint)
		}
		return err
	})
	switch {
	case err != nil:
		return "", err
	case len(apps) == 0:
		return "", outbound.ErrNotFound
	case len(apps) > 1:
		return "", errors.New("several applications have one of that name: name the application too")
	}
	return apps[0].ID, nil
}
