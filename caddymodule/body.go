package caddymodule

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
)

var (
	// errBodyReleased means that a handler reads the body after the delivery has ended.
	errBodyReleased = errors.New("the delivery has ended")
	// errBodyTorn means that somebody may have begun to read the body and not be done with it.
	errBodyTorn = errors.New("the body was read in part and can't be sent again")
)

// verifiedBody reads the bytes that were verified. A proxy's transport may keep reading after
// its handler has returned, and the memory goes to the next delivery, so every Read copies under
// a lock and fails once the body has been released.
//
// A proxy that tries again sends the same body, and so does a second one that stands behind the
// answer of the first. Neither waits until the first try is done with the body, as http.RoundTripper
// asks for: an upstream may answer before it has been sent everything, and then two transports that
// read in turns would send something that nobody signed. So the body follows the tries. A new one
// waits until the request before it has been written, or given up, and begins at the beginning.
//
// What reads without being a try can't begin anew, and is not told that the body has ended when it
// was closed: what it sent would be a part. If it has read ahead for the first try, as a proxy
// that buffers does, that try goes on behind what was read, and no other can be made.
type verifiedBody struct {
	mu     sync.Mutex
	bytes  []byte
	offset int
	closed bool
	torn   bool
	gone   bool
	ahead  bool // something was read before the first try

	refused error // why nothing of it may be sent any more

	trace    httptrace.ClientTrace
	tried    bool            // a try has begun
	answered bool            // its answer has begun to arrive
	written  bool            // its request has been written or given up
	writes   chan struct{}   // closed when that happens, if a try waits for it
	ended    <-chan struct{} // closed when the delivery's time is over
}

// follow returns a context that tells the body of each try to send it.
func (b *verifiedBody) follow(ctx context.Context) context.Context {
	b.ended = ctx.Done()
	b.trace.GetConn = b.begin
	b.trace.GotFirstResponseByte = b.answer
	b.trace.WroteRequest = b.wrote
	return httptrace.WithClientTrace(ctx, &b.trace)
}

// attach makes the body that of a request.
func (b *verifiedBody) attach(r *http.Request) {
	r.ContentLength = int64(len(b.bytes))
	r.TransferEncoding = nil
	// Nothing signs trailers. Without them a proxy says how long the body is, whatever happens to it.
	r.Trailer = nil
	// The sender has been told to continue. An app that doesn't know the question would cost a wait.
	delete(r.Header, "Expect")
	if r.ContentLength == 0 {
		r.Body, r.GetBody = http.NoBody, nil
	} else {
		r.Body, r.GetBody = b, b.again
	}
}

// attachedTo reports whether the request still has the body that it was given.
func (b *verifiedBody) attachedTo(r *http.Request) bool {
	if len(b.bytes) == 0 {
		return r.Body == http.NoBody
	}
	return r.Body == b
}

// begin announces a try to send the body. A try that ended without an answer has been waited for by
// its transport, and has closed the body if it had begun to read it.
func (b *verifiedBody) begin(string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.answered && !b.written {
		b.awaitWrite()
	}
	reading := b.offset > 0 && !b.closed
	switch {
	case !b.tried && reading:
		b.ahead = true
	case b.ahead, reading && !b.written:
		b.torn = true
	default:
		b.offset = 0
	}
	b.tried, b.answered, b.written, b.closed = true, false, false, false
}

// awaitWrite waits until the request of the last try has been written, without the lock.
func (b *verifiedBody) awaitWrite() {
	if b.writes == nil {
		b.writes = make(chan struct{})
	}
	writes := b.writes
	b.mu.Unlock()
	defer b.mu.Lock()
	select {
	case <-writes:
	case <-b.ended:
	}
}

func (b *verifiedBody) answer() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answered = true
}

func (b *verifiedBody) wrote(httptrace.WroteRequestInfo) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.written = true
	if b.writes != nil {
		close(b.writes)
		b.writes = nil
	}
}

// Read reads on.
func (b *verifiedBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.gone:
		return 0, errBodyReleased
	case b.refused != nil:
		return 0, b.refused
	case b.torn, b.closed:
		return 0, errBodyTorn
	case b.offset == len(b.bytes):
		return 0, io.EOF
	}
	n := copy(p, b.bytes[b.offset:])
	b.offset += n
	if b.offset == len(b.bytes) {
		return n, io.EOF
	}
	return n, nil
}

// Close ends the reading of a try.
func (b *verifiedBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// again returns another reader of the same bytes, for http.Request.GetBody.
func (b *verifiedBody) again() (io.ReadCloser, error) {
	return &anotherReader{of: b}, nil
}

// refuse makes all reading fail from now on.
func (b *verifiedBody) refuse(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = err
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
	switch {
	case a.of.gone:
		return 0, errBodyReleased
	case a.of.refused != nil:
		return 0, a.of.refused
	}
	n := copy(p, a.of.bytes[a.offset:])
	a.offset += n
	if a.offset == len(a.of.bytes) {
		return n, io.EOF
	}
	return n, nil
}

func (a *anotherReader) Close() error { return nil }
