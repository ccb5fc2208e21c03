package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

// patience is how long a test waits for what must come. It is a net under a broken build; no test
// passes because of it.
const patience = 30 * time.Second

// gateway is a running Caddy. The process has one at a time, so tests that start one are not
// parallel.
type gateway struct {
	t           *testing.T
	host        string // of the site
	admin       string
	storage     string
	log         *logSink
	client      *http.Client
	substitutes []string
}

// globals is what every test's Caddyfile begins with.
const globals = `
	admin ADMIN
	persist_config off
	storage file_system STORAGE
	storage_check off
	storage_clean_interval off
	skip_install_trust
	auto_https disable_redirects
	log default {
		output webhook_test
		format json
		level DEBUG
	}
`

// start runs a Caddyfile and stops it with the test. In its text GLOBALS stands for the options that
// every test needs, SITE for the address of a site, HOST for that without its scheme, and each of
// names for what follows it.
//
// The secrets of all providers are in the environment, see secretOf.
func start(t *testing.T, caddyfile string, names ...string) *gateway {
	t.Helper()
	for provider, secret := range secrets {
		t.Setenv(variableOf(provider), secret)
	}
	storage, err := os.MkdirTemp("", "gateway")
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{
		t:       t,
		host:    freeAddress(t),
		admin:   freeAddress(t),
		storage: storage,
		log:     openLog(),
		client: &http.Client{
			Transport:     &http.Transport{DisableCompression: true, ExpectContinueTimeout: patience},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Timeout:       patience,
		},
	}
	g.substitutes = append(names, "GLOBALS", globals, "ADMIN", g.admin, "STORAGE", storage, "SITE", "http://"+g.host, "HOST", g.host)
	t.Cleanup(func() {
		g.client.CloseIdleConnections()
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(storage) // Caddy may still be writing to it
	})
	if err := caddy.Load(g.adapt(caddyfile), true); err != nil {
		t.Fatal(err)
	}
	for len(events) > 0 {
		<-events // of the test before
	}
	return g
}

// startSite runs a Caddyfile of one site, with the given directives. The app stands behind APP.
func startSite(t *testing.T, app *app, directives string, names ...string) *gateway {
	t.Helper()
	if app != nil {
		names = append(names, "APP", app.address())
	}
	return start(t, "{\nGLOBALS\n}\nSITE {\nlog\n"+directives+"\n}\n", names...)
}

// startVerify runs a site that verifies one provider's deliveries and forwards them to the app.
func startVerify(t *testing.T, app *app, provider string, options ...string) *gateway {
	t.Helper()
	return startSite(t, app, verifyBlock(provider, options...)+"\nreverse_proxy APP")
}

// verifyBlock is a webhook_verify with the provider's secret.
func verifyBlock(provider string, options ...string) string {
	if provider == "github-sha1" {
		options = append(options, "allow_weak")
	}
	return fmt.Sprintf("webhook_verify %s {\nsecret {env.%s} current\n%s\n}", provider, variableOf(provider), strings.Join(options, "\n"))
}

// within returns the gateway for a subtest.
func (g *gateway) within(t *testing.T) *gateway {
	sub := *g
	sub.t = t
	return &sub
}

// adapt turns a Caddyfile into JSON.
func (g *gateway) adapt(caddyfile string) []byte {
	g.t.Helper()
	text := caddyfile
	for i := 0; i < len(g.substitutes); i += 2 {
		text = strings.ReplaceAll(text, g.substitutes[i], g.substitutes[i+1])
	}
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		g.t.Fatalf("%v in:\n%s", err, text)
	}
	return config
}

// post sends a body to a path of the site.
func (g *gateway) post(path string, header http.Header, body []byte) *answer {
	g.t.Helper()
	return g.do(g.request(http.MethodPost, path, header, bytes.NewReader(body)))
}

// request returns a request to the site.
func (g *gateway) request(method, path string, header http.Header, body io.Reader) *http.Request {
	g.t.Helper()
	req, err := http.NewRequest(method, "http://"+g.host+path, body)
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header = header.Clone()
	return req
}

// do sends a request and reads its answer.
func (g *gateway) do(req *http.Request) *answer {
	g.t.Helper()
	if req.Method == http.MethodGet && req.Body == nil {
		return g.persist(func() (*answer, error) { return exchange(g.client, req) })
	}
	a, err := exchange(g.client, req)
	if err != nil {
		g.t.Fatal(err)
	}
	return a
}

// persist sends again what has no answer and may be sent twice. The servers of a configuration that is stopped, or
// was rejected after it had begun to listen, may accept a connection and close it without having read anything.
func (g *gateway) persist(send func() (*answer, error)) *answer {
	g.t.Helper()
	for tries := 10; ; tries-- {
		a, err := send()
		switch {
		case err == nil:
			return a
		case tries == 0:
			g.t.Fatal(err)
		}
	}
}

// answer is what a sender gets.
type answer struct {
	status int
	header http.Header
	body   string
	proto  string
	closes bool // the connection
}

// exchange sends a request and reads its answer.
func exchange(client *http.Client, req *http.Request) (*answer, error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	return readAnswer(resp)
}

func readAnswer(resp *http.Response) (*answer, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return &answer{resp.StatusCode, resp.Header, string(body), resp.Proto, resp.Close}, err
}

// wants fails the test if the answer has another status.
func (a *answer) wants(t *testing.T, status int) *answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("answered %d and not %d: %v %q", a.status, status, a.header, a.body)
	}
	return a
}

// reload sends a Caddyfile to the admin API and returns the status and text of its answer.
func (g *gateway) reload(caddyfile string) (int, string) {
	g.t.Helper()
	return g.load(g.adapt(caddyfile))
}

func (g *gateway) load(config []byte) (int, string) {
	g.t.Helper()
	a := g.persist(func() (*answer, error) {
		req, err := http.NewRequest(http.MethodPost, "http://"+g.admin+"/load", bytes.NewReader(config))
		if err != nil {
			g.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Cache-Control", "must-revalidate") // loads the same configuration again
		return exchange(g.client, req)
	})
	g.client.CloseIdleConnections() // the servers before the reload close theirs
	return a.status, a.body
}

// askAdmin sends a request to the admin API.
func (g *gateway) askAdmin(method, path string) *answer {
	g.t.Helper()
	req, err := http.NewRequest(method, "http://"+g.admin+path, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity") // the metrics of all tests are much to compress
	return g.do(req)
}

// metric returns the value of a metric; of a histogram, name its "_count". Labels are given as name
// and value, name and value; the values of series that differ in other labels are added up.
func (g *gateway) metric(name string, labels ...string) float64 {
	g.t.Helper()
	return g.metricIn(g.metrics(), name, labels...)
}

// metrics returns the text of all metrics.
func (g *gateway) metrics() string {
	g.t.Helper()
	return g.askAdmin(http.MethodGet, "/metrics").wants(g.t, 200).body
}

// metricIn is metric of a text that metrics returned.
func (g *gateway) metricIn(text, name string, labels ...string) float64 {
	g.t.Helper()
	total := 0.0
lines:
	for line := range strings.SplitSeq(text, "\n") {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest == "" || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		for i := 0; i < len(labels); i += 2 {
			if !strings.Contains(rest, fmt.Sprintf("%s=%q", labels[i], labels[i+1])) {
				continue lines
			}
		}
		value, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		if err != nil {
			g.t.Fatalf("%v in %q", err, line)
		}
		total += value
	}
	return total
}

// increase returns how much a metric grows while f runs.
func (g *gateway) increase(f func(), name string, labels ...string) float64 {
	g.t.Helper()
	before := g.metric(name, labels...)
	f()
	return g.metric(name, labels...) - before
}

// freeAddress returns a loopback address that nobody listens on, and another one each time: Caddy shares
// ports, so half of a site's requests would go to whatever else has its address.
func freeAddress(t *testing.T) string {
	t.Helper()
	for {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := listener.Addr().String()
		listener.Close()
		if _, taken := givenAddresses.LoadOrStore(address, true); !taken {
			return address
		}
	}
}

var givenAddresses sync.Map

// wait receives from a channel.
func wait[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: didn't come", what)
		panic("unreachable")
	}
}

// mustJSON returns v as JSON.
func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
