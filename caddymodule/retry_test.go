package caddymodule_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
)

// upstream runs a server on one connection after the other and returns its address.
func upstream(t *testing.T, serve func(conn *net.TCPConn, r *bufio.Reader)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn.(*net.TCPConn), bufio.NewReader(conn))
			}()
		}
	}()
	return listener.Addr().String()
}

// failing are upstreams that don't take a delivery, each in another moment.
var failing = []struct {
	name  string
	serve func(conn *net.TCPConn, r *bufio.Reader)
}{
	{"closes at once", func(*net.TCPConn, *bufio.Reader) {}},
	{"closes after the header", func(_ *net.TCPConn, r *bufio.Reader) {
		_, _ = http.ReadRequest(r)
	}},
	{"closes in the middle", func(_ *net.TCPConn, r *bufio.Reader) {
		if req, err := http.ReadRequest(r); err == nil {
			_, _ = io.CopyN(io.Discard, req.Body, req.ContentLength/2)
		}
	}},
	{"closes after all", func(_ *net.TCPConn, r *bufio.Reader) {
		if req, err := http.ReadRequest(r); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
	}},
	{"answers 503 after all", func(conn *net.TCPConn, r *bufio.Reader) {
		if req, err := http.ReadRequest(r); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
			fmt.Fprint(conn, refusal)
		}
	}},
}

// early answers before it has read the body. It is only for what doesn't retry within one proxy: Caddy's
// would share the request's trailers between the two tries, which the race detector sees.
func early(conn *net.TCPConn, r *bufio.Reader) {
	if req, err := http.ReadRequest(r); err == nil {
		fmt.Fprint(conn, refusal)
		_, _ = io.Copy(io.Discard, req.Body)
	}
}

const refusal = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// caddyserver/caddy#6259 and its pull request #7360: the retry of a POST went out with what was left
// of the body. What the second upstream takes for a whole body must be the body.
func TestARetryOfTheProxySendsTheWholeBody(t *testing.T) {
	app := newApp(t)
	for _, first := range failing {
		tried := new(atomic.Int32)
		serve := func(conn *net.TCPConn, r *bufio.Reader) {
			tried.Add(1)
			first.serve(conn, r)
		}
		for _, size := range []int{1 << 10, 1 << 20} {
			t.Run(fmt.Sprintf("%s/%d bytes", first.name, size), func(t *testing.T) {
				g := startSite(t, app, verifyBlock("github")+`
reverse_proxy APP FIRST {
	lb_policy round_robin # begins with the second
	lb_retries 1
	lb_retry_match {
		method POST
	}
	lb_retry_match {
		expression "{rp.status_code} == 503"
	}
}`, "FIRST", upstream(t, serve))
				retried := 0
				for range 10 {
					tried.Store(0)
					retried += deliverWhole(t, g, app, size)
					if tried.Load() == 0 {
						t.Error("the first upstream was not asked")
					}
				}
				if retried != 10 {
					t.Errorf("%d of 10 retries came through", retried)
				}
			})
		}
	}
}

// deliverWhole sends a delivery and returns 1 if the app accepted it. If not, it must be possible to
// send it again.
func deliverWhole(t *testing.T, g *gateway, app *app, size int) int {
	t.Helper()
	body := newBody()
	body = append(body, bytes.Repeat(body, size/len(body))...)[:size]
	header := newSender(t, "github").headerOf(body)
	whole := func() int {
		t.Helper()
		n := 0
		for _, got := range app.take() {
			switch {
			case got.err != nil:
			case !bytes.Equal(got.body, body):
				t.Errorf("the app took %d wrong bytes for a whole body", len(got.body))
			default:
				n++
			}
		}
		return n
	}
	first := g.post("/", header, body)
	arrived := whole()
	if (first.status == 200) != (arrived == 1) {
		t.Errorf("answered %d, and %d whole bodies reached the app", first.status, arrived)
	}
	second := g.post("/", header, body)
	if first.status == 200 {
		second.wants(t, 200)
		if whole() != 0 {
			t.Error("a copy of an accepted delivery was forwarded")
		}
		return 1
	}
	if second.status == 409 || second.header.Get("Retry-After") != "" {
		t.Errorf("the claim of a failed delivery was not given back: %d", second.status)
	}
	whole()
	return 0
}

func TestADeadUpstreamCostsNothingOfTheBody(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, verifyBlock("github")+`
reverse_proxy APP DEAD {
	lb_policy round_robin
	lb_retries 1
}`, "DEAD", freeAddress(t))
	for _, size := range []int{1 << 10, 1 << 20} {
		if deliverWhole(t, g, app, size) != 1 {
			t.Errorf("%d bytes: not delivered", size)
		}
	}
}

// A proxy behind the answer of another one sends the same body, which the first may still be sending.
func TestASecondProxyForTheAnswerOfTheFirstSendsTheWholeBody(t *testing.T) {
	app := newApp(t)
	for name, first := range map[string]func(*net.TCPConn, *bufio.Reader){"early": early, "after all": failing[len(failing)-1].serve} {
		g := startSite(t, app, verifyBlock("github")+`
reverse_proxy FIRST {
	@down status 503
	handle_response @down {
		reverse_proxy APP
	}
}`, "FIRST", upstream(t, first))
		for _, size := range []int{1 << 10, 1 << 20} {
			for range 10 {
				if deliverWhole(t, g, app, size) != 1 {
					t.Errorf("%s: %d bytes didn't come through", name, size)
				}
			}
		}
	}
}
