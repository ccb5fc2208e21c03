package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/outbound/journaltest"
)

const (
	testToken  = "a-token-for-tests-1"
	otherToken = "a-token-for-tests-2"
)

// rig is the API of a hub whose subscribers answer as a test says. Its time is that of a bubble of
// testing/synctest.
type rig struct {
	*testing.T
	hub     *outbound.Hub
	handler http.Handler
	options Options

	mu   sync.Mutex
	sent []sent
	code int
}

// sent is an attempt as a subscriber sees it.
type sent struct {
	url    string
	header http.Header
	body   string
}

// inBubble runs a test with a rig whose hub is working.
func inBubble(t *testing.T, test func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- r.hub.Run(ctx) }()
		synctest.Wait()
		defer func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("the hub ended with %v", err)
			}
		}()
		test(r)
	})
}

// newRig returns a rig whose hub is not working yet.
func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, code: http.StatusNoContent}
	r.hub = outbound.New(journaltest.NewMemory(), func(outbound.Settings) outbound.Sender { return r }, outbound.Settings{}, outbound.Hooks{})
	r.options = Options{Tokens: []Token{mustToken(t, testToken), mustToken(t, otherToken)}}
	r.build()
	return r
}

// build makes the handler anew, as after a restart.
func (r *rig) build() {
	r.Helper()
	h, err := New(r.hub, r.options)
	if err != nil {
		r.Fatal(err)
	}
	r.handler = h
}

func mustToken(t *testing.T, text string) Token {
	t.Helper()
	token, err := NewToken(text)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Send is the network.
func (r *rig) Send(_ context.Context, url string, header http.Header, body []byte) outbound.Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, sent{url, header.Clone(), string(body)})
	return outbound.Answer{Code: r.code, Body: []byte("what the subscriber said")}
}

// delivered returns what subscribers have got once all is at rest.
func (r *rig) delivered() []sent {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent
}

// answers sets the status that subscribers answer with.
func (r *rig) answers(code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.code = code
}

// response is an answer of the API.
type response struct {
	*testing.T
	code   int
	header http.Header
	text   string
	body   map[string]any
}

// do makes a request with a token. Header fields are given as name, value.
func (r *rig) do(method, path, body string, header ...string) response {
	r.Helper()
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+testToken)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return r.serve(request)
}

func (r *rig) serve(request *http.Request) response {
	r.Helper()
	recorder := httptest.NewRecorder()
	r.handler.ServeHTTP(recorder, request)
	answered := response{T: r.T, code: recorder.Code, header: recorder.Result().Header, text: recorder.Body.String()}
	if answered.text != "" {
		if err := json.Unmarshal([]byte(answered.text), &answered.body); err != nil {
			r.Fatalf("%s %s: the answer is no JSON object: %v\n%s", request.Method, request.URL, err, answered.text)
		}
	}
	return answered
}

// want fails the test unless the answer has a status.
func (a response) want(code int) response {
	a.Helper()
	if a.code != code {
		a.Fatalf("answered %d, want %d: %s", a.code, code, a.text)
	}
	return a
}

// get returns a member of the answer, by names with dots between them; numbers are indices.
func (a response) get(path string) any {
	a.Helper()
	var value any = a.body
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			var i int
			if err := json.Unmarshal([]byte(name), &i); err != nil || i >= len(v) {
				a.Fatalf("%s has no %s", a.text, path)
			}
			value = v[i]
		default:
			a.Fatalf("%s has no %s", a.text, path)
		}
	}
	return value
}

func (a response) is(path string, want any) response {
	a.Helper()
	got, _ := json.Marshal(a.get(path))
	wanted, _ := json.Marshal(want)
	if string(got) != string(wanted) {
		a.Errorf("%s is %s, want %s: %s", path, got, wanted, a.text)
	}
	return a
}

func (a response) id() string {
	a.Helper()
	id, ok := a.get("id").(string)
	if !ok || id == "" {
		a.Fatalf("no id in %s", a.text)
	}
	return id
}

// ids returns the ids of a list.
func (a response) ids() (all []string) {
	a.Helper()
	data, ok := a.body["data"].([]any)
	if !ok {
		a.Fatalf("no list: %s", a.text)
	}
	for _, item := range data {
		member, _ := item.(map[string]any)
		id, ok := member["id"].(string)
		if !ok {
			id, _ = member["name"].(string)
		}
		all = append(all, id)
	}
	return all
}

// wrongAt fails the test unless the answer is a 422 about a place.
func (a response) wrongAt(place ...string) response {
	a.Helper()
	a.want(http.StatusUnprocessableEntity)
	problems, _ := a.body["detail"].([]any)
	for _, problem := range problems {
		got, _ := json.Marshal(problem.(map[string]any)["loc"])
		if want, _ := json.Marshal(place); string(got) == string(want) {
			return a
		}
	}
	a.Errorf("nothing is told about %q: %s", place, a.text)
	return a
}

// app makes an application with a uid.
func (r *rig) app(uid string) string {
	r.Helper()
	return r.do("POST", "/api/v1/app", `{"name":"`+uid+`","uid":"`+uid+`"}`).want(http.StatusCreated).id()
}

// endpointAt makes an endpoint of an application.
func (r *rig) endpointAt(app, members string) string {
	r.Helper()
	return r.do("POST", "/api/v1/app/"+app+"/endpoint", `{"url":"https://subscriber.example/hook"`+members+`}`).want(http.StatusCreated).id()
}

// publishTo publishes a message.
func (r *rig) publishTo(app, event, payload string) string {
	r.Helper()
	return r.do("POST", "/api/v1/app/"+app+"/msg", `{"eventType":"`+event+`","payload":`+payload+`}`).want(http.StatusAccepted).id()
}

// later lets time pass.
func (r *rig) later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
