package jetstream

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy stands between a client and a server, for tests of what a bad network does.
type proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	deaf  bool // whether what the server says is dropped
	cut   bool
	conns []net.Conn
}

func startProxy(t *testing.T, server string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, server: server}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			p.connect(client)
		}
	})
	t.Cleanup(func() {
		listener.Close()
		accepting.Wait()
		p.set(false, true)
	})
	return p
}

func (p *proxy) url() string { return "nats://" + p.listener.Addr().String() }

// set makes the network deaf, or cuts it. What goes through after that are new connections.
func (p *proxy) set(deaf, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf, p.cut = deaf, cut
	if !deaf {
		for _, conn := range p.conns {
			conn.Close()
		}
		p.conns = nil
	}
}

func (p *proxy) connect(client net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	server, err := net.Dial("tcp", p.server)
	if err != nil || p.cut {
		client.Close()
		if err == nil {
			server.Close()
		}
		return
	}
	p.conns = append(p.conns, client, server)
	go func() {
		io.Copy(server, client)
		server.Close()
	}()
	go func() {
		defer client.Close()
		buffer := make([]byte, 32<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				return
			}
			p.mu.Lock()
			deaf := p.deaf
			p.mu.Unlock()
			if deaf {
				continue
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
}
