// Command svixgo drives Hookseal's publish API with Svix's own Go client, unmodified, and verifies what a
// subscriber gets with its webhook class. It ends with status 1 at the first thing that isn't as it should be.
//
// SERVER_URL is where Hookseal is, which must be allowed to send to this machine, and PUBLISH_TOKEN its
// token.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"

	svix "github.com/svix/svix-webhooks/go"
)

func main() {
	log.SetFlags(0)
	server, err := url.Parse(os.Getenv("SERVER_URL"))
	check(err)
	uid := "go-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	d := &drive{
		ctx:  context.Background(),
		svix: svix.New(os.Getenv("PUBLISH_TOKEN"), &svix.SvixOptions{ServerUrl: server}),
		uid:  uid,
	}
	defer d.subscribe().Close()
	d.applications()
	d.eventTypes()
	d.endpoints()
	d.deliveries()
	d.deadLetters()
	d.errors(svix.New("not-the-token-of-anybody", &svix.SvixOptions{ServerUrl: server}))
	check(d.svix.Application.Delete(d.ctx, uid))
}

// drive is a client, the application that it works on, and a subscriber.
type drive struct {
	ctx        context.Context
	svix       *svix.Svix
	uid        string
	subscriber string
	got        chan delivery
}

// delivery is what the subscriber got.
type delivery struct {
	header http.Header
	body   []byte
}

// subscribe starts the subscriber, which answers with the status in the path.
func (d *drive) subscribe() *httptest.Server {
	d.got = make(chan delivery, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		check(err)
		d.got <- delivery{r.Header, body}
		status, err := strconv.Atoi(r.URL.Path[1:])
		check(err)
		w.WriteHeader(status)
		io.WriteString(w, "answer")
	}))
	d.subscriber = s.URL
	return s
}

func (d *drive) applications() {
	app := must(d.svix.Application.Create(d.ctx, &svix.ApplicationIn{
		Name: "Go", Uid: &d.uid, RateLimit: svix.Int32(100), Metadata: &map[string]string{"k": "v"},
	}))
	want(app.GetUid() == d.uid && app.GetRateLimit() == 100 && app.Metadata["k"] == "v" && !app.CreatedAt.IsZero(), "an application as it was made")
	same := must(d.svix.Application.GetOrCreate(d.ctx, &svix.ApplicationIn{Name: "other", Uid: &d.uid}))
	want(same.Id == app.Id, "the application that there is")
	want(must(d.svix.Application.Get(d.ctx, d.uid)).Name == "Go", "an application by its uid")
	updated := must(d.svix.Application.Update(d.ctx, d.uid, &svix.ApplicationIn{Name: "Gopher", Uid: &d.uid}))
	want(updated.Name == "Gopher" && updated.RateLimit == nil, "an application that was replaced")
	found := false
	options := &svix.ApplicationListOptions{Limit: svix.Int32(1)}
	for {
		page := must(d.svix.Application.List(d.ctx, options))
		found = found || len(page.Data) == 1 && page.Data[0].Id == app.Id
		if page.Done {
			break
		}
		options.Iterator = page.Iterator.Get()
	}
	want(found, "the application in the list")
}

func (d *drive) eventTypes() {
	name := "invoice." + d.uid
	schemas := map[string]interface{}{"1": map[string]interface{}{"type": "object", "required": []string{"id"}}}
	made := must(d.svix.EventType.Create(d.ctx, &svix.EventTypeIn{Name: name, Description: "paid", Schemas: schemas}))
	want(made.Name == name && made.Schemas != nil, "an event type as it was made")
	_, err := d.svix.Message.Create(d.ctx, d.uid, &svix.MessageIn{EventType: name, Payload: map[string]interface{}{}})
	refused(err, http.StatusUnprocessableEntity)
	must(d.svix.EventType.Update(d.ctx, name, &svix.EventTypeUpdate{Description: "again"}))
	check(d.svix.EventType.Delete(d.ctx, name))
	want(must(d.svix.EventType.Get(d.ctx, name)).GetArchived(), "an event type that was archived")
	want(len(must(d.svix.EventType.List(d.ctx, &svix.EventTypeListOptions{})).Data) >= 0, "event types")
}

// endpoint makes an endpoint for a type of event, whose subscriber answers with a status.
func (d *drive) endpoint(event string, status int) *svix.EndpointOut {
	return must(d.svix.Endpoint.Create(d.ctx, d.uid, &svix.EndpointIn{Url: d.url(status), FilterTypes: []string{event}}))
}

func (d *drive) url(status int) string { return d.subscriber + "/" + strconv.Itoa(status) }

func (d *drive) endpoints() {
	e := d.endpoint("a", 200)
	want(slices.Equal(e.FilterTypes, []string{"a"}) && e.Version == 1, "an endpoint as it was made")
	check(d.svix.Endpoint.UpdateHeaders(d.ctx, d.uid, e.Id, &svix.EndpointHeadersIn{Headers: map[string]string{"X-Team": "a", "Authorization": "hidden"}}))
	headers := must(d.svix.Endpoint.GetHeaders(d.ctx, d.uid, e.Id))
	want(headers.Headers["X-Team"] == "a" && slices.Equal(headers.Sensitive, []string{"Authorization"}), "header fields, the sensitive one by its name")
	before := must(d.svix.Endpoint.GetSecret(d.ctx, d.uid, e.Id)).Key
	check(d.svix.Endpoint.RotateSecret(d.ctx, d.uid, e.Id, &svix.EndpointSecretRotateIn{}))
	want(must(d.svix.Endpoint.GetSecret(d.ctx, d.uid, e.Id)).Key != before, "another secret")
	disabled := true
	updated := must(d.svix.Endpoint.Update(d.ctx, d.uid, e.Id, &svix.EndpointUpdate{Url: d.url(200), Disabled: &disabled}))
	want(updated.GetDisabled() && len(updated.FilterTypes) == 0, "an endpoint that was replaced")
	want(len(must(d.svix.Endpoint.List(d.ctx, d.uid, &svix.EndpointListOptions{})).Data) == 1, "one endpoint")
	check(d.svix.Endpoint.Delete(d.ctx, d.uid, e.Id))
}

func (d *drive) deliveries() {
	e := d.endpoint("order.paid", 200)
	webhook := must(svix.NewWebhook(must(d.svix.Endpoint.GetSecret(d.ctx, d.uid, e.Id)).Key))
	payload := map[string]interface{}{"total": 12.5, "text": "Zwölf Äpfel <&>"}
	event := "event-" + d.uid
	m := must(d.svix.Message.Create(d.ctx, d.uid, &svix.MessageIn{EventType: "order.paid", EventId: &event, Payload: payload, Tags: []string{"t"}}))
	got := d.next()
	check(webhook.Verify(got.body, got.header))
	want(webhook.Verify(append(got.body, ' '), got.header) != nil, "a changed body to be refused")
	var delivered map[string]interface{}
	check(json.Unmarshal(got.body, &delivered))
	want(delivered["text"] == payload["text"] && got.header.Get("webhook-id") == m.Id, "the payload that was published")

	want(must(d.svix.Message.Get(d.ctx, d.uid, event)).Payload["text"] == payload["text"], "the message by its event id")
	tag := "t"
	want(len(must(d.svix.Message.List(d.ctx, d.uid, &svix.MessageListOptions{Tag: &tag, EventTypes: &[]string{"order.paid", "x"}})).Data) == 1, "the message by its tag")
	_, err := d.svix.Message.Create(d.ctx, d.uid, &svix.MessageIn{EventType: "order.paid", EventId: &event, Payload: payload})
	refused(err, http.StatusConflict)

	raw := svix.NewMessageInRaw("order.paid", "<a>12 €</a>", *svix.NullableString(svix.String("text/xml")))
	must(d.svix.Message.Create(d.ctx, d.uid, raw))
	got = d.next()
	want(string(got.body) == "<a>12 €</a>" && got.header.Get("Content-Type") == "text/xml", "the raw payload")
	want(len(must(d.svix.Message.List(d.ctx, d.uid, &svix.MessageListOptions{})).Data) == 2, "the raw payload among the messages")
	// Not SendExample: this version of the client drops what it is given, and then finds it missing.
	check(d.svix.Endpoint.Delete(d.ctx, d.uid, e.Id))
}

func (d *drive) deadLetters() {
	since := time.Now().Add(-time.Hour)
	e := d.endpoint("dead", 500)
	m := must(d.svix.Message.Create(d.ctx, d.uid, &svix.MessageIn{EventType: "dead", Payload: map[string]interface{}{"n": 1}}))
	failed := svix.MessageStatus(2)
	dead := func() []svix.EndpointMessageOut {
		return must(d.svix.MessageAttempt.ListAttemptedMessages(d.ctx, d.uid, e.Id, &svix.MessageAttemptListOptions{Status: &failed})).Data
	}
	until(func() bool { return len(dead()) == 1 }, "a dead letter")
	want(dead()[0].Id == m.Id && dead()[0].Payload["n"] == 1.0, "the message among the dead letters")
	attempts := must(d.svix.MessageAttempt.ListByMsg(d.ctx, d.uid, m.Id, nil)).Data
	want(len(attempts) == 2 && attempts[0].ResponseStatusCode == 500 && attempts[0].Response == "answer" && attempts[0].EndpointId == e.Id, "the attempts")
	want(must(d.svix.MessageAttempt.Get(d.ctx, d.uid, m.Id, attempts[0].Id)).MsgId == m.Id, "an attempt by its id")
	yes := true
	byEndpoint := must(d.svix.MessageAttempt.ListByEndpoint(d.ctx, d.uid, e.Id, &svix.MessageAttemptListOptions{WithMsg: &yes})).Data
	want(len(byEndpoint) == 2 && byEndpoint[0].GetMsg().Id == m.Id, "the attempts with their message")
	want(len(must(d.svix.MessageAttempt.ListAttemptsForEndpoint(d.ctx, d.uid, m.Id, e.Id, nil)).Data) == 2, "the attempts by their older path")
	want(must(d.svix.MessageAttempt.ListAttemptedDestinations(d.ctx, d.uid, m.Id, nil)).Data[0].Id == e.Id, "the destination")
	want(must(d.svix.Endpoint.GetStats(d.ctx, d.uid, e.Id)).Fail == 1, "one that failed")

	must(d.svix.Endpoint.Update(d.ctx, d.uid, e.Id, &svix.EndpointUpdate{Url: d.url(200)}))
	check(d.svix.MessageAttempt.Resend(d.ctx, d.uid, m.Id, e.Id))
	until(func() bool { return must(d.svix.Endpoint.GetStats(d.ctx, d.uid, e.Id)).Success == 1 }, "success after resending")
	want(must(d.svix.Endpoint.Recover(d.ctx, d.uid, e.Id, &svix.RecoverIn{Since: since})).Task == "endpoint.recover", "a recovery")
	// Nor ReplayMissing, which drops what it is given as SendExample does.
	check(d.svix.Endpoint.Delete(d.ctx, d.uid, e.Id))
}

func (d *drive) errors(stranger *svix.Svix) {
	_, err := stranger.Application.List(d.ctx, nil)
	refused(err, http.StatusUnauthorized)
	_, err = d.svix.Endpoint.List(d.ctx, "nobody", &svix.EndpointListOptions{})
	refused(err, http.StatusNotFound)
	_, err = d.svix.Endpoint.Create(d.ctx, d.uid, &svix.EndpointIn{Url: "ftp://example.com"})
	refused(err, http.StatusUnprocessableEntity)
}

// next returns what the subscriber got next.
func (d *drive) next() delivery {
	select {
	case got := <-d.got:
		return got
	case <-time.After(patience):
		log.Output(2, "nothing was delivered")
		os.Exit(1)
	}
	panic("not reached")
}

// patience is how long is waited for what is to happen.
const patience = 20 * time.Second

func until(done func() bool, what string) {
	for end := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		want(time.Now().Before(end), what)
	}
}

// must returns the value of a call that may not fail.
func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	var answered *svix.Error
	if errors.As(err, &answered) {
		log.Fatalf("%v: %s", err, answered.Body())
	}
	if err != nil {
		log.Fatal(err)
	}
}

func want(ok bool, what string) {
	if !ok {
		log.Fatalf("wanted %s", what)
	}
}

// refused ends the program unless an error is the server's, with a status and in its form.
func refused(err error, status int) {
	var answered *svix.Error
	want(errors.As(err, &answered) && answered.Status() == status, "to be refused with "+strconv.Itoa(status))
	var body struct{ Detail any }
	want(json.Unmarshal(answered.Body(), &body) == nil && body.Detail != nil, "an error in Svix's form")
}
