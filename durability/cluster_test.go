package durability

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// cluster is NATS servers on loopback, each a process of its own.
type cluster struct {
	t     *testing.T
	nodes []*node
	js    jetstream.JetStream // asks about the cluster
}

// node is one of the servers. It runs, or is down.
type node struct {
	*process
	t       *testing.T
	program string
	name    string
	dir     string
	url     string
}

// startCluster starts a cluster of n nodes, or a single server. Settings are further lines of its block
// jetstream.
func startCluster(t *testing.T, n int, settings ...string) *cluster {
	t.Helper()
	c := &cluster{t: t}
	var routes, urls []string
	ports := make([]int, n)
	for i := range n {
		ports[i] = freePort(t)
		routes = append(routes, "nats://"+loopback(ports[i]))
	}
	for i := range n {
		address := loopback(freePort(t))
		o := &node{t: t, program: buildPrograms(t).natsnode, name: fmt.Sprint("node", i), dir: t.TempDir(), url: "nats://" + address}
		config := fmt.Sprintf("server_name: %s\nlisten: %q\njetstream {\n\tstore_dir: %q\n\tsync_interval: always\n\t%s\n}\n",
			o.name, address, filepath.Join(o.dir, "store"), strings.Join(settings, "\n\t"))
		if n > 1 {
			config += fmt.Sprintf("cluster {\n\tname: durability\n\tlisten: %q\n\troutes: [%s]\n}\n", loopback(ports[i]), strings.Join(routes, ", "))
		}
		if err := os.WriteFile(filepath.Join(o.dir, "config"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		c.nodes = append(c.nodes, o)
		urls = append(urls, o.url)
		o.start()
	}
	t.Cleanup(func() {
		for _, o := range c.nodes {
			if t.Failed() {
				t.Log(o.lastWords())
			}
		}
	})
	conn, err := nats.Connect(strings.Join(urls, ","), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(pause))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if c.js, err = jetstream.New(conn); err != nil {
		t.Fatal(err)
	}
	return c
}

func (o *node) start() {
	o.t.Helper()
	o.process = startProcess(o.t, o.name, filepath.Join(o.dir, "log"), dependent(), nil, o.program, "-c", filepath.Join(o.dir, "config"))
}

// journal is what a gateway's configuration says to keep its journal in the cluster.
func (c *cluster) journal() string {
	var urls []string
	for _, o := range c.nodes {
		urls = append(urls, o.url)
	}
	journal := "url " + strings.Join(urls, " ")
	if len(c.nodes) > 1 {
		journal += fmt.Sprint("\n\t\t\t\treplicas ", len(c.nodes))
	}
	return journal
}

// leader returns the node that leads a stream.
func (c *cluster) leader(stream string) *node {
	c.t.Helper()
	var leader *node
	eventually(c.t, stream+" has a leader", func() bool {
		info := c.info(stream)
		for _, o := range c.nodes {
			if info != nil && o.name == info.Leader && o.running() {
				leader = o
			}
		}
		return leader != nil
	})
	return leader
}

// complete reports whether every node has all of a stream.
func (c *cluster) complete(stream string) bool {
	info := c.info(stream)
	if info == nil || len(info.Replicas) != len(c.nodes)-1 {
		return false
	}
	for _, replica := range info.Replicas {
		if !replica.Current || replica.Offline {
			return false
		}
	}
	return true
}

func (c *cluster) info(stream string) *jetstream.ClusterInfo {
	s, err := c.js.Stream(c.t.Context(), stream)
	if err != nil {
		return nil
	}
	return s.CachedInfo().Cluster
}

// streams are those of a journal.
var streams = []string{"hookseal_messages", "hookseal_attempts", "hookseal_registry"}
