package outbound_test

import (
	"strings"
	"testing"
	"time"

	. "github.com/hookseal/hookseal/outbound"
)

func TestMessagesAreForgottenWhenTheyAreOldAndNotBefore(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		e := r.endpoint(a.ID, "x")
		old := r.publish(a.ID, "e", "{}")
		time.Sleep(DefaultRetainFor - 2*time.Hour)
		r.wants(a.ID, old, e, Succeeded, 1)
		recent := r.publish(a.ID, "e", "{}")
		time.Sleep(3 * time.Hour)
		for range 2 {
			if _, err := r.Message(r.Context(), a.ID, old.ID, true); err != ErrNotFound {
				r.Errorf("the old one: %v", err)
			}
			if m, err := r.Message(r.Context(), a.ID, recent.ID, true); err != nil || string(m.Payload) != "{}" {
				r.Errorf("the recent one: %v", err)
			}
			if s := r.Stats(); s.Messages != 1 || s.Attempts != 1 {
				r.Errorf("keeps %d messages and %d attempts", s.Messages, s.Attempts)
			}
			if got, _, err := r.Attempts(r.Context(), a.ID, AttemptFilter{Endpoint: e.ID}, Page{Limit: 9}); err != nil || len(got) != 1 {
				r.Errorf("lists %d attempts, %v", len(got), err)
			}
			r.restart()
		}
	})
}

func TestWhatWaitsIsNotForgottenHoweverOld(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(refuse)
		r.settings.RetainFor = time.Hour
		if err := r.Configure(r.settings); err != nil {
			r.Fatal(err)
		}
		a := r.app()
		e := r.endpoint(a.ID, "x")
		m := r.publish(a.ID, "e", "{}")
		time.Sleep(20 * time.Hour)
		r.wants(a.ID, m, e, Waiting, 7)
		time.Sleep(20 * time.Hour)
		if _, err := r.Message(r.Context(), a.ID, m.ID, false); err != ErrNotFound {
			r.Errorf("at the end of its schedule: %v", err)
		}
	})
}

func TestOverItsSizeTheOldestGoAndWhatWaitsStays(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settings.RetainBytes = 1 << 20
		if err := r.Configure(r.settings); err != nil {
			r.Fatal(err)
		}
		a := r.app()
		payload := `"` + strings.Repeat("x", 10<<10) + `"`
		first := r.publish(a.ID, "e", payload)
		for range 500 {
			r.publish(a.ID, "e", payload) // the room is made on the way
			time.Sleep(time.Second)
		}
		if _, err := r.Message(r.Context(), a.ID, first.ID, false); err != ErrNotFound {
			r.Errorf("the first one: %v", err)
		}
		if s := r.Stats(); s.Messages < 50 || s.Bytes > 1<<20 {
			r.Errorf("keeps %d messages, %d bytes", s.Messages, s.Bytes)
		}

		r.answers(refuse)
		e := r.endpoint(a.ID, "x")
		var accepted []Message
		for range 500 {
			m, err := r.Publish(r.Context(), a.ID, Message{EventType: "e", Payload: []byte(payload)})
			if err == ErrFull {
				break
			}
			if err != nil {
				r.Fatal(err)
			}
			accepted = append(accepted, m)
			time.Sleep(time.Second)
		}
		if len(accepted) < 50 || len(accepted) == 500 {
			r.Fatalf("%d were accepted into 1 MiB", len(accepted))
		}
		time.Sleep(time.Hour)
		r.restart()
		for _, m := range accepted {
			if d := r.status(a.ID, m.ID, e.ID); d.Status != Waiting {
				r.Fatalf("an accepted one is %v", d.Status)
			}
		}
		r.answers(accept)
		time.Sleep(12 * time.Hour)
		r.publish(a.ID, "e", payload) // there is room again
	})
}

// What waits for a disabled endpoint doesn't keep the journal from getting room, and what it asks for after
// that is answered.
func TestADisabledEndpointHoldsNoRoomForEver(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(refuse)
		a := r.app()
		e := r.endpoint(a.ID, "x")
		m := r.publish(a.ID, "e", "{}")
		r.wants(a.ID, m, e, Waiting, 1)
		if _, err := r.ChangeEndpoint(r.Context(), a.ID, e.ID, func(e *Endpoint) { e.Disabled = true }); err != nil {
			r.Fatal(err)
		}
		time.Sleep(DefaultRetainFor + time.Hour)
		if s := r.Stats(); s.Messages != 0 || s.Waiting != 0 {
			r.Errorf("keeps %d messages, %d wait", s.Messages, s.Waiting)
		}
		if _, err := r.ChangeEndpoint(r.Context(), a.ID, e.ID, func(e *Endpoint) { e.Disabled = false }); err != nil {
			r.Fatal(err)
		}
		time.Sleep(time.Hour)
		if n := len(r.sentTo("https://x/")); n != 1 {
			r.Errorf("%d attempts", n)
		}
	})
}
