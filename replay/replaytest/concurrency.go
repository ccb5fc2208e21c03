package replaytest

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hookseal/hookseal/replay"
)

const claimers = 64

// together runs f in as many goroutines as there are claimers, all let go at the same moment, and
// waits for them.
func together(f func(claimer int)) {
	var wait sync.WaitGroup
	start := make(chan struct{})
	for i := range claimers {
		wait.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wait.Wait()
}

// try claims from a goroutine that is not the test's own, which mustn't stop the test.
func (h *harness) try(key replay.Key) replay.Claim {
	claim, err := h.store.Claim(h.Context(), key, window)
	if err != nil {
		h.Errorf("claim: %v", err)
	}
	return claim
}

func (h *harness) trySettle(claim replay.Claim, delivered bool) {
	if err := h.store.Settle(h.Context(), claim, delivered); err != nil {
		h.Errorf("settle: %v", err)
	}
}

func oneWinner(h *harness) {
	var states [claimers]replay.State
	together(func(i int) { states[i] = h.try(key("a")).State })
	count := make(map[replay.State]int)
	for _, state := range states {
		count[state]++
	}
	if count[replay.Taken] != 1 || count[replay.InFlight] != claimers-1 {
		h.Errorf("states are %v, want one taken and the others in flight", count)
	}
}

// oneDelivery settles at once, so that late claimers meet a claim that is being settled.
func oneDelivery(h *harness) {
	var taken atomic.Int32
	together(func(int) {
		switch claim := h.try(key("a")); claim.State {
		case replay.Taken:
			taken.Add(1)
			h.trySettle(claim, true)
		case replay.InFlight, replay.Delivered:
		default:
			h.Errorf("claim is %v", claim.State)
		}
	})
	if n := taken.Load(); n != 1 {
		h.Errorf("%d claimers won, want 1", n)
	}
	h.claim(key("a"), replay.Delivered)
}

// manyKeys lets every claimer go over all the keys, each from a place of its own, and give back
// half of what it takes, so that keys change hands all the time.
func manyKeys(h *harness) {
	const keys, rounds = 100, 3
	var holders, deliveries [keys]atomic.Int32
	together(func(claimer int) {
		for step := range keys * rounds {
			i := (claimer*7 + step) % keys
			claim := h.try(key(fmt.Sprint(i)))
			if claim.State != replay.Taken {
				continue
			}
			if n := holders[i].Add(1); n != 1 {
				h.Errorf("key %d has %d holders at once", i, n)
			}
			delivered := (claimer+step)%2 == 0
			if deliveries[i].Load() > 0 {
				h.Errorf("key %d was taken after it had been delivered", i)
			}
			if delivered {
				deliveries[i].Add(1)
			}
			holders[i].Add(-1) // before settling: after it the key may be another claimer's
			h.trySettle(claim, delivered)
		}
	})
	for i := range keys {
		want := replay.Taken
		if deliveries[i].Load() > 0 {
			want = replay.Delivered
		}
		h.claim(key(fmt.Sprint(i)), want)
	}
}
