package caddymodule

import (
	"context"
	"errors"
	"io"
	"net/http/httptrace"
	"sync"
)

var (
	// errBodyReleased means that a handler reads the body after the delivery has ended.
	errBodyReleased = errors.New("the delivery has ended")
	// errBodyTorn means that the body was closed before its end, and so can't be read again.
	errBodyTorn = errors.New("the body was closed before its end and can't be sent again")
)

// verifiedBody reads the bytes that were verified. A proxy's transport may keep reading after
// its handler has returned, and the memory goes to the next delivery, so every Read copies under
// a lock and fails once the body has been released.
//
// A proxy that tries again sends the same body, and so does a second one that stands behind the
// answer of the first. Neither waits until the first try has closed the body, as http.RoundTripper
// asks for, and two tries that read in turns would send something that nobody signed. So begin makes
// them wait, and the body starts over only after a try that had all of it. After any other the
// next one fails: its transport may still be reading. Then the claim is given back, and the
// sender's own retry comes through.
type verifiedBody struct {
	mu     sync.Mutex
	bytes  []byte
	offset int
	tried  bool // a try has begun
	closed bool // the last try has closed what it had begun to read
	gone   bool

	trace  httptrace.ClientTrace
	ended  <-chan struct{} // closed when the delivery's time is over
	closes chan struct{}   // closed by Close, if a try waits for it
}

// follow returns a context that tells the body of each try to send it.
func (b *verifiedBody) follow(ctx context.Context) context.Context {
	b.ended = ctx.Done()
	b.trace.GetConn = b.begin
	return httptrace.WithClientTrace(ctx, &b.trace)
}

// begin announces a try to send the body. A transport calls it before it reads.
func (b *verifiedBody) begin(string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tried && b.offset > 0 && !b.closed {
		b.awaitClose()
	}
	b.tried = true
	if b.closed && b.offset == len(b.bytes) {
		b.offset, b.closed = 0, false
	}
}

// awaitClose waits for the end of the try that is under way, without the lock.
func (b *verifiedBody) awaitClose() {
	if b.closes == nil {
		b.closes = make(chan struct{})
	}
	closes := b.closes
	b.mu.Unlock()
	defer b.mu.Lock()
	select {
	case <-closes:
	case <-b.ended:
	}
}

// Read reads on.
func (b *verifiedBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.gone:
		return 0, errBodyReleased
	case b.offset == len(b.bytes):
		return 0, io.EOF
	case b.closed:
		return 0, errBodyTorn
	}
	n := copy(p, b.bytes[b.offset:])
	b.offset += n
	if b.offset == len(b.bytes) {
		return n, io.EOF
	}
	return n, nil
}

// Close ends a try. One that has read nothing leaves everything to the next.
func (b *verifiedBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = b.offset > 0
	if b.closes != nil {
		close(b.closes)
		b.closes = nil
	}
	return nil
}

// again returns another reader of the same bytes, for http.Request.GetBody.
func (b *verifiedBody) again() (io.ReadCloser, error) {
	return &anotherReader{of: b}, nil
}

// release ends all reading.
func (b *verifiedBody) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone, b.bytes = true, nil
}

// anotherReader reads the same bytes at its own offset.
type anotherReader struct {
	of     *verifiedBody
	offset int
}

func (a *anotherReader) Read(p []byte) (int, error) {
	a.of.mu.Lock()
	defer a.of.mu.Unlock()
	if a.of.gone {
		return 0, errBodyReleased
	}
	n := copy(p, a.of.bytes[a.offset:])
	a.offset += n
	if a.offset == len(a.of.bytes) {
		return n, io.EOF
	}
	return n, nil
}

func (a *anotherReader) Close() error { return nil }
