package caddymodule_test

import (
	"strings"
	"testing"
)

// What a signature doesn't do is said when the configuration loads, so that nobody finds it out later.
func TestWhatASignatureDoesNotDoIsSaidWhenTheConfigurationLoads(t *testing.T) {
	app := newApp(t)
	const body, sha1 = "does not cover the body", "rest on SHA-1"
	for provider, want := range map[string]string{"gitlab-token": body, "github-sha1": sha1, "github": ""} {
		g := startVerify(t, app, provider, "name warns-"+provider)
		found := ""
		for _, line := range g.log.find(func(l logLine) bool { return l.Level == "warn" && strings.Contains(l.text, "warns-"+provider) }) {
			found += line.text
		}
		if want == "" && found != "" || !strings.Contains(found, want) {
			t.Errorf("%s: the log says %q, want %q", provider, found, want)
		}
	}
}

// Where different deliveries may be alike, a new one must not be lost for a copy; unless that is asked for.
func TestCopiesAreLetThroughWhereDeliveriesAreAlike(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, `
handle /default {
	`+verifyBlock("dropbox", "name alike")+`
	reverse_proxy APP
}
handle /asked {
	`+verifyBlock("dropbox", "name alike-asked", "replay_window 1m")+`
	reverse_proxy APP
}`)
	body := newBody()
	header := newSender(t, "dropbox").headerOf(body)
	for range 2 {
		g.post("/default", header, body).wants(t, 200)
		app.one()
	}
	g.post("/asked", header, body).wants(t, 200)
	app.one()
	g.post("/asked", header, body).wants(t, 200)
	app.none()
}
