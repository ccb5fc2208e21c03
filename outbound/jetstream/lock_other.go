//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package jetstream

import (
	"errors"
	"os"
)

// tryLock has no lock here that ends with the process, and without one two processes could ruin
// what is stored.
func tryLock(name string) (*os.File, error) {
	return nil, &os.PathError{Op: "lock", Path: name, Err: errors.ErrUnsupported}
}
