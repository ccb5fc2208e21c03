// Package replaytest holds the contract of replay.Store as tests that every store must pass.
package replaytest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hookseal/hookseal/replay"
)

const (
	// window is a whole number of seconds, which every engine can express.
	window = 10 * time.Minute
	// tick is the smallest step of time that a store must tell apart.
	tick = time.Millisecond
)

// Run holds the stores that open returns against the contract of [replay.Store] and, if they
// are one, of [replay.Forgetter]. Each subtest opens a store of its own, which must be empty, take
// the time from clock with a resolution of a millisecond or finer, have room for 1,000 claims, and
// clean up with t.Cleanup what it needs to.
func Run(t *testing.T, open func(t *testing.T, clock *Clock) replay.Store) {
	tests := []struct {
		property string
		check    func(*harness)
	}{
		{"a key that nobody has is taken", freshKeyIsTaken},
		{"keys do not touch each other", keysAreIndependent},
		{"an unsettled claim is in flight for everybody else", unsettledIsInFlight},
		{"a claim in flight stays for its whole window", inFlightStaysForItsWindow},
		{"a delivered claim is a duplicate until exactly its window has passed", deliveredExpires},
		{"the window is counted from settling", windowCountsFromSettling},
		{"two tolerances outlast the last moment at which a copy is accepted", retentionCoversTwoTolerances},
		{"a duplicate lengthens the window to the retry's own", duplicateLengthens},
		{"a duplicate never shortens the window", duplicateNeverShortens},
		{"an undelivered claim is given back at once", undeliveredIsGivenBack},
		{"the first settlement stands", firstSettlementStands},
		{"a late settlement after giving back leaves the next claim alone", lateSettlementAfterGivingBack},
		{"a late settlement after expiry leaves the next claim alone", lateSettlementAfterExpiry},
		{"settling a claim that is not taken changes nothing", settlingOthersClaims},
		{"a window that is not above zero is an error", windowMustBePositive},
		{"an outage leaves nothing claimed", outageLeavesNothingClaimed},
		{"an outage loses nothing that is kept", outageKeepsDelivered},
		{"an outage while settling can be mended", outageWhileSettling},
		{"of 64 claimers of one key exactly one wins", oneWinner},
		{"of 64 claimers of one key exactly one delivers", oneDelivery},
		{"64 claimers of many keys hold each key one at a time", manyKeys},
		{"random operations answer as a naive model does", randomOperations},
	}
	forgetting := []struct {
		property string
		check    func(*harness, replay.Forgetter)
	}{
		{"a forgotten delivery comes through again", forgottenComesThrough},
		{"forgetting tells what it found", forgettingTellsWhatItFound},
		{"a claim in flight is not forgotten", inFlightIsNotForgotten},
		{"a late settlement after forgetting leaves the next claim alone", lateSettlementAfterForgetting},
		{"an outage forgets nothing", outageForgetsNothing},
	}
	for _, test := range tests {
		t.Run(test.property, func(t *testing.T) {
			test.check(newHarness(t, open))
		})
	}
	if _, ok := open(t, NewClock()).(replay.Forgetter); !ok {
		return
	}
	for _, test := range forgetting {
		t.Run(test.property, func(t *testing.T) {
			h := newHarness(t, open)
			test.check(h, h.store.(replay.Forgetter))
		})
	}
}

// harness is one store under test, with the checks that most properties are made of.
type harness struct {
	*testing.T
	clock *Clock
	store replay.Store
}

func newHarness(t *testing.T, open func(*testing.T, *Clock) replay.Store) *harness {
	clock := NewClock()
	return &harness{T: t, clock: clock, store: open(t, clock)}
}

func key(name string) replay.Key { return replay.NewKey("route", "scheme", []byte(name)) }

// claim claims key for window and fails the test unless the answer is want.
func (h *harness) claim(key replay.Key, want replay.State) replay.Claim {
	h.Helper()
	return h.claimFor(key, window, want)
}

func (h *harness) claimFor(key replay.Key, window time.Duration, want replay.State) replay.Claim {
	h.Helper()
	claim, err := h.store.Claim(h.Context(), key, window)
	if err != nil {
		h.Fatalf("claim: %v", err)
	}
	if claim.State != want {
		h.Fatalf("claim is %v, want %v", claim.State, want)
	}
	if claim.Key != key {
		h.Fatalf("claim is for key %v, want %v", claim.Key, key)
	}
	return claim
}

func (h *harness) settle(claim replay.Claim, delivered bool) {
	h.Helper()
	if err := h.store.Settle(h.Context(), claim, delivered); err != nil {
		h.Fatalf("settle: %v", err)
	}
}

// deliver takes the key, which must be free, and settles it as delivered.
func (h *harness) deliver(key replay.Key) replay.Claim {
	h.Helper()
	claim := h.claim(key, replay.Taken)
	h.settle(claim, true)
	return claim
}

// outage returns a context that is done, which stands for an engine out of reach.
func (h *harness) outage() context.Context {
	ctx, cancel := context.WithCancel(h.Context())
	cancel()
	return ctx
}

func freshKeyIsTaken(h *harness) {
	claim := h.claim(key("a"), replay.Taken)
	if claim.Window != window {
		h.Errorf("claim has window %v, want %v", claim.Window, window)
	}
}

func keysAreIndependent(h *harness) {
	h.deliver(key("a"))
	b := h.claim(key("b"), replay.Taken)
	h.claim(key("c"), replay.Taken)
	h.settle(b, false)
	h.claim(key("a"), replay.Delivered)
	h.claim(key("b"), replay.Taken)
	h.claim(key("c"), replay.InFlight)
}

func unsettledIsInFlight(h *harness) {
	h.claim(key("a"), replay.Taken)
	h.claim(key("a"), replay.InFlight)
	h.claim(key("a"), replay.InFlight)
}

func inFlightStaysForItsWindow(h *harness) {
	h.claim(key("a"), replay.Taken)
	h.clock.Advance(window)
	h.claim(key("a"), replay.InFlight)
}

func deliveredExpires(h *harness) {
	// Three keys, because being seen lengthens a claim.
	h.deliver(key("before"))
	h.deliver(key("at"))
	h.deliver(key("after"))
	h.clock.Advance(window - tick)
	h.claim(key("before"), replay.Delivered)
	h.clock.Advance(tick)
	h.claim(key("at"), replay.Delivered)
	h.clock.Advance(tick)
	h.claim(key("after"), replay.Taken)
}

func windowCountsFromSettling(h *harness) {
	at, after := h.claim(key("at"), replay.Taken), h.claim(key("after"), replay.Taken)
	h.clock.Advance(window / 2)
	h.settle(at, true)
	h.settle(after, true)
	h.clock.Advance(window)
	h.claim(key("at"), replay.Delivered)
	h.clock.Advance(tick)
	h.claim(key("after"), replay.Taken)
}

// A signed time may lie one tolerance ahead when its delivery is first let through and one behind
// when a copy is accepted for the last time, so a claim that is kept for one tolerance reopens
// the gate for the second one: camunda/connectors#8989.
func retentionCoversTwoTolerances(h *harness) {
	const tolerance = 5 * time.Minute
	signed := h.clock.Now().Add(tolerance)
	h.settle(h.claimFor(key("a"), 2*tolerance, replay.Taken), true)
	h.clock.Advance(signed.Add(tolerance).Sub(h.clock.Now()))
	h.claimFor(key("a"), 2*tolerance, replay.Delivered)
}

// A sender that retries signs the same id with a newer time, and that copy is accepted for longer
// than the first one was. The same thread as above, one retry later.
func duplicateLengthens(h *harness) {
	h.deliver(key("at"))
	h.deliver(key("after"))
	h.clock.Advance(window / 2)
	h.claim(key("at"), replay.Delivered)
	h.claim(key("after"), replay.Delivered)
	h.clock.Advance(window)
	h.claim(key("at"), replay.Delivered)
	h.clock.Advance(tick)
	h.claim(key("after"), replay.Taken)
}

func duplicateNeverShortens(h *harness) {
	h.deliver(key("at"))
	h.deliver(key("after"))
	h.clock.Advance(window / 2)
	h.claimFor(key("at"), time.Second, replay.Delivered)
	h.claimFor(key("after"), time.Second, replay.Delivered)
	h.clock.Advance(window / 2)
	h.claimFor(key("at"), time.Second, replay.Delivered)
	h.clock.Advance(tick)
	h.claimFor(key("after"), time.Second, replay.Taken)
}

// A delivery that was claimed and then not accepted by the app must come through when the sender
// tries again, or the event is lost: hookaido#249.
func undeliveredIsGivenBack(h *harness) {
	for range 3 {
		claim := h.claim(key("a"), replay.Taken)
		h.claim(key("a"), replay.InFlight)
		h.settle(claim, false)
	}
	h.deliver(key("a"))
	h.claim(key("a"), replay.Delivered)
}

func firstSettlementStands(h *harness) {
	kept := h.deliver(key("kept"))
	h.settle(kept, true)
	h.settle(kept, false)
	h.claim(key("kept"), replay.Delivered)

	back := h.claim(key("back"), replay.Taken)
	h.settle(back, false)
	h.settle(back, true)
	h.settle(back, false)
	h.claim(key("back"), replay.Taken)

	// Settling once more doesn't restart the window either.
	late := h.deliver(key("late"))
	h.clock.Advance(window)
	h.settle(late, true)
	h.clock.Advance(tick)
	h.claim(key("late"), replay.Taken)
}

func lateSettlementAfterGivingBack(h *harness) {
	for _, delivered := range []bool{false, true} {
		first := h.claim(key("a"), replay.Taken)
		h.settle(first, false)
		second := h.claim(key("a"), replay.Taken)
		h.settle(first, delivered)
		h.claim(key("a"), replay.InFlight)
		h.settle(second, false)
	}
}

func lateSettlementAfterExpiry(h *harness) {
	for _, delivered := range []bool{false, true} {
		first := h.deliver(key("a"))
		h.clock.Advance(window + tick)
		second := h.claim(key("a"), replay.Taken)
		h.settle(first, delivered)
		h.claim(key("a"), replay.InFlight)
		h.settle(second, false)
	}
}

func settlingOthersClaims(h *harness) {
	for _, delivered := range []bool{false, true} {
		h.settle(replay.Claim{}, delivered)
		h.settle(replay.Claim{Key: key("a")}, delivered)
	}
	taken := h.claim(key("a"), replay.Taken)
	for _, delivered := range []bool{false, true} {
		h.settle(replay.Claim{Key: key("a")}, delivered)
		h.settle(h.claim(key("a"), replay.InFlight), delivered)
	}
	h.claim(key("a"), replay.InFlight)
	h.settle(taken, true)
	h.settle(h.claim(key("a"), replay.Delivered), false)
	h.claim(key("a"), replay.Delivered)
}

func windowMustBePositive(h *harness) {
	for _, bad := range []time.Duration{0, -1, -window} {
		claim, err := h.store.Claim(h.Context(), key("a"), bad)
		if err == nil {
			h.Errorf("window %v: claim is %v, want an error", bad, claim.State)
		}
		if claim != (replay.Claim{}) {
			h.Errorf("window %v: the error comes with claim %+v, want the zero value", bad, claim)
		}
	}
	h.claim(key("a"), replay.Taken)
}

func outageLeavesNothingClaimed(h *harness) {
	claim, err := h.store.Claim(h.outage(), key("a"), window)
	if !errors.Is(err, context.Canceled) {
		h.Errorf("claim in an outage: error %v, want one that is %v", err, context.Canceled)
	}
	if claim != (replay.Claim{}) {
		h.Errorf("claim in an outage is %+v, want the zero value", claim)
	}
	h.settle(claim, true)
	h.claim(key("a"), replay.Taken)
}

func outageKeepsDelivered(h *harness) {
	h.deliver(key("kept"))
	h.claim(key("flying"), replay.Taken)
	for _, name := range []string{"kept", "flying"} {
		if claim, err := h.store.Claim(h.outage(), key(name), window); err == nil {
			h.Errorf("claim of %s in an outage is %v, want an error", name, claim.State)
		}
	}
	h.claim(key("kept"), replay.Delivered)
	h.claim(key("flying"), replay.InFlight)
}

// A store may or may not need its engine to settle; either way the claim must end as it was
// settled, once the engine is back.
func outageWhileSettling(h *harness) {
	for delivered, want := range map[bool]replay.State{true: replay.Delivered, false: replay.Taken} {
		name := key(want.String())
		claim := h.claim(name, replay.Taken)
		if err := h.store.Settle(h.outage(), claim, delivered); err != nil {
			h.claim(name, replay.InFlight)
			h.settle(claim, delivered)
		}
		h.claim(name, want)
	}
}
