package caddymodule_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookseal/hookseal/caddymodule"
	"github.com/hookseal/hookseal/verifiers"
)

// amazon signs messages as SNS does, and has the certificate for that.
type amazon struct {
	t           *testing.T
	key         *rsa.PrivateKey
	certificate string

	mu     sync.Mutex
	asked  []string
	down   bool
	begun  chan struct{} // gets a value when a certificate is asked for, if it isn't nil
	answer chan struct{} // waits for a value before it is sent
}

// newAmazon makes the configurations that are loaded from now on fetch their keys from it.
func newAmazon(t *testing.T) *amazon {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sns.amazonaws.com"}, DNSNames: []string{"sns.amazonaws.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	a := &amazon{t: t, key: key, certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
	caddymodule.SetKeys(t, verifiers.NewKeySource(verifiers.KeySourceOptions{Transport: a}))
	return a
}

func (a *amazon) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.asked = append(a.asked, r.URL.String())
	down, begun, wait := a.down, a.begun, a.answer
	a.mu.Unlock()
	if begun != nil {
		begun <- struct{}{}
		<-wait
	}
	if down {
		return nil, errors.New("no route to host")
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(a.certificate)), Request: r}, nil
}

// requests returns what was asked for since the last time.
func (a *amazon) requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	asked := a.asked
	a.asked = nil
	return asked
}

const snsOrders = "arn:aws:sns:eu-central-1:123456789012:orders"

// message returns a signed message of a topic.
func (a *amazon) message(kind, arn string) []byte {
	a.t.Helper()
	m := map[string]string{
		"Type": kind, "MessageId": newID(), "TopicArn": arn, "Message": "{}",
		"Timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "2",
		"SigningCertURL": "https://sns." + strings.Split(arn, ":")[3] + ".amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
	}
	names := []string{"Message", "MessageId", "Timestamp", "TopicArn", "Type"}
	if kind != "Notification" {
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
		m["SubscribeURL"], m["Token"] = "https://attacker.example.com/", "a-token-that-is-secret"
	}
	var text strings.Builder
	for _, name := range names {
		text.WriteString(name + "\n" + m[name] + "\n")
	}
	sum := sha256.Sum256([]byte(text.String()))
	signature, err := rsa.SignPKCS1v15(nil, a.key, crypto.SHA256, sum[:])
	if err != nil {
		a.t.Fatal(err)
	}
	m["Signature"] = base64.StdEncoding.EncodeToString(signature)
	body, err := json.Marshal(m)
	if err != nil {
		a.t.Fatal(err)
	}
	return body
}

// snsBlock is a route for the messages of a topic, under a name of its own.
func snsBlock(topics ...string) string {
	return "webhook_verify aws-sns {\nname " + newID() + "\nsecret " + strings.Join(topics, "\nsecret ") + "\n}\nreverse_proxy APP"
}

// A subscription that could not be confirmed is confirmed when SNS asks again, and never by way of another
// host: neither that of the message nor one that an answer leads to.
func TestASubscriptionIsConfirmedAtItsOwnHostOrNotAtAll(t *testing.T) {
	app, confirmed, sns := newApp(t), &confirmations{}, newAmazon(t)
	caddymodule.SetConfirmTransport(t, confirmed)
	g := startSite(t, app, snsBlock(snsOrders))
	body := sns.message("SubscriptionConfirmation", snsOrders)
	for _, c := range []*confirmations{{err: errors.New("no route to host")}, {status: 500}, {status: 403}, {status: 302, location: "https://attacker.example.com/"}} {
		confirmed.status, confirmed.err, confirmed.location = c.status, c.err, c.location
		if a := g.post("/", nil, body).wants(t, 503); a.header.Get("Retry-After") == "" {
			t.Error("SNS isn't told to come again")
		}
		if got := confirmed.take(); len(got) != 1 || !strings.HasPrefix(got[0], "GET https://sns.eu-central-1.amazonaws.com/?") {
			t.Errorf("asked %q", got)
		}
	}
	confirmed.status, confirmed.err = 200, nil
	g.post("/", nil, body).wants(t, 200)
	app.none()
	if text := g.log.text(); strings.Contains(text, "a-token-that-is-secret") || !strings.Contains(text, "subscription could not be confirmed") {
		t.Errorf("the log has the token, or no word of what failed:\n%s", text)
	}
}

// AWS signs for every topic alike, so what is signed is no more than that somebody has a topic. One list says which
// are let in and which are confirmed; for others nobody is asked anything.
func TestOneListOfTopicsLetsInAndConfirms(t *testing.T) {
	app, confirmed, sns := newApp(t), &confirmations{status: 200}, newAmazon(t)
	caddymodule.SetConfirmTransport(t, confirmed)
	const other, account, elsewhere = "arn:aws:sns:eu-central-1:999999999999:orders", "arn:aws:sns:eu-west-1:123456789012:", "arn:aws:sns:us-east-1:123456789012:orders"
	t.Setenv("SNS_ORDERS", snsOrders)
	g := startSite(t, app, snsBlock("{env.SNS_ORDERS}", account+"*"))
	for _, arn := range []string{snsOrders, account + "any"} {
		g.post("/", nil, sns.message("Notification", arn)).wants(t, 200)
		app.one()
		g.post("/", nil, sns.message("SubscriptionConfirmation", arn)).wants(t, 200)
		if got := confirmed.take(); len(got) != 1 || !strings.Contains(got[0], "&TopicArn="+strings.ReplaceAll(arn, ":", "%3A")+"&") {
			t.Errorf("asked %q", got)
		}
		g.post("/", nil, sns.message("UnsubscribeConfirmation", arn)).wants(t, 200)
		app.one()
	}
	sns.requests()
	for _, arn := range []string{other, elsewhere} {
		for _, kind := range []string{"Notification", "SubscriptionConfirmation"} {
			g.post("/", nil, sns.message(kind, arn)).wants(t, 401)
		}
	}
	app.none()
	if asked, confirmed := sns.requests(), confirmed.take(); len(asked)+len(confirmed) > 0 {
		t.Errorf("asked %q and %q", asked, confirmed)
	}
}

// A reload, another route and a changed secret use the keys that are there: nobody waits for the vendor again, and
// nothing is refused while it can't be reached.
func TestFetchedKeysOutliveTheConfiguration(t *testing.T) {
	app, sns := newApp(t), newAmazon(t)
	site := func() string { return "{\nGLOBALS\n}\nSITE {\nlog\n" + snsBlock(snsOrders) + "\n}\n" }
	g := startSite(t, app, snsBlock(snsOrders))
	g.post("/", nil, sns.message("Notification", snsOrders)).wants(t, 200)
	app.one()
	if asked := sns.requests(); len(asked) != 1 {
		t.Errorf("asked %q", asked)
	}
	sns.mu.Lock()
	sns.down = true
	sns.mu.Unlock()
	g.mustReload(site())
	g.postAfterReload("/", nil, sns.message("Notification", snsOrders)).wants(t, 200)
	app.one()
	if asked := sns.requests(); len(asked) != 0 {
		t.Errorf("asked again: %q", asked)
	}
}

// Without the key a delivery is neither genuine nor refused, so that SNS sends it again.
func TestWithoutItsKeyADeliveryIsToBeSentAgain(t *testing.T) {
	app, sns := newApp(t), newAmazon(t)
	sns.down = true
	g := startSite(t, app, snsBlock(snsOrders))
	if a := g.post("/", nil, sns.message("Notification", snsOrders)).wants(t, 503); a.header.Get("Retry-After") == "" || a.body != "" {
		t.Errorf("answered %v %q", a.header, a.body)
	}
	app.none()
	if line := g.log.await(t, 1, message("delivery can't be checked"))[0]; line.Error != "key unavailable: sns.eu-central-1.amazonaws.com: no route to host" {
		t.Errorf("the log doesn't say why: %s", line.text)
	}
}

// A sender that hangs up while a key is fetched ends its own wait and nobody else's: the fetch goes on, and
// who waits besides gets the key.
func TestASenderThatHangsUpLeavesTheKeyToOthers(t *testing.T) {
	app, sns := newApp(t), newAmazon(t)
	sns.begun, sns.answer = make(chan struct{}, 1), make(chan struct{})
	g := startSite(t, app, snsBlock(snsOrders))
	first := g.dial()
	body := sns.message("Notification", snsOrders)
	first.writeHead("/", nil, contentLength(body)).write(string(body))
	wait(t, "the vendor", sns.begun)
	second := g.send(g.request(http.MethodPost, "/", nil, strings.NewReader(string(sns.message("Notification", snsOrders)))))
	_ = first.conn.Close()
	g.log.await(t, 1, func(l logLine) bool { return l.Webhook["reason"] == "could_not_check" })
	sns.answer <- struct{}{}
	second.answer().wants(t, 200)
	app.one()
	if asked := sns.requests(); len(asked) != 1 {
		t.Errorf("asked %q", asked)
	}
}

// Whoever floods the gateway with names of certificates is told to come again, and costs Amazon a few requests; what
// it may ask for is its own, so that the first message from another address is checked.
func TestAFloodOfForgeriesLeavesKeysToOthers(t *testing.T) {
	app, sns := newApp(t), newAmazon(t)
	g := start(t, "{\nGLOBALS\nservers {\ntrusted_proxies static private_ranges\n}\n}\nSITE {\nlog\n"+snsBlock(snsOrders)+"\n}\n", "APP", app.address())
	sns.mu.Lock()
	sns.down = true
	sns.mu.Unlock()
	const forgeries = 60
	for i := range forgeries {
		forged := strings.Replace(string(sns.message("Notification", snsOrders)), "0123456789abcdef", strings.Repeat("a", i+1), 1)
		g.post("/", header("X-Forwarded-For", "203.0.113.7"), []byte(forged)).wants(t, 503)
	}
	if n := len(sns.requests()); n == 0 || n > forgeries/4 {
		t.Errorf("%d requests", n)
	}
	sns.mu.Lock()
	sns.down = false
	sns.mu.Unlock()
	g.post("/", header("X-Forwarded-For", "203.0.113.8"), sns.message("Notification", snsOrders)).wants(t, 200)
	app.one()
}
