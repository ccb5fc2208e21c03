package caddymodule_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/hookseal/hookseal/replay"
)

func init() { caddy.RegisterModule(new(storeModule)) }

// storeModule is a replay store that a test writes: "replay webhook_test" in a Caddyfile. It shows
// that another store is another module.
type storeModule struct{}

func (*storeModule) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "webhook_gateway.replay.webhook_test", New: func() caddy.Module { return new(storeModule) }}
}

func (*storeModule) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { return nil }

func (*storeModule) ReplayStore() replay.Store { return currentStore }

// currentStore is the store of the running test.
var currentStore *testStore

// testStore is a store in memory that fails, or waits, on demand, and records what it is asked.
type testStore struct {
	*replay.View

	mu       sync.Mutex
	outage   error
	before   func(context.Context) // runs at the beginning of each claim
	claimed  []replay.Key
	window   time.Duration // of the last claim
	settled  []bool
	contexts []error // of the contexts of settlements
}

// newStore makes a store for the test.
func newStore(t *testing.T) *testStore {
	t.Helper()
	currentStore = &testStore{View: replay.NewMemory(time.Now).Bounded(0)}
	return currentStore
}

// errOutage is what the store fails with. Its text may be logged and must not be answered.
var errOutage = errors.New("connection to the replay engine lost")

// fails makes the store fail, or work again with nil.
func (s *testStore) fails(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage = err
}

func (s *testStore) Claim(ctx context.Context, key replay.Key, window time.Duration) (replay.Claim, error) {
	s.mu.Lock()
	outage, before := s.outage, s.before
	s.claimed, s.window = append(s.claimed, key), window
	s.mu.Unlock()
	if before != nil {
		before(ctx)
	}
	if outage != nil {
		return replay.Claim{}, outage
	}
	return s.View.Claim(ctx, key, window)
}

func (s *testStore) Settle(ctx context.Context, claim replay.Claim, delivered bool) error {
	s.mu.Lock()
	outage := s.outage
	s.settled = append(s.settled, delivered)
	s.contexts = append(s.contexts, ctx.Err())
	s.mu.Unlock()
	if outage != nil {
		return outage
	}
	return s.View.Settle(ctx, claim, delivered)
}

func (s *testStore) Forget(ctx context.Context, key replay.Key) (replay.State, error) {
	s.mu.Lock()
	outage := s.outage
	s.mu.Unlock()
	if outage != nil {
		return replay.Unknown, outage
	}
	return s.View.Forget(ctx, key)
}

// claims returns how many claims were asked for.
func (s *testStore) claims() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.claimed)
}

// lastWindow returns the window of the last claim.
func (s *testStore) lastWindow() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.window
}
