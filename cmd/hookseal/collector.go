package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The heap may grow by mostGrowth percent before it is collected, because the heap of a gateway that
// verifies is small and short-lived, and at Go's default of 100 the collector costs more than verifying
// small deliveries does. What waits to be sent lives long, and is scanned whether it grew or not: a heap
// that is large because of it grows by leastGrowth, as Go's do. In between it grows by growthBytes.
const (
	mostGrowth  = 400
	leastGrowth = 100
	growthBytes = 64 << 20
)

// growth returns by how many percent a heap may grow of which some bytes were in use when it was last
// collected.
func growth(live uint64) int {
	return int(min(mostGrowth, max(leastGrowth, growthBytes*100/max(live, 1))))
}

// boundGrowth sets the growth of the heap, now and whenever it was collected. Caddy sets a memory limit,
// above which the collector runs as often as it needs to.
func boundGrowth() {
	set := mostGrowth
	debug.SetGCPercent(set)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	afterCollections(func() {
		metrics.Read(live)
		// Setting it stops the world for a moment, so small changes don't count.
		if g := growth(live[0].Value.Uint64()); g > set+set/8 || g < set-set/8 {
			set = g
			debug.SetGCPercent(set)
		}
	})
}

// afterCollections calls f after each collection: that is when what nobody uses is noticed.
func afterCollections(f func()) {
	// With a pointer in it, so that it isn't allocated together with something that is used.
	unused := new(struct{ _ *byte })
	runtime.AddCleanup(unused, func(f func()) {
		f()
		afterCollections(f)
	}, f)
}
