package main

import (
	"context"
	"fmt"

	"github.com/hookseal/hookseal/bench/internal/machine"
)

// profileSeconds is how long a gateway is watched under load.
const profileSeconds = 5

// allocations is what a gateway allocates for one delivery.
type allocations struct {
	Objects     float64 `json:"objects"`
	Bytes       float64 `json:"bytes"`
	Collections float64 `json:"collections"`
}

// countAllocations sends n deliveries and divides by n what the gateway's runtime counted
// meanwhile.
func countAllocations(ctx context.Context, l *load, n int) (*allocations, error) {
	before, err := machine.ReadCounters(ctx, l.gateway.admin)
	if err != nil {
		return nil, err
	}
	if err := l.turn(n); err != nil {
		return nil, err
	}
	after, err := machine.ReadCounters(ctx, l.gateway.admin)
	if err != nil {
		return nil, err
	}
	per := float64(n)
	return &allocations{
		Objects:     float64(after.Mallocs-before.Mallocs) / per,
		Bytes:       float64(after.TotalAlloc-before.TotalAlloc) / per,
		Collections: float64(after.NumGC-before.NumGC) / per,
	}, nil
}

// writeProfiles keeps the gateway busy for profileSeconds and writes the CPU profile of that time
// and the profile of all allocations since the start, to files whose names begin with prefix.
func writeProfiles(ctx context.Context, l *load, prefix string) error {
	done := make(chan error, 1)
	go func() {
		path := fmt.Sprintf("profile?seconds=%d", profileSeconds)
		if err := machine.SaveProfile(ctx, l.gateway.admin, path, prefix+".cpu.pprof"); err != nil {
			done <- err
			return
		}
		done <- machine.SaveProfile(ctx, l.gateway.admin, "allocs", prefix+".allocs.pprof")
	}()
	for {
		select {
		case err := <-done:
			return err
		default:
			if err := l.turn(10 * len(l.connections)); err != nil {
				return err
			}
		}
	}
}
