package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// command runs "hookseal webhook" with the arguments, against the gateway.
func (g *gateway) command(args ...string) (string, error) {
	registered := caddycmd.Commands()["webhook"]
	webhook := &cobra.Command{Use: registered.Name, SilenceUsage: true, SilenceErrors: true}
	registered.CobraFunc(webhook)
	var out bytes.Buffer
	webhook.SetOut(&out)
	webhook.SetErr(&out)
	webhook.SetArgs(append(args, "--address", g.admin))
	err := webhook.Execute()
	return out.String(), err
}

// commands is command for what must succeed. It returns the cells of the rows.
func (g *gateway) commands(args ...string) (rows [][]string) {
	g.t.Helper()
	out, err := g.command(args...)
	if err != nil {
		g.t.Fatalf("%q: %v", args, err)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(out), "\n") {
		var cells []string
		for _, cell := range strings.Split(line, "  ") {
			if cell = strings.TrimSpace(cell); cell != "" {
				cells = append(cells, cell)
			}
		}
		rows = append(rows, cells)
	}
	return rows
}

// startFailing runs a gateway that has published n messages to an endpoint "down" that refuses them, and
// to one "up" that takes them.
func startFailing(t *testing.T, n int) (g *gateway, app *app, ids []string) {
	app = newAppThat(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/down" {
			w.WriteHeader(500)
		}
	})
	g = startPublish(t, app, subscriber("/down", "name down", "events order.*"), subscriber("/up?key=secret-of-a-query", "name up"))
	for range n {
		ids = append(ids, g.publish("order.created"))
	}
	g.log.await(t, 2*n, over)
	app.take()
	return g, app, ids
}

func TestOperatorsSeeWhatWasPublishedAndSendItAgain(t *testing.T) {
	g, app, ids := startFailing(t, 2)
	rows := g.commands("messages")
	if len(rows) != 5 || !slices.Equal(rows[0], []string{"MESSAGE", "EVENT", "APPLICATION", "ACCEPTED", "ENDPOINT", "STATUS", "ATTEMPTS", "NEXT"}) {
		t.Fatalf("got %q", rows)
	}
	for _, row := range rows[1:] {
		want := map[string][]string{"down": {"fail", "4"}, "up": {"success", "1"}}[row[4]]
		if row[1] != "order.created" || row[2] != "default" || len(want) == 0 || row[5] != want[0] || row[6] != want[1] || row[7] != "-" {
			t.Errorf("got %q", row)
		}
	}
	if rows[1][0] != ids[1] || rows[4][0] != ids[0] {
		t.Errorf("the newest is not the first: %q", rows)
	}
	if rows := g.commands("messages", "--failed"); len(rows) != 3 || rows[1][4] != "down" || rows[2][4] != "down" {
		t.Errorf("failed are %q", rows)
	}
	if rows := g.commands("messages", "--failed", "--failed=false"); len(rows) != 5 {
		t.Errorf("those that did not have to fail are %q", rows)
	}
	if out, err := g.command("messages", "--failed=perhaps"); err == nil {
		t.Errorf("got %q", out)
	}
	if rows := g.commands("messages", "--failed", "--endpoint", "up"); len(rows) != 1 {
		t.Errorf("failed at the other endpoint are %q", rows)
	}

	rows = g.commands("attempts", "--message", ids[0], "--endpoint", "down")
	if len(rows) != 5 || rows[1][3] != "4" || rows[4][3] != "1" || rows[1][5] != "500" || rows[1][4] != "fail" {
		t.Errorf("attempts are %q", rows)
	}
	if rows := g.commands("attempts", "--endpoint", "up", "--failed"); len(rows) != 1 {
		t.Errorf("failed attempts are %q", rows)
	}

	app.answers(status(200))
	if out, err := g.command("resend", ids[0], "--endpoint", "down"); err != nil || out != "messages that are sent again: 1\n" {
		t.Fatalf("got %q, %v", out, err)
	}
	g.log.await(t, 3, sentWith(200))
	if got := app.targets(); len(got) != 1 || got["/down"] != 1 {
		t.Errorf("reached %v", got)
	}
	if out, err := g.command("resend", "--since", "1h", "--endpoint", "down"); err != nil || out != "messages that are sent again: 1\n" {
		t.Fatalf("got %q, %v", out, err)
	}
	g.log.await(t, 4, sentWith(200))
	app.one()
	if rows := g.commands("messages", "--failed"); len(rows) != 1 {
		t.Errorf("failed are %q", rows)
	}
}

func TestEndpointsAreListedWithoutWhatIsSecret(t *testing.T) {
	g, _, _ := startFailing(t, 1)
	rows := g.commands("endpoints")
	if len(rows) != 3 || !slices.Equal(rows[0], []string{"ENDPOINT", "UID", "APPLICATION", "URL", "EVENTS", "STATE", "WAITING"}) {
		t.Fatalf("got %q", rows)
	}
	for _, row := range rows[1:] {
		if events := map[string]string{"down": "order.*", "up": "all"}[row[1]]; row[4] != events || row[5] != "enabled" || row[6] != "0" {
			t.Errorf("got %q", row)
		}
	}
	for _, args := range [][]string{{"endpoints"}, {"endpoints", "--json"}} {
		out, err := g.command(args...)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"secret-of-a-query", subscriberSecret} {
			if strings.Contains(out, secret) {
				t.Errorf("%q shows %q: %s", args, secret, out)
			}
		}
	}
}

func TestListsGoOnWhereThePageBeforeEnded(t *testing.T) {
	g, _, ids := startFailing(t, 5)
	slices.Reverse(ids)
	for _, filter := range []string{"", "&status=fail", "&endpoint=up", "&endpoint=down&status=fail"} {
		var seen []string
		iterator := ""
		for pages := 0; pages == 0 || iterator != ""; pages++ {
			var answer struct {
				Messages []struct{ ID string }
				Iterator string
			}
			g.operator("messages?limit=2&iterator="+iterator+filter, &answer)
			for _, m := range answer.Messages {
				seen = append(seen, m.ID)
			}
			iterator = answer.Iterator
			if pages > 3 {
				t.Fatal("there is no end")
			}
		}
		if !slices.Equal(seen, ids) {
			t.Errorf("%s: got %q and not %q", filter, seen, ids)
		}
	}
	var attempts []string
	iterator := ""
	for range 10 {
		var answer struct {
			Attempts []struct{ ID string }
			Iterator string
		}
		g.operator("attempts?endpoint=down&limit=7&iterator="+iterator, &answer)
		for _, a := range answer.Attempts {
			attempts = append(attempts, a.ID)
		}
		if iterator = answer.Iterator; iterator == "" {
			break
		}
	}
	if slices.Sort(attempts); len(attempts) != 20 || len(slices.Compact(attempts)) != 20 {
		t.Errorf("got %d attempts", len(attempts))
	}
	if rows := g.commands("messages", "--limit", "2"); len(rows) == 0 || rows[len(rows)-1][0] != "more: --iterator "+ids[1] {
		t.Errorf("got %q", rows)
	}
}

func TestApplicationsAreFoundByWhatTheyHave(t *testing.T) {
	g, _, ids := startFailing(t, 1)
	for _, app := range []string{"acme", "other"} {
		g.post("/api/v1/app", authorized(), fmt.Appendf(nil, `{"name":%q,"uid":%q}`, app, app)).wants(t, 201)
		body := fmt.Appendf(nil, `{"url":"http://127.0.0.1:1/%s","uid":"up"}`, app)
		g.post("/api/v1/app/"+app+"/endpoint", authorized(), body).wants(t, 201)
	}
	a := g.post("/api/v1/app/acme/msg", authorized(), []byte(`{"eventType":"ping","payload":{}}`)).wants(t, 202)
	var message struct{ ID string }
	if err := json.Unmarshal([]byte(a.body), &message); err != nil {
		t.Fatal(err)
	}
	if rows := g.commands("messages"); len(rows) != 4 || rows[1][0] != message.ID || rows[1][2] != "acme" {
		t.Errorf("got %q", rows)
	}
	if rows := g.commands("messages", "--application", "acme"); len(rows) != 2 {
		t.Errorf("got %q", rows)
	}
	if rows := g.commands("messages", "--application", "other"); len(rows) != 1 {
		t.Errorf("got %q", rows)
	}
	if rows := g.commands("endpoints"); len(rows) != 5 {
		t.Errorf("got %q", rows)
	}
	g.commands("attempts", "--message", ids[0], "--endpoint", "up") // only one has both
	if _, err := g.command("attempts", "--endpoint", "up"); err == nil || !strings.Contains(err.Error(), "several applications have one of that name") {
		t.Errorf("got error %v", err)
	}
}

func TestTheAdminAPIAnswersWhatIsWrong(t *testing.T) {
	g, _, ids := startFailing(t, 1)
	for path, status := range map[string]int{
		"": 404, "nothing": 404, "messages/more": 404, "resend": 405, "recover": 405,
		"messages?limit=0": 400, "messages?limit=1001": 400, "messages?limit=many": 400, "messages?status=lost": 400, "messages?state=fail": 400,
		"messages?application=nobody": 404, "messages?endpoint=nobody": 200, "endpoints?application=nobody": 404, "endpoints?limit=1": 400,
		"attempts": 400, "attempts?endpoint=nobody": 404, "attempts?message=nobody": 404, "attempts?message=" + ids[0]: 200,
	} {
		g.askAdmin(http.MethodGet, "/webhook_gateway/outbound/"+path).wants(t, status)
	}
	g.askAdmin(http.MethodDelete, "/webhook_gateway/outbound/messages").wants(t, 405)
	for _, test := range []struct {
		operation string
		ask       any
		status    int
	}{
		{"resend", map[string]string{"message": ids[0], "endpoint": "up"}, 200},
		{"resend", map[string]string{"message": ids[0], "endpoint": "up", "application": "default"}, 200},
		{"resend", map[string]string{"message": ids[0]}, 400},
		{"resend", map[string]string{"endpoint": "up"}, 400},
		{"resend", map[string]string{"message": ids[0], "endpoint": "nobody"}, 404},
		{"resend", map[string]string{"message": "msg_nothing", "endpoint": "up"}, 404},
		{"resend", map[string]string{"message": ids[0], "endpoint": "up", "application": "nobody"}, 404},
		{"resend", map[string]string{"message": ids[0], "endpoint": "up", "since": "now"}, 400},
		{"resend", []string{ids[0], "up"}, 400},
		{"recover", map[string]string{"endpoint": "up", "since": "2020-01-01T00:00:00Z"}, 200},
		{"recover", map[string]string{"endpoint": "up"}, 400},
		{"recover", map[string]string{"since": "2020-01-01T00:00:00Z"}, 400},
		{"recover", map[string]string{"endpoint": "up", "since": "yesterday"}, 400},
		{"recover", map[string]string{"endpoint": "nobody", "since": "2020-01-01T00:00:00Z"}, 404},
	} {
		if a := g.operate(test.operation, test.ask); a.status != test.status {
			t.Errorf("%s %v: answered %d %s", test.operation, test.ask, a.status, a.body)
		}
	}
}

func TestWithoutPublishingThereIsNothingToShow(t *testing.T) {
	g := startSite(t, nil, "respond 200")
	for _, list := range []string{"messages", "endpoints", "attempts?message=msg_1"} {
		g.askAdmin(http.MethodGet, "/webhook_gateway/outbound/"+list).wants(t, 404)
	}
	g.operate("resend", map[string]string{"message": "msg_1", "endpoint": "ep_1"}).wants(t, 404)
	if _, err := g.command("messages"); err == nil || !strings.Contains(err.Error(), "publishes nothing") {
		t.Errorf("got error %v", err)
	}
}

func TestCommandsRefuseWhatMakesNoSense(t *testing.T) {
	g := &gateway{t: t, admin: "127.0.0.1:1"} // nobody is to be asked
	for _, args := range [][]string{
		{"attempts"}, {"attempts", "msg_1"}, {"messages", "msg_1"}, {"endpoints", "ep_1"},
		{"resend"}, {"resend", "msg_1"}, {"resend", "--endpoint", "up"}, {"resend", "msg_1", "--since", "1h", "--endpoint", "up"},
		{"resend", "--since", "-1h", "--endpoint", "up"}, {"resend", "msg_1", "msg_2", "--endpoint", "up"},
	} {
		if out, err := g.command(args...); err == nil || strings.Contains(err.Error(), "connect") {
			t.Errorf("%q: got %q and error %v", args, out, err)
		}
	}
}
