package verifiers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// The bounds of one fetch.
const (
	// fetchTimeout bounds it from the first byte sent to the last one read.
	fetchTimeout = 5 * time.Second
	// maxFetched bounds what is read, in bytes. A certificate has about two thousand, a key some hundred.
	maxFetched = 64 << 10
)

// keyRequest is how a key is fetched.
type keyRequest struct {
	// url is where from. Its host stands in the scheme or comes from the configuration.
	url string
	// body is posted as JSON, and nil if nothing is.
	body []byte
}

// name tells the request from others. The body of one may hold a secret.
func (r keyRequest) name() string {
	if r.body == nil {
		return r.url
	}
	sum := sha256.Sum256(r.body)
	return r.url + " " + hex.EncodeToString(sum[:])
}

// host names whom is asked, for errors. The rest of the URL may be what a stranger wrote.
func (r keyRequest) host() string {
	u, err := url.Parse(r.url)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// fetcher makes the requests.
type fetcher struct{ client *http.Client }

func newFetcher(transport http.RoundTripper) fetcher {
	if transport == nil {
		transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    fetchTimeout,
			MaxResponseHeaderBytes: maxFetched,
			// A few requests a day are worth no connection that stands open.
			DisableKeepAlives: true,
			// What is compressed could be many times as long as the bound.
			DisableCompression: true,
		}
	}
	return fetcher{&http.Client{
		Transport: transport,
		// To follow a redirect is to let the one who answers choose the host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// fetch returns what the vendor answers. No error says more of the request than the host.
func (f fetcher) fetch(r keyRequest) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	method, body := http.MethodGet, io.Reader(nil)
	if r.body != nil {
		method, body = http.MethodPost, bytes.NewReader(r.body)
	}
	request, err := http.NewRequestWithContext(ctx, method, r.url, body)
	if err != nil || request.URL.Scheme != "https" {
		return nil, errors.New("not a URL to fetch a key from")
	}
	if r.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := f.client.Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the URL
		}
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %d", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxFetched+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxFetched:
		return nil, fmt.Errorf("answered more than %d bytes", maxFetched)
	}
	return text, nil
}
