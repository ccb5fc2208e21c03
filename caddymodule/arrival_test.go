package caddymodule

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// deadlineWriter notes the read deadlines that it is given.
type deadlineWriter struct {
	http.ResponseWriter
	set []time.Time
}

func (w *deadlineWriter) SetReadDeadline(at time.Time) error {
	w.set = append(w.set, at)
	return nil
}

// Of several bodies those that are late are cut off, when they are due; what was cut off is let go
// again when its reading has ended, and a body that came in time has never been touched.
func TestOnlyABodyThatIsLateIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newArrivals(time.Minute)
		begin := time.Now()
		arrivals, writers := make([]arrival, 4), make([]deadlineWriter, 4)
		for i := range arrivals {
			arrivals[i].writer = &writers[i]
			all.expect(&arrivals[i])
			time.Sleep(10 * time.Second)
		}
		all.done(&arrivals[1])
		time.Sleep(35 * time.Second) // 75 s after the first and 45 s after the last
		synctest.Wait()
		all.done(&arrivals[3])
		time.Sleep(time.Hour)
		synctest.Wait()
		for i, late := range []bool{true, false, true, false} {
			var want []time.Time
			if late {
				want = []time.Time{begin.Add(time.Duration(i)*10*time.Second + time.Minute)}
			}
			if !slices.Equal(writers[i].set, want) {
				t.Errorf("body %d: deadlines %v, want %v", i, writers[i].set, want)
			}
		}
		for _, i := range []int{2, 0} {
			all.done(&arrivals[i])
			if set := writers[i].set; len(set) != 2 || !set[1].IsZero() {
				t.Errorf("body %d: deadlines %v after its end", i, set)
			}
		}
		if all.ring.after != &all.ring || all.ring.before != &all.ring {
			t.Error("bodies are watched that have ended")
		}

		// The timer was off, and runs again.
		late := arrival{writer: new(deadlineWriter)}
		all.expect(&late)
		time.Sleep(time.Minute)
		synctest.Wait()
		if !late.overdue {
			t.Error("a body that came after all others had ended was not cut off")
		}
	})
}
