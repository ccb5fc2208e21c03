package machine

import (
	"testing"
	"time"
)

func TestBusyTimeLeavesOutIdleTime(t *testing.T) {
	got, err := parseBusy("cpu  1 2 4 1000 2000 8 16 32 64 128\ncpu0 5 5 5 5 5 5 5 5 0 0\n")
	if want := 63 * 10 * time.Millisecond; err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"", "cpu 1 2 3\n", "cpu0 1 2 3 4 5 6 7 8\n", "cpu 1 2 x 4 5 6 7 8\n"} {
		if got, err := parseBusy(bad); err == nil {
			t.Errorf("parseBusy(%q) = %v, want an error", bad, got)
		}
	}
}
