package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// upstreamHeader marks an answer that comes from the upstream: a gateway may answer 200 by
// itself.
const upstreamHeader = "X-Bench-Upstream"

// upstream is the app behind the gateways. It reads a body to its end and answers 200.
type upstream struct {
	address string
	// bodies counts the deliveries that came whole.
	bodies atomic.Int64
	// want is the size that a body must have.
	want atomic.Int64

	server  *http.Server
	buffers sync.Pool
}

func startUpstream() (*upstream, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	u := &upstream{address: listener.Addr().String()}
	// As large as what a gateway sends at once, so that it need not wait for the upstream.
	u.buffers.New = func() any { return new([64 << 10]byte) }
	u.server = &http.Server{Handler: u, ReadHeaderTimeout: time.Minute}
	go u.server.Serve(listener)
	return u, nil
}

func (u *upstream) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if u.server.Shutdown(ctx) != nil {
		u.server.Close()
	}
}

// ServeHTTP takes one delivery.
func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	buffer := u.buffers.Get().(*[64 << 10]byte)
	defer u.buffers.Put(buffer)
	var size int64
	for {
		n, err := r.Body.Read(buffer[:])
		size += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return
		}
	}
	if size != u.want.Load() {
		http.Error(w, "unexpected body size", http.StatusBadRequest)
		return
	}
	u.bodies.Add(1)
	w.Header().Set(upstreamHeader, "received")
	io.WriteString(w, "received\n")
}
