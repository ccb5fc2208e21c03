package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/hookseal/hookseal/outbound"
)

// defaultOverlap is how long attempts are signed with the old secret too, and maxOverlap how long they
// can be.
const (
	defaultOverlap = 24 * time.Hour
	maxOverlap     = 7 * 24 * time.Hour
)

// maxSecret is how many bytes a secret may have.
const maxSecret = 512

// checkSecret returns what the hub will say about a secret of an endpoint, once a patch has changed that.
// By then the patch is kept.
func (c *call) checkSecret(patch endpointIn, text string) error {
	e, err := c.hub.Endpoint(c.app(), c.endpoint())
	switch {
	case err != nil:
		return err
	case e.Managed:
		return outbound.ErrManaged
	case text == "":
		return nil // a new one is made
	case len(text) > maxSecret:
		return &outbound.InvalidError{Field: "Secret", Problem: fmt.Sprintf("is longer than %d bytes: leave it out to have one made", maxSecret)}
	}
	patch.to(&e, false)
	trial := outbound.Endpoint{UID: "trial", URL: "https://example.com/", Scheme: e.Scheme}
	return outbound.Settings{Endpoints: []outbound.ConfiguredEndpoint{{Endpoint: trial, Secrets: []string{text}}}}.Check()
}

func getSecret(c *call) (answer, error) {
	secret, err := c.hub.EndpointSecret(c.app(), c.endpoint())
	if err != nil {
		return answer{}, err
	}
	return reply(http.StatusOK, map[string]string{"key": secret})
}

func rotateSecret(c *call) (answer, error) {
	f, err := c.optionalFields()
	if err != nil {
		return answer{}, err
	}
	key := f.text("key")
	seconds := f.number("gracePeriodSeconds", 0, int64(maxOverlap/time.Second))
	if err := f.err(); err != nil {
		return answer{}, err
	}
	overlap := defaultOverlap
	if seconds.given() {
		overlap = time.Duration(seconds.value) * time.Second
	}
	err = c.hub.RotateSecret(c.request.Context(), c.app(), c.endpoint(), key.value, overlap)
	return done, named(err, map[string][]string{"Secret": {"body", "key"}})
}
