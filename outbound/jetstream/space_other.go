//go:build !(darwin || dragonfly || freebsd || linux || windows)

package jetstream

import "math"

// freeSpace can't tell here: what a full disk does is left to the server.
func freeSpace(string) (uint64, error) { return math.MaxUint64, nil }
