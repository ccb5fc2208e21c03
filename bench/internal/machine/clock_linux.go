package machine

import (
	"syscall"
	"time"
	"unsafe"
)

// CPUTime returns the CPU time that the process has spent, in the kernel and outside of it.
//
// It reads the process's CPU clock, as clock_getcpuclockid(3) names it: nanoseconds, over all
// threads, those that have ended included, and up to date for a thread that runs at this moment.
// /proc/PID/stat counts in ticks of 10 ms, a thirtieth of a turn; /proc/PID/schedstat is of the
// main thread only; /proc/PID/task/*/schedstat loses the threads that ended.
func CPUTime(pid int) (time.Duration, error) {
	const cpuclockSched = 2
	clock := int32(^pid)<<3 | cpuclockSched
	var t syscall.Timespec
	_, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&t)), 0)
	if errno != 0 {
		return 0, errno
	}
	return time.Duration(t.Nano()), nil
}

// PauseUntil returns at the given time or some 60 µs later. time.Sleep may be a millisecond
// late, because the Go runtime waits for its timers in whole milliseconds.
func PauseUntil(due time.Time) {
	for {
		left := time.Until(due)
		if left <= 0 {
			return
		}
		t := syscall.NsecToTimespec(left.Nanoseconds())
		syscall.Nanosleep(&t, nil)
	}
}

// dependentProcess makes a process that dies with us, however we end, and that an interrupt from
// the terminal does not reach: we stop it.
func dependentProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
