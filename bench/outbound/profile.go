package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hookseal/hookseal/bench/internal/machine"
)

// profileSeconds is how long a gateway is watched under load.
const profileSeconds = 5

// profile keeps the gateway busy while it is profiled, if that is asked for.
func (b *bench) profile(ctx context.Context, l *load, n int) error {
	if b.plan.profiles == "" {
		return nil
	}
	publishers := b.plan.publishers[len(b.plan.publishers)-1]
	prefix := filepath.Join(b.plan.profiles, fmt.Sprintf("publish-%d-to-%d", publishers, len(l.subscribers.urls)))
	fmt.Fprintln(os.Stderr, "profile", prefix)
	done := make(chan error, 1)
	go func() { done <- saveProfiles(ctx, l.gateway.admin, prefix) }()
	for {
		select {
		case err := <-done:
			return err
		default:
			if _, err := l.turn(ctx, publishers, n); err != nil {
				return err
			}
		}
	}
}

// saveProfiles writes the profile of some seconds of CPU time and that of all allocations since the
// start, to files whose names begin with prefix.
func saveProfiles(ctx context.Context, admin, prefix string) error {
	path := fmt.Sprintf("profile?seconds=%d", profileSeconds)
	if err := machine.SaveProfile(ctx, admin, path, prefix+".cpu.pprof"); err != nil {
		return err
	}
	return machine.SaveProfile(ctx, admin, "allocs", prefix+".allocs.pprof")
}
