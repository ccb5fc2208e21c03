package durability

import (
	"net/http"
	"testing"
	"time"
)

// Of two gateways on one cluster one works and the other one waits until the first is no more. Publishers
// who ask both lose nothing.
func TestAGatewayTakesOverFromOneThatDiedOrStopped(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3)
	tr := newTrial(t, 3000)
	first := newGateway(t, "first gateway", c.journal(), "timeout 500ms", "concurrency 32")
	second := newGateway(t, "second gateway", c.journal(), "timeout 500ms", "concurrency 32")
	tr.lives.begin()
	first.start()
	tr.register(first.site)
	second.begin()
	tr.awaitWaiting(second)
	published := tr.publish(tr.all[:1000], first.site, second.site)
	tr.awaitAcceptedElsewhere(second)
	died := time.Now()
	first.kill()
	tr.over(1)
	tr.lives.begin()
	tr.awaitAccepted(1)
	t.Logf("the second gateway took over in %.1fs", time.Since(died).Seconds())
	tr.awaitAll(published)

	first.begin()
	tr.awaitWaiting(first)
	published = tr.publish(tr.all[1000:2000], second.site, first.site)
	tr.awaitAcceptedElsewhere(first)
	tr.awaitAll(published)

	published = tr.publish(tr.all[2000:], second.site, first.site)
	// Nothing is lost by a stop, so what both gateways do from here on can be taken together.
	stopped := time.Now()
	tr.stop(second)
	tr.awaitAccepted(1)
	t.Logf("the first gateway took over in %.1fs", time.Since(stopped).Seconds())
	tr.awaitAll(published)
	tr.settle(first.site)
	t.Log(tr.audit(first.site))
}

// refusal asks a gateway to publish what nobody may get, and returns its answer.
func (tr *trial) refusal(g *gateway) (answer, error) {
	foreign := newEvent(len(tr.all))
	return tr.client.send(foreign.request(g.site))
}

// awaitWaiting returns when a gateway that has not the journal answers.
func (tr *trial) awaitWaiting(g *gateway) {
	tr.t.Helper()
	tr.await(g.name+" refuses", func() bool {
		a, err := tr.refusal(g)
		return err == nil && a.status == http.StatusServiceUnavailable
	})
}

// awaitAcceptedElsewhere returns when another gateway has accepted some events and this one none.
func (tr *trial) awaitAcceptedElsewhere(g *gateway) {
	tr.t.Helper()
	for range 10 {
		tr.awaitAccepted(20)
		if a, err := tr.refusal(g); err != nil || a.status != http.StatusServiceUnavailable {
			tr.t.Fatalf("%s answers %v, error %v, although the other one has the journal", g.name, a, err)
		}
	}
}
