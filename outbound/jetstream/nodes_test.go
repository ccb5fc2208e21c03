package jetstream

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// nodes is a cluster of NATS servers on loopback.
type nodes struct {
	t       *testing.T
	options []*server.Options
	servers []*server.Server
}

// startNodes starts a cluster of n nodes, or a single server, with options besides the usual.
func startNodes(t *testing.T, n int, besides ...func(*server.Options)) *nodes {
	t.Helper()
	c := &nodes{t: t, servers: make([]*server.Server, n)}
	// The addresses are found before any server starts, because each has to know the others'.
	var listeners []net.Listener
	port := func() int {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, listener)
		return listener.Addr().(*net.TCPAddr).Port
	}
	var routes []*url.URL
	for i := range n {
		options := &server.Options{
			ServerName:             fmt.Sprint("node", i),
			Host:                   "127.0.0.1",
			Port:                   port(),
			NoSigs:                 true,
			MaxPayload:             2 << 20,
			JetStream:              true,
			StoreDir:               t.TempDir(),
			JetStreamMaxStore:      1 << 40,
			DisableJetStreamBanner: true,
		}
		for _, set := range besides {
			set(options)
		}
		c.options = append(c.options, options)
		if n == 1 {
			break
		}
		options.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port()}
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprint("127.0.0.1:", options.Cluster.Port)})
	}
	for _, options := range c.options {
		options.Routes = routes
	}
	for _, listener := range listeners {
		listener.Close()
	}
	for i := range n {
		c.start(i)
	}
	t.Cleanup(func() {
		for i := range n {
			c.stop(i)
		}
	})
	if n == 1 {
		return c
	}
	c.waitFor("a leader of all", func() bool { return c.leader() != nil && len(c.leader().JetStreamClusterPeers()) == n })
	return c
}

func (c *nodes) start(i int) {
	c.t.Helper()
	s, err := server.NewServer(c.options[i])
	if err != nil {
		c.t.Fatal(err)
	}
	s.SetLoggerV2(&serverLog{}, false, false, false)
	c.servers[i] = s
	s.Start()
}

// stop stops a node without handing over what it leads, as a machine that fails.
func (c *nodes) stop(i int) {
	c.servers[i].Shutdown()
	c.servers[i].WaitForShutdown()
}

func (c *nodes) leader() *server.Server {
	for _, s := range c.servers {
		if s.Running() && s.JetStreamIsLeader() {
			return s
		}
	}
	return nil
}

// leads returns the node that leads a stream, or -1.
func (c *nodes) leads(stream string) int {
	for i, s := range c.servers {
		if s.Running() && s.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream) {
			return i
		}
	}
	return -1
}

// waitFor polls, since a server tells nobody of its cluster's doings.
func (c *nodes) waitFor(what string, is func() bool) {
	c.t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("there is never %s", what)
		}
	}
}

func (c *nodes) urls() []string {
	var urls []string
	for _, options := range c.options {
		urls = append(urls, fmt.Sprint("nats://127.0.0.1:", options.Port))
	}
	return urls
}

// prefix returns one for a test of its own.
func prefix(t *testing.T) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, t.Name()[max(0, len(t.Name())-60):])
}
