package durability

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// A NATS server that takes no more keeps even attempts from being recorded. They are made again.
func TestAFullServerRefusesEventsAndLosesNone(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1, "max_file_store: 32MB")
	tr := newTrial(t, 1500)
	g := newGateway(t, "gateway", c.journal(), "timeout 500ms")
	tr.lives.begin()
	g.start()
	tr.register(g.site)
	published := tr.publish(tr.all[:1000], g.site)
	tr.awaitAccepted(500)
	if _, err := c.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "filler", Subjects: []string{"filler"}}); err != nil {
		t.Fatal(err)
	}
	full := false
	for size := 512 << 10; size > 0; {
		_, err := c.js.Publish(t.Context(), "filler", make([]byte, size))
		var refused *jetstream.APIError
		switch {
		case errors.As(err, &refused):
			full = true
			size /= 2
		case err != nil:
			t.Fatal(err)
		}
	}
	if !full {
		t.Fatal("the server is not full")
	}
	rest := tr.publish(tr.all[1000:], g.site)
	tr.awaitRefusals("insufficient_storage")
	if err := c.js.DeleteStream(t.Context(), "filler"); err != nil {
		t.Fatal(err)
	}
	tr.awaitAll(published)
	tr.awaitAll(rest)
	tr.settle(g.site)
	g.stop()
	// The lease could not be renewed either: if that took long the journal was lost.
	tr.over(1)
	tr.lives.begin()
	g.start()
	t.Log(tr.audit(g.site))
}
