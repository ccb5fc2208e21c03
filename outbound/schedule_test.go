package outbound

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestDelayIsNearTheScheduleAndEndsWithIt(t *testing.T) {
	s := DefaultSchedule()
	for _, jitter := range []float64{0, 0.25, 0.5, 0.999, math.Nextafter(1, 0)} {
		for i, wait := range s {
			got, ok := s.Delay(i+1, jitter)
			if least, most := wait/10*9, wait/10*11; !ok || got < least || got > most {
				t.Errorf("attempt %d at %v: %s, %v; want %s to %s", i+1, jitter, got, ok, least, most)
			}
		}
		for _, attempt := range []int{math.MinInt, -1, 0, len(s) + 1, math.MaxInt} {
			if got, ok := s.Delay(attempt, jitter); ok || got != 0 {
				t.Errorf("attempt %d: %s, %v", attempt, got, ok)
			}
		}
	}
	if early, _ := s.Delay(2, 0); early != 4500*time.Millisecond {
		t.Errorf("the least wait is %s", early)
	}
	if first, ok := s.Delay(1, 0.9); !ok || first != 0 {
		t.Errorf("what is due at once waits for %s, %v", first, ok)
	}
}

func TestSpanIsNeverExceeded(t *testing.T) {
	longest := slices.Repeat(Schedule{maxWait}, maxScheduled)
	for _, s := range []Schedule{{0}, DefaultSchedule(), Retries(3, time.Nanosecond), longest} {
		var sum time.Duration
		for i := range s {
			wait, _ := s.Delay(i+1, math.Nextafter(1, 0))
			sum += wait
		}
		if span := s.Span(); sum > span || span < 0 {
			t.Errorf("%d attempts take %s of %s", len(s), sum, span)
		}
	}
	if span := (Schedule{0}).Span(); span != 0 {
		t.Errorf("one attempt at once spans %s", span)
	}
}

func TestCheckBoundsASchedule(t *testing.T) {
	for _, s := range []Schedule{{0}, {time.Hour}, DefaultSchedule(), Retries(0, 0), Retries(63, maxWait)} {
		if err := s.Check(); err != nil {
			t.Errorf("%v: %v", s, err)
		}
	}
	for _, s := range []Schedule{nil, {}, {-1}, {0, maxWait + 1}, Retries(64, 0), Retries(math.MaxInt, 0), Retries(1, -time.Second)} {
		if s.Check() == nil {
			t.Errorf("accepted %d attempts: %v", len(s), s)
		}
	}
}

func TestRetriesComeAfterAFirstAttemptAtOnce(t *testing.T) {
	for n, want := range map[int]Schedule{
		-1: {0},
		0:  {0},
		3:  {0, time.Second, time.Second, time.Second},
	} {
		if got := Retries(n, time.Second); !slices.Equal(got, want) {
			t.Errorf("%d retries: %v", n, got)
		}
	}
}
