package main

import (
	"fmt"
	"strconv"
	"strings"
)

// byteSize is the size of a body in bytes.
type byteSize int

const (
	kibibyte byteSize = 1 << 10
	mebibyte byteSize = 1 << 20
)

// String writes the size in the largest unit that divides it.
func (s byteSize) String() string {
	switch {
	case s >= mebibyte && s%mebibyte == 0:
		return fmt.Sprintf("%d MiB", s/mebibyte)
	case s >= kibibyte && s%kibibyte == 0:
		return fmt.Sprintf("%d KiB", s/kibibyte)
	}
	return fmt.Sprintf("%d B", int(s))
}

// parseSizes reads a list as in "1KiB,100KiB,1MiB,1500".
func parseSizes(list string) ([]byteSize, error) {
	var sizes []byteSize
	for text := range strings.SplitSeq(list, ",") {
		text = strings.TrimSpace(text)
		digits, unit := text, byteSize(1)
		if rest, ok := strings.CutSuffix(text, "MiB"); ok {
			digits, unit = rest, mebibyte
		} else if rest, ok := strings.CutSuffix(text, "KiB"); ok {
			digits, unit = rest, kibibyte
		}
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 20)
		if err != nil {
			return nil, fmt.Errorf("size %q: want bytes, or a whole number of KiB or MiB", text)
		}
		size := byteSize(n) * unit
		if size < smallestBody || size > 16*mebibyte {
			return nil, fmt.Errorf("size %q: want %v to 16 MiB", text, smallestBody)
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}
