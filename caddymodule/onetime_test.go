package caddymodule

import (
	"errors"
	"testing"
	"time"
)

// TestASecretOfAHandshakeIsTakenOnceAndForTime: by the clock, whatever the timers do that clear the memory.
func TestASecretOfAHandshakeIsTakenOnceAndForTime(t *testing.T) {
	now := time.Unix(1_767_225_600, 0)
	o := &oneTime{now: func() time.Time { return now }, windows: make(map[string]*oneTimeWindow)}
	secret := func(text string) func() string { return func() string { return text } }
	offer := func(text string, want bool) {
		t.Helper()
		if got := o.offer("route", "192.0.2.1", secret(text)); got != want {
			t.Errorf("%s: taken is %t", text, got)
		}
	}
	take := func(want string, err error) {
		t.Helper()
		got, gotErr := o.take("route")
		if !errors.Is(gotErr, err) || err == nil && got.secret() != want {
			t.Errorf("got %v, want %q, %v", gotErr, want, err)
		}
	}
	offer("nobody waits", false)
	take("", errWindowClosed)

	o.open("route", time.Minute)
	o.open("other", time.Minute)
	now = now.Add(time.Minute)
	offer("late", false)
	take("", errWindowClosed)

	o.open("route", time.Minute)
	take("", errNoneYet)
	now = now.Add(time.Minute - 1)
	offer("first", true)
	offer("second", false)
	now = now.Add(keptOnce - 1) // of its own time, not of the window's
	take("first", nil)
	take("", errWindowClosed)

	o.open("route", time.Minute)
	offer("forgotten", true)
	now = now.Add(keptOnce)
	take("", errWindowClosed)

	o.open("route", time.Minute)
	offer("before", true)
	o.open("route", time.Minute) // begins anew
	take("", errNoneYet)
	offer("after", true)
	take("after", nil)
}

// TestWhatIsForgottenLeavesTheMemory: without anybody asking.
func TestWhatIsForgottenLeavesTheMemory(t *testing.T) {
	o := &oneTime{now: time.Now, windows: make(map[string]*oneTimeWindow)}
	o.open("route", time.Hour)
	w := o.windows["route"]
	o.expire("route", &oneTimeWindow{}) // the timer of an earlier window
	if o.windows["route"] != w {
		t.Error("a window was ended by another one's timer")
	}
	o.expire("route", w)
	if len(o.windows) != 0 {
		t.Error("the window is still there")
	}
}
