package caddymodule_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// A proxy that buffers reads ahead before it tries, in part or all: what the app gets are the bytes that
// were verified, or nothing that it accepts.
func TestWhatAProxyHasReadAheadIsSentOnce(t *testing.T) {
	for _, size := range []string{"1KiB", "4KiB", "1MiB"} {
		for _, length := range []int{300, 1 << 10, 4 << 10, 10_000, 100_000} {
			t.Run(fmt.Sprintf("%s of %d bytes", size, length), func(t *testing.T) {
				app := newApp(t)
				g := startSite(t, app, verifyBlock("github")+"\nreverse_proxy APP {\nrequest_buffers "+size+"\n}")
				body := append(newBody(), bytes.Repeat([]byte(" "), length)...)
				g.post("/", newSender(t, "github").headerOf(body), body).wants(t, 200)
				if got := app.one(); !bytes.Equal(got.body, body) {
					t.Errorf("the app got %d bytes of %d", len(got.body), len(body))
				}
				// Framed by the sender, with trailers that nobody signed.
				body = append(newBody(), bytes.Repeat([]byte(" "), length)...)
				chunks := fmt.Sprintf("%x\r\n%s\r\n0\r\nX-Checksum: 1\r\n\r\n", len(body), body)
				g.dial().writeHead("/", newSender(t, "github").headerOf(body), "Transfer-Encoding: chunked", "Trailer: X-Checksum").write(chunks).answer().wants(t, 200)
				if got := app.one(); !bytes.Equal(got.body, body) || len(got.trailer) != 0 {
					t.Errorf("the app got %d bytes of %d, trailer %v", len(got.body), len(body), got.trailer)
				}
			})
		}
	}
}

// A second proxy behind the answer of the first must not find the body at its end and take it for empty.
func TestASecondProxyThatReadsAheadHasTheWholeBody(t *testing.T) {
	for _, option := range []string{"", "request_buffers 1KiB", "request_buffers 1MiB"} {
		t.Run(option, func(t *testing.T) {
			first, app := newAppThat(t, status(503)), newApp(t)
			g := startSite(t, app, verifyBlock("github")+`
reverse_proxy FIRST {
	@full status 503
	handle_response @full {
		reverse_proxy APP {
			`+option+`
		}
	}
}`, "FIRST", first.address())
			body := append(newBody(), bytes.Repeat([]byte(" "), 3000)...)
			g.post("/", newSender(t, "github").headerOf(body), body).wants(t, 200)
			if got := app.one(); !bytes.Equal(got.body, body) {
				t.Errorf("the app got %d bytes of %d", len(got.body), len(body))
			}
		})
	}
}

// Error handlers get the request that arrived, and nothing that says that it was verified: what it spoke
// of has been read.
func TestErrorHandlersAreNotToldThatARequestWasVerified(t *testing.T) {
	app := newApp(t)
	g := startSite(t, app, verifyBlock("github")+"\nwebhook_route {\nrequire `event == \"never\"`\n}\nrespond 200\nhandle_errors {\nreverse_proxy APP\n}")
	body := newBody()
	header := newSender(t, "github").headerOf(body)
	chunks := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	g.dial().writeHead("/", header, "Transfer-Encoding: chunked").write(chunks).answer()
	g.post("/", header, body)
	for _, got := range app.take() {
		for name := range got.header {
			if strings.HasPrefix(name, "Webhook-Verified") {
				t.Errorf("%s: %q of a request with %d bytes", name, got.header[name], len(got.body))
			}
		}
	}
}
