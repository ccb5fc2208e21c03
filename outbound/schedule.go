package outbound

import "time"

// Schedule is the times to wait before each attempt: the first from when the message was accepted, each
// other from the end of the attempt before it.
type Schedule []time.Duration

// DefaultSchedule is that of Svix: at once, then after 5 seconds, 5 minutes, 30 minutes, 2 hours, 5
// hours, 10 hours and 10 hours.
func DefaultSchedule() Schedule {
	return Schedule{
		0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute,
		2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour,
	}
}
