package outbound

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"
)

// local are settings under which loopback can be reached without TLS.
func local() Settings {
	return Settings{Egress: Egress{AllowHTTP: true, AllowNets: prefixes("127.0.0.0/8", "::1/128")}}
}

// clientOf returns a client that is closed at the end of the test.
func clientOf(t testing.TB, s Settings, resolver *net.Resolver, roots *x509.CertPool) *client {
	t.Helper()
	c := newClient(s, resolver, roots)
	t.Cleanup(c.Close)
	return c
}

// quiet keeps what a server says about hostile connections out of the test's output.
func quiet(s *httptest.Server) *httptest.Server {
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	return s
}

// plenty is the time for an attempt in a test that is not about it.
const plenty = time.Minute

func send(t testing.TB, c *client, to string) Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), plenty)
	defer cancel()
	return c.Send(ctx, to, http.Header{"X-Test": {"1"}}, []byte(`{"type":"test"}`))
}

func TestAnAttemptArrivesAsItIs(t *testing.T) {
	type arrival struct {
		*http.Request
		body []byte
	}
	arrivals := make(chan arrival, 10)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		fmt.Fprint(w, "thanks")
		arrivals <- arrival{r, body}
	})
	plain := httptest.NewServer(handler)
	defer plain.Close()
	secure := httptest.NewUnstartedServer(handler)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	c := clientOf(t, local(), nil, roots)
	for _, tt := range []struct {
		url   string
		major int
	}{{plain.URL, 1}, {secure.URL, 2}} {
		for _, body := range []string{"", "{}", "no JSON \xff\x00\r\n", strings.Repeat("x", 1<<20)} {
			header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {userAgent}, "X-Two": {"a", "b"}}
			answer := c.Send(t.Context(), tt.url+"/hook?token=1", header, []byte(body))
			if answer.Code != 200 || string(answer.Body) != "thanks" || answer.Problem != "" || answer.RetryAfter != 0 {
				t.Fatalf("%s: %+v", tt.url, answer)
			}
			got := <-arrivals
			if got.Method != http.MethodPost || got.ProtoMajor != tt.major || got.URL.RequestURI() != "/hook?token=1" || "http://"+got.Host != tt.url && "https://"+got.Host != tt.url {
				t.Errorf("%s: %s %s %s of %s", tt.url, got.Method, got.URL, got.Proto, got.Host)
			}
			if string(got.body) != body || got.ContentLength != int64(len(body)) || got.TransferEncoding != nil {
				t.Errorf("%s: %d bytes of %d, length %d", tt.url, len(got.body), len(body), got.ContentLength)
			}
			for field, values := range got.Header {
				if field != "Content-Length" && strings.Join(values, ",") != strings.Join(header[field], ",") {
					t.Errorf("%s: %s is %q", tt.url, field, values)
				}
			}
			if len(got.Header["X-Two"]) != 2 || len(header) != 3 {
				t.Errorf("%s: sent %v for %v", tt.url, got.Header, header)
			}
		}
	}
}

// TestNamesLeadToNoAddressThatIsNotAllowed: PITFALLS, outbound (hookaido GHSA-g55x-rjfh-gxvm,
// frain-dev/convoy#2706).
func TestNamesLeadToNoAddressThatIsNotAllowed(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(net.Conn, http.ConnState) { connections.Add(1) }
	server.Start()
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	var addrs []netip.Addr
	c := clientOf(t, Settings{Egress: Egress{AllowHTTP: true}}, resolverOf(t, func(string) []netip.Addr { return addrs }), nil)
	for _, list := range [][]string{
		{"127.0.0.1"}, {"127.0.0.2"}, {"0.0.0.0"}, {"10.0.0.1"}, {"169.254.169.254"}, {"100.100.100.200"}, {"192.168.1.1"},
		{"::ffff:127.0.0.1"}, {"::ffff:169.254.169.254"}, {"::1"}, {"::"}, {"fd00:ec2::254"}, {"fe80::1"}, {"64:ff9b::7f00:1"}, {"2002:7f00:1::1"},
		{"127.0.0.1", "10.0.0.1", "::1", "fd00::1"},
	} {
		addrs = nil
		for _, text := range list {
			addrs = append(addrs, netip.MustParseAddr(text))
		}
		for _, scheme := range []string{"http", "https"} {
			if answer := send(t, c, scheme+"://internal.example:"+port); answer.Problem != problemAddress || answer.Code != 0 {
				t.Errorf("%s to %v: %+v", scheme, list, answer)
			}
		}
	}
	if answer := send(t, c, "http://localhost:"+port); answer.Problem != problemAddress {
		t.Errorf("localhost: %+v", answer)
	}
	if answer := send(t, c, server.URL); answer.Problem != problemURL {
		t.Errorf("%s: %+v", server.URL, answer)
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// TestANameIsCheckedWhereItLeadsAtTheTimeOfTheAttempt: a name server that says one thing to whoever
// checks and another to whoever connects gains nothing.
func TestANameIsCheckedWhereItLeadsAtTheTimeOfTheAttempt(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	addr := netip.MustParseAddr("127.0.0.1")
	s := Settings{Egress: Egress{AllowHTTP: true, AllowNets: prefixes("127.0.0.1/32")}}
	c := clientOf(t, s, resolverOf(t, func(string) []netip.Addr { return []netip.Addr{addr} }), nil)
	to := "http://rebind.example:" + port
	for range 2 {
		addr = netip.MustParseAddr("127.0.0.1")
		if answer := send(t, c, to); answer.Code != 200 {
			t.Fatalf("%+v", answer)
		}
		c.Close() // else the connection to where it was allowed is used again
		addr = netip.MustParseAddr("127.0.0.2")
		if answer := send(t, c, to); answer.Problem != problemAddress {
			t.Errorf("%+v", answer)
		}
	}
}

// TestRedirectsAreAnswers: PITFALLS, outbound. Followed, they would take the signature and the
// payload to wherever the subscriber says.
func TestRedirectsAreAnswers(t *testing.T) {
	var followed atomic.Int32
	internal := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer internal.Close()
	code := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", internal.URL)
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(code)
	}))
	defer server.Close()
	c := clientOf(t, local(), nil, nil)
	for _, code = range []int{300, 301, 302, 303, 304, 307, 308} {
		if answer := send(t, c, server.URL); answer.Code != code || answer.Problem != "" || answer.RetryAfter != 7*time.Second {
			t.Errorf("%d: %+v", code, answer)
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("followed %d", n)
	}
}

func TestRetryAfterCountsOnlyWithAFailure(t *testing.T) {
	code := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", someTime.Add(time.Minute).Format(http.TimeFormat))
		w.WriteHeader(code)
	}))
	defer server.Close()
	c := clientOf(t, local(), nil, nil)
	c.now = func() time.Time { return someTime }
	for want, codes := range map[time.Duration][]int{0: {200, 202, 204, 299}, time.Minute: {301, 400, 429, 503, 599, 999}} {
		for _, code = range codes {
			if answer := send(t, c, server.URL); answer.Code != code || answer.RetryAfter != want {
				t.Errorf("%d: %+v", code, answer)
			}
		}
	}
}

// TestOnlyTheBeginningOfAnAnswerIsRead: PITFALLS, outbound (hookaido#206). What is longer than the
// limit costs its connection, and nothing else does.
func TestOnlyTheBeginningOfAnAnswerIsRead(t *testing.T) {
	var size atomic.Int64
	ended := make(chan struct{}, 10)
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for n := size.Load(); n != 0; {
			part := min(n, 1000)
			if n < 0 {
				part = 1000
			}
			if _, err := w.Write(bytes.Repeat([]byte("x"), int(part))); err != nil {
				break
			}
			if n > 0 {
				n -= part
			}
		}
		ended <- struct{}{}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c := clientOf(t, local(), nil, nil)
	for _, tt := range []struct {
		size int64
		kept int
		next int32 // connections made for an attempt behind this one
	}{
		{0, 0, 0}, {1, 1, 0}, {MaxResponse, MaxResponse, 0}, {MaxResponse + 1, MaxResponse, 0},
		{maxAnswer, MaxResponse, 1}, {maxAnswer + 1, MaxResponse, 1}, {10 << 20, MaxResponse, 1}, {-1, MaxResponse, 1},
	} {
		size.Store(tt.size)
		if answer := send(t, c, server.URL); answer.Code != 200 || len(answer.Body) != tt.kept || answer.Problem != "" {
			t.Fatalf("%d bytes: code %d, %d bytes, %q", tt.size, answer.Code, len(answer.Body), answer.Problem)
		}
		<-ended // although it may have no end
		size.Store(0)
		before := connections.Load()
		if answer := send(t, c, server.URL); answer.Code != 200 {
			t.Fatalf("%+v", answer)
		}
		<-ended
		if made := connections.Load() - before; made > tt.next {
			t.Errorf("%d bytes: %d connections more", tt.size, made)
		}
	}
}

func TestASlowAnswerEndsWithTheContext(t *testing.T) {
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    Answer
	}{
		{"nothing", func(w http.ResponseWriter, r *http.Request) {}, Answer{Problem: problemTimeout}},
		{"begun", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "so far")
			w.(http.Flusher).Flush()
		}, Answer{Code: 200, Body: []byte("so far")}},
		{"early hints", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusEarlyHints) }, Answer{Problem: problemTimeout}},
	} {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, TLS %v", tt.name, secure), func(t *testing.T) {
				t.Parallel()
				server := quiet(httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					tt.handler(w, r)
					<-r.Context().Done()
				})))
				roots := x509.NewCertPool()
				if server.EnableHTTP2 = secure; secure {
					server.StartTLS()
					roots.AddCert(server.Certificate())
				} else {
					server.Start()
				}
				defer server.Close()
				c := clientOf(t, local(), nil, roots)
				// Long enough for the beginning to come, on a machine that is busy.
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				answer := c.Send(ctx, server.URL, nil, []byte("{}"))
				if answer.Code != tt.want.Code || string(answer.Body) != string(tt.want.Body) || answer.Problem != tt.want.Problem {
					t.Errorf("%+v", answer)
				}
			})
		}
	}
}

func TestAStopIsNoTimeout(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	c := clientOf(t, local(), nil, nil)
	for range 2 { // in the middle, and before it began
		if answer := c.Send(ctx, server.URL, nil, nil); answer.Problem != problemStopped || answer.Code != 0 {
			t.Errorf("%+v", answer)
		}
	}
}

// rawServer answers the first request of every connection with a text and closes it.
func rawServer(t testing.TB, text string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(conn, text)
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// TestEveryAnswerIsTakenForSomething whatever a subscriber writes.
func TestEveryAnswerIsTakenForSomething(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	for _, tt := range []struct {
		name, text string
		want       Answer
	}{
		{"nothing", "", Answer{Problem: problemClosed}},
		{"half a status", "HTTP/1.1 20", Answer{Problem: problemAnswer}},
		{"half a field", "HTTP/1.1 200 OK\r\nX", Answer{Problem: problemAnswer}},
		{"half a header", "HTTP/1.1 200 OK\r\nX: y\r\n", Answer{Problem: problemClosed}},
		{"another protocol", "220 smtp ready\r\n", Answer{Problem: problemAnswer}},
		{"no number", "HTTP/1.1 OK\r\n\r\n", Answer{Problem: problemAnswer}},
		{"a negative number", "HTTP/1.1 -20 OK\r\n\r\n", Answer{Problem: problemAnswer}},
		{"zero", "HTTP/1.1 000 x\r\n\r\n", Answer{Problem: problemAnswer}},
		{"a small number", "HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n", Answer{Problem: problemAnswer}},
		{"a great number", "HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n", Answer{Code: 999}},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok", Answer{Problem: problemAnswer}},
		{"a bad length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok", Answer{Problem: problemAnswer}},
		{"a bad field", "HTTP/1.1 200 OK\r\n X: y\r\n: \r\n\r\n", Answer{Problem: problemAnswer}},
		{"a long header", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*maxAnswerHeader) + "\r\n\r\n", Answer{Problem: problemAnswer}},
		{"no content", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", Answer{Code: 204}},
		{"not modified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", Answer{Code: 304}},
		{"another protocol on request", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello", Answer{Code: 101}},
		{"hints before", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok, Answer{Code: 200, Body: []byte("ok")}},
		{"hints without end", strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: "+strings.Repeat("x", 1000)+"\r\n\r\n", 200) + ok, Answer{Problem: problemAnswer}},
		{"without a length", "HTTP/1.0 200 OK\r\n\r\nok", Answer{Code: 200, Body: []byte("ok")}},
		{"cut short", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", Answer{Code: 200, Body: []byte("ok")}},
		{"bad chunks", "HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n", Answer{Code: 500, Body: []byte("ok")}},
		{"packed", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b", Answer{Code: 200, Body: []byte("\x1f\uFFFD")}},
		{"more than was said", ok + ok, Answer{Code: 200, Body: []byte("ok")}},
	} {
		c := clientOf(t, local(), nil, nil)
		answer := send(t, c, rawServer(t, tt.text))
		if answer.Code != tt.want.Code || string(answer.Body) != string(tt.want.Body) || answer.Problem != tt.want.Problem {
			t.Errorf("%s: %+v, %s", tt.name, answer, answer.Body)
		}
	}
}

// TestAProtocolThatNobodyAskedForIsNotWaitedFor: behind 101 the connection is nobody's, and reading it
// would outlive the context.
func TestAProtocolThatNobodyAskedForIsNotWaitedFor(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	closed := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			closed <- err
			return
		}
		defer conn.Close()
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			closed <- err
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
		_, err = io.Copy(io.Discard, conn) // to its end
		closed <- err
	}()
	if answer := send(t, clientOf(t, local(), nil, nil), "http://"+listener.Addr().String()); answer.Code != 101 {
		t.Errorf("%+v", answer)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestAnAttemptIsNotSentAgainOnItsOwn: a subscriber that closes the connection after it has the message
// may have worked on it. When it is tried again is the schedule's to say.
func TestAnAttemptIsNotSentAgainOnItsOwn(t *testing.T) {
	var requests atomic.Int32
	server := quiet(httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if requests.Add(1)%2 == 0 {
			panic(http.ErrAbortHandler)
		}
	})))
	server.Start()
	defer server.Close()
	c := clientOf(t, local(), nil, nil)
	if answer := send(t, c, server.URL); answer.Code != 200 {
		t.Fatalf("%+v", answer)
	}
	if answer := send(t, c, server.URL); answer.Problem != problemClosed && answer.Problem != problemReset {
		t.Errorf("%+v", answer)
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("%d requests for 2 attempts", n)
	}
}

// certificate makes one that signs itself.
func certificate(t testing.TB, from, until time.Time, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until, DNSNames: names,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func TestTLSIsChecked(t *testing.T) {
	hour := time.Hour
	now := time.Now()
	for _, tt := range []struct {
		name    string
		cert    tls.Certificate
		trusted bool
		version uint16
		want    Answer
	}{
		{"good", certificate(t, now.Add(-hour), now.Add(hour), "good.example"), true, 0, Answer{Code: 200}},
		{"TLS 1.2", certificate(t, now.Add(-hour), now.Add(hour), "good.example"), true, tls.VersionTLS12, Answer{Code: 200}},
		{"TLS 1.1", certificate(t, now.Add(-hour), now.Add(hour), "good.example"), true, tls.VersionTLS11, Answer{Problem: problemHandshake}},
		{"unknown", certificate(t, now.Add(-hour), now.Add(hour), "good.example"), false, 0, Answer{Problem: problemCertificate}},
		{"another name", certificate(t, now.Add(-hour), now.Add(hour), "other.example"), true, 0, Answer{Problem: problemOtherName}},
		{"expired", certificate(t, now.Add(-2*hour), now.Add(-hour), "good.example"), true, 0, Answer{Problem: problemExpired}},
		{"not yet", certificate(t, now.Add(hour), now.Add(2*hour), "good.example"), true, 0, Answer{Problem: problemExpired}},
	} {
		var requests atomic.Int32
		server := quiet(httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) })))
		server.TLS = &tls.Config{Certificates: []tls.Certificate{tt.cert}, MinVersion: tls.VersionTLS10, MaxVersion: tt.version}
		server.StartTLS()
		_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
		roots := x509.NewCertPool()
		if tt.trusted {
			roots.AddCert(tt.cert.Leaf)
		}
		resolver := resolverOf(t, func(string) []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} })
		answer := send(t, clientOf(t, local(), resolver, roots), "https://good.example:"+port+"/?token=hunter2")
		if answer.Code != tt.want.Code || answer.Problem != tt.want.Problem {
			t.Errorf("%s: %+v", tt.name, answer)
		}
		if n := int(requests.Load()); n != tt.want.Code/200 {
			t.Errorf("%s: %d requests", tt.name, n)
		}
		server.Close()
	}
}

// problems are all that there are.
var problems = []string{
	problemTimeout, problemStopped, problemURL, problemAddress, problemName, problemResolver, problemRefused, problemReset,
	problemUnreachable, problemClosed, problemProxy, problemForbidden, problemAnswer, problemCertificate, problemOtherName,
	problemExpired, problemNoTLS, problemHandshake,
}

// TestProblemsAreWordsOfOurs and hold nothing of the URL: they are shown to subscribers and in logs.
func TestProblemsAreWordsOfOurs(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	unused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = unused.Close()
	reset, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer reset.Close()
	go func() {
		for {
			conn, err := reset.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadFull(conn, make([]byte, 1))
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}()
	broken := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, io.ErrClosedPipe }}
	nowhere := resolverOf(t, func(string) []netip.Addr { return nil })
	for _, tt := range []struct {
		to       string
		resolver *net.Resolver
		want     string
	}{
		{"https://" + plain.Listener.Addr().String(), nil, problemNoTLS},
		{"http://" + unused.Addr().String(), nil, problemRefused},
		{"http://" + reset.Addr().String(), nil, problemReset},
		{"http://hunter2.example", nowhere, problemName},
		{"http://hunter2.example", broken, problemResolver},
		{"ftp://hunter2.example", nil, problemURL},
		{"http://10.0.0.1", nil, problemURL},
		{"http://hunter2\x00.example", nil, problemURL},
	} {
		c := clientOf(t, local(), tt.resolver, nil)
		for range 20 { // a reset may be seen at several points
			answer := send(t, c, tt.to+"/hunter2?token=hunter2")
			if answer.Problem != tt.want || answer.Code != 0 || answer.Body != nil {
				t.Errorf("%s: %+v", tt.to, answer)
				break
			}
		}
	}
	for _, problem := range problems {
		if problem == "" || len(problem) > 64 {
			t.Errorf("problem %q", problem)
		}
	}
}

// TestNoProxyComesFromTheEnvironment: it would see what is sent, and connect where it likes.
func TestNoProxyComesFromTheEnvironment(t *testing.T) {
	var seen atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	c := clientOf(t, local(), resolverOf(t, func(string) []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} }), nil)
	if answer := send(t, c, "http://subscriber.example:"+port); answer.Code != 200 {
		t.Errorf("%+v", answer)
	}
	if n := seen.Load(); n != 0 {
		t.Errorf("the proxy saw %d requests", n)
	}
}

func TestAConfiguredProxyGetsEverything(t *testing.T) {
	var targets []string
	answers := http.StatusOK
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		targets = append(targets, r.Method+" "+r.RequestURI)
		w.WriteHeader(answers)
	}))
	defer proxy.Close()
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	// Neither the proxy's address is in an allowed network, nor is a name looked up here.
	s := Settings{Egress: Egress{AllowHTTP: true, Proxy: u}}
	c := clientOf(t, s, resolverOf(t, func(string) []netip.Addr { return nil }), nil)
	if answer := send(t, c, "http://subscriber.example/hook"); answer.Code != 200 {
		t.Errorf("%+v", answer)
	}
	answers = http.StatusForbidden
	if answer := send(t, c, "https://subscriber.example/hook"); answer.Problem != problemForbidden {
		t.Errorf("%+v", answer)
	}
	if answer := send(t, c, "https://127.0.0.1/hook"); answer.Problem != problemURL {
		t.Errorf("%+v", answer)
	}
	if got, want := strings.Join(targets, ", "), "POST http://subscriber.example/hook, CONNECT subscriber.example:443"; got != want {
		t.Errorf("the proxy got %s", got)
	}
	proxy.Close()
	c.Close()
	for _, scheme := range []string{"http", "https"} {
		if answer := send(t, c, scheme+"://subscriber.example/hook"); answer.Problem != problemProxy {
			t.Errorf("%+v", answer)
		}
	}
}

func TestACloseEndsConnectionsThatAreNotInUseAndNoAttempt(t *testing.T) {
	states := make(chan http.ConnState, 100)
	closing := make(chan func(), 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case end := <-closing:
			end()
		default:
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) { states <- state }
	server.Start()
	defer server.Close()
	untilClosed := func() {
		for state := range states {
			if state == http.StateClosed {
				return
			}
		}
	}
	sender := NewSender(local())
	closer, ok := sender.(interface{ Close() })
	if !ok {
		t.Fatal("no Close")
	}
	c := sender.(*client)
	if answer := send(t, c, server.URL); answer.Code != 200 {
		t.Fatalf("%+v", answer)
	}
	closer.Close()
	untilClosed()
	closing <- closer.Close
	if answer := send(t, c, server.URL); answer.Code != 200 {
		t.Errorf("%+v", answer)
	}
	untilClosed()
}

// With room for fewer, net/http also loses answers: it closes a connection whose answer is not handed on yet.
func TestNoConnectionIsMadeWhileThereAreEnough(t *testing.T) {
	const attempts = 300
	var made atomic.Int64
	var arriving sync.WaitGroup
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arriving.Done()
		arriving.Wait() // so that none is over while another can still take its connection
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			made.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c := clientOf(t, local(), nil, nil)
	for range 3 {
		arriving.Add(attempts)
		var sending sync.WaitGroup
		for range attempts {
			sending.Go(func() {
				if answer := send(t, c, server.URL); answer.Code != 200 {
					t.Errorf("%+v", answer)
				}
			})
		}
		sending.Wait()
	}
	if n := made.Load(); n != attempts {
		t.Errorf("%d connections for %d attempts at once", n, attempts)
	}
}

func FuzzTheBeginningIsTextAndShort(f *testing.F) {
	f.Add([]byte("plain"), 3)
	f.Add([]byte("ü\xff\xffé€😀"), 5)
	f.Add(bytes.Repeat([]byte("😀"), 4), 15)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		size = min(max(size, 0), MaxResponse)
		got := beginOf(bytes.Clone(text), size)
		if !utf8.Valid(got) || len(got) > size {
			t.Errorf("%q to %d: %q", text, size, got)
		}
		if utf8.Valid(text) && (!bytes.HasPrefix(text, got) || len(text)-len(got) > 0 && size-len(got) >= utf8.UTFMax) {
			t.Errorf("%q to %d: %q", text, size, got)
		}
	})
}
