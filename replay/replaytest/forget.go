package replaytest

import (
	"context"
	"errors"

	"github.com/hookseal/hookseal/replay"
)

func (h *harness) forget(store replay.Forgetter, key replay.Key, want replay.State) {
	h.Helper()
	found, err := store.Forget(h.Context(), key)
	if err != nil {
		h.Fatalf("forget: %v", err)
	}
	if found != want {
		h.Fatalf("forget found %v, want %v", found, want)
	}
}

// A redelivery that a person asks for must come through every time, also when the one before it
// was delivered: hookdeck/outpost#670.
func forgottenComesThrough(h *harness, store replay.Forgetter) {
	for range 3 {
		h.deliver(key("a"))
		h.claim(key("a"), replay.Delivered)
		h.forget(store, key("a"), replay.Delivered)
	}
	h.claim(key("a"), replay.Taken)
}

func forgettingTellsWhatItFound(h *harness, store replay.Forgetter) {
	h.forget(store, key("never"), replay.Unknown)

	h.settle(h.claim(key("back"), replay.Taken), false)
	h.forget(store, key("back"), replay.Unknown)

	h.deliver(key("kept"))
	h.deliver(key("at"))
	h.deliver(key("after"))
	h.forget(store, key("kept"), replay.Delivered)
	h.forget(store, key("kept"), replay.Unknown)
	h.clock.Advance(window)
	h.forget(store, key("at"), replay.Delivered)
	h.clock.Advance(tick)
	h.forget(store, key("after"), replay.Unknown)
}

func inFlightIsNotForgotten(h *harness, store replay.Forgetter) {
	claim := h.claim(key("a"), replay.Taken)
	h.forget(store, key("a"), replay.InFlight)
	h.claim(key("a"), replay.InFlight)
	h.settle(claim, true)
	h.claim(key("a"), replay.Delivered)
}

func lateSettlementAfterForgetting(h *harness, store replay.Forgetter) {
	for _, delivered := range []bool{false, true} {
		first := h.deliver(key("a"))
		h.forget(store, key("a"), replay.Delivered)
		second := h.claim(key("a"), replay.Taken)
		h.settle(first, delivered)
		h.claim(key("a"), replay.InFlight)
		h.settle(second, false)
	}
}

func outageForgetsNothing(h *harness, store replay.Forgetter) {
	h.deliver(key("a"))
	if found, err := store.Forget(h.outage(), key("a")); !errors.Is(err, context.Canceled) || found != replay.Unknown {
		h.Errorf("forget in an outage: %v and error %v, want unknown and one that is %v", found, err, context.Canceled)
	}
	h.claim(key("a"), replay.Delivered)
}
