package main

import (
	"slices"
	"testing"
)

func TestATurnIsBoundedByItsMessagesAndItsDeliveries(t *testing.T) {
	p := &plan{messages: 6000, deliveries: 60000}
	for subscribers, want := range map[int]int{0: 6000, 1: 6000, 10: 6000, 100: 600, 100_000: 1} {
		if got := p.messagesTo(subscribers); got != want {
			t.Errorf("%d subscribers: %d messages, want %d", subscribers, got, want)
		}
	}
}

func TestCountsAreReadWithTheirBounds(t *testing.T) {
	if got, err := parseCounts("1, 8,128", 1); err != nil || !slices.Equal(got, []int{1, 8, 128}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "0", "-1", "1,", "x", "1001"} {
		if got, err := parseCounts(bad, 1); err == nil {
			t.Errorf("parseCounts(%q) = %v, want an error", bad, got)
		}
	}
}
