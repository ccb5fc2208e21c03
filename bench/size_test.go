package main

import (
	"slices"
	"testing"
)

func TestSizesAreReadWithTheirUnits(t *testing.T) {
	got, err := parseSizes("1KiB, 100KiB,1MiB,1500")
	if err != nil {
		t.Fatal(err)
	}
	if want := []byteSize{1 << 10, 100 << 10, 1 << 20, 1500}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, bad := range []string{"", "1kb", "-1KiB", "1KiB,", "1023", "17MiB", "99999999999999999999"} {
		if got, err := parseSizes(bad); err == nil {
			t.Errorf("parseSizes(%q) = %v, want an error", bad, got)
		}
	}
}

func TestSizesAreWrittenInTheLargestUnitThatDivides(t *testing.T) {
	for size, want := range map[byteSize]string{1 << 10: "1 KiB", 1 << 20: "1 MiB", 1500: "1500 B", 1025 << 10: "1025 KiB"} {
		if got := size.String(); got != want {
			t.Errorf("%d: got %q, want %q", int(size), got, want)
		}
	}
}
