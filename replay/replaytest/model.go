package replaytest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hookseal/hookseal/replay"
)

// model is the contract written down as plainly as possible, for one key.
type model struct {
	holder int       // the number of the claim in flight; -1 without one
	since  time.Time // when that was taken
	last   time.Time // the last moment at which the key is kept; zero if it was never delivered
}

func (m *model) state(now time.Time) replay.State {
	switch {
	case m.holder >= 0:
		return replay.InFlight
	case !m.last.IsZero() && !now.After(m.last):
		return replay.Delivered
	}
	return replay.Unknown
}

// randomOperations runs fixed sequences of claims, settlements (most of them of claims that have
// been settled before), steps of time and forgetting over a few keys.
func randomOperations(h *harness) {
	const seeds, operations = 20, 400
	for seed := range uint64(seeds) {
		randomSequence(h, seed, operations)
	}
}

func randomSequence(h *harness, seed uint64, operations int) {
	random := rand.New(rand.NewPCG(seed, 0))
	windows := []time.Duration{time.Second, 10 * time.Second, time.Minute}
	steps := []time.Duration{tick, time.Second - tick, time.Second, 5 * time.Second, 10 * time.Second}
	// Each sequence has keys of its own, since a harness has only one store.
	var keys [4]replay.Key
	var models [len(keys)]model
	for i := range keys {
		keys[i], models[i].holder = key(fmt.Sprint(seed, i)), -1
	}
	var claims []replay.Claim // every claim that was ever taken
	var owners []int          // the index of its key

	settle := func(number int, delivered bool) {
		h.settle(claims[number], delivered)
		m := &models[owners[number]]
		if m.holder != number {
			return
		}
		m.holder = -1
		if delivered {
			m.last = h.clock.Now().Add(claims[number].Window)
		}
	}
	for operation := range operations {
		now := h.clock.Now()
		i := random.IntN(len(keys))
		m := &models[i]
		switch random.IntN(10) {
		case 0, 1, 2, 3:
			window := windows[random.IntN(len(windows))]
			claim, err := h.store.Claim(h.Context(), keys[i], window)
			if err != nil {
				h.Fatalf("seed %d, operation %d: claim: %v", seed, operation, err)
			}
			want := m.state(now)
			switch want {
			case replay.Unknown:
				want = replay.Taken
				m.holder, m.since, m.last = len(claims), now, time.Time{}
				claims, owners = append(claims, claim), append(owners, i)
			case replay.Delivered:
				if last := now.Add(window); last.After(m.last) {
					m.last = last
				}
			}
			if claim.State != want {
				h.Fatalf("seed %d, operation %d: claim is %v, want %v", seed, operation, claim.State, want)
			}
		case 4, 5:
			if m.holder >= 0 {
				settle(m.holder, random.IntN(2) == 0)
			}
		case 6:
			if len(claims) > 0 {
				settle(random.IntN(len(claims)), random.IntN(2) == 0)
			}
		case 7, 8:
			step := steps[random.IntN(len(steps))]
			// The contract leaves open what happens in flight after the window.
			for j := range models {
				if n := models[j].holder; n >= 0 && now.Add(step).After(models[j].since.Add(claims[n].Window)) {
					settle(n, random.IntN(2) == 0)
				}
			}
			h.clock.Advance(step)
		case 9:
			store, ok := h.store.(replay.Forgetter)
			if !ok {
				continue
			}
			want := m.state(now)
			found, err := store.Forget(h.Context(), keys[i])
			if err != nil || found != want {
				h.Fatalf("seed %d, operation %d: forget found %v (error %v), want %v", seed, operation, found, err, want)
			}
			if want == replay.Delivered {
				m.last = time.Time{}
			}
		}
	}
}
