package caddymodule_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// claimOf returns the key in the newest log line about a delivery.
func (g *gateway) claimOf(match func(logLine) bool) string {
	g.t.Helper()
	lines := g.log.await(g.t, 1, match)
	return lines[len(lines)-1].Webhook["claim"]
}

func TestAnOperatorCanLetADeliveryThroughAgain(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github")
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	g.post("/hook", header, body).wants(t, 200)
	g.post("/hook", header, body).wants(t, 200)
	app.one()
	key := g.claimOf(message("webhook is a duplicate"))
	if other := g.claimOf(access("/hook")); other != key {
		t.Errorf("the access log says %q and the log %q", other, key)
	}
	for _, written := range []string{key, strings.ToUpper(key)} {
		a := g.askAdmin(http.MethodDelete, "/webhook_gateway/claims/"+written).wants(t, 200)
		if !strings.Contains(a.body, key) {
			t.Errorf("answered %q", a.body)
		}
		g.post("/hook", header, body).wants(t, 200)
		app.one()
		g.post("/hook", header, body).wants(t, 200)
		app.none()
	}
	g.askAdmin(http.MethodDelete, "/webhook_gateway/claims/"+key).wants(t, 200)
	g.askAdmin(http.MethodDelete, "/webhook_gateway/claims/"+key).wants(t, 404)
}

func TestAClaimInFlightCanNotBeForgotten(t *testing.T) {
	app, hold := newApp(t), newHold(t)
	app.answers(hold.ServeHTTP)
	g := startVerify(t, app, "github")
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	first := g.send(g.request(http.MethodPost, "/", header, bytes.NewReader(body)))
	wait(t, "the delivery", hold.arrived)
	g.post("/", header, body).wants(t, 409)
	key := g.claimOf(message("webhook is a duplicate"))
	g.askAdmin(http.MethodDelete, "/webhook_gateway/claims/"+key).wants(t, 409)
	g.post("/", header, body).wants(t, 409)
	hold.release <- 200
	first.answer().wants(t, 200)
	app.one()
	g.post("/", header, body).wants(t, 200)
	app.none()
}

func TestForgettingAnswersWhatIsWrong(t *testing.T) {
	g := startVerify(t, newApp(t), "github")
	for _, test := range []struct {
		method, key string
		status      int
	}{
		{"DELETE", strings.Repeat("0", 64), 404},
		{"DELETE", "", 400},
		{"DELETE", strings.Repeat("0", 63), 400},
		{"DELETE", strings.Repeat("0", 65), 400},
		{"DELETE", strings.Repeat("g", 64), 400},
		{"DELETE", strings.Repeat("0", 64) + "/more", 400},
		{"GET", strings.Repeat("0", 64), 405},
		{"POST", strings.Repeat("0", 64), 405},
		{"PUT", "", 405},
	} {
		a := g.askAdmin(test.method, "/webhook_gateway/claims/"+test.key).wants(t, test.status)
		if allow := a.header.Get("Allow"); (allow == "DELETE") != (test.status == 405) {
			t.Errorf("%s: Allow: %q", test.method, allow)
		}
	}
}

func TestForgettingDuringAnOutageIsNoSuccess(t *testing.T) {
	store := newStore(t)
	g := start(t, "{\nGLOBALS\nwebhook_gateway {\nreplay webhook_test\n}\n}\nSITE {\n"+verifyBlock("github")+"\n}")
	store.fails(errOutage)
	g.askAdmin(http.MethodDelete, "/webhook_gateway/claims/"+strings.Repeat("0", 64)).wants(t, 503)
}

func TestWithoutWebhooksThereIsNothingToForget(t *testing.T) {
	g := startSite(t, nil, "respond 200")
	g.askAdmin(http.MethodDelete, "/webhook_gateway/claims/"+strings.Repeat("0", 64)).wants(t, 404)
}

// After a reload that was rejected, forgetting still means the claims of the gateway that runs.
func TestForgettingWorksAfterReloads(t *testing.T) {
	app := newApp(t)
	g := start(t, reloadable("first"), "APP", app.address(), "OTHER", freeAddress(t), "TAKEN", app.address())
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	for _, caddyfile := range []string{reloadable("second"), broken["the route doesn't provision"], broken["another app doesn't start"]} {
		g.postAfterReload("/", header, body).wants(t, 200)
		app.one()
		g.reload(caddyfile)
		g.askAdmin(http.MethodDelete, "/webhook_gateway/claims/"+g.claimOf(settled)).wants(t, 200)
	}
}
