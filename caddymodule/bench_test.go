package caddymodule

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

var benchmarkSizes = []struct {
	name string
	size int
}{{"1KiB", 1 << 10}, {"10KiB", 10 << 10}, {"100KiB", 100 << 10}, {"1MiB", 1 << 20}}

const benchmarkSecret = "0123456789abcdef0123456789abcdef"

// BenchmarkHMAC is what verification can't be cheaper than: a keyed state that is reset.
func BenchmarkHMAC(b *testing.B) {
	for _, s := range benchmarkSizes {
		b.Run(s.name, func(b *testing.B) {
			body := make([]byte, s.size)
			state := hmac.New(sha256.New, []byte(benchmarkSecret))
			sum := make([]byte, 0, sha256.Size)
			b.SetBytes(int64(s.size))
			b.ReportAllocs()
			for b.Loop() {
				state.Write(body)
				sum = state.Sum(sum[:0])
				state.Reset()
			}
		})
	}
}

// benchmarkCount numbers the deliveries of all benchmarks: claims outlive a benchmark.
var benchmarkCount uint64

// BenchmarkHandlers is webhook_verify and webhook_route, alone: verify, claim, two rules. Every
// delivery is a new one.
func BenchmarkHandlers(b *testing.B) {
	for _, rule := range []struct{ name, event string }{{"event", "push"}, {"body", "pull_request"}} {
		for _, s := range benchmarkSizes {
			b.Run(rule.name+"/"+s.name, func(b *testing.B) { benchmarkHandlers(b, rule.event, s.size) })
		}
	}
}

func benchmarkHandlers(b *testing.B, event string, size int) {
	b.Setenv("BENCH_SECRET", benchmarkSecret)
	ctx, err := caddy.ProvisionContext(&caddy.Config{
		AppsRaw: caddy.ModuleMap{},
		Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{Level: "INFO"}}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	verify := load[*Verify](b, ctx, `{"handler":"webhook_verify","provider":"github","secrets":[{"value":"{env.BENCH_SECRET}"}]}`)
	route := load[*Route](b, ctx, `{"handler":"webhook_route","rules":[
		{"event":["push"]},
		{"when":"event == 'pull_request' && body.action in ['opened', 'reopened']"}]}`)
	end := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		w.WriteHeader(http.StatusOK)
		return nil
	})
	behind := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return route.ServeHTTP(w, r, end) })

	body := benchmarkBody(size)
	state := hmac.New(sha256.New, []byte(benchmarkSecret))
	sum := make([]byte, 0, sha256.Size)
	signature := append(make([]byte, 0, 7+2*sha256.Size), "sha256="...)
	values := make([]string, 1)
	w := discard{http.Header{}}
	req := httptest.NewRequest(http.MethodPost, "/", nil)
	req = req.WithContext(context.WithValue(req.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.ClientIPVarKey: "127.0.0.1"}))
	req.Header.Set("X-GitHub-Event", event)
	req.Header["X-Hub-Signature-256"] = values
	reader := bytes.NewReader(body)
	req.Body, req.ContentLength = io.NopCloser(reader), int64(size)

	// Signing is the sender's work, so the handlers are timed without it; of the allocations one, of
	// 80 bytes, is its signature.
	var spent time.Duration
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		benchmarkCount++
		hexDigits(body[len(body)-24:len(body)-8], benchmarkCount)
		state.Write(body)
		sum = state.Sum(sum[:0])
		state.Reset()
		values[0] = string(hex.AppendEncode(signature[:7], sum))
		reader.Reset(body)
		start := time.Now()
		err := verify.ServeHTTP(w, req, behind)
		spent += time.Since(start)
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "handlers-ns/op")
}

// load provisions a handler from its JSON.
func load[T any](b *testing.B, ctx caddy.Context, config string) T {
	b.Helper()
	holder := struct {
		Raw json.RawMessage `caddy:"namespace=http.handlers inline_key=handler"`
	}{json.RawMessage(config)}
	module, err := ctx.LoadModule(&holder, "Raw")
	if err != nil {
		b.Fatal(err)
	}
	return module.(T)
}

// benchmarkBody is JSON of the size, with room for a number near its end.
func benchmarkBody(size int) []byte {
	var body bytes.Buffer
	body.WriteString(`{"action":"opened"`)
	for i := 0; body.Len() < size-160; i++ {
		fmt.Fprintf(&body, `,"member_%d":{"url":"https://api.example.com/items/%d","name":"an item"}`, i, i)
	}
	pad := size - body.Len() - len(`,"pad":"","n":"0000000000000000      "}`)
	fmt.Fprintf(&body, `,"pad":"%s","n":"0000000000000000      "}`, bytes.Repeat([]byte("x"), max(pad, 0)))
	return body.Bytes()
}

// hexDigits writes n in as many digits as fit dst.
func hexDigits(dst []byte, n uint64) {
	const digits = "0123456789abcdef"
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = digits[n&15]
		n >>= 4
	}
}

// discard is a response writer that keeps nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// SetReadDeadline is what a server's writer has too.
func (d discard) SetReadDeadline(time.Time) error { return nil }
