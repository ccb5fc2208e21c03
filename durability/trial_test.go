package durability

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// trial is a number of events, those who publish them and those who subscribe to them.
type trial struct {
	t           *testing.T
	client      *client
	lives       lives
	subscribers []*subscriber
	all         []*event
	events      map[string]*event // by body

	// ahead has an element for each event that is published or being published, and not yet delivered, so
	// that publishers don't run away from subscribers.
	ahead chan struct{}

	taken    atomic.Int64 // events that were accepted
	received atomic.Int64 // copies of messages that subscribers got
	left     atomic.Int64 // deliveries of published events that no subscriber has accepted yet

	mu         sync.Mutex
	ids        []string       // of the messages, by the events' numbers; empty for those not accepted yet
	missing    []int          // how many subscribers have not accepted an event yet, by its number
	refusals   map[string]int // how often events were answered 503, by code
	complaints int
}

// newTrial returns a trial with so many events, and three subscribers of which one gets only half of them.
func newTrial(t *testing.T, events int) *trial {
	t.Helper()
	tr := &trial{
		t: t, client: newClient(t, publishers), events: make(map[string]*event),
		ahead: make(chan struct{}, backlog), ids: make([]string, events), missing: make([]int, events),
		refusals: make(map[string]int),
	}
	tr.subscribers = []*subscriber{
		newSubscriber(t, tr, "first"),
		newSubscriber(t, tr, "second"),
		newSubscriber(t, tr, "choosy", kindPaid),
	}
	for number := range events {
		e := newEvent(number)
		tr.all = append(tr.all, &e)
		tr.events[string(e.body)] = &e
		for _, s := range tr.subscribers {
			if s.gets(&e) {
				tr.missing[number]++
			}
		}
	}
	return tr
}

// register makes the subscribers known to a gateway.
func (tr *trial) register(site string) {
	tr.t.Helper()
	var created struct{ ID string }
	tr.client.create(site, "/api/v1/app", map[string]string{"uid": application, "name": "Trial"}, &created)
	for _, s := range tr.subscribers {
		endpoint := map[string]any{"url": s.URL + "/hook", "secret": s.secret()}
		if s.kinds != nil {
			endpoint["filterTypes"] = s.kinds
		}
		tr.client.create(site, "/api/v1/app/"+application+"/endpoint", endpoint, &created)
		s.id = created.ID
	}
}

// complain tells of something that is wrong, unless that has been done often enough.
func (tr *trial) complain(format string, arguments ...any) {
	tr.t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.complaints++; tr.complaints <= 20 {
		tr.t.Errorf(format, arguments...)
	}
}

// delivered takes down that a subscriber has accepted an event for the first time.
func (tr *trial) delivered(e *event) {
	tr.mu.Lock()
	tr.missing[e.number]--
	everywhere := tr.missing[e.number] == 0
	tr.mu.Unlock()
	tr.left.Add(-1)
	if everywhere {
		<-tr.ahead
	}
}

// awaitAccepted returns when so many more events have been accepted.
func (tr *trial) awaitAccepted(more int64) {
	tr.t.Helper()
	enough := tr.taken.Load() + more
	tr.await(fmt.Sprintf("%d events more are accepted", more), func() bool { return tr.taken.Load() >= enough })
}

// awaitAll returns when all published events are accepted and delivered.
func (tr *trial) awaitAll(published <-chan struct{}) {
	tr.t.Helper()
	tr.await("all events are accepted", func() bool { return isClosed(published) })
	tr.await("all events are delivered", tr.done)
}

// awaitDelivered returns when the events that have been accepted are delivered.
func (tr *trial) awaitDelivered() {
	tr.t.Helper()
	tr.await("all accepted events are delivered", func() bool {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		for number, id := range tr.ids {
			if id != "" && tr.missing[number] > 0 {
				return false
			}
		}
		return true
	})
}

// await returns when something is so, and ends the test if something goes wrong meanwhile.
func (tr *trial) await(what string, is func() bool) {
	tr.t.Helper()
	if !comes(func() bool { return is() || tr.t.Failed() }) {
		tr.t.Errorf("%s: that never came; %s", what, tr.outstanding())
	}
	if tr.t.Failed() {
		tr.t.FailNow()
	}
}

// outstanding tells what has not come yet, for the failure of a test.
func (tr *trial) outstanding() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	accepted, undelivered, example := 0, 0, "none"
	for number, id := range tr.ids {
		if id == "" {
			continue
		}
		accepted++
		if tr.missing[number] > 0 {
			undelivered++
			example = fmt.Sprintf("event %d, %s", number, id)
		}
	}
	return fmt.Sprintf("of %d events %d are accepted, of which %d are not delivered (%s); refused was %v",
		len(tr.all), accepted, undelivered, example, tr.refusals)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// done reports whether every subscriber has accepted every event that was published.
func (tr *trial) done() bool { return tr.left.Load() == 0 }

// over ends a life of a gateway that has ended.
func (tr *trial) over(lost int) {
	tr.t.Helper()
	for _, s := range tr.subscribers {
		s.rest(tr.t)
	}
	tr.lives.end(lost)
}

// stop stops a gateway while subscribers keep attempts waiting, and lets these end when the gateway has begun
// to stop.
func (tr *trial) stop(g *gateway) {
	tr.t.Helper()
	for _, s := range tr.subscribers {
		s.hold()
		defer s.pass()
	}
	tr.await("an attempt is kept waiting", func() bool {
		return tr.done() || slices.ContainsFunc(tr.subscribers, (*subscriber).holds)
	})
	g.ask()
	eventually(tr.t, g.name+" takes no more events", func() bool { return !g.ready() })
	for _, s := range tr.subscribers {
		s.pass()
	}
	g.stop()
}

// settle returns when nothing waits for a subscriber any more.
func (tr *trial) settle(site string) {
	tr.t.Helper()
	for _, s := range tr.subscribers {
		tr.await("nothing waits for "+s.name, func() bool {
			var counted statistics
			err := tr.client.get(site, "/api/v1/app/"+application+"/endpoint/"+s.id+"/stats", &counted)
			return err == nil && counted.Pending+counted.Sending == 0
		})
	}
}
