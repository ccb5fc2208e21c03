package caddymodule_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// fieldsOf returns all fields of a line.
func fieldsOf(t *testing.T, line logLine) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(line.text), &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

// over matches the last attempt of a schedule.
func over(l logLine) bool { return l.Logger == "webhook.outbound" && l.Attempt > 0 && l.Next == 0 }

func TestEveryAttemptIsLoggedWithWhatCameOfIt(t *testing.T) {
	app := newAppThat(t, status(503))
	g := startPublish(t, app, subscriber("/", "name crm"))
	id := g.publish("order.created")
	g.log.await(t, 1, over)
	lines := g.log.find(func(l logLine) bool { return l.Logger == "webhook.outbound" && l.Attempt > 0 })
	if len(lines) != 4 {
		t.Fatalf("%d attempts were logged", len(lines))
	}
	for i, line := range lines {
		fields := fieldsOf(t, line)
		endpoint, _ := fields["endpoint"].(string)
		if fields["event"] != "order.created" || fields["message"] != id || !strings.HasPrefix(endpoint, "ep_") ||
			fields["attempt"] != float64(i+1) || fields["status"] != 503.0 || fields["took"] == nil {
			t.Errorf("attempt %d: logged %v", i+1, fields)
		}
		last := i == len(lines)-1
		if level := map[bool]string{false: "info", true: "warn"}[last]; fields["level"] != level || (fields["next"] == nil) != last {
			t.Errorf("attempt %d: logged %v", i+1, fields)
		}
	}
	app.answers(status(200))
	g.publish("order.created")
	line := g.log.await(t, 1, sentWith(200))[0]
	if fields := fieldsOf(t, line); fields["level"] != "info" || fields["msg"] != "webhook sent" || fields["next"] != nil {
		t.Errorf("logged %v", fields)
	}
}

func TestAnAttemptThatIsNotAnsweredIsLoggedWithTheProblem(t *testing.T) {
	app := newApp(t)
	g := startPublish(t, app, "endpoint http://"+freeAddress(t)+" {\nscheme generic\nsecret {env.SUBSCRIBER_SECRET}\n}")
	before := g.metric("caddy_webhook_attempts_total", "result", "connection_refused")
	g.publish("order.created")
	line := g.log.await(t, 1, over)[0]
	if fields := fieldsOf(t, line); fields["problem"] != "connection refused" || fields["status"] != 0.0 {
		t.Errorf("logged %v", fields)
	}
	if n := g.metric("caddy_webhook_attempts_total", "result", "connection_refused") - before; n != 4 {
		t.Errorf("counted %v", n)
	}
}

// The guard against requests into the operator's own network counts what it stops, so that it can be seen.
func TestAnAddressThatIsNotAllowedIsCounted(t *testing.T) {
	app := newApp(t)
	newJournal(t, t.Name())
	config := strings.Replace(publishing(subscriber("/")), "allow_net 127.0.0.0/8\n", "", 1)
	config = strings.Replace(config, "http://TARGET", "http://localhost:PORT", 1)
	_, port, _ := strings.Cut(app.address(), ":")
	g := start(t, config, append(publishNames(t, app), "PORT", port)...)
	before := g.metric("caddy_webhook_attempts_total", "result", "address_not_allowed")
	g.publish("order.created")
	g.log.await(t, 1, over)
	if n := g.metric("caddy_webhook_attempts_total", "result", "address_not_allowed") - before; n != 4 {
		t.Errorf("counted %v", n)
	}
	app.none()
}

func TestTheBusHearsOfADisabledEndpointAndOfAFailedMessage(t *testing.T) {
	app := newAppThat(t, status(410))
	g := startPublish(t, app, subscriber("/", "name crm"))
	id := g.publish("order.created")
	seen := make(map[string]map[string]any)
	for len(seen) < 2 {
		if e := wait(t, "an event", events); strings.HasPrefix(e.name, "webhook_") {
			seen[e.name] = e.data
		}
	}
	disabled, failed := seen["webhook_endpoint_disabled"], seen["webhook_message_failed"]
	if disabled["uid"] != "crm" || disabled["reason"] != "gone" || disabled["id"] == "" {
		t.Errorf("disabled: got %v", disabled)
	}
	if failed["message"] != id || failed["event"] != "order.created" || failed["endpoint"] != disabled["id"] || failed["status"] != 410 {
		t.Errorf("failed: got %v", failed)
	}
	if n := g.metric("caddy_webhook_disabled_endpoints"); n != 1 {
		t.Errorf("%v endpoints are disabled", n)
	}
}

// caddy-ratelimit PR#85: counts that began again after a reload.
func TestWhatIsPublishedIsCountedOnOverReloads(t *testing.T) {
	app := newAppThat(t, status(500))
	newJournal(t, t.Name())
	g := start(t, publishing(subscriber("/", "name crm")), append(publishNames(t, app), "TAKEN", newApp(t).address())...)
	names := []string{"messages_total", "attempts_total", "attempt_seconds_count", "retries_total"}
	count := func() (counts []float64) {
		text := g.metrics()
		for _, name := range names {
			counts = append(counts, g.metricIn(text, "caddy_webhook_"+name))
		}
		return append(counts, g.metricIn(text, "caddy_webhook_attempts_total", "result", "answered_5xx"))
	}
	before := count()
	check := func(when string, n float64) {
		t.Helper()
		for i, now := range count() {
			if got, want := now-before[i], []float64{1, 4, 4, 3, 4}[i]*n; got != want {
				t.Errorf("%s: %s grew by %v and not %v", when, append(names, "answered_5xx")[i], got, want)
			}
		}
	}
	for n, config := range []string{"", publishing(subscriber("/", "name crm"), "timeout 20s"), broken["the route doesn't provision"], broken["another app doesn't start"]} {
		if config != "" {
			g.reload(strings.ReplaceAll(config, "reverse_proxy APP", "respond 200"))
			check("after reload", float64(n))
		}
		g.publish("order.created")
		g.log.await(t, n+1, over)
		check("after an event", float64(n+1))
	}
}

func TestTheQueueOfAnEndpointIsMeasuredAsLongAsThereIsTheEndpoint(t *testing.T) {
	app := newAppThat(t, status(500))
	newJournal(t, t.Name())
	config := strings.Replace(publishing(subscriber("/", "name crm")), "delay 1ms", "delay 1h", 1)
	g := start(t, config, publishNames(t, app)...)
	for range 3 {
		g.publish("order.created")
	}
	g.log.await(t, 3, sentWith(500))
	if depth := g.metric("caddy_webhook_queue_depth"); depth != 3 {
		t.Errorf("the queue has %v", depth)
	}
	text := func() string { return g.askAdmin(http.MethodGet, "/metrics").wants(t, 200).body }
	if !strings.Contains(text(), `caddy_webhook_queue_age_seconds{endpoint="ep_`) || g.metric("caddy_webhook_journal_bytes") == 0 {
		t.Error("the queue's age or the journal's size isn't measured")
	}
	g.mustReload(publishing())
	for _, name := range []string{"caddy_webhook_queue_depth{", "caddy_webhook_queue_age_seconds{"} {
		if strings.Contains(text(), name) {
			t.Errorf("%s is there without the endpoint", name)
		}
	}
	g.mustReload("{\nGLOBALS\n}\nSITE {\nrespond 204\n}")
	if strings.Contains(text(), "caddy_webhook_outbound_ready") {
		t.Error("a hub that is no more is measured")
	}
}
