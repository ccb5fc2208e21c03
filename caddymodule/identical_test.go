package caddymodule_test

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Bodies that something on the way might want to improve. None of them may have an effect on the
// bytes: probot/smee.io#78 and frain-dev/convoy#2392 re-serialised JSON and decoded forms.
var bodies = map[string][]byte{
	"empty":        {},
	"one byte":     {0},
	"binary":       allBytes(),
	"not JSON":     []byte("\xef\xbb\xbf{\"unfinished\": \r\n"),
	"spaced JSON":  []byte("\n{ \"b\" :\t1.0e+2, \"a\":\"\\u00e9\\/\", \"b\":9007199254740993 }\r\n\r\n"),
	"form":         []byte("payload=%7b%22a%22%3A1%7D&b=+%20&a=&a"),
	"CRLF":         []byte("a\r\nb\nc\r"),
	"brace":        []byte("{http.request.header.Host} {env.HOME} {$HOME}"),
	"gzip":         compressed("a body that was compressed by the sender"),
	"a buffer":     bytes.Repeat([]byte("0123456789abcde\n"), 4096/16),
	"over 64 KiB":  bytes.Repeat([]byte("0123456789abcde\n"), 65537/15),
	"some 100 KiB": bytes.Repeat(allBytes(), 400),
}

func allBytes() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}

func compressed(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.Bytes()
}

func TestWhatWasVerifiedIsWhatIsForwardedForEveryProvider(t *testing.T) {
	app := newApp(t)
	var site strings.Builder
	for _, preset := range endToEnd {
		// Bodies are the same in every run, so each run has claims of its own.
		fmt.Fprintf(&site, "handle /%s {\n%s\nreverse_proxy APP\n}\n", preset, verifyBlock(preset, "name "+preset+newID()))
	}
	g := startSite(t, app, site.String())
	for _, preset := range endToEnd {
		s := newSender(t, preset)
		for name, body := range bodies {
			t.Run(preset+"/"+name, func(t *testing.T) {
				header := with(s.headerOf(body), "Content-Type", "application/x-www-form-urlencoded", "Content-Encoding", "gzip", "Accept-Encoding", "identity")
				g.within(t).post("/"+preset, header, body).wants(t, 200)
				wantsForwarded(t, app.one(), header, body)
			})
		}
	}
}

// wantsForwarded fails the test unless the app got the body and the header fields as they were sent.
func wantsForwarded(t *testing.T, got received, header http.Header, body []byte) {
	t.Helper()
	if got.err != nil || !bytes.Equal(got.body, body) {
		t.Errorf("got %d bytes (%v), sent %d", len(got.body), got.err, len(body))
	}
	if got.length != int64(len(body)) {
		t.Errorf("got Content-Length %d, sent %d", got.length, len(body))
	}
	for name, values := range header {
		if got, want := fmt.Sprint(got.header[name]), fmt.Sprint(values); got != want {
			t.Errorf("%s: got %s, sent %s", name, got, want)
		}
	}
}

func TestWhatWasVerifiedIsWhatIsForwardedOverEveryProtocol(t *testing.T) {
	app := newApp(t)
	cert := newCertificate(t)
	g := start(t, `{
GLOBALS
servers {
	protocols h1 h2 h2c
}
}
SITE {
	`+verifyBlock("github")+`
	reverse_proxy APP
}
https://TLS {
	tls CERT
	`+verifyBlock("github", "name tls")+`
	reverse_proxy APP
}`, "APP", app.address(), "TLS", freeAddress(t), "CERT", cert)
	secure := "https://" + g.substitutes[3] // the address after TLS
	plain := "http://" + g.host
	for _, test := range []struct {
		name, url, proto string
		protocols        func(*http.Protocols)
	}{
		{"HTTP/1.1", plain, "HTTP/1.1", func(p *http.Protocols) { p.SetHTTP1(true) }},
		{"HTTP/1.1 over TLS", secure, "HTTP/1.1", func(p *http.Protocols) { p.SetHTTP1(true) }},
		{"h2", secure, "HTTP/2.0", func(p *http.Protocols) { p.SetHTTP2(true) }},
		{"h2c", plain, "HTTP/2.0", func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }},
	} {
		transport := &http.Transport{
			TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
			DisableCompression: true,
			Protocols:          new(http.Protocols),
		}
		test.protocols(transport.Protocols)
		t.Cleanup(transport.CloseIdleConnections)
		client := &http.Client{Transport: transport, Timeout: patience}
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/length unknown: %v", test.name, chunked), func(t *testing.T) {
				body := bytes.Repeat(newBody(), 1000)
				header := newSender(t, "github").headerOf(body)
				var reader io.Reader = bytes.NewReader(body)
				if chunked {
					reader = io.MultiReader(reader) // hides the length
				}
				req, err := http.NewRequest(http.MethodPost, test.url+"/", reader)
				if err != nil {
					t.Fatal(err)
				}
				req.Header = header
				a, err := exchange(client, req)
				if err != nil {
					t.Fatal(err)
				}
				if a.wants(t, 200).proto != test.proto {
					t.Fatalf("spoke %s", a.proto)
				}
				wantsForwarded(t, app.one(), header, body)
			})
		}
	}
}

// newCertificate writes a certificate and its key, and returns the arguments of "tls".
func newCertificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var files []string
	for _, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: cert}, {Type: "PRIVATE KEY", Bytes: private}} {
		file := filepath.Join(dir, strings.ReplaceAll(block.Type, " ", "-"))
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return strings.Join(files, " ")
}

// Hop-by-hop framing is the gateway's own: an app behind it needs no chunked decoder.
func TestAChunkedBodyArrivesWithItsLength(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github")
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	chunks := fmt.Sprintf("%x\r\n%s\r\n%x;an=extension\r\n%s\r\n0\r\n\r\n", 5, body[:5], len(body)-5, body[5:])
	g.dial().writeHead("/", header, "Transfer-Encoding: chunked").write(chunks).answer().wants(t, 200)
	wantsForwarded(t, app.one(), header, body)
}

// A sender that asks first learns from the headers alone that it need not send the body.
func TestExpectContinueIsAnsweredOnlyWhenTheHeadersMayBeGenuine(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github")
	body := newBody()
	header := newSender(t, "github").headerOf(body)

	w := g.dial().writeHead("/", nil, contentLength(body), "Expect: 100-continue")
	if line := w.line(); !strings.HasPrefix(line, "HTTP/1.1 401") {
		t.Errorf("without a signature: %s", line)
	}
	w = g.dial().writeHead("/", header, "Content-Length: 99999999", "Expect: 100-continue")
	if line := w.line(); !strings.HasPrefix(line, "HTTP/1.1 413") {
		t.Errorf("with a body over the limit: %s", line)
	}
	app.none()

	w = g.dial().writeHead("/", header, contentLength(body), "Expect: 100-continue")
	if line := w.line(); line != "HTTP/1.1 100 Continue" {
		t.Fatalf("with a signature: %s", line)
	}
	w.line()
	w.write(string(body)).answer().wants(t, 200)
	wantsForwarded(t, app.one(), header, body)
}

// Trailers come after the body and no signature covers them. Some apps merge them with the header.
func TestTrailersCannotCarryWhatHeadersMayNot(t *testing.T) {
	app := newApp(t)
	g := startVerify(t, app, "github")
	for _, line := range []string{"Trailer: Webhook-Verified-Id, webhook-verified-key, X-Checksum", "X-Nothing: announced"} {
		body := newBody()
		header := newSender(t, "github").headerOf(body)
		chunks := fmt.Sprintf("%x\r\n%s\r\n0\r\nWebhook-Verified-Id: forged\r\nwebhook-verified-key: forged\r\nX-Checksum: 1\r\n\r\n", len(body), body)
		g.dial().writeHead("/", header, "Transfer-Encoding: chunked", line).write(chunks).answer().wants(t, 200)
		got := app.one()
		if len(got.trailer) > 0 || got.length != int64(len(body)) {
			t.Errorf("%s: the app got the trailer %v", line, got.trailer)
		}
		if !bytes.Equal(got.body, body) {
			t.Errorf("%s: the app got %q", line, got.body)
		}
	}
}

// caddyserver/caddy#7691: the placeholder of the body truncates it. Whoever uses it, before the
// verification or behind it, takes nothing from the app.
func TestTheBodyPlaceholderNeverShortensWhatTheAppGets(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, `
route /before {
	request_header X-Body {http.request.body}
	`+verifyBlock("github")+`
	reverse_proxy APP
}
route /behind {
	`+verifyBlock("github", "name behind")+`
	request_header X-Body {http.request.body}
	reverse_proxy APP
}`)
	for _, path := range []string{"/before", "/behind"} {
		for _, size := range []int{1, 20} {
			body := bytes.Repeat(newBody(), size)
			g.post(path, newSender(t, "github").headerOf(body), body).wants(t, 200)
			if got := app.one(); got.err != nil || !bytes.Equal(got.body, body) {
				t.Errorf("%s: the app got %d bytes and not %d (%v)", path, len(got.body), len(body), got.err)
			}
		}
	}
}

// newH2CApp runs an app that speaks HTTP/2 without TLS.
func newH2CApp(t *testing.T) *app {
	t.Helper()
	a := &app{t: t, answer: status(200)}
	a.server = httptest.NewUnstartedServer(a)
	a.server.Config.Protocols = new(http.Protocols)
	a.server.Config.Protocols.SetUnencryptedHTTP2(true)
	a.server.Start()
	t.Cleanup(a.server.Close)
	return a
}

func TestAnAppThatSpeaksHTTP2GetsTheSameBytes(t *testing.T) {
	app := newH2CApp(t)
	g := startSite(t, app, verifyBlock("github", "name "+newID())+"\nreverse_proxy h2c://APP")
	for name, body := range bodies {
		header := newSender(t, "github").headerOf(body)
		g.post("/", header, body).wants(t, 200)
		got := app.one()
		if got.proto != "HTTP/2.0" {
			t.Fatalf("the app spoke %s", got.proto)
		}
		if got.err != nil || !bytes.Equal(got.body, body) {
			t.Errorf("%s: the app got %d bytes (%v) and not %d", name, len(got.body), got.err, len(body))
		}
	}
}
