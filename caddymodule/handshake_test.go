package caddymodule_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookseal/hookseal/caddymodule"
	"github.com/hookseal/hookseal/verifiers"
)

// challenge is one request of verifiers/testdata/challenges, whose tests say what the fields mean.
type challenge struct {
	Name                    string
	Method, Target          string
	Headers                 [][2]string
	Body, Stage             string
	Secrets                 []string
	Label                   string
	Now                     int64
	VerifyToken             string `json:"verify_token"`
	EncryptKey              string `json:"encrypt_key"`
	ReceiverID              string `json:"receiver_id"`
	Accepted                int
	Refused                 string
	NoChallenge             bool `json:"no_challenge"`
	scheme                  verifiers.Scheme
	preset, path, publicURL string
	Answer                  *struct {
		Status                    int
		Type, Body, Once, Confirm string
		Header                    [][2]string
		Private                   bool
	}
}

// readChallenges reads all of them.
func readChallenges(t *testing.T) []challenge {
	t.Helper()
	files, err := filepath.Glob("../verifiers/testdata/challenges/*.json")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	var all []challenge
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Preset    string
			Scheme    *verifiers.Scheme
			PublicURL string `json:"public_url"`
			Vectors   []challenge
		}
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		if file.Preset == "aws-sns" || file.Preset == "dingtalk-push" {
			continue // which no Signer signs for the time of today: see sns_test.go and dingtalk_test.go
		}
		for _, c := range file.Vectors {
			c.scheme, _ = verifiers.Preset(file.Preset)
			if c.preset = file.Preset; file.Scheme != nil {
				c.scheme = *file.Scheme
			}
			c.publicURL = file.PublicURL
			if c.Method == "" {
				c.Method = http.MethodPost
			}
			c.Name = strings.TrimSuffix(filepath.Base(name), ".json") + "/" + c.Name
			c.path = fmt.Sprintf("/challenge-%d", len(all)+1)
			all = append(all, c)
		}
	}
	return all
}

// block is the webhook_verify of a challenge, with its secrets in the environment.
func (c *challenge) block(t *testing.T) string {
	t.Helper()
	variable := strings.ToUpper(strings.ReplaceAll(c.path[1:], "-", "_"))
	if len(c.Secrets) == 0 {
		c.Secrets = []string{c.scheme.SampleSecret()}
	}
	var lines []string
	add := func(option, value string) {
		name := variable + "_" + strconv.Itoa(len(lines))
		t.Setenv(name, value)
		lines = append(lines, option+" {env."+name+"}")
	}
	for _, secret := range c.Secrets {
		add("secret", secret)
		lines[len(lines)-1] += " " + c.Label
	}
	if c.VerifyToken != "" {
		add("verify_token", c.VerifyToken)
	}
	if c.EncryptKey != "" {
		add("encrypt_key", c.EncryptKey)
	}
	if c.ReceiverID != "" {
		lines = append(lines, "receiver_id "+c.ReceiverID)
	}
	if c.publicURL != "" {
		lines = append(lines, "public_url "+c.publicURL)
	}
	if c.scheme.Weak() {
		lines = append(lines, "allow_weak")
	}
	provider := c.preset
	if provider == "" {
		provider = "stand-in-" + c.path[1:]
		lines = append(lines, "custom {\nsignature "+c.scheme.Signature.From+"\nchallenge "+c.scheme.Challenge+"\n}")
	}
	return "webhook_verify " + provider + " {\nallow_short\nname " + c.path[1:] + "\n" + strings.Join(lines, "\n") + "\n}"
}

// header returns the challenge's header. What is signed is signed anew, because the gateway has the time
// of today.
func (c *challenge) header(t *testing.T) http.Header {
	t.Helper()
	h := make(http.Header)
	for _, field := range c.Headers {
		h.Add(field[0], field[1])
	}
	if c.Stage != "verified" && c.Accepted == 0 {
		return h
	}
	if c.scheme.Name == "feishu" {
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		sum := sha256.Sum256([]byte(stamp + "n" + c.Secrets[0] + c.Body))
		h.Set("X-Lark-Request-Timestamp", stamp)
		h.Set("X-Lark-Signature", hex.EncodeToString(sum[:]))
		return h
	}
	secret := c.Secrets[0]
	for _, s := range c.Secrets[1:] {
		if c.verifiesWith(t, s) {
			secret = s
		}
	}
	sender := newSenderWith(t, c.scheme, secret)
	_, event := sender.verifier.Names(verifiers.Request{Header: h}, []byte(c.Body))
	for _, name := range sender.verifier.HeaderNames() {
		h.Del(name)
	}
	for name, values := range sender.sign(verifiers.Message{ID: newID(), Event: cmp.Or(event, "event"), Body: []byte(c.Body), Method: c.Method, Target: c.path}) {
		h[name] = values
	}
	return h
}

// verifiesWith reports whether the challenge was signed under a secret.
func (c *challenge) verifiesWith(t *testing.T, secret string) bool {
	t.Helper()
	v, err := verifiers.New(c.scheme, []verifiers.Secret{verifiers.NewSecret("", secret)}, verifiers.Options{AllowShort: true, Now: func() time.Time { return time.Unix(c.Now, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	h := make(http.Header)
	for _, field := range c.Headers {
		h.Add(field[0], field[1])
	}
	check, err := v.Check(verifiers.Request{Method: c.Method, Header: h})
	if err != nil {
		t.Fatal(err)
	}
	defer check.Close()
	_, err = check.Verify([]byte(c.Body))
	return err == nil
}

func (c *challenge) send(g *gateway) *answer {
	g.t.Helper()
	target := c.path
	if _, query, ok := strings.Cut(c.Target, "?"); ok {
		target += "?" + query
	}
	return g.do(g.request(c.Method, target, c.header(g.t), strings.NewReader(c.Body)))
}

// confirmations answers what is to be confirmed, and notes it.
type confirmations struct {
	mu       sync.Mutex
	urls     []string
	status   int
	err      error
	location string
}

func (c *confirmations) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.urls = append(c.urls, req.Method+" "+req.URL.String())
	if c.err != nil {
		return nil, c.err
	}
	h := make(http.Header)
	if c.location != "" {
		h.Set("Location", c.location)
	}
	return &http.Response{StatusCode: c.status, Header: h, Body: io.NopCloser(strings.NewReader("<xml/>")), Request: req}, nil
}

func (c *confirmations) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	urls := c.urls
	c.urls = nil
	return urls
}

// handshakes runs a site with a path for each challenge.
func handshakes(t *testing.T, app *app, all []challenge) *gateway {
	t.Helper()
	var site strings.Builder
	for i := range all {
		fmt.Fprintf(&site, "handle %s {\n%s\nreverse_proxy APP\n}\n", all[i].path, all[i].block(t))
	}
	return startSite(t, app, site.String())
}

// Every challenge of the vectors is answered here, and the app isn't asked. What is refused is refused with
// the status of the table and without a word; what is no challenge is verified like anything else.
func TestChallengesAreAnsweredAsTheirVectorsSay(t *testing.T) {
	app, confirmed := newApp(t), &confirmations{status: 200}
	caddymodule.SetConfirmTransport(t, confirmed)
	all := readChallenges(t)
	g := handshakes(t, app, all)
	before := outcomesOf(g)
	for i := range all {
		c := &all[i]
		if c.Accepted != 0 {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			g := g.within(t)
			if c.Answer != nil && c.Answer.Once != "" {
				g.askAdmin(http.MethodPost, "/webhook_gateway/handshakes/"+c.path[1:]).wants(t, 200)
			}
			a := c.send(g)
			switch {
			case c.NoChallenge && c.Stage == "verified":
				a.wants(t, 200)
				app.one()
				return
			case c.NoChallenge:
				if a.status != 401 && a.status != 405 {
					t.Errorf("answered %d %q", a.status, a.body)
				}
			case c.Refused == "challenge_refused":
				a.wants(t, 403)
			case c.Refused != "":
				a.wants(t, 401)
			default:
				c.compare(t, a)
				if got := confirmed.take(); c.Answer.Confirm != "" && (len(got) != 1 || got[0] != "GET "+c.Answer.Confirm) || c.Answer.Confirm == "" && len(got) > 0 {
					t.Errorf("confirmed %q", got)
				}
			}
			if c.Answer == nil && a.body != "" {
				t.Errorf("says %q", a.body)
			}
			app.none()
		})
	}
	after := outcomesOf(g)
	for _, c := range all {
		verdict, reason := "rejected", c.Refused
		if c.Answer != nil {
			verdict, reason = "answered", "challenge"
		}
		outcome := [3]string{c.path[1:], verdict, reason}
		if counted := after[outcome] - before[outcome]; c.Accepted == 0 && !c.NoChallenge && counted != 1 {
			t.Errorf("%s: %s, %s was counted %v times", c.Name, verdict, reason, counted)
		}
	}
}

// outcomesOf returns how many deliveries of a route had a verdict for a reason.
func outcomesOf(g *gateway) map[[3]string]float64 {
	g.t.Helper()
	counts := make(map[[3]string]float64)
	line := regexp.MustCompile(`(?m)^caddy_webhook_deliveries_total\{provider="[^"]*",reason="([^"]*)",route="([^"]*)",verdict="([^"]*)"\} (\S+)$`)
	for _, found := range line.FindAllStringSubmatch(g.askAdmin(http.MethodGet, "/metrics").wants(g.t, 200).body, -1) {
		value, err := strconv.ParseFloat(found[4], 64)
		if err != nil {
			g.t.Fatal(err)
		}
		counts[[3]string{found[2], found[3], found[1]}] = value
	}
	return counts
}

func (c *challenge) compare(t *testing.T, a *answer) {
	t.Helper()
	a.wants(t, c.Answer.Status)
	if a.body != c.Answer.Body || a.header.Get("Content-Type") != c.Answer.Type {
		t.Errorf("answered %q of %q, want %q of %q", a.body, a.header.Get("Content-Type"), c.Answer.Body, c.Answer.Type)
	}
	if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a browser may guess or keep it: %v", a.header)
	}
	for _, field := range c.Answer.Header {
		if a.header.Get(field[0]) != field[1] {
			t.Errorf("%s: %q", field[0], a.header.Get(field[0]))
		}
	}
}

// A route knows the handshake of its own provider only: for any other there is no difference between a
// challenge and a forgery, nor between GET and any method that isn't allowed.
func TestNobodyIsGreetedWhoIsNotConfigured(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, `
handle /github {
	`+verifyBlock("github")+`
	reverse_proxy APP
}
handle /slack {
	`+verifyBlock("slack")+`
	reverse_proxy APP
}
handle /acme {
	`+verifyBlock("acme", "custom {\nsignature header:X-Acme-Signature\n}")+`
	reverse_proxy APP
}`)
	for _, c := range readChallenges(t) {
		if c.Answer == nil || c.Stage == "verified" || c.Accepted != 0 {
			continue
		}
		for _, path := range []string{"/github", "/slack", "/acme"} {
			t.Run(c.Name+path, func(t *testing.T) {
				c.path = path
				a := c.send(g.within(t))
				if want := map[bool]int{true: 401, false: 405}[c.Method == http.MethodPost]; a.status != want || a.body != "" || a.header.Get("X-Hook-Secret") != "" {
					t.Errorf("answered %d %q %v", a.status, a.body, a.header)
				}
				if allow := a.header.Get("Allow"); a.status == 405 && allow != "POST" {
					t.Errorf("Allow: %q", allow)
				}
				app.none()
			})
		}
	}
}

// GET and HEAD are let in where the provider's handshake needs them, and for nothing else there.
func TestTheMethodsAreThoseOfTheHandshake(t *testing.T) {
	t.Setenv("META_TOKEN", "meatyhamhock")
	app := newApp(t)
	g := startSite(t, app, `
handle /dropbox {
	webhook_verify dropbox {
		secret {env.SECRET_OF_GENERIC}
	}
	reverse_proxy APP
}
handle /trello {
	webhook_verify trello {
		secret {env.SECRET_OF_GENERIC}
		public_url https://hooks.example.com
		allow_weak
	}
	reverse_proxy APP
}
handle /meta {
	webhook_verify meta {
		secret {env.SECRET_OF_GENERIC}
		verify_token {env.META_TOKEN}
	}
	reverse_proxy APP
}
handle /meta-without-token {
	webhook_verify meta {
		name without-token
		secret {env.SECRET_OF_GENERIC}
	}
	reverse_proxy APP
}
handle /zoom {
	webhook_verify zoom {
		secret {env.SECRET_OF_GENERIC}
	}
	reverse_proxy APP
}`)
	for _, test := range []struct {
		method, target string
		status         int
		allow          string
	}{
		{"GET", "/dropbox?challenge=a", 200, ""},
		{"GET", "/dropbox", 401, ""},
		{"HEAD", "/dropbox?challenge=a", 405, "POST, GET"},
		{"PUT", "/dropbox?challenge=a", 405, "POST, GET"},
		{"HEAD", "/trello", 200, ""},
		{"GET", "/trello", 405, "POST, HEAD"},
		{"GET", "/meta", 401, ""},
		{"GET", "/meta-without-token?hub.mode=subscribe&hub.challenge=1&hub.verify_token=", 405, "POST"},
		{"GET", "/zoom", 405, "POST"},
	} {
		t.Run(test.method+test.target, func(t *testing.T) {
			g := g.within(t)
			a := g.do(g.request(test.method, test.target, nil, nil)).wants(t, test.status)
			if allow := a.header.Get("Allow"); allow != test.allow {
				t.Errorf("Allow: %q", allow)
			}
			app.none()
		})
	}
}

// A forged challenge gets no answer, whatever it asks, and none that is signed is answered in place of what
// it says before its signature is checked.
func TestASignedChallengeIsAnsweredOnlyWhenItIsGenuine(t *testing.T) {
	app := newApp(t)
	all := slices.DeleteFunc(readChallenges(t), func(c challenge) bool { return c.Stage != "verified" || c.Answer == nil })
	if len(all) < 8 {
		t.Fatalf("only %d challenges", len(all))
	}
	caddymodule.SetConfirmTransport(t, &confirmations{status: 200})
	g := handshakes(t, app, all)
	for i := range all {
		c := &all[i]
		t.Run(c.Name, func(t *testing.T) {
			g := g.within(t)
			genuine := c.header(t)
			g.post(c.path, genuine, []byte(c.Body)).wants(t, c.Answer.Status)
			for name, body := range map[string]string{"a blank more": c.Body + " ", "another text": strings.Replace(c.Body, "e", "f", 1)} {
				if a := g.post(c.path, genuine, []byte(body)).wants(t, 401); a.body != "" {
					t.Errorf("%s: says %q", name, a.body)
				}
			}
			forged := genuine.Clone()
			for name := range forged {
				if strings.Contains(name, "Signature") {
					forged.Del(name)
				}
			}
			if c.scheme.Name != "feishu" { // whose encryption says as much
				g.post(c.path, forged, []byte(c.Body)).wants(t, 401)
			}
			app.none()
		})
	}
}

// What nobody has signed is read up to a bound, whether its length is announced or not.
func TestAnUnsignedChallengeIsReadUpToABound(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, "webhook_verify feishu {\nsecret {env.SECRET_OF_GENERIC}\n}\nreverse_proxy APP")
	body := `{"challenge":"a","type":"url_verification","x":"` + strings.Repeat("x", 5000) + `"}`
	g.dial().writeHead("/", nil, "Content-Length: "+strconv.Itoa(len(body))).answer().wants(t, 401)
	g.dial().writeHead("/", nil, "Transfer-Encoding: chunked").write(fmt.Sprintf("%x\r\n%s\r\n", len(body), body)).answer().wants(t, 401)
	g.post("/", nil, []byte(`{"challenge":"a","type":"url_verification"}`)).wants(t, 200)
	app.none()
}

// Of the challenges that the vendors document, these are no different from events: they are signed, and
// the app answers them.
func TestPingsThatAreEventsGoOnToTheApp(t *testing.T) {
	app := newApp(t)
	t.Setenv("FIGMA_PASSCODE", "figma-passcode-0123456789")
	g := startSite(t, app, `
handle /line {
	webhook_verify line {
		secret {env.SECRET_OF_GENERIC}
	}
	reverse_proxy APP
}
handle /figma {
	webhook_verify figma {
		secret {env.FIGMA_PASSCODE}
	}
	reverse_proxy APP
}`)
	line := []byte(`{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}`)
	g.post("/line", newSenderOf(t, "line", secrets["generic"]).headerOf(line), line).wants(t, 200)
	app.one()
	g.post("/figma", nil, []byte(`{"event_type":"PING","passcode":"figma-passcode-0123456789","webhook_id":"`+newID()+`"}`)).wants(t, 200)
	app.one()
}

// The secret that a handshake brings is taken while an operator waits for it, once, and nothing else comes
// of it: it is in no log, and verifies nothing.
func TestASecretOfAHandshakeIsShownOnceToWhoeverAskedForIt(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, `
handle /asana {
	webhook_verify asana {
		secret {env.SECRET_OF_GENERIC}
	}
	reverse_proxy APP
}
handle /notion {
	webhook_verify notion {
		name wiki
		secret {env.SECRET_OF_GENERIC}
	}
	reverse_proxy APP
}
handle /github {
	`+verifyBlock("github")+`
	reverse_proxy APP
}`)
	const secret, other = "b537207f20cbfa02357cf448134da559", "another-secret-of-somebody-else-0"
	for _, p := range []struct {
		path, route, provider string
		send                  func(secret string) *answer
	}{
		{"/asana", "asana", "asana", func(s string) *answer { return g.post("/asana", header("X-Hook-Secret", s), nil) }},
		{"/notion", "wiki", "notion", func(s string) *answer {
			return g.post("/notion", nil, []byte(`{"verification_token":"`+s+`"}`))
		}},
	} {
		t.Run(p.provider, func(t *testing.T) {
			at := "/webhook_gateway/handshakes/" + p.route
			log := openLog()
			p.send(other).wants(t, 401) // nobody has opened a window
			g.askAdmin(http.MethodGet, at).wants(t, 404)
			g.askAdmin(http.MethodPost, at+"?for=2h").wants(t, 400)
			g.askAdmin(http.MethodPost, at+"?for=1m").wants(t, 200)
			g.askAdmin(http.MethodGet, at).wants(t, 202)
			if a := p.send(secret).wants(t, 200); p.provider == "asana" && a.header.Get("X-Hook-Secret") != secret {
				t.Errorf("answered %v", a.header)
			}
			p.send(other).wants(t, 401)
			var state struct {
				Route, Provider, Secret, From string
				Refused                       int
			}
			a := g.askAdmin(http.MethodGet, at).wants(t, 200)
			if err := json.Unmarshal([]byte(a.body), &state); err != nil {
				t.Fatal(err)
			}
			if state.Route != p.route || state.Provider != p.provider || state.Secret != secret || state.From != "127.0.0.1" || state.Refused != 1 || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("got %+v", state)
			}
			g.askAdmin(http.MethodGet, at).wants(t, 404)
			p.send(secret).wants(t, 401)

			// It verifies nothing, as long as nobody has made it the route's.
			body := newBody()
			g.post(p.path, newSenderOf(t, p.provider, secret).headerOf(body), body).wants(t, 401)
			g.post(p.path, newSenderOf(t, p.provider, secrets["generic"]).headerOf(body), body).wants(t, 200)
			app.one()
			log.await(t, 1, message("webhook challenge answered"))
			// One that was refused may be the one that was taken, sent again.
			text := log.text()
			for _, s := range []string{secret, other} {
				if strings.Contains(text, s) {
					t.Errorf("the log has %q:\n%s", s, text)
				}
			}
			if !strings.Contains(text, "handshake_closed") {
				t.Errorf("the log doesn't say what was refused:\n%s", text)
			}
		})
	}
	g.askAdmin(http.MethodPost, "/webhook_gateway/handshakes/github").wants(t, 409)
	g.askAdmin(http.MethodPost, "/webhook_gateway/handshakes/nothing").wants(t, 404)
	g.askAdmin(http.MethodDelete, "/webhook_gateway/handshakes/asana").wants(t, 405)
}

// Meta shows the verify token in the query, and the access log has queries.
func TestTheVerifyTokenIsInNoLog(t *testing.T) {
	t.Setenv("META_TOKEN", "the-token-that-nobody-may-see")
	g := startSite(t, newApp(t), "webhook_verify meta {\nsecret {env.SECRET_OF_GENERIC}\nverify_token {env.META_TOKEN}\n}\nreverse_proxy APP")
	g.do(g.request(http.MethodGet, "/?hub.mode=subscribe&hub.challenge=1&hub.verify_token=the-token-that-nobody-may-see", nil, nil)).wants(t, 200)
	g.do(g.request(http.MethodGet, "/?hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong", nil, nil)).wants(t, 403)
	g.log.await(t, 1, message("webhook challenge answered"))
	g.do(g.request(http.MethodGet, "/?hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=the-token-that-nobody-may-see", nil, nil)).wants(t, 403)
	g.do(g.request(http.MethodGet, "/?hub.mode=subscribe&hub.challenge=%3C&hub.verify_token=the-token-that-nobody-may-see", nil, nil)).wants(t, 401)
	g.log.await(t, 1, access("/?hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong"))
	if text := g.log.text(); strings.Contains(text, "nobody-may-see") {
		t.Errorf("the log has the token:\n%s", text)
	}
	if a := g.askAdmin(http.MethodGet, "/config/"); strings.Contains(a.body, "nobody-may-see") {
		t.Errorf("the configuration has the token: %s", a.body)
	}
}

// Some providers read the answer's body and try again if it isn't theirs. They are told what they want
// when the app accepts, and for copies of what it has accepted; the app's own words are not for them.
func TestAcknowledgementsAreWhatTheProviderWants(t *testing.T) {
	app := newApp(t)
	all := slices.DeleteFunc(readChallenges(t), func(c challenge) bool { return c.Accepted == 0 })
	if len(all) < 8 {
		t.Fatalf("only %d acknowledgements", len(all))
	}
	for i := range all {
		// Signed in a way that the sender of the tests knows.
		all[i].scheme, all[i].preset = verifiers.Scheme{Name: "stand-in", Signature: verifiers.Signature{From: "header:X-Signature"}, Challenge: all[i].scheme.Challenge}, ""
	}
	g := handshakes(t, app, all)
	for i := range all {
		c := &all[i]
		t.Run(c.Name, func(t *testing.T) {
			g := g.within(t)
			c.Body = string(newBody())
			header := c.header(t)
			check := func(a *answer) {
				t.Helper()
				a.wants(t, c.Answer.Status)
				if a.body != c.Answer.Body || a.header.Get("Content-Type") != c.Answer.Type || a.header.Get("Set-Cookie") != "" {
					t.Errorf("answered %q %v", a.body, a.header)
				}
			}
			app.answers(status(500))
			g.post(c.path, header, []byte(c.Body)).wants(t, 500)
			app.answers(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Set-Cookie", "a=b")
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(c.Accepted)
				if c.Accepted != 204 {
					_, _ = w.Write(bytes.Repeat([]byte("<p>the app's own words</p>"), 1000))
					http.NewResponseController(w).Flush()
					_, _ = w.Write([]byte("and more"))
				}
			})
			check(g.post(c.path, header, []byte(c.Body)))
			if c.Accepted == 200 { // as copies are answered
				check(g.post(c.path, header, []byte(c.Body)))
			}
			app.take()
			header.Del("X-Signature")
			if a := g.post(c.path, header, []byte(c.Body)).wants(t, 401); a.body != "" || a.header.Get("Set-Cookie") != "" {
				t.Errorf("a forgery is told %q", a.body)
			}
		})
	}
}
