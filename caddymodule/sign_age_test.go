package caddymodule

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

// newSigner returns a handler that has a scheme and a clock.
func newSigner(t *testing.T, scheme string, now func() time.Time) *Sign {
	t.Helper()
	preset, _ := verifiers.Preset(scheme)
	signer, err := dryVerifier(preset, verifiers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &Sign{signer: signer, now: now}
}

// A proxy that tries for long must not send a signature that receivers won't take any more.
func TestASignatureIsSentForHalfOfItsTime(t *testing.T) {
	signed := time.Unix(1_767_225_600, 0)
	now := signed
	s := newSigner(t, "standard", func() time.Time { return now })
	for name, reach := range map[string]func(*httptrace.ClientTrace){
		"a try begins":        func(trace *httptrace.ClientTrace) { trace.GetConn("partner:443") },
		"it has a connection": func(trace *httptrace.ClientTrace) { trace.GotConn(httptrace.GotConnInfo{}) },
	} {
		ctx, cancel := s.age(t.Context(), new(verifiedBody), signed)
		defer cancel()
		for _, test := range []struct {
			after time.Duration
			want  error
		}{{0, nil}, {verifiers.DefaultTolerance / 2, nil}, {verifiers.DefaultTolerance/2 + 1, errAged}} {
			now = signed.Add(test.after)
			if reach(httptrace.ContextClientTrace(ctx)); !errors.Is(context.Cause(ctx), test.want) {
				t.Errorf("%s after %s: %v, want %v", name, test.after, context.Cause(ctx), test.want)
			}
		}
	}
}

// To dial and to shake hands may take long, and a connection that is there already is written to at once.
func TestNothingThatHasAgedArrivesWhole(t *testing.T) {
	signed := time.Unix(1_767_225_600, 0)
	aged := signed.Add(verifiers.DefaultTolerance)
	var now time.Time
	s := newSigner(t, "standard", func() time.Time { return now })
	arrived := 0
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			arrived++
		}
	}))
	dialled := func() {}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		defer dialled()
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	send := func() error {
		body := &verifiedBody{bytes: []byte("{}")}
		ctx, cancel := s.age(body.follow(t.Context()), body, signed)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		body.attach(request)
		response, err := transport.RoundTrip(request)
		if err != nil {
			return err
		}
		return response.Body.Close()
	}

	now = signed
	dialled = func() { now = aged }
	if err := send(); !errors.Is(err, errAged) {
		t.Errorf("aged while it dialled: %v", err)
	}
	now = signed
	dialled = func() {}
	if err := send(); err != nil {
		t.Errorf("fresh: %v", err)
	}
	now = aged
	if err := send(); !errors.Is(err, errAged) {
		t.Errorf("aged before it began: %v", err)
	}
	transport.CloseIdleConnections()
	server.Close() // waits for what is under way
	if arrived != 1 {
		t.Errorf("%d requests arrived", arrived)
	}
}

// A signature without a time doesn't age.
func TestASignatureWithoutATimeIsSentForever(t *testing.T) {
	s := newSigner(t, "github", time.Now)
	ctx, cancel := s.age(t.Context(), new(verifiedBody), time.Unix(0, 0))
	defer cancel()
	if trace := httptrace.ContextClientTrace(ctx); trace != nil || ctx.Err() != nil {
		t.Errorf("%v, %v", trace, ctx.Err())
	}
}
