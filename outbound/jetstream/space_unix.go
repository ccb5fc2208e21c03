//go:build darwin || dragonfly || freebsd || linux

package jetstream

import (
	"os"
	"syscall"
)

// freeSpace returns how many bytes the process may still write to the disk that a folder is on.
func freeSpace(dir string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	// Some systems let the blocks that are left go below zero, into what root keeps for itself.
	return uint64(max(0, int64(s.Bavail))) * uint64(s.Bsize), nil
}
