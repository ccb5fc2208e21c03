package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hookseal/hookseal/verifiers"
)

const (
	publishToken     = "the-token-of-the-publisher"
	subscriberSecret = "the-secret-of-the-subscriber"
)

// startPublish runs a site that publishes, under a journal in memory, to the options' endpoints. In
// the options TARGET stands for the address of the app.
func startPublish(t *testing.T, app *app, options ...string) *gateway {
	t.Helper()
	newJournal(t, t.Name())
	return start(t, publishing(options...), publishNames(t, app)...)
}

// publishNames are what publishing has to have replaced.
func publishNames(t *testing.T, app *app) []string {
	t.Helper()
	t.Setenv("PUBLISH_TOKEN", publishToken)
	t.Setenv("SUBSCRIBER_SECRET", subscriberSecret)
	return []string{"JOURNAL", t.Name(), "TARGET", app.address()}
}

// publishing is a configuration that publishes.
func publishing(options ...string) string {
	return "{\nGLOBALS\nwebhook_gateway {\noutbound {\njournal webhook_test JOURNAL\nallow_http\nallow_net 127.0.0.0/8\nretries 3 delay 1ms\n" +
		strings.Join(options, "\n") + "\n}\n}\nevents {\non * webhook_test\n}\n}\nSITE {\nlog\nwebhook_publish {\ntoken {env.PUBLISH_TOKEN} current\n}\nrespond nothing 404\n}\n"
}

// subscriber is an endpoint of the app, with a scheme that anybody can check.
func subscriber(path string, lines ...string) string {
	return "endpoint http://TARGET" + path + " {\nscheme generic\nsecret {env.SUBSCRIBER_SECRET}\n" + strings.Join(lines, "\n") + "\n}"
}

// publish publishes an event and returns the id of its message.
func (g *gateway) publish(event string) string {
	g.t.Helper()
	body := fmt.Appendf(nil, `{"event":%q,"data":{"n":%q}}`, event, newID())
	a := g.postAfterReload("/publish", authorized(), body).wants(g.t, http.StatusAccepted)
	var accepted struct{ ID string }
	if err := json.Unmarshal([]byte(a.body), &accepted); err != nil || accepted.ID == "" {
		g.t.Fatalf("answered %q: %v", a.body, err)
	}
	return accepted.ID
}

// authorized is the header of a publisher.
func authorized() http.Header {
	return header("Authorization", "Bearer "+publishToken, "Content-Type", "application/json")
}

// operator asks the admin API for a list.
func (g *gateway) operator(list string, answer any) {
	g.t.Helper()
	a := g.askAdmin(http.MethodGet, "/webhook_gateway/outbound/"+list).wants(g.t, 200)
	if err := json.Unmarshal([]byte(a.body), answer); err != nil {
		g.t.Fatalf("%v in %s", err, a.body)
	}
}

// operate asks the admin API to do something.
func (g *gateway) operate(operation string, ask any) *answer {
	g.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+g.admin+"/webhook_gateway/outbound/"+operation, bytes.NewReader(mustJSON(g.t, ask)))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return g.do(req)
}

// sentWith matches the lines about attempts that were answered with a status.
func sentWith(status int) func(logLine) bool {
	return func(l logLine) bool { return l.Logger == "webhook.outbound" && l.Attempt > 0 && l.Status == status }
}

func TestWhatIsPublishedReachesItsSubscribersSigned(t *testing.T) {
	app := newApp(t)
	g := startPublish(t, app, subscriber("/orders", "events order.*", "header X-Tenant acme"), subscriber("/all", "name all"), subscriber("/invoices", "events invoice.*"))
	g.publish("order.created")
	g.log.await(t, 2, sentWith(200))
	scheme, _ := verifiers.Preset("generic")
	verifier, err := verifiers.New(scheme, []verifiers.Secret{verifiers.NewSecret("", subscriberSecret)}, verifiers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	targets := make(map[string]int)
	for _, got := range app.take() {
		targets[got.target]++
		check, err := verifier.Check(verifiers.Request{Method: got.method, Header: got.header, Target: got.target})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := check.Verify(got.body); err != nil {
			t.Errorf("%s: %v", got.target, err)
		}
		check.Close()
		if tenant := got.header.Get("X-Tenant"); (tenant == "acme") != (got.target == "/orders") {
			t.Errorf("%s: X-Tenant is %q", got.target, tenant)
		}
	}
	if len(targets) != 2 || targets["/orders"] != 1 || targets["/all"] != 1 {
		t.Errorf("reached %v", targets)
	}
}

func TestOtherPathsGoOnToTheNextHandler(t *testing.T) {
	g := startPublish(t, newApp(t))
	for _, path := range []string{"/", "/publish/more", "/publisher", "/api", "/api/v1", "/api/v2/app", "/other"} {
		if a := g.post(path, nil, nil).wants(t, 404); a.body != "nothing" {
			t.Errorf("%s: answered %q", path, a.body)
		}
	}
	if a := g.post("/api/v1/nothing", authorized(), nil).wants(t, 404); a.body == "nothing" {
		t.Error("a path of the API went on")
	}
}

func TestPublishingWorksBehindAPrefix(t *testing.T) {
	app := newApp(t)
	newJournal(t, t.Name())
	config := strings.Replace(publishing(subscriber("/")), "webhook_publish {\ntoken {env.PUBLISH_TOKEN} current\n}\n",
		"handle_path /outgoing/* {\nwebhook_publish {\ntoken {env.PUBLISH_TOKEN} current\n}\n}\n", 1)
	g := start(t, config, publishNames(t, app)...)
	g.post("/outgoing/publish", authorized(), []byte(`{"event":"ping","data":{}}`)).wants(t, 202)
	g.post("/publish", authorized(), []byte(`{"event":"ping","data":{}}`)).wants(t, 404)
	g.log.await(t, 1, sentWith(200))
	app.one()
}

func TestNobodyPublishesWithoutAToken(t *testing.T) {
	app := newApp(t)
	g := startPublish(t, app, subscriber("/"))
	body := []byte(`{"event":"ping","data":{}}`)
	for _, h := range []http.Header{
		nil, header("Authorization", ""), header("Authorization", "Bearer"), header("Authorization", "Bearer "),
		header("Authorization", "Bearer "+publishToken+"x"), header("Authorization", "Bearer "+publishToken[1:]),
		header("Authorization", "Basic "+publishToken), header("Authorization", publishToken),
		header("Authorization", "Bearer {env.PUBLISH_TOKEN}"),
	} {
		g.post("/publish", h, body).wants(t, 401)
		g.post("/api/v1/app", h, body).wants(t, 401)
	}
	g.publish("ping")
	g.log.await(t, 1, sentWith(200))
	app.one()
}

func TestABodyOverTheLimitIsRefused(t *testing.T) {
	newJournal(t, t.Name())
	config := strings.Replace(publishing(), "current\n}", "current\nmax_body 1KiB\n}", 1)
	g := start(t, config, publishNames(t, newApp(t))...)
	for size, want := range map[int]int{900: 202, 1100: 413} {
		body := fmt.Appendf(nil, `{"event":"ping","data":%q}`, bytes.Repeat([]byte("x"), size))
		g.post("/publish", authorized(), body).wants(t, want)
	}
}
