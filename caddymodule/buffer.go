package caddymodule

import (
	"errors"
	"io"
	"math/bits"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// inFlightBytes counts the bytes that the buffers of all deliveries hold, those of the copies that Ed25519
// needs too, without the smallest ones:
// a request takes as much before it has a body, and whoever opens many must not keep others' bodies
// out by announcing some. It belongs to the process: while one configuration replaces another, both
// fill the same memory.
var inFlightBytes atomic.Int64

// Buffers come in powers of two, so that one that comes back fits the next body of its size.
const (
	smallestBuffer = 4 << 10
	// bufferGrowth is how many times as much memory a body may hold as has arrived of it. Anybody
	// can announce a big body, so a Content-Length by itself is worth the smallest buffer only.
	bufferGrowth = 4
	// smallBody is the size up to which bodies may fill the last quarter of the bound, so that
	// slow big ones can't keep them out.
	smallBody = 64 << 10
)

var bufferPools [64]sync.Pool

// buffer holds the body of one delivery.
type buffer struct {
	bytes []byte
	// slot is what the pools hold: a pointer, which goes in and out without an allocation.
	slot *[]byte
	// limit is the bound of inFlightBytes.
	limit int64
}

// errOverloaded means that the bodies in flight hold as many bytes as they may.
var errOverloaded = errors.New("bodies in flight hold all the memory they may")

// errTooLarge means that a body is longer than it may be.
var errTooLarge = errors.New("body is over the limit")

// bufferFor returns the size of the buffer that holds size bytes.
func bufferFor(size int64) int64 { return 1 << bits.Len64(uint64(max(size, smallestBuffer)-1)) }

// roomFor returns the part of the bound that buffers of a size may fill.
func roomFor(size, limit int64) int64 {
	if size > smallBody {
		return limit / 4 * 3
	}
	return limit
}

// counted returns how much a buffer of a size counts.
func counted(size int64) int64 {
	if size <= smallestBuffer {
		return 0
	}
	return size
}

// grow makes room for at least size bytes in all.
func (b *buffer) grow(size int64) error {
	room := bufferFor(size)
	more := counted(room) - counted(int64(cap(b.bytes)))
	if inFlightBytes.Add(more) > roomFor(room, b.limit) && more > 0 {
		inFlightBytes.Add(-more)
		return errOverloaded
	}
	slot, ok := poolOf(room).Get().(*[]byte)
	if !ok {
		made := make([]byte, 0, room)
		slot = &made
	}
	bigger := append((*slot)[:0], b.bytes...)
	b.recycle()
	b.bytes, b.slot = bigger, slot
	return nil
}

// free gives the memory back. The bytes must not be used after.
func (b *buffer) free() {
	inFlightBytes.Add(-counted(int64(cap(b.bytes))))
	b.recycle()
	b.bytes, b.slot = nil, nil
}

// lend lends memory that counts as a body's does, until it is given back.
func (g *Gateway) lend(size int) (space []byte, release func(), err error) {
	b := &buffer{limit: g.MaxInFlight}
	if err := b.grow(int64(size)); err != nil {
		return nil, nil, err
	}
	return b.bytes, b.free, nil
}

func (b *buffer) recycle() {
	if b.slot != nil {
		poolOf(int64(cap(*b.slot))).Put(b.slot)
	}
}

// poolOf returns the pool of the buffers of a size that bufferFor gave.
func poolOf(room int64) *sync.Pool { return &bufferPools[bits.TrailingZeros64(uint64(room))] }

// fill reads a body to its end. length is its Content-Length, or -1.
func (b *buffer) fill(body io.Reader, length, maxBody int64) error {
	if err := b.grow(smallestBuffer); err != nil {
		return err
	}
	for {
		if len(b.bytes) == cap(b.bytes) {
			target := int64(cap(b.bytes)) * bufferGrowth
			if length >= 0 {
				target = min(target, length+1) // one byte more lets the reader tell the end
			}
			if err := b.grow(max(min(target, maxBody+1), int64(len(b.bytes))+1)); err != nil {
				return err
			}
		}
		// Not a byte more than tells that there are too many: it may be long in coming.
		n, err := body.Read(b.bytes[len(b.bytes):min(int64(cap(b.bytes)), maxBody+1)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		if int64(len(b.bytes)) > maxBody {
			return errTooLarge
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// reasonOfBody returns the reason for an error of fill.
func reasonOfBody(err error) string {
	var tooLarge *http.MaxBytesError
	var handlerError caddyhttp.HandlerError
	var netError net.Error
	switch {
	case errors.Is(err, errOverloaded):
		return reasonOverloaded
	case errors.Is(err, errTooLarge), errors.As(err, &tooLarge),
		errors.As(err, &handlerError) && handlerError.StatusCode == http.StatusRequestEntityTooLarge:
		return reasonBodyTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netError) && netError.Timeout():
		return reasonBodyTooSlow
	}
	return reasonBodyCutShort
}
