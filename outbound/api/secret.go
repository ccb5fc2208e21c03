package api

import (
	"net/http"
	"time"
)

// defaultOverlap is how long attempts are signed with the old secret too, and maxOverlap how long they
// can be.
const (
	defaultOverlap = 24 * time.Hour
	maxOverlap     = 7 * 24 * time.Hour
)

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
