package replay_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookseal/hookseal/replay"
)

// numbered makes a key without the cost of a hash, spread over the key as a hash would be.
func numbered(n uint64) (key replay.Key) {
	binary.BigEndian.PutUint64(key[:], n*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(key[24:], n)
	return key
}

// deliverNumbered takes and delivers the keys with the numbers from up to, and not including, to.
func deliverNumbered(b *testing.B, store replay.Store, from, to uint64) {
	for n := from; n < to; n++ {
		claim, err := store.Claim(b.Context(), numbered(n), window)
		if err != nil || claim.State != replay.Taken {
			b.Fatalf("claim %d is %v (error %v)", n, claim.State, err)
		}
		if err := store.Settle(b.Context(), claim, true); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFullStoreFresh measures a new delivery on a store that holds as many live entries as it
// may: a claim that evicts, and a settlement.
func BenchmarkFullStoreFresh(b *testing.B) {
	onFullStore(b, func(store replay.Store, n uint64) {
		claim, err := store.Claim(b.Context(), numbered(replay.DefaultMaxEntries+n), window)
		if err != nil || claim.State != replay.Taken {
			b.Errorf("claim %d is %v (error %v)", n, claim.State, err)
		}
		if err := store.Settle(b.Context(), claim, true); err != nil {
			b.Error(err)
		}
	})
}

// BenchmarkFullStoreDuplicate measures a claim of a key that is kept, somewhere in a full store.
func BenchmarkFullStoreDuplicate(b *testing.B) {
	onFullStore(b, func(store replay.Store, n uint64) {
		claim, err := store.Claim(b.Context(), numbered(n*7919%replay.DefaultMaxEntries), window)
		if err != nil || claim.State != replay.Delivered {
			b.Errorf("claim %d is %v (error %v)", n, claim.State, err)
		}
	})
}

// onFullStore measures do, which gets another number each time, in one and in two goroutines.
func onFullStore(b *testing.B, do func(store replay.Store, n uint64)) {
	for _, goroutines := range []int{1, 2} {
		b.Run(fmt.Sprintf("goroutines=%d", goroutines), func(b *testing.B) {
			store := replay.NewMemory(time.Now).Bounded(replay.DefaultMaxEntries)
			deliverNumbered(b, store, 0, replay.DefaultMaxEntries)
			runtime.GC()
			b.ReportAllocs()
			b.ResetTimer()
			var next atomic.Uint64
			var wait sync.WaitGroup
			for g := range goroutines {
				wait.Go(func() {
					for range (b.N + g) / goroutines {
						do(store, next.Add(1))
					}
				})
			}
			wait.Wait()
		})
	}
}

// BenchmarkMemoryPerEntry fills a store and reports the heap that each entry holds on to.
func BenchmarkMemoryPerEntry(b *testing.B) {
	for _, kept := range []bool{true, false} {
		b.Run(fmt.Sprintf("kept=%v", kept), func(b *testing.B) {
			var bytes float64
			for b.Loop() {
				before := heap()
				m := replay.NewMemory(time.Now)
				store := m.Bounded(replay.DefaultMaxEntries)
				if kept {
					deliverNumbered(b, store, 0, replay.DefaultMaxEntries)
				} else {
					for n := range uint64(replay.DefaultMaxEntries) {
						store.Claim(b.Context(), numbered(n), window)
					}
				}
				bytes = float64(heap()-before) / float64(m.Stats().Entries)
				runtime.KeepAlive(m)
			}
			b.ReportMetric(bytes, "B/entry")
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func BenchmarkNewKey(b *testing.B) {
	mac := make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		replay.NewKey("hooks.example.com/github", "github", mac)
	}
}
