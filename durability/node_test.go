package durability

import (
	"slices"
	"testing"
	"time"
)

// A cluster goes on without one of its three nodes, whichever it is, and without its gateway's goodbye.
func TestNoAcceptedMessageIsLostWhenANodeOfTheClusterDies(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3)
	tr := newTrial(t, 3000)
	g := newGateway(t, "gateway", c.journal(), "timeout 500ms", "concurrency 32")
	began := time.Now()
	tr.lives.begin()
	g.start()
	tr.register(g.site)

	published := tr.publish(tr.all[:1000], g.site)
	tr.awaitAccepted(300)
	first := c.leader(streams[0])
	first.kill()
	tr.awaitAll(published)

	published = tr.publish(tr.all[1000:2000], g.site)
	first.start()
	eventually(t, first.name+" has caught up", func() bool {
		return !slices.ContainsFunc(streams, func(name string) bool { return !c.complete(name) })
	})
	tr.awaitAll(published)

	published = tr.publish(tr.all[2000:], g.site)
	tr.awaitAccepted(300)
	g.kill()
	tr.over(1)
	tr.lives.begin()
	g.start()
	// What two had accepted without the first one has to outlive one of these, too.
	second := c.leader(streams[0])
	if second == first {
		second = c.nodes[(slices.Index(c.nodes, first)+1)%len(c.nodes)]
	}
	second.kill()
	tr.awaitAll(published)
	tr.settle(g.site)
	g.stop()
	tr.over(0)
	delivered := time.Now()
	tr.lives.begin()
	g.start()
	t.Log(tr.audit(g.site))
	t.Logf("2 nodes and the gateway killed; delivered in %.1fs, audited in %.1fs", delivered.Sub(began).Seconds(), time.Since(delivered).Seconds())
}
