package replay

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// DefaultMaxEntries is how many claims a [View] holds room for unless it is told otherwise.
const DefaultMaxEntries = 1_000_000

// ErrFull is the error of a claim for which there is no room, because everything that the bound
// allows is in flight. Nothing in flight is ever evicted: its delivery may be under way.
var ErrFull = errors.New("replay store is full of claims in flight")

// Memory holds the claims of one process. It has no bound and is no [Store] of its own:
// [Memory.Bounded] gives the views that claim, so that it can outlive the config that set the
// bound. It lives as long as it is referred to, runs no goroutine and needs no closing.
//
// Claims in flight stand outside the least-recently-used order, are never evicted, and never
// lapse: a holder that doesn't settle blocks its key for the life of the process. Kept claims
// go when room is needed, the one that was seen longest ago first, whatever is left of its
// window. Each claim also drops up to two entries from that same end whose window has passed, so
// that the store shrinks with traffic; an entry that stands behind one with a longer window waits
// for it.
//
// A kept entry takes 196 bytes of heap in a full store of 1,000,000 (Go 1.26, amd64; the benchmark
// MemoryPerEntry measures it), and one in flight 100. About 100 of either are the tables of Go's
// maps, which stay as large as they once were.
type Memory struct {
	now   func() time.Time
	birth time.Time

	// One lock, because 4 and 16 shards were no faster with two goroutines, and each shard would
	// be full, and evict, on its own.
	mu        sync.Mutex
	inFlight  map[Key]uint64             // to the fence
	kept      *simplelru.LRU[Key, int64] // to the last moment at which it is live, as elapsed gives it
	fence     uint64
	evictions uint64
}

// NewMemory returns an empty store that takes the time from now, which is [time.Now] outside of
// tests. Windows are measured on its monotonic reading if it has one, so that setting the
// machine's clock neither forgets claims nor keeps them longer.
func NewMemory(now func() time.Time) *Memory {
	// The bound belongs to the views; the only error is a size below 1.
	kept, _ := simplelru.NewLRU[Key, int64](math.MaxInt, nil)
	return &Memory{now: now, birth: now(), inFlight: make(map[Key]uint64), kept: kept}
}

// Bounded returns a view of the store for claiming, within a bound on the number of entries, in
// flight and kept together. Below 1 it is [DefaultMaxEntries].
//
// The bound is applied when the view takes a claim and not before, so that a config that is
// prepared and then rejected evicts nothing. The first claim under a smaller bound evicts all
// that is too much, while the others wait. While two views are in use each holds the whole store
// to its own bound.
func (m *Memory) Bounded(maxEntries int) *View {
	if maxEntries < 1 {
		maxEntries = DefaultMaxEntries
	}
	return &View{Memory: m, max: maxEntries}
}

// View is a [Memory] with a bound. It is a [Store] and a [Forgetter]; views of one Memory see the
// same claims, and a claim taken through one may be settled through another.
type View struct {
	*Memory
	max int
}

// Claim is as [Store] says. Its errors are the context's if that is done, ErrFull, and one for a
// window that is not above zero.
func (v *View) Claim(ctx context.Context, key Key, window time.Duration) (Claim, error) {
	if err := ctx.Err(); err != nil {
		return Claim{}, err
	}
	if window <= 0 {
		return Claim{}, fmt.Errorf("replay window is %v and must be above zero", window)
	}
	now := v.elapsed()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dropExpired(now)
	state, fence, err := v.claim(key, now, window)
	if err != nil {
		return Claim{}, err
	}
	return Claim{Key: key, State: state, Window: window, Fence: fence}, nil
}

// claim runs under the lock. A duplicate needs no room, so a full store still recognises it.
func (v *View) claim(key Key, now int64, window time.Duration) (State, uint64, error) {
	if _, ok := v.inFlight[key]; ok {
		return InFlight, 0, nil
	}
	if last, ok := v.kept.Peek(key); ok {
		if live(last, now) {
			v.kept.Add(key, max(last, end(now, window)))
			return Delivered, 0, nil
		}
		v.kept.Remove(key)
	}
	if err := v.makeRoom(now); err != nil {
		return Unknown, 0, err
	}
	v.fence++
	v.inFlight[key] = v.fence
	return Taken, v.fence, nil
}

// makeRoom gives up kept entries until there is room for one more claim. It looks at what is in
// flight first, so that a claim that fails has evicted nothing.
func (v *View) makeRoom(now int64) error {
	if len(v.inFlight) >= v.max {
		return ErrFull
	}
	for len(v.inFlight)+v.kept.Len() >= v.max {
		if _, last, _ := v.kept.RemoveOldest(); live(last, now) {
			v.evictions++
		}
	}
	return nil
}

// dropExpired is bounded so that no claim pays for a long quiet time before it, and drops two so
// that the store shrinks even when every claim adds one.
func (m *Memory) dropExpired(now int64) {
	for range 2 {
		if _, last, ok := m.kept.GetOldest(); !ok || live(last, now) {
			return
		}
		m.kept.RemoveOldest()
	}
}

// Settle is as [Store] says. It never fails, and settles under a context that is done too: it
// waits for nothing, and a claim that stayed in flight would block its key for ever.
func (m *Memory) Settle(_ context.Context, claim Claim, delivered bool) error {
	now := m.elapsed()
	m.mu.Lock()
	defer m.mu.Unlock()
	if fence, ok := m.inFlight[claim.Key]; !ok || fence != claim.Fence {
		return nil
	}
	delete(m.inFlight, claim.Key)
	if delivered {
		m.kept.Add(claim.Key, end(now, claim.Window))
	}
	return nil
}

// Forget is as [Forgetter] says. Its only error is the context's.
func (m *Memory) Forget(ctx context.Context, key Key) (State, error) {
	if err := ctx.Err(); err != nil {
		return Unknown, err
	}
	now := m.elapsed()
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.inFlight[key]; ok {
		return InFlight, nil
	}
	last, ok := m.kept.Peek(key)
	if !ok {
		return Unknown, nil
	}
	m.kept.Remove(key)
	if !live(last, now) {
		return Unknown, nil
	}
	return Delivered, nil
}

// Stats are the figures of a [Memory] at one moment.
type Stats struct {
	// Entries counts everything that takes up room: claims in flight, kept ones, and kept ones
	// whose window has passed but that no claim has dropped yet.
	Entries int
	// InFlight counts the claims that are taken and not settled.
	InFlight int
	// Evictions counts the kept claims, since the store's birth, that made room for others
	// while their window had not passed. Each was a delivery that could be replayed: more than 0
	// means that the bound is too small for the traffic.
	Evictions uint64
}

// Stats returns the store's figures.
func (m *Memory) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Stats{
		Entries:   len(m.inFlight) + m.kept.Len(),
		InFlight:  len(m.inFlight),
		Evictions: m.evictions,
	}
}

// elapsed is the time since the store's birth. A number holds no pointer for the garbage collector
// to follow, which a time.Time does.
func (m *Memory) elapsed() int64 { return int64(m.now().Sub(m.birth)) }

// end returns the last moment of a window that begins now; the longest windows end at the end
// of time and not, by overflow, before they begin.
func end(now int64, window time.Duration) int64 {
	last := now + int64(window)
	if last < now {
		return math.MaxInt64
	}
	return last
}

func live(last, now int64) bool { return now <= last }

var (
	_ Store     = (*View)(nil)
	_ Forgetter = (*View)(nil)
)
