package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// confirmTimeout bounds a confirmation. Who asks for it waits for 15 seconds.
	confirmTimeout = 10 * time.Second

	// maxConfirmation bounds what is read of its answer.
	maxConfirmation = 64 << 10
)

// confirmTransport fetches confirmations. It checks certificates as every transport does, and keeps no
// connection. Tests have their own.
var confirmTransport http.RoundTripper = &http.Transport{
	Proxy:                  http.ProxyFromEnvironment,
	TLSHandshakeTimeout:    confirmTimeout,
	MaxResponseHeaderBytes: maxConfirmation,
	DisableKeepAlives:      true,
}

// confirmer fetches what has to be fetched before a challenge is answered, for one route, one at a time:
// whoever sends copies of a challenge makes no more of them.
type confirmer struct{ busy sync.Mutex }

// errConfirming means that another confirmation is on its way.
var errConfirming = errors.New("another confirmation is on its way")

// confirm fetches a URL, which must be https. An error holds nothing of it, because it has a token.
func (c *confirmer) confirm(ctx context.Context, url string) error {
	if !c.busy.TryLock() {
		return errConfirming
	}
	defer c.busy.Unlock()
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil || req.URL.Scheme != "https" {
		return errors.New("the URL is none of https")
	}
	// Without a client nothing follows a redirect.
	resp, err := confirmTransport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("%s: %w", req.URL.Host, err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxConfirmation)); err != nil {
		return fmt.Errorf("%s: %w", req.URL.Host, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d", req.URL.Host, resp.StatusCode)
	}
	return nil
}
