package replay_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hookseal/hookseal/replay"
	"github.com/hookseal/hookseal/replay/replaytest"
)

// naive is what Memory promises beyond the contract of stores (bound, order, what is dropped and
// what is counted), on slices that are searched from end to end.
type naive struct {
	now       time.Time
	inFlight  []replay.Key
	kept      []naiveEntry // the one seen longest ago first
	evictions uint64
}

type naiveEntry struct {
	key  replay.Key
	last time.Time
}

func (n *naive) find(key replay.Key) int {
	return slices.IndexFunc(n.kept, func(e naiveEntry) bool { return e.key == key })
}

func (n *naive) claim(key replay.Key, window time.Duration, bound int) (replay.State, error) {
	for range 2 {
		if len(n.kept) > 0 && n.now.After(n.kept[0].last) {
			n.kept = n.kept[1:]
		}
	}
	if slices.Contains(n.inFlight, key) {
		return replay.InFlight, nil
	}
	if i := n.find(key); i >= 0 {
		entry := n.kept[i]
		n.kept = slices.Delete(slices.Clone(n.kept), i, i+1)
		if !n.now.After(entry.last) {
			if last := n.now.Add(window); last.After(entry.last) {
				entry.last = last
			}
			n.kept = append(n.kept, entry)
			return replay.Delivered, nil
		}
	}
	if len(n.inFlight) >= bound {
		return replay.Unknown, replay.ErrFull
	}
	for len(n.inFlight)+len(n.kept) >= bound {
		if !n.now.After(n.kept[0].last) {
			n.evictions++
		}
		n.kept = n.kept[1:]
	}
	n.inFlight = append(n.inFlight, key)
	return replay.Taken, nil
}

func (n *naive) settle(key replay.Key, window time.Duration, delivered bool) {
	i := slices.Index(n.inFlight, key)
	n.inFlight = slices.Delete(n.inFlight, i, i+1)
	if delivered {
		n.kept = append(n.kept, naiveEntry{key, n.now.Add(window)})
	}
}

func (n *naive) forget(key replay.Key) replay.State {
	if slices.Contains(n.inFlight, key) {
		return replay.InFlight
	}
	i := n.find(key)
	if i < 0 {
		return replay.Unknown
	}
	live := !n.now.After(n.kept[i].last)
	n.kept = slices.Delete(slices.Clone(n.kept), i, i+1)
	if live {
		return replay.Delivered
	}
	return replay.Unknown
}

func TestMemoryBehavesAsANaiveModel(t *testing.T) {
	seen := make(map[string]int) // what the sequences reached, so that the test can't pass by missing it
	for seed := range uint64(50) {
		randomSequence(t, seed, seen)
	}
	for _, event := range []string{"taken", "in flight", "delivered", "full", "evicted", "forgotten"} {
		if seen[event] < 50 {
			t.Errorf("%q was reached %d times, want 50 or more", event, seen[event])
		}
	}
}

func randomSequence(t *testing.T, seed uint64, seen map[string]int) {
	random := rand.New(rand.NewPCG(seed, 0))
	clock := replaytest.NewClock()
	m := replay.NewMemory(clock.Now)
	model := &naive{now: clock.Now()}
	bounds := []int{3, 6, 8}
	windows := []time.Duration{1, 5, 20}
	var open []replay.Claim
	for operation := range 500 {
		key := key(random.IntN(12))
		switch random.IntN(8) {
		case 0, 1, 2, 3:
			bound, window := bounds[random.IntN(len(bounds))], windows[random.IntN(len(windows))]
			want, wantErr := model.claim(key, window, bound)
			got, err := m.Bounded(bound).Claim(t.Context(), key, window)
			if got.State != want || !errors.Is(err, wantErr) {
				t.Fatalf("seed %d, operation %d: claim is %v (error %v), want %v (error %v)", seed, operation, got.State, err, want, wantErr)
			}
			if err != nil {
				seen["full"]++
				break
			}
			seen[want.String()]++
			if want == replay.Taken {
				open = append(open, got)
			}
		case 4, 5:
			if len(open) == 0 {
				break
			}
			i, delivered := random.IntN(len(open)), random.IntN(4) > 0
			model.settle(open[i].Key, open[i].Window, delivered)
			settle(t, m.Bounded(0), open[i], delivered)
			open = slices.Delete(open, i, i+1)
		case 6:
			step := time.Duration(random.IntN(6))
			clock.Advance(step)
			model.now = clock.Now()
		case 7:
			want := model.forget(key)
			if got, err := m.Forget(t.Context(), key); got != want || err != nil {
				t.Fatalf("seed %d, operation %d: forget found %v (error %v), want %v", seed, operation, got, err, want)
			}
			if want == replay.Delivered {
				seen["forgotten"]++
			}
		}
		want := replay.Stats{
			Entries:   len(model.inFlight) + len(model.kept),
			InFlight:  len(model.inFlight),
			Evictions: model.evictions,
		}
		if got := m.Stats(); got != want {
			t.Fatalf("seed %d, operation %d: stats are %+v, want %+v", seed, operation, got, want)
		}
	}
	seen["evicted"] += int(model.evictions)
}
