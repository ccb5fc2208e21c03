//go:build !linux

package main

import (
	"errors"
	"syscall"
	"time"
)

func cpuTime(int) (time.Duration, error) {
	return 0, errors.New("the CPU clock of another process is read on Linux only")
}

func pauseUntil(due time.Time) { time.Sleep(time.Until(due)) }

func dependentProcess() *syscall.SysProcAttr { return nil }
