// Package replay answers one question about a verified delivery: have I let this one through
// before?
//
// Whoever forwards a delivery claims its [Key] first and settles the claim afterwards. A claim
// that was delivered is kept for a window of time, in which every copy of the delivery is a
// duplicate; a claim that was not delivered is given back at once, so that the sender's retry
// comes through. Between the two it is in flight, and a copy that arrives then is neither.
//
// Claim only what was verified. A store can't tell a forgery from a delivery, and one that is
// asked before the check can be filled, or squatted on, by anybody.
package replay

import (
	"context"
	"fmt"
	"time"
)

// State says what a store holds under a key.
type State uint8

const (
	// Unknown means that the store holds nothing under the key. It is also the zero value, and so
	// the state of the claim that comes with an error; no successful claim has it.
	Unknown State = iota
	// Taken means that this caller, and nobody else, has the claim. It must settle it.
	Taken
	// InFlight means that another caller has the claim and has not settled it yet. Whether the
	// delivery will be accepted is not known, so the sender should be told to try again.
	InFlight
	// Delivered means that the delivery was accepted before, and that its window has not passed.
	Delivered
)

// String returns the state in lower-case words, as logs and metrics show it.
func (s State) String() string {
	switch s {
	case Unknown:
		return "unknown"
	case Taken:
		return "taken"
	case InFlight:
		return "in flight"
	case Delivered:
		return "delivered"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Claim is a store's answer about one key. It is a value: copy it freely, and hand it back to
// [Store.Settle] as it came.
type Claim struct {
	// Key is the key that was asked for.
	Key Key
	// State says whether the caller may forward. Only a Taken claim has to be settled.
	State State
	// Window is how long the claim is kept from settling on, if it was delivered.
	Window time.Duration
	// Fence is the store's own; callers leave it alone. It tells this taking of the key from every
	// other taking of the same key, so that a late settlement can't touch a claim that has since
	// been taken by somebody else. A store never gives one key the same fence twice. It is 0 in
	// a claim that is not Taken.
	Fence uint64
}

// Store holds claims. Its methods may be called from many goroutines at once, also with the
// same key.
//
// An error of either method means "could not check" or "could not record", and never
// "duplicate": that is a State. Whether a delivery that could not be checked is refused (fail
// closed) or let through (fail open) is the caller's decision.
type Store interface {
	// Claim takes the key if nobody has it, in one atomic step: of any number of callers at most
	// one has a Taken claim at a time. The window must be above zero and at least as long as the
	// delivery could be accepted again: two tolerances where the signed time is checked against
	// one on either side. An entry is still live when exactly its window has passed, and gone after.
	//
	// A duplicate of a Delivered claim lengthens it to a whole window from now, if that is later,
	// and never shortens it. The sender's own retry of a signed id carries a newer signed time, so
	// that copy can be replayed for longer than the first one could.
	//
	// The memory of a delivery is only as long as the windows that it was claimed with: a route
	// whose tolerance is raised does not lengthen what was kept before.
	//
	// With an error the claim is the zero value and there is nothing to settle. A context that was
	// done before the call leaves nothing claimed; a store that loses contact in the middle of a call
	// may have taken the key, and then must let it lapse as below.
	Claim(ctx context.Context, key Key, window time.Duration) (Claim, error)

	// Settle ends a Taken claim. If the delivery was accepted the claim is kept until its window
	// has passed, counted from now; otherwise it is given back at once. The first settlement
	// stands: settling a claim that the store no longer holds in flight under its fence (settled
	// already, lapsed, taken again by somebody else) changes nothing and is no error, and
	// neither is settling a claim that is not Taken.
	//
	// After an error the claim may still be in flight, and may be settled again. Settle with a
	// context that a sender who hangs up does not cancel (see [context.WithoutCancel]).
	//
	// A store that outlives the gateways that use it may let a claim in flight lapse, because a
	// gateway that crashed never settles, but not before the claim's window has passed since it
	// was taken.
	Settle(ctx context.Context, claim Claim, delivered bool) error
}

// Forgetter is a Store whose kept claims can be given back by an operator, so that a redelivery
// that a person asked for comes through.
type Forgetter interface {
	// Forget gives back the claim that is kept under the key and returns what it found there:
	// Delivered, and the claim is forgotten now; InFlight, and it stays, because the app may be
	// working on it and whoever has it will settle it; Unknown, and there was nothing to forget
	// (never seen, given back, or its window has passed). An error means that the store could
	// not do it.
	Forget(ctx context.Context, key Key) (State, error)
}
