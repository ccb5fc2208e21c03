package replay_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/hookseal/hookseal/replay"
	"github.com/hookseal/hookseal/replay/replaytest"
)

const window = time.Hour

func TestMemoryKeepsTheContractOfStores(t *testing.T) {
	replaytest.Run(t, func(_ *testing.T, clock *replaytest.Clock) replay.Store {
		return replay.NewMemory(clock.Now).Bounded(1000)
	})
}

func key(name any) replay.Key { return replay.NewKey("route", "scheme", fmt.Append(nil, name)) }

func claim(t *testing.T, store replay.Store, key replay.Key, want replay.State) replay.Claim {
	t.Helper()
	claim, err := store.Claim(t.Context(), key, window)
	if err != nil || claim.State != want {
		t.Fatalf("claim is %v (error %v), want %v", claim.State, err, want)
	}
	return claim
}

func settle(t *testing.T, store replay.Store, claim replay.Claim, delivered bool) {
	t.Helper()
	if err := store.Settle(t.Context(), claim, delivered); err != nil {
		t.Fatalf("settle: %v", err)
	}
}

func deliver(t *testing.T, store replay.Store, key replay.Key) {
	t.Helper()
	settle(t, store, claim(t, store, key, replay.Taken), true)
}

func wantStats(t *testing.T, m *replay.Memory, want replay.Stats) {
	t.Helper()
	if got := m.Stats(); got != want {
		t.Fatalf("stats are %+v, want %+v", got, want)
	}
}

func TestExpiryIsExactToTheNanosecond(t *testing.T) {
	clock := replaytest.NewClock()
	store := replay.NewMemory(clock.Now).Bounded(0)
	deliver(t, store, key("at"))
	deliver(t, store, key("after"))
	clock.Advance(window)
	claim(t, store, key("at"), replay.Delivered)
	clock.Advance(1)
	claim(t, store, key("after"), replay.Taken)
}

func TestLongestWindowDoesNotOverflow(t *testing.T) {
	clock := replaytest.NewClock()
	store := replay.NewMemory(clock.Now).Bounded(0)
	clock.Advance(window)
	taken, err := store.Claim(t.Context(), key("a"), math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	settle(t, store, taken, true)
	claim(t, store, key("a"), replay.Delivered)
	clock.Advance(100 * 365 * 24 * time.Hour)
	claim(t, store, key("a"), replay.Delivered)
}

// A clock without a monotonic reading can be set back, also to before the store's birth.
func TestClockSetBackForgetsNothing(t *testing.T) {
	clock := replaytest.NewClock()
	store := replay.NewMemory(clock.Now).Bounded(0)
	deliver(t, store, key("a"))
	clock.Advance(-24 * time.Hour)
	claim(t, store, key("a"), replay.Delivered)
	deliver(t, store, key("b"))
	clock.Advance(window)
	claim(t, store, key("b"), replay.Delivered)
}

func TestClaimInFlightNeverLapses(t *testing.T) {
	clock := replaytest.NewClock()
	store := replay.NewMemory(clock.Now).Bounded(0)
	taken := claim(t, store, key("a"), replay.Taken)
	clock.Advance(1000 * window)
	claim(t, store, key("a"), replay.InFlight)
	settle(t, store, taken, true)
	claim(t, store, key("a"), replay.Delivered)
}

// A request whose sender hung up has a context that is done. Its claim in flight would block the
// sender's retries for ever: the same loss as in hookaido#249.
func TestMemorySettlesUnderAContextThatIsDone(t *testing.T) {
	store := replay.NewMemory(time.Now).Bounded(0)
	ctx, cancel := context.WithCancel(t.Context())
	taken, err := store.Claim(ctx, key("a"), window)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := store.Settle(ctx, taken, false); err != nil {
		t.Fatal(err)
	}
	claim(t, store, key("a"), replay.Taken)
}

func TestLeastRecentlySeenGoesFirst(t *testing.T) {
	m := replay.NewMemory(replaytest.NewClock().Now)
	store := m.Bounded(3)
	deliver(t, store, key("a"))
	deliver(t, store, key("b"))
	deliver(t, store, key("c"))
	claim(t, store, key("a"), replay.Delivered)
	claim(t, store, key("d"), replay.Taken) // takes the room of b
	wantStats(t, m, replay.Stats{Entries: 3, InFlight: 1, Evictions: 1})
	claim(t, store, key("a"), replay.Delivered)
	claim(t, store, key("c"), replay.Delivered)
	claim(t, store, key("d"), replay.InFlight)
	claim(t, store, key("b"), replay.Taken) // takes the room of a
	wantStats(t, m, replay.Stats{Entries: 3, InFlight: 2, Evictions: 2})
	claim(t, store, key("c"), replay.Delivered)
}

func TestOnlyLiveEntriesCountAsEvicted(t *testing.T) {
	clock := replaytest.NewClock()
	m := replay.NewMemory(clock.Now)
	store := m.Bounded(4)
	for i := range 4 {
		deliver(t, store, key(i))
	}
	clock.Advance(window)
	deliver(t, store, key("live to the last"))
	wantStats(t, m, replay.Stats{Entries: 4, Evictions: 1})
	clock.Advance(1)
	// Two are dropped before room is needed, and a smaller bound needs the third one's.
	deliver(t, m.Bounded(1), key("late"))
	wantStats(t, m, replay.Stats{Entries: 1, Evictions: 2})
}

func TestGivenBackClaimTakesNoRoom(t *testing.T) {
	m := replay.NewMemory(replaytest.NewClock().Now)
	store := m.Bounded(2)
	deliver(t, store, key("kept"))
	for i := range 100 {
		settle(t, store, claim(t, store, key(i), replay.Taken), false)
	}
	wantStats(t, m, replay.Stats{Entries: 1})
	claim(t, store, key("kept"), replay.Delivered)
}

// Whatever fills a store, by forgeries that somebody let in before the check or by honest load, it must
// neither push out a claim in flight nor pass off a full store as a duplicate: hookaido
// GHSA-cmwq-5829-xw24.
func TestFullStoreEvictsNothingInFlightAndSaysSo(t *testing.T) {
	m := replay.NewMemory(replaytest.NewClock().Now)
	store := m.Bounded(3)
	var claims []replay.Claim
	for i := range 3 {
		claims = append(claims, claim(t, store, key(i), replay.Taken))
	}
	for i := range 10 {
		refused, err := store.Claim(t.Context(), key(fmt.Sprint("flood", i)), window)
		if !errors.Is(err, replay.ErrFull) || refused != (replay.Claim{}) {
			t.Fatalf("claim on a full store is %+v with error %v, want the zero value and %v", refused, err, replay.ErrFull)
		}
	}
	for i := range 3 {
		claim(t, store, key(i), replay.InFlight)
	}
	wantStats(t, m, replay.Stats{Entries: 3, InFlight: 3})

	settle(t, store, claims[0], true)
	claim(t, store, key(0), replay.Delivered) // a duplicate needs no room
	settle(t, store, claims[1], false)
	claim(t, store, key("next"), replay.Taken)
	wantStats(t, m, replay.Stats{Entries: 3, InFlight: 2})
}

func TestClaimThatFindsNoRoomEvictsNothing(t *testing.T) {
	m := replay.NewMemory(replaytest.NewClock().Now)
	wide := m.Bounded(10)
	deliver(t, wide, key("kept"))
	claim(t, wide, key("x"), replay.Taken)
	claim(t, wide, key("y"), replay.Taken)
	if _, err := m.Bounded(2).Claim(t.Context(), key("z"), window); !errors.Is(err, replay.ErrFull) {
		t.Fatalf("error %v, want %v", err, replay.ErrFull)
	}
	wantStats(t, m, replay.Stats{Entries: 3, InFlight: 2})
	claim(t, wide, key("kept"), replay.Delivered)
}

// A config that was prepared and rejected must leave every claim where it is: hookaido#209, and
// caddy-ratelimit, which loses its state by cleaning up after the config it refused.
func TestViewThatClaimsNothingEvictsNothing(t *testing.T) {
	m := replay.NewMemory(replaytest.NewClock().Now)
	running := m.Bounded(100)
	for i := range 100 {
		deliver(t, running, key(i))
	}
	rejected := m.Bounded(1)
	wantStats(t, m, replay.Stats{Entries: 100})
	for i := range 100 {
		claim(t, running, key(i), replay.Delivered)
	}
	// Nor does the smaller view for a duplicate, until it takes something in.
	claim(t, rejected, key(0), replay.Delivered)
	wantStats(t, m, replay.Stats{Entries: 100})
	claim(t, rejected, key("new"), replay.Taken)
	wantStats(t, m, replay.Stats{Entries: 1, InFlight: 1, Evictions: 100})
}

func TestViewsShareTheirClaims(t *testing.T) {
	m := replay.NewMemory(replaytest.NewClock().Now)
	before, after := m.Bounded(10), m.Bounded(20)
	taken := claim(t, before, key("a"), replay.Taken)
	claim(t, after, key("a"), replay.InFlight)
	settle(t, after, taken, true)
	claim(t, before, key("a"), replay.Delivered)
}

func TestQuietStoreShrinksWithTraffic(t *testing.T) {
	clock := replaytest.NewClock()
	m := replay.NewMemory(clock.Now)
	store := m.Bounded(0)
	for i := range 100 {
		deliver(t, store, key(i))
	}
	clock.Advance(window + 1)
	for i := range 50 {
		deliver(t, store, key(fmt.Sprint("later", i)))
	}
	wantStats(t, m, replay.Stats{Entries: 50})
}

func TestBoundHoldsUnderConcurrentClaims(t *testing.T) {
	const bound = 8
	m := replay.NewMemory(time.Now)
	store := m.Bounded(bound)
	var wait sync.WaitGroup
	for i := range 64 {
		wait.Go(func() {
			for j := range 100 {
				claim, err := store.Claim(t.Context(), key(j), window)
				if err != nil {
					if !errors.Is(err, replay.ErrFull) {
						t.Errorf("claim: %v", err)
					}
					continue
				}
				if n := m.Stats().Entries; n > bound {
					t.Errorf("%d entries, want at most %d", n, bound)
				}
				if err := store.Settle(t.Context(), claim, (i+j)%3 > 0); err != nil {
					t.Errorf("settle: %v", err)
				}
			}
		})
	}
	wait.Wait()
	if stats := m.Stats(); stats.InFlight != 0 || stats.Entries == 0 {
		t.Errorf("stats are %+v, want none in flight and some kept", stats)
	}
}

func TestDuplicateAllocatesNothing(t *testing.T) {
	store := replay.NewMemory(time.Now).Bounded(0)
	seen, ctx := key("a"), t.Context()
	deliver(t, store, seen)
	if n := testing.AllocsPerRun(100, func() { store.Claim(ctx, seen, window) }); n != 0 {
		t.Errorf("a duplicate allocates %v times", n)
	}
}

func TestStatesPrintAsWords(t *testing.T) {
	for state, want := range map[replay.State]string{
		replay.Unknown: "unknown", replay.Taken: "taken", replay.InFlight: "in flight",
		replay.Delivered: "delivered", 9: "state 9",
	} {
		if got := state.String(); got != want {
			t.Errorf("state %d prints as %q, want %q", uint8(state), got, want)
		}
	}
}
