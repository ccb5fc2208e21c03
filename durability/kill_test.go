package durability

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

// Every accepted message reaches every subscriber at least once and as it was published, nothing else
// reaches anybody, and the records agree with what the subscribers saw: whenever the gateway is killed or
// stopped, and whatever the subscribers answer.
func TestNoAcceptedMessageIsLostHoweverTheGatewayEnds(t *testing.T) {
	tr := newTrial(t, 20_000)
	g := newGateway(t, "gateway", "dir "+filepath.Join(t.TempDir(), "journal"), "timeout 500ms", "concurrency 32")
	began := time.Now()
	tr.lives.begin()
	g.start()
	tr.register(g.site)
	published := tr.publish(tr.all, g.site)
	random := rand.New(rand.NewPCG(1, 3))
	kills, stops := 0, 0
	for !tr.done() {
		// Counted in what was done and not in time: so that it is as hard on a slow machine as on a fast one.
		enough := tr.received.Load() + 500 + random.Int64N(4000)
		tr.await("subscribers get messages", func() bool { return tr.received.Load() >= enough || tr.done() })
		if stops < kills/8 && !isClosed(published) {
			tr.stop(g)
			tr.over(0)
			stops++
		} else {
			g.kill()
			tr.over(1)
			kills++
		}
		for random.IntN(4) == 0 { // once more, however far it gets with its start
			tr.lives.begin()
			g.begin()
			time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
			g.kill()
			tr.over(1)
			kills++
		}
		tr.lives.begin()
		g.start()
	}
	tr.awaitAll(published)
	tr.settle(g.site)
	g.stop()
	tr.over(0)
	delivered := time.Now()
	tr.lives.begin()
	g.start()
	t.Log(tr.audit(g.site))
	t.Logf("%d kills, %d stops; delivered in %.1fs, audited in %.1fs", kills, stops, delivered.Sub(began).Seconds(), time.Since(delivered).Seconds())
	if stops == 0 || kills < 10 {
		t.Errorf("%d kills and %d stops: too few to show anything", kills, stops)
	}
}
