package caddymodule

import (
	"context"
	"errors"
	"io"
	"net/http/httptrace"
	"testing"
	"testing/synctest"
)

// newVerifiedBody returns a body and what a transport calls while it tries to send it.
func newVerifiedBody(t *testing.T, ctx context.Context, text string) (*verifiedBody, *transportCalls) {
	t.Helper()
	b := &verifiedBody{bytes: []byte(text)}
	return b, &transportCalls{httptrace.ContextClientTrace(b.follow(ctx))}
}

type transportCalls struct{ trace *httptrace.ClientTrace }

func (c *transportCalls) begin()    { c.trace.GetConn("upstream:80") }
func (c *transportCalls) answered() { c.trace.GotFirstResponseByte() }
func (c *transportCalls) wrote()    { c.trace.WroteRequest(httptrace.WroteRequestInfo{}) }

// wantsRead reads up to n bytes and compares.
func wantsRead(t *testing.T, r io.Reader, n int, text string, err error) {
	t.Helper()
	p := make([]byte, n)
	got, gotErr := r.Read(p)
	if string(p[:got]) != text || !errors.Is(gotErr, err) {
		t.Errorf("read %q, %v and not %q, %v", p[:got], gotErr, text, err)
	}
}

func TestEveryTryThatFollowsOneThatIsDoneHasTheWholeBody(t *testing.T) {
	for name, try := range map[string]func(b *verifiedBody, c *transportCalls){
		"with all of it": func(b *verifiedBody, c *transportCalls) {
			wantsRead(t, b, 2, "wh", nil)
			wantsRead(t, b, 9, "ole", io.EOF)
			wantsRead(t, b, 9, "", io.EOF) // net/http looks for more
			_ = b.Close()
			c.wrote()
			c.answered()
		},
		"with a part of it": func(b *verifiedBody, c *transportCalls) {
			wantsRead(t, b, 2, "wh", nil)
			_ = b.Close()
			c.wrote()
		},
		"with an early answer": func(b *verifiedBody, c *transportCalls) {
			c.answered()
			wantsRead(t, b, 2, "wh", nil)
			_ = b.Close()
			c.wrote()
		},
		"with nothing of it":     func(b *verifiedBody, _ *transportCalls) { _ = b.Close() },
		"without a connection":   func(*verifiedBody, *transportCalls) {},
		"that closed it unasked": func(b *verifiedBody, _ *transportCalls) { wantsRead(t, b, 2, "wh", nil); _ = b.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			b, calls := newVerifiedBody(t, t.Context(), "whole")
			for range 3 {
				calls.begin()
				try(b, calls)
			}
			calls.begin()
			wantsRead(t, b, 9, "whole", io.EOF)
		})
	}
}

// An upstream answers early, and the transport still reads what it no longer needs.
func TestATryWaitsUntilTheRequestBeforeItHasBeenWritten(t *testing.T) {
	for _, read := range []int{0, 2, 5} {
		synctest.Test(t, func(t *testing.T) {
			b, calls := newVerifiedBody(t, t.Context(), "whole")
			calls.begin()
			_, _ = b.Read(make([]byte, read))
			calls.answered()
			begun := false
			go func() {
				calls.begin()
				begun = true
			}()
			synctest.Wait()
			_ = b.Close()
			synctest.Wait()
			if begun {
				t.Fatal("the second try has begun")
			}
			calls.wrote()
			synctest.Wait()
			if !begun {
				t.Fatal("the second try has not begun")
			}
			wantsRead(t, b, 9, "whole", io.EOF)
		})
	}
}

func TestATryWaitsNoLongerThanTheDeliveryMayTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b, calls := newVerifiedBody(t, ctx, "whole")
		calls.begin()
		wantsRead(t, b, 2, "wh", nil)
		calls.answered()
		begun := false
		go func() {
			calls.begin()
			begun = true
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !begun {
			t.Fatal("the second try still waits")
		}
		wantsRead(t, b, 9, "", errBodyTorn)
	})
}

// Two that read at once can only be told apart by what they call, and these have not called it.
func TestATryAfterOneThatMayStillReadFails(t *testing.T) {
	b, calls := newVerifiedBody(t, t.Context(), "whole")
	calls.begin()
	wantsRead(t, b, 2, "wh", nil)
	calls.begin()
	wantsRead(t, b, 9, "", errBodyTorn)
	_ = b.Close()
	calls.begin()
	wantsRead(t, b, 9, "", errBodyTorn)
}

// Whatever reads without announcing itself doesn't begin anew.
func TestABodyThatWasClosedIsNotReadOn(t *testing.T) {
	b, _ := newVerifiedBody(t, t.Context(), "whole")
	wantsRead(t, b, 2, "wh", nil)
	_ = b.Close()
	wantsRead(t, b, 9, "", errBodyTorn)

	b, _ = newVerifiedBody(t, t.Context(), "whole")
	wantsRead(t, b, 9, "whole", io.EOF)
	wantsRead(t, b, 9, "", io.EOF)
	_ = b.Close()
	wantsRead(t, b, 9, "", errBodyTorn)
}

// One that has ended must not look like an empty one to whoever reads it next.
func TestABodyThatATryHasSentDoesNotLookEmpty(t *testing.T) {
	b, calls := newVerifiedBody(t, t.Context(), "whole")
	calls.begin()
	wantsRead(t, b, 9, "whole", io.EOF)
	_ = b.Close()
	calls.wrote()
	calls.answered()
	wantsRead(t, b, 9, "", errBodyTorn)
	calls.begin()
	wantsRead(t, b, 9, "whole", io.EOF)
}

// A proxy that buffers has read a part before it tries, and sends it before the rest.
func TestATryGoesOnBehindWhatWasReadAhead(t *testing.T) {
	b, calls := newVerifiedBody(t, t.Context(), "whole")
	wantsRead(t, b, 2, "wh", nil)
	calls.begin()
	wantsRead(t, b, 9, "ole", io.EOF)
	_ = b.Close()
	calls.wrote()
	calls.begin()
	wantsRead(t, b, 9, "", errBodyTorn)
}

// One that has read and closed all of it sends what it has kept; another begins at the beginning.
func TestATryBehindAReaderThatIsDoneHasTheWholeBody(t *testing.T) {
	b, calls := newVerifiedBody(t, t.Context(), "whole")
	wantsRead(t, b, 9, "whole", io.EOF)
	_ = b.Close()
	for range 2 {
		calls.begin()
		wantsRead(t, b, 9, "whole", io.EOF)
		_ = b.Close()
		calls.wrote()
	}
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
