package api

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// call is one request on its way to an answer.
type call struct {
	*handler
	request   *http.Request
	arguments map[string]string
	token     Token
	// dated is whether the client refuses members that are newer than itself: see isDated.
	dated bool
}

// The arguments of a path. Each is an id, or the uid or event id that the publisher gave.
func (c *call) app() string      { return c.arguments["app"] }
func (c *call) endpoint() string { return c.arguments["endpoint"] }
func (c *call) message() string  { return c.arguments["message"] }

// body reads all of the request's body, up to the bound.
func (c *call) body() ([]byte, error) {
	if c.request.ContentLength > c.maxBody {
		return nil, errTooLarge(c.maxBody)
	}
	text, err := io.ReadAll(c.request.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge(c.maxBody)
	case err != nil:
		return nil, errCut
	}
	return text, nil
}

// fields reads the request's body as a JSON object.
func (c *call) fields() (*fields, error) {
	text, err := c.body()
	if err != nil {
		return nil, err
	}
	return readFields(text, "body")
}

// optionalFields is fields for operations that need no body: an empty one is an object without
// members.
func (c *call) optionalFields() (*fields, error) {
	text, err := c.body()
	if err != nil {
		return nil, err
	}
	if len(text) == 0 {
		return &fields{of: map[string]jsonpath.Value{}, loc: []string{"body"}}, nil
	}
	return readFields(text, "body")
}

// idempotencyKey returns the key with which a client marks the copies of a request, or "".
func (c *call) idempotencyKey() string {
	return strings.TrimSpace(c.request.Header.Get("Idempotency-Key"))
}
