package api

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/hookseal/hookseal/internal/jsonpath"
	"github.com/hookseal/hookseal/outbound"
)

// telling are parts of the names of header fields whose values aren't shown. Svix has a list of names,
// which these are too: whoever may read an endpoint must not thereby get into the subscriber's app.
var telling = []string{"auth", "cookie", "credential", "key", "pass", "secret", "session", "signature", "token"}

func isSensitive(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(telling, func(part string) bool { return strings.Contains(name, part) })
}

type headersOut struct {
	Headers   map[string]string `json:"headers"`
	Sensitive []string          `json:"sensitive"`
}

// getHeaders shows the header fields of an endpoint; of the sensitive ones only the names.
func getHeaders(c *call) (answer, error) {
	e, err := c.hub.Endpoint(c.app(), c.endpoint())
	if err != nil {
		return answer{}, err
	}
	out := headersOut{Headers: map[string]string{}, Sensitive: []string{}}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		if isSensitive(name) {
			out.Sensitive = append(out.Sensitive, name)
		} else {
			out.Headers[name] = e.Headers[name]
		}
	}
	return reply(http.StatusOK, out)
}

// updateHeaders replaces all header fields of an endpoint.
func updateHeaders(c *call) (answer, error) {
	f, err := c.fields()
	if err != nil {
		return answer{}, err
	}
	f.need("headers")
	headers := f.dictionary("headers")
	if err := f.err(); err != nil {
		return answer{}, err
	}
	return c.changeHeaders(func(map[string]string) map[string]string { return headers.value })
}

// patchHeaders sets some header fields, and removes those that are null or listed in deleteHeaders.
func patchHeaders(c *call) (answer, error) {
	f, err := c.fields()
	if err != nil {
		return answer{}, err
	}
	f.never("headers", "deleteHeaders")
	headers := dictionaryOf(f, "headers", func(v jsonpath.Value) (*string, error) {
		if null, err := v.IsNull(); null || err != nil {
			return nil, err
		}
		text, err := v.Text()
		return &text, err
	})
	remove := f.texts("deleteHeaders")
	if err := f.err(); err != nil {
		return answer{}, err
	}
	return c.changeHeaders(func(old map[string]string) map[string]string {
		changed := maps.Clone(dictionary(old))
		drop := func(name string) {
			maps.DeleteFunc(changed, func(other, _ string) bool { return strings.EqualFold(name, other) })
		}
		for _, name := range remove.value {
			drop(name)
		}
		for name, value := range headers.value {
			drop(name)
			if value != nil {
				changed[name] = *value
			}
		}
		return changed
	})
}

func (c *call) changeHeaders(change func(map[string]string) map[string]string) (answer, error) {
	_, err := c.hub.ChangeEndpoint(c.request.Context(), c.app(), c.endpoint(), func(e *outbound.Endpoint) {
		e.Headers = change(e.Headers)
	})
	return done, named(err, endpointPlaces)
}
