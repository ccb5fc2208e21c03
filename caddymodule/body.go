package caddymodule

import (
	"errors"
	"io"
	"sync"
)

var (
	// errBodyReleased means that a handler reads the body after the delivery has ended.
	errBodyReleased = errors.New("the delivery has ended")
	// errBodyTorn means that the body was closed in the middle, and so can't be read again.
	errBodyTorn = errors.New("the body was closed before its end and can't be sent again")
)

// verifiedBody reads the bytes that were verified. A proxy's transport may keep reading after
// its handler has returned, and the memory goes to the next delivery, so every Read copies under
// a lock and fails once the body has been released.
type verifiedBody struct {
	mu     sync.Mutex
	bytes  []byte
	offset int
	torn   bool
	gone   bool
}

// Read reads on. The last bytes come together with io.EOF: a transport that has read them all
// then never asks again, which Close relies on.
func (b *verifiedBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.gone:
		return 0, errBodyReleased
	case b.torn:
		return 0, errBodyTorn
	}
	n := copy(p, b.bytes[b.offset:])
	b.offset += n
	if b.offset == len(b.bytes) {
		return n, io.EOF
	}
	return n, nil
}

// Close makes the next Read start over, so that a proxy's retry sends the whole body again. A
// body that is closed in its middle can't be: the transport of the first try may not be done with
// it while the second one reads, and between them they would send something that nobody signed.
// Such a retry fails, the claim is given back, and the sender's own retry comes through.
func (b *verifiedBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.offset > 0 && b.offset < len(b.bytes) {
		b.torn = true
	}
	b.offset = 0
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
