package outbound

import (
	"fmt"
	"time"
)

// Schedule is the times to wait before each attempt: the first from when the message was accepted, each
// other from the end of the attempt before it.
type Schedule []time.Duration

// The bounds of a schedule. Its span at both of them is under six years.
const (
	maxScheduled = 64
	maxWait      = 30 * 24 * time.Hour
)

// DefaultSchedule is that of Svix: at once, then after 5 seconds, 5 minutes, 30 minutes, 2 hours, 5
// hours, 10 hours and 10 hours.
func DefaultSchedule() Schedule {
	return Schedule{
		0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute,
		2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour,
	}
}

// Retries is the schedule of a sender that tries at once and then n times more, always after the same
// delay.
func Retries(n int, delay time.Duration) Schedule {
	// One more than Check lets through is enough to have it refused.
	n = min(max(n, 0), maxScheduled)
	s := make(Schedule, 1+n)
	for i := range n {
		s[1+i] = delay
	}
	return s
}

// Delay returns the wait before an attempt, which are numbered from 1, and false if the schedule has no
// such attempt. The wait is that of the schedule times a factor from 0.9 up to 1.1, into which jitter
// says how far: it is at least 0 and less than 1. So what failed together is not tried again together.
func (s Schedule) Delay(attempt int, jitter float64) (time.Duration, bool) {
	if attempt < 1 || attempt > len(s) {
		return 0, false
	}
	return jittered(s[attempt-1], jitter), true
}

func jittered(wait time.Duration, jitter float64) time.Duration {
	return time.Duration(float64(wait) * (0.9 + 0.2*jitter))
}

// Span returns how long all waits of the schedule may take together, which leaves out the attempts.
func (s Schedule) Span() time.Duration {
	var span time.Duration
	for _, wait := range s {
		span += jittered(wait, 1)
	}
	return span
}

// Check returns an error unless the schedule has 1 to 64 attempts, with waits from none to 30 days.
func (s Schedule) Check() error {
	if len(s) < 1 || len(s) > maxScheduled {
		return fmt.Errorf("schedule has %d attempts: give it 1 to %d", len(s), maxScheduled)
	}
	for i, wait := range s {
		if wait < 0 || wait > maxWait {
			return fmt.Errorf("schedule: attempt %d has a wait of %s: give it 0s to %s", i+1, wait, maxWait)
		}
	}
	return nil
}
