package caddymodule_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/hookseal/hookseal/verifiers"
)

// Law 1: rules decide over what was verified. Without that they let nothing through.
func TestRulesWithoutAVerifiedDeliveryBeforeThemDeny(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, `
handle /rules {
	webhook_route {
		event push {
			reverse_proxy APP
		}
		otherwise {
			reverse_proxy APP
		}
	}
	reverse_proxy APP
}
route /behind {
	webhook_route {
		require true
	}
	`+verifyBlock("github")+`
	reverse_proxy APP
}`)
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	for _, path := range []string{"/rules", "/behind"} {
		grew := g.increase(func() { g.post(path, header, body).wants(t, 403) }, "caddy_webhook_deliveries_total", "verdict", "rejected", "reason", "not_verified")
		if grew != 1 {
			t.Errorf("counted %v times", grew)
		}
		g.do(g.request(http.MethodGet, path, with(header, "Webhook-Verified-Provider", "github"), nil)).wants(t, 403)
	}
	app.none()
}

func TestStandaloneRulesSeeTheRequestAndNoDelivery(t *testing.T) {
	g := startSite(t, nil, `
webhook_route {
	standalone
	require `+"`method == 'GET'`"+`
	when `+"`provider != '' || event != '' || id != '' || key != ''`"+` {
		respond "a delivery"
	}
	when `+"`body.action == 'opened'`"+` {
		respond "a body"
	}
	when `+"`path == '/me' && header['x-me'] == 'yes' && query['q'] == '1' && cidr(['127.0.0.0/8'])`"+` {
		respond "me"
	}
	otherwise reject
}`)
	h := header("X-Me", "yes", "X-GitHub-Event", "push", "Webhook-Verified-Event", "push")
	if a := g.do(g.request(http.MethodGet, "/me?q=1", h, strings.NewReader(`{"action":"opened"}`))).wants(t, 200); a.body != "me" {
		t.Errorf("says %q", a.body)
	}
	g.do(g.request(http.MethodGet, "/you?q=1", h, nil)).wants(t, 403)
	g.post("/me?q=1", h, nil).wants(t, 403)
}

// decisions is a site whose answer names the handlers that a delivery went through.
const decisions = `
route {
	webhook_verify github {
		name decisions
		secret {env.SECRET_OF_GITHUB}
	}
	webhook_route {
		require ` + "`body.owner == 'acme'`" + `
		require ` + "`!has(body.blocked) || !body.blocked`" + `
		event push order.* {
			header +Through first
			header +Through second
		}
		when ` + "`event == 'pull_request' && body.action in ['opened', 'reopened']`" + ` {
			respond "pull request"
		}
		event audit.log.deleted {
		}
		otherwise {
			respond "otherwise"
		}
	}
	respond "next"
}`

func TestTheFirstRuleThatMatchesDecides(t *testing.T) {
	g := startSite(t, nil, decisions)
	for _, test := range []struct {
		event, body string
		status      int
		want, rule  string
	}{
		{"push", `{"owner":"acme"}`, 200, "next", "rule 1: event push order.*"},
		{"order.created", `{"owner":"acme"}`, 200, "next", "rule 1: event push order.*"},
		{"order.item.created", `{"owner":"acme"}`, 200, "otherwise", "otherwise"},
		{"pull_request", `{"owner":"acme","action":"opened"}`, 200, "pull request", "rule 2"},
		{"pull_request", `{"owner":"acme","action":"closed"}`, 200, "otherwise", "otherwise"},
		{"audit.log.deleted", `{"owner":"acme"}`, 200, "next", "rule 3: event audit.log.deleted"},
		{"push", `{"owner":"acme","blocked":true}`, 403, "", "require"},
		{"push", `{"owner":"other"}`, 403, "", "require"},
		{"", `{"owner":"acme"}`, 200, "otherwise", "otherwise"},
	} {
		t.Run(test.event+" "+test.body, func(t *testing.T) {
			g := g.within(t)
			body := padded(test.body)
			header := newSender(t, "github").sign(verifiers.Message{Event: test.event, Body: body})
			var a *answer
			grew := g.increase(func() { a = g.post("/", header, body).wants(t, test.status) }, "caddy_webhook_rule_matches_total", "route", "decisions", "rule", test.rule)
			if grew != 1 {
				t.Errorf("rule %q was counted %v times", test.rule, grew)
			}
			if a.body != test.want {
				t.Errorf("says %q and not %q", a.body, test.want)
			}
			if through := fmt.Sprint(a.header["Through"]); (through == "[first second]") != (test.rule == "rule 1: event push order.*") {
				t.Errorf("went through %s", through)
			}
		})
	}
}

// padded returns the text as a body that no other delivery has.
func padded(text string) []byte {
	return append([]byte(text), bytes.Repeat([]byte(" "), int(lastID.Add(1)))...)
}

// SkillfulAgents/SuperAgent#414: a missing key made a rule pass. What can't be evaluated doesn't match,
// and denies where it is required; and it is counted.
func TestWhatCanNotBeEvaluatedDoesNotMatchAndDeniesWhereItIsRequired(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, `
handle /required {
	`+verifyBlock("github", "name required")+`
	webhook_route {
		require `+"`body.owner.login == 'acme'`"+`
	}
	reverse_proxy APP
}
handle /negated {
	`+verifyBlock("github", "name negated")+`
	webhook_route {
		require `+"`body.owner.login != 'evil'`"+`
	}
	reverse_proxy APP
}
handle /rule {
	`+verifyBlock("github", "name rule")+`
	webhook_route {
		when `+"`body.owner.login != 'evil'`"+` {
			reverse_proxy APP
		}
		otherwise reject
	}
}`)
	s := newSender(t, "github")
	for path, rule := range map[string]string{"/required": "require 1", "/negated": "require 1", "/rule": "rule 1"} {
		good := padded(`{"owner":{"login":"acme"}}`)
		g.post(path, s.headerOf(good), good).wants(t, 200)
		app.one()
		for text, class := range map[string]string{
			`{"owner":{}}`: "missing_key", `{"owner":"acme"}`: "missing_key", `[]`: "wrong_type", `no JSON`: "invalid_json", ` `: "invalid_json",
			`{"owner":{"login":"acme"},"owner":{"login":"acme"}}`: "ambiguous_key", `{"owner":{"login":7}}`: "",
		} {
			body := padded(text)
			labels := []string{"route", path[1:], "rule", rule}
			if class != "" {
				labels = append(labels, "error", class)
			}
			want := 403
			if class == "" && path != "/required" {
				want = 0 // 7 != 'evil' has an answer
			}
			grew := g.increase(func() {
				a := g.post(path, s.headerOf(body), body)
				if want != 0 {
					a.wants(t, want)
				}
			}, "caddy_webhook_rule_errors_total", labels...)
			if class != "" && grew != 1 {
				t.Errorf("%s %s: %s was counted %v times", path, text, class, grew)
			}
			if want != 0 {
				app.none()
			} else {
				app.take()
			}
		}
	}
	if lines := g.log.find(message("rule could not be evaluated")); len(lines) == 0 || lines[0].Level != "debug" {
		t.Error("the debug log doesn't say so")
	}
}

// Whatever a rule decides, it is the answer that settles the claim.
func TestADeniedDeliveryIsNotClaimed(t *testing.T) {
	g := startSite(t, nil, `
route {
	`+verifyBlock("github")+`
	webhook_route {
		require `+"`header['x-allow'] == 'yes'`"+`
		otherwise {
			respond 204
		}
	}
}`)
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	for range 2 {
		denied := g.increase(func() {
			if grew := g.increase(func() { g.post("/", header, body).wants(t, 403) }, "caddy_webhook_deliveries_total"); grew != 1 {
				t.Errorf("one delivery was counted %v times", grew)
			}
		}, "caddy_webhook_deliveries_total", "route", "github", "verdict", "rejected", "reason", "denied_by_rule")
		if denied != 1 {
			t.Errorf("counted %v times", denied)
		}
	}
	g.post("/", with(header, "X-Allow", "yes"), body).wants(t, 204)
	g.post("/", header, body).wants(t, 200)
}

// A rule that there was no time for is no rule that didn't match: whatever stands behind it to stop a
// delivery must not be passed by.
func TestARuleThatThereWasNoTimeForStopsTheDelivery(t *testing.T) {
	g := start(t, `{
GLOBALS
webhook_gateway {
	forward_timeout 50ms
}
}
SITE {
@blocked webhook when "body.blocked == true"
route /matcher {
	`+verifyBlock("github", "name matcher")+`
	webhook_test_hook slow
	respond @blocked 403
	respond 200
}
route /rule {
	`+verifyBlock("github", "name rule")+`
	webhook_test_hook slow
	webhook_route {
		when "body.blocked == true" {
			respond 403
		}
	}
	respond 200
}
}`)
	setHook(t, "slow", func(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
		<-r.Context().Done()
		return next.ServeHTTP(w, r)
	})
	for _, path := range []string{"/matcher", "/rule"} {
		body := padded(`{"blocked":true}`)
		header := newSender(t, "github").headerOf(body)
		for range 2 {
			if a := g.post(path, header, body); a.status < 400 {
				t.Errorf("%s: answered %d", path, a.status)
			}
		}
	}
}
