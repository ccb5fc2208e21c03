package caddymodule

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// deadlineWriter notes the read deadlines that it is given.
type deadlineWriter struct {
	http.ResponseWriter
	mu  sync.Mutex
	set []time.Time
}

func (w *deadlineWriter) SetReadDeadline(at time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.set = append(w.set, at)
	return nil
}

func (w *deadlineWriter) deadlines() []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.set
}

// Of several bodies only those that are late are cut off, once; what was cut off is let go again when
// its reading has ended, and a body that came in time has never been touched.
func TestOnlyABodyThatIsLateIsCutOff(t *testing.T) {
	all := newArrivals()
	defer all.timer.Stop()
	now := time.Now()
	arrivals, writers := make([]arrival, 4), make([]deadlineWriter, 4)
	for i := range arrivals {
		arrivals[i] = arrival{due: now.Add(time.Duration(i+1) * time.Hour), writer: &writers[i]}
		all.expect(&arrivals[i])
	}
	for _, i := range []int{1, 3} {
		arrivals[i].due = now.Add(-time.Minute) // the timer is set for the first of them, in an hour
	}
	all.fire()
	all.fire()
	for i, late := range []bool{false, true, false, true} {
		if set := writers[i].deadlines(); late != (len(set) == 1) || late && set[0].After(time.Now()) {
			t.Errorf("body %d: deadlines %v, late: %t", i, set, late)
		}
	}
	if due := arrivals[0].due; !all.fires.Equal(due) {
		t.Errorf("fires next at %s, want %s", all.fires, due)
	}
	for _, i := range []int{1, 0, 3, 2} {
		all.done(&arrivals[i])
	}
	for i, want := range []int{0, 2, 0, 2} {
		if set := writers[i].deadlines(); len(set) != want || want == 2 && !set[1].IsZero() {
			t.Errorf("body %d: deadlines %v after its end", i, set)
		}
	}
	if all.ring.after != &all.ring || all.ring.before != &all.ring {
		t.Error("bodies are watched that have ended")
	}
}

// The timer fires for the body that is due first, whichever came first.
func TestTheTimerIsSetForTheFirstThatIsDue(t *testing.T) {
	all := newArrivals()
	now := time.Now()
	for _, due := range []time.Duration{3 * time.Hour, time.Hour, 2 * time.Hour} {
		all.expect(&arrival{due: now.Add(due), writer: new(deadlineWriter)})
	}
	defer all.timer.Stop()
	if want := now.Add(time.Hour); !all.fires.Equal(want) {
		t.Errorf("fires at %s, want %s", all.fires, want)
	}
}
