//go:build !linux

package machine

import (
	"errors"
	"syscall"
	"time"
)

// CPUTime returns an error.
func CPUTime(int) (time.Duration, error) {
	return 0, errors.New("the CPU clock of another process is read on Linux only")
}

// PauseUntil returns at the given time or a little later.
func PauseUntil(due time.Time) { time.Sleep(time.Until(due)) }

func dependentProcess() *syscall.SysProcAttr { return nil }
