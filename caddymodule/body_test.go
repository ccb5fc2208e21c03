package caddymodule

import (
	"context"
	"errors"
	"io"
	"net/http/httptrace"
	"testing"
	"testing/synctest"
)

// newVerifiedBody returns a body and what a transport calls before each try to send it.
func newVerifiedBody(t *testing.T, ctx context.Context, text string) (*verifiedBody, func()) {
	t.Helper()
	b := &verifiedBody{bytes: []byte(text)}
	trace := httptrace.ContextClientTrace(b.follow(ctx))
	return b, func() { trace.GetConn("upstream:80") }
}

// wantsRead reads up to n bytes and compares.
func wantsRead(t *testing.T, r io.Reader, n int, text string, err error) {
	t.Helper()
	p := make([]byte, n)
	got, gotErr := r.Read(p)
	if string(p[:got]) != text || !errors.Is(gotErr, err) {
		t.Errorf("read %q, %v and not %q, %v", p[:got], gotErr, text, err)
	}
}

func TestABodyStartsOverForATryAfterOneThatHadAllOfIt(t *testing.T) {
	b, try := newVerifiedBody(t, t.Context(), "whole")
	for range 3 {
		try()
		wantsRead(t, b, 2, "wh", nil)
		wantsRead(t, b, 9, "ole", io.EOF)
		wantsRead(t, b, 9, "", io.EOF) // net/http looks for more
		_ = b.Close()
		wantsRead(t, b, 9, "", io.EOF)
	}
}

func TestABodyStartsOverForATryAfterOneThatHadNothing(t *testing.T) {
	b, try := newVerifiedBody(t, t.Context(), "whole")
	for range 3 {
		try()
		_ = b.Close()
	}
	try()
	wantsRead(t, b, 9, "whole", io.EOF)
}

func TestABodyThatATryClosedInItsMiddleIsNotSentAgain(t *testing.T) {
	b, try := newVerifiedBody(t, t.Context(), "whole")
	try()
	wantsRead(t, b, 2, "wh", nil)
	_ = b.Close()
	for range 2 {
		try()
		wantsRead(t, b, 9, "", errBodyTorn)
		_ = b.Close()
	}
}

func TestATryWaitsUntilTheOneBeforeItHasClosedTheBody(t *testing.T) {
	for _, test := range []struct {
		name string
		read int
		then func(b *verifiedBody)
	}{
		{"which had all of it", 5, func(b *verifiedBody) { wantsRead(t, b, 9, "whole", io.EOF) }},
		{"which had a part of it", 2, func(b *verifiedBody) { wantsRead(t, b, 9, "", errBodyTorn) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, try := newVerifiedBody(t, t.Context(), "whole")
				try()
				_, _ = b.Read(make([]byte, test.read))
				begun := false
				go func() {
					try()
					begun = true
				}()
				synctest.Wait()
				if begun {
					t.Fatal("the second try has begun")
				}
				_ = b.Close()
				synctest.Wait()
				if !begun {
					t.Fatal("the second try has not begun")
				}
				test.then(b)
			})
		})
	}
}

func TestATryWaitsNoLongerThanTheDeliveryMayTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b, try := newVerifiedBody(t, ctx, "whole")
		try()
		wantsRead(t, b, 2, "wh", nil)
		begun := false
		go func() {
			try()
			begun = true
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !begun {
			t.Fatal("the second try still waits")
		}
	})
}

// What a handler read without a proxy's try is no reason to wait.
func TestTheFirstTryWaitsForNobody(t *testing.T) {
	b, try := newVerifiedBody(t, t.Context(), "whole")
	wantsRead(t, b, 2, "wh", nil)
	try()
	wantsRead(t, b, 9, "ole", io.EOF)
}

func TestABodyCanNotBeReadOnceTheDeliveryHasEnded(t *testing.T) {
	b, _ := newVerifiedBody(t, t.Context(), "whole")
	again, err := b.again()
	if err != nil {
		t.Fatal(err)
	}
	wantsRead(t, b, 2, "wh", nil)
	wantsRead(t, again, 3, "who", nil)
	b.release()
	wantsRead(t, b, 2, "", errBodyReleased)
	wantsRead(t, again, 3, "", errBodyReleased)
}

func TestReadersOfOneBodyDoNotDisturbEachOther(t *testing.T) {
	b, _ := newVerifiedBody(t, t.Context(), "whole")
	one, _ := b.again()
	two, _ := b.again()
	wantsRead(t, one, 2, "wh", nil)
	wantsRead(t, two, 3, "who", nil)
	wantsRead(t, b, 1, "w", nil)
	wantsRead(t, one, 9, "ole", io.EOF)
	_ = one.Close()
	wantsRead(t, two, 9, "le", io.EOF)
	wantsRead(t, b, 9, "hole", io.EOF)
}
