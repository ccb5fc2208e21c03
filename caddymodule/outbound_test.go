package caddymodule_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// outboundLine matches lines of a text about what is published.
func outboundLine(msg string) func(logLine) bool {
	return func(l logLine) bool { return l.Logger == "webhook.outbound" && l.Msg == msg }
}

// must fails the test unless a reload was accepted.
func (g *gateway) mustReload(caddyfile string) {
	g.t.Helper()
	if status, text := g.reload(caddyfile); status != http.StatusOK {
		g.t.Fatal(text)
	}
}

// awaitReady waits until the hub has read its journal.
func (g *gateway) awaitReady() {
	g.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if g.do(g.request(http.MethodGet, "/api/v1/health", nil, nil)).status == http.StatusNoContent {
			return
		}
	}
	g.t.Fatal("the hub is not ready")
}

// targets returns what of the app was asked for since it was last asked.
func (a *app) targets() map[string]int {
	targets := make(map[string]int)
	for _, got := range a.take() {
		targets[got.target]++
	}
	return targets
}

func TestWhatWaitsGoesOnOverReloads(t *testing.T) {
	app := newAppThat(t, status(500))
	journal := newJournal(t, t.Name())
	config := func(delay string) string {
		return strings.Replace(publishing(subscriber("/", "name crm")), "retries 3 delay 1ms", "retries 3 delay "+delay, 1)
	}
	g := start(t, config("1h"), publishNames(t, app)...)
	message := g.publish("order.created")
	g.log.await(t, 1, sentWith(500))
	g.mustReload(config("2h"))
	app.answers(status(200))
	if n := len(app.take()); n != 1 {
		t.Fatalf("attempted %d times", n)
	}
	g.operate("resend", map[string]string{"message": message, "endpoint": "crm"}).wants(t, 200)
	g.log.await(t, 1, sentWith(200))
	app.one()
	if n := journal.opened(); n != 1 {
		t.Errorf("the journal was opened %d times", n)
	}
}

func TestAnAttemptInFlightOutlivesAReload(t *testing.T) {
	app, hold := newApp(t), newHold(t)
	app.answers(hold.ServeHTTP)
	newJournal(t, t.Name())
	g := start(t, publishing(subscriber("/")), publishNames(t, app)...)
	g.publish("order.created")
	wait(t, "the attempt", hold.arrived)
	g.mustReload(publishing(subscriber("/"), "timeout 20s"))
	hold.release <- 200
	g.log.await(t, 1, sentWith(200))
	app.one()
	app.answers(status(200))
	g.publish("order.created")
	g.log.await(t, 2, sentWith(200))
	app.one()
}

func TestAReloadPutsItsSettingsInForce(t *testing.T) {
	app := newApp(t)
	newJournal(t, t.Name())
	g := start(t, publishing(subscriber("/first")), publishNames(t, app)...)
	for _, path := range []string{"/second", "/third", "/first"} {
		g.mustReload(publishing(subscriber(path)))
		before := len(g.log.find(sentWith(200)))
		g.publish("order.created")
		g.log.await(t, before+1, sentWith(200))
		if got := app.targets(); len(got) != 1 || got[path] != 1 {
			t.Errorf("after the reload to %s: reached %v", path, got)
		}
	}
}

// As claims: what a configuration that didn't come into force says doesn't count, however far it got.
func TestARejectedReloadLeavesTheSettingsInForce(t *testing.T) {
	app := newApp(t)
	journal := newJournal(t, t.Name())
	g := start(t, publishing(subscriber("/first")), append(publishNames(t, app), "TAKEN", newApp(t).address())...)
	other := publishing(subscriber("/second"))
	for name, config := range map[string]string{
		"a route doesn't provision": other + "http://OTHER {\nwebhook_publish {\ntoken {env.NEVER_SET_ANYWHERE}\n}\n}",
		"another app doesn't start": other + "http://TAKEN {\nrespond 200\n}",
		"its journal doesn't open":  strings.Replace(other, "webhook_test JOURNAL", "webhook_test broken", 1),
	} {
		newJournal(t, "broken").breaks(errors.New("this journal can't be opened"))
		// The apps start in no order, so this is tried more than once.
		for range 4 {
			if status, _ := g.reload(config); status == 200 {
				t.Fatalf("%s: the configuration was accepted", name)
			}
			before := len(g.log.find(sentWith(200)))
			g.publish("order.created")
			g.log.await(t, before+1, sentWith(200))
			if got := app.targets(); len(got) != 1 || got["/first"] != 1 {
				t.Errorf("%s: reached %v", name, got)
			}
		}
	}
	if n := journal.opened(); n != 1 {
		t.Errorf("the journal was opened %d times", n)
	}
}

func TestAnotherJournalIsAnotherHub(t *testing.T) {
	app := newApp(t)
	first, second := newJournal(t, t.Name()), newJournal(t, "second")
	g := start(t, publishing(subscriber("/")), publishNames(t, app)...)
	g.publish("order.created")
	g.log.await(t, 1, sentWith(200))
	g.mustReload(strings.Replace(publishing(subscriber("/")), "webhook_test JOURNAL", "webhook_test second", 1))
	g.publish("order.created")
	g.log.await(t, 2, sentWith(200))
	if first.opened() != 1 || second.opened() != 1 {
		t.Errorf("opened %d and %d times", first.opened(), second.opened())
	}
	first.mustBeFree(t)
	g.mustReload(publishing(subscriber("/")))
	var answer struct{ Messages []any }
	if g.operator("messages", &answer); len(answer.Messages) != 1 {
		t.Errorf("the first journal has %d messages", len(answer.Messages))
	}
}

// mustBeFree fails the test if somebody has the journal.
func (j *testJournal) mustBeFree(t *testing.T) {
	t.Helper()
	books, err := j.Memory.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := books.Close(); err != nil {
		t.Fatal(err)
	}
}

// The inbound gateway must not wait for a cluster: its senders would give up.
func TestAJournalOutOfReachKeepsNobodyFromReceiving(t *testing.T) {
	app := newApp(t)
	journal := newJournal(t, t.Name())
	reach := journal.unreachable()
	config := strings.Replace(publishing(subscriber("/published")), "respond nothing 404", "handle /hook {\n"+verifyBlock("github")+"\nreverse_proxy TARGET\n}", 1)
	g := start(t, config, publishNames(t, app)...)
	body := newBody()
	g.post("/hook", newSender(t, "github").headerOf(body), body).wants(t, 200)
	app.one()
	for range 3 {
		a := g.post("/publish", authorized(), []byte(`{"event":"ping","data":{}}`)).wants(t, 503)
		if a.header.Get("Retry-After") == "" {
			t.Errorf("answered without Retry-After: %v", a.header)
		}
	}
	if got := g.metric("caddy_webhook_outbound_ready"); got != 0 {
		t.Errorf("ready is %v", got)
	}
	const trouble, over = "journal can't be used: nothing is published or sent until it can", "journal can be used again"
	g.log.await(t, 1, outboundLine(trouble))
	reach()
	g.log.await(t, 1, outboundLine(over))
	g.awaitReady()
	g.publish("ping")
	g.log.await(t, 1, sentWith(200))
	if got := g.metric("caddy_webhook_outbound_ready"); got != 1 {
		t.Errorf("ready is %v", got)
	}
	if told, ended := len(g.log.find(outboundLine(trouble))), len(g.log.find(outboundLine(over))); told != 1 || ended != 1 {
		t.Errorf("told of the problem %d times, and of its end %d times", told, ended)
	}
}

func TestAJournalThatCanNotBeOpenedIsAnErrorAtStart(t *testing.T) {
	g := startSite(t, newApp(t), "respond 204", publishNames(t, newApp(t))...)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	config := strings.Replace(publishing(), "journal webhook_test JOURNAL", "journal nats {\ndir "+file+"/journal\n}", 1)
	status, text := g.reload(config)
	if status == 200 || !strings.Contains(text, "outbound: ") || !strings.Contains(text, "not a directory") {
		t.Errorf("answered %d %s", status, text)
	}
	g.postAfterReload("/", nil, nil).wants(t, 204)
}

// caddy validate, and a configuration that is rejected before it starts, leave nothing behind.
func TestNothingIsOpenedBeforeTheStart(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	g := startSite(t, newApp(t), "respond 204", publishNames(t, newApp(t))...)
	config := strings.Replace(publishing(), "journal webhook_test JOURNAL\n", "", 1)
	parsed := new(caddy.Config)
	if err := caddy.StrictUnmarshalJSON(g.adapt(config), parsed); err != nil {
		t.Fatal(err)
	}
	parsed.Admin = &caddy.AdminConfig{Disabled: true}
	if err := caddy.Validate(parsed); err != nil {
		t.Fatal(err)
	}
	if status, _ := g.reload(config + "http://OTHER {\nwebhook_publish {\ntoken {env.NEVER_SET_ANYWHERE}\n}\n}"); status == 200 {
		t.Fatal("the configuration was accepted")
	}
	g.mustReload("{\nGLOBALS\nwebhook_gateway {\n}\n}\nSITE {\nrespond 204\n}")
	entries, err := os.ReadDir(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 0 {
		t.Errorf("%s was made", entries[0])
	}
	g.mustReload(config)
	if _, err := os.Stat(filepath.Join(data, "caddy", "hookseal", "outbound")); err != nil {
		t.Errorf("the journal is not where it is documented to be: %v", err)
	}
}

// The embedded journal, as it is without any option.
func TestPublishingNeedsNoOptions(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	g := startSite(t, nil, "webhook_publish {\ntoken {env.PUBLISH_TOKEN}\n}", publishNames(t, newApp(t))...)
	id := g.publish("order.created")
	g.mustReload("{\nGLOBALS\n}\nSITE {\nheader X-Config second\nwebhook_publish {\ntoken {env.PUBLISH_TOKEN}\n}\n}")
	var answer struct{ Messages []struct{ ID string } }
	if g.operator("messages", &answer); len(answer.Messages) != 1 || answer.Messages[0].ID != id {
		t.Errorf("after a reload there are %v, and not %s", answer.Messages, id)
	}
}

func TestAStopLetsAttemptsInFlightEnd(t *testing.T) {
	app, hold := newApp(t), newHold(t)
	app.answers(hold.ServeHTTP)
	journal := newJournal(t, t.Name())
	g := start(t, publishing(subscriber("/")), publishNames(t, app)...)
	g.publish("order.created")
	wait(t, "the attempt", hold.arrived)
	stopped := make(chan error)
	go func() { stopped <- caddy.Stop() }()
	select {
	case err := <-stopped:
		t.Fatalf("stopped over an attempt in flight: %v", err)
	case hold.release <- 200:
	}
	if err := wait(t, "the stop", stopped); err != nil {
		t.Fatal(err)
	}
	journal.mustBeFree(t)
	app.one()
	app.answers(status(200))
	if err := caddy.Load(g.adapt(publishing(subscriber("/"))), true); err != nil {
		t.Fatal(err)
	}
	g.publish("order.created") // is attempted behind what waits
	g.log.await(t, 2, sentWith(200))
	app.one()
}

func TestAnAttemptThatIsCutByAStopIsMadeAgain(t *testing.T) {
	app, hold := newApp(t), newHold(t)
	app.answers(hold.ServeHTTP)
	journal := newJournal(t, t.Name())
	config := strings.Replace(publishing(subscriber("/")), "GLOBALS", "GLOBALS\ngrace_period 1ms", 1)
	g := start(t, config, publishNames(t, app)...)
	g.publish("order.created")
	wait(t, "the attempt", hold.arrived)
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	journal.mustBeFree(t)
	app.answers(status(200))
	app.take()
	if err := caddy.Load(g.adapt(config), true); err != nil {
		t.Fatal(err)
	}
	line := g.log.await(t, 1, sentWith(200))[0]
	if line.Attempt != 1 {
		t.Errorf("attempt %d: the one that was cut was counted", line.Attempt)
	}
	app.one()
	hold.release <- 200
}

func TestAChangedFileOfSubscriptionsIsTakenUp(t *testing.T) {
	app := newApp(t)
	file := filepath.Join(t.TempDir(), "subscriptions.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	webhook := func(path string) string {
		return fmt.Sprintf(`{"webhooks": [{"url": "http://%s%s", "secret": %q, "scheme": "generic"}]}`, app.address(), path, subscriberSecret)
	}
	write(webhook("/first"))
	g := startPublish(t, app, subscriber("/own"), "subscriptions "+file)
	published := 0
	publish := func(want string) {
		t.Helper()
		g.publish("order.created")
		published++
		g.log.await(t, 2*published, sentWith(200))
		if got := app.targets(); len(got) != 2 || got["/own"] != 1 || got[want] != 1 {
			t.Errorf("reached %v and not %s", got, want)
		}
	}
	publish("/first")
	write(webhook("/of-another-length"))
	g.log.await(t, 1, outboundLine("subscriptions read again"))
	publish("/of-another-length")
	write("{")
	line := g.log.await(t, 1, outboundLine("subscriptions stay as they were"))[0]
	if !strings.Contains(line.Error, file+": line 1: is no JSON") {
		t.Errorf("logged %q", line.Error)
	}
	publish("/of-another-length")
	if status, text := g.reload(publishing("subscriptions " + file)); status == 200 || !strings.Contains(text, "is no JSON") {
		t.Errorf("a reload with a broken file was answered %d %s", status, text)
	}
	publish("/of-another-length")
}
