package caddymodule

import (
	"context"
	"errors"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

// A proxy that tries for long must not send a signature that receivers won't take any more.
func TestASignatureIsSentForHalfOfItsTime(t *testing.T) {
	signed := time.Unix(1_767_225_600, 0)
	now := signed
	s := &Sign{now: func() time.Time { return now }}
	scheme, _ := verifiers.Preset("standard")
	var err error
	if s.signer, err = verifiers.New(scheme, sampleSecrets(scheme), verifiers.Options{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := s.age(t.Context(), signed)
	defer cancel()
	try := httptrace.ContextClientTrace(ctx).GetConn
	for _, test := range []struct {
		after time.Duration
		want  error
	}{{0, nil}, {verifiers.DefaultTolerance / 2, nil}, {verifiers.DefaultTolerance/2 + 1, errAged}} {
		now = signed.Add(test.after)
		if try("partner:443"); !errors.Is(context.Cause(ctx), test.want) {
			t.Errorf("after %s: %v, want %v", test.after, context.Cause(ctx), test.want)
		}
	}
}

// A signature without a time doesn't age.
func TestASignatureWithoutATimeIsSentForever(t *testing.T) {
	s := &Sign{now: time.Now}
	scheme, _ := verifiers.Preset("github")
	var err error
	if s.signer, err = verifiers.New(scheme, sampleSecrets(scheme), verifiers.Options{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := s.age(t.Context(), time.Unix(0, 0))
	defer cancel()
	if trace := httptrace.ContextClientTrace(ctx); trace != nil || ctx.Err() != nil {
		t.Errorf("%v, %v", trace, ctx.Err())
	}
}
