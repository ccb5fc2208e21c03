package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// subscribers take deliveries, each at an address of its own. They read no more of HTTP than where
// a request ends, because net/http's server would take far more of the cores that they share with
// the gateway.
type subscribers struct {
	urls     []string
	received atomic.Int64
	// unreadable is set when a request could not be read.
	unreadable atomic.Bool

	answer    []byte
	listeners []net.Listener
	serving   sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	over  bool
}

// listen starts some subscribers that answer with a status.
func listen(count, status int) (*subscribers, error) {
	s := &subscribers{
		answer: fmt.Appendf(nil, "HTTP/1.1 %d -\r\nContent-Length: 0\r\n\r\n", status),
		conns:  make(map[net.Conn]bool),
	}
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.close()
			return nil, err
		}
		s.listeners = append(s.listeners, listener)
		s.urls = append(s.urls, "http://"+listener.Addr().String()+"/hooks")
		s.serving.Go(func() { s.accept(listener) })
	}
	return s, nil
}

func (s *subscribers) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.over {
			s.mu.Unlock()
			conn.Close()
			return
		}
		s.conns[conn] = true
		s.mu.Unlock()
		s.serving.Go(func() { s.serve(conn) })
	}
}

func (s *subscribers) serve(conn net.Conn) {
	defer func() {
		conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()
	requests := bufio.NewReader(conn)
	for {
		if _, err := requests.Peek(1); err != nil {
			return // between two requests
		}
		if err := skipRequest(requests); err != nil {
			s.unreadable.Store(true)
			return
		}
		s.received.Add(1)
		if _, err := conn.Write(s.answer); err != nil {
			return
		}
	}
}

// skipRequest reads a request to its end. It must have a Content-Length.
func skipRequest(r *bufio.Reader) error {
	size := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if size, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if size < 0 {
		return io.ErrUnexpectedEOF
	}
	_, err := r.Discard(size)
	return err
}

// standstill is how long nothing may be delivered while something waits.
const standstill = 30 * time.Second

// await returns when a number of deliveries have been received. More are an error: nobody cut an
// attempt off, so none is made twice.
func (s *subscribers) await(want int64) error {
	last, since := s.received.Load(), time.Now()
	for last < want {
		time.Sleep(time.Millisecond)
		if now := s.received.Load(); now != last {
			last, since = now, time.Now()
		}
		switch {
		case s.unreadable.Load():
			return fmt.Errorf("a delivery could not be read")
		case time.Since(since) > standstill:
			return fmt.Errorf("%d deliveries of %d, and no more for %v", last, want, standstill)
		}
	}
	if last > want {
		return fmt.Errorf("%d deliveries, of which there should be %d", last, want)
	}
	return nil
}

// close ends all and returns when that is done.
func (s *subscribers) close() {
	s.mu.Lock()
	s.over = true
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	for _, listener := range s.listeners {
		listener.Close()
	}
	s.serving.Wait()
}
