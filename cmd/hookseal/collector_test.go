package main

import (
	"runtime"
	"testing"
)

func TestALargeHeapGrowsByLess(t *testing.T) {
	for live, want := range map[uint64]int{
		0: 400, 1: 400, 16 << 20: 400, 32 << 20: 200, 64 << 20: 100, 8 << 30: 100, 1 << 62: 100,
	} {
		if got := growth(live); got != want {
			t.Errorf("%d bytes in use: %d %%, want %d %%", live, got, want)
		}
	}
}

func TestEveryCollectionIsNoticed(t *testing.T) {
	noticed := make(chan bool, 100)
	afterCollections(func() {
		select {
		case noticed <- true:
		default:
		}
	})
	for range 3 {
		runtime.GC()
		<-noticed
	}
}
