package durability

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
)

// application is the uid of the application that all events are of.
const application = "trial"

// client speaks Svix's API to gateways, as long as its test runs.
type client struct {
	t    *testing.T
	http http.Client
}

func newClient(t *testing.T, connections int) *client {
	return &client{t, http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: connections},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       patience,
	}}
}

// answer is what a gateway says.
type answer struct {
	status int
	body   []byte
}

// String returns the answer in one line.
func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

// send sends a request with the publishers' token, unless it has another.
func (c *client) send(request *http.Request) (answer, error) {
	if request.Header.Get("Authorization") == "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := c.http.Do(request.WithContext(c.t.Context()))
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, body}, err
}

// post returns a request.
func post(site, path string, body []byte) *http.Request {
	request, err := http.NewRequest(http.MethodPost, "http://"+site+path, bytes.NewReader(body))
	if err != nil {
		panic(err) // the address is one of ours
	}
	request.Header.Set("Content-Type", "application/json")
	return request
}

// create posts something and reads what was made of it.
func (c *client) create(site, path string, body, into any) {
	c.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	a, err := c.send(post(site, path, text))
	if err == nil && a.status == http.StatusCreated {
		err = json.Unmarshal(a.body, into)
	}
	if err != nil || a.status != http.StatusCreated {
		c.t.Fatalf("POST %s: %v, error %v", path, a, err)
	}
}

// get reads a resource.
func (c *client) get(site, path string, into any) error {
	request, err := http.NewRequest(http.MethodGet, "http://"+site+path, nil)
	if err != nil {
		return err
	}
	a, err := c.send(request)
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("answered %v", a)
	}
	if err == nil {
		err = json.Unmarshal(a.body, into)
	}
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	return nil
}

// list reads all pages of a list. The items are at most as many as the test expects, times the copies
// that it allows for: one page more shows that the list doesn't end.
func list[T any](c *client, site, path string, most int) []T {
	c.t.Helper()
	const limit = 250
	var all []T
	query := url.Values{"limit": {fmt.Sprint(limit)}, "with_content": {"false"}}
	for len(all) <= most {
		var page struct {
			Data     []T     `json:"data"`
			Iterator *string `json:"iterator"`
			Done     bool    `json:"done"`
		}
		if err := c.get(site, path+"?"+query.Encode(), &page); err != nil {
			c.t.Fatal(err)
		}
		all = append(all, page.Data...)
		if page.Done {
			return all
		}
		if len(page.Data) != limit || page.Iterator == nil {
			c.t.Fatalf("GET %s: a page of %d of %d items, iterator %v, and not the last one", path, len(page.Data), limit, page.Iterator)
		}
		query.Set("iterator", *page.Iterator)
	}
	c.t.Fatalf("GET %s: more than %d items", path, most)
	return nil
}
