package outbound_test

import (
	"context"
	"fmt"
	"slices"
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

// large is a payload of about a size.
func large(bytes int) string { return `{"x":"` + strings.Repeat("x", bytes) + `"}` }

// bounded puts a bound on what is kept.
func (r *rig) bounded(bytes uint64) {
	r.Helper()
	r.settings.RetainBytes = bytes
	if err := r.Configure(r.settings); err != nil {
		r.Fatal(err)
	}
}

func TestWhatADeletedApplicationLeavesMakesRoom(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bounded(1 << 20)
		a := r.app()
		for range 10 {
			r.publish(a.ID, "e", large(100<<10))
		}
		if err := r.DeleteApplication(r.Context(), a.ID); err != nil {
			r.Fatal(err)
		}
		r.restart()
		time.Sleep(2 * time.Minute)
		b := r.app()
		for range 20 {
			r.publish(b.ID, "e", large(100<<10))
			time.Sleep(2 * time.Minute)
		}
	})
}

// The bytes of attempts count too: otherwise making room for them would forget every message.
func TestNoMoreIsForgottenThanHasTo(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settings.Schedule = Schedule{0}
		r.bounded(1 << 20)
		r.answers(func(context.Context, sent) Answer {
			return Answer{Code: 400, Body: []byte(strings.Repeat("e", MaxResponse))}
		})
		a := r.app()
		r.endpoint(a.ID, "x")
		for range 400 {
			r.publish(a.ID, "e", `{}`)
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Minute)
		if s := r.Stats(); s.Messages < 150 || s.Bytes > 1<<20 {
			r.Errorf("keeps %d messages in %d bytes", s.Messages, s.Bytes)
		}
	})
}

func TestOneThatWaitsKeepsNoRoomFromTheRest(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bounded(1 << 20)
		a := r.app()
		e := r.endpoint(a.ID, "x")
		at := time.Now().Add(20 * 24 * time.Hour)
		late, err := r.Publish(r.Context(), a.ID, Message{EventType: "e", Payload: []byte(`{"late": 1}`), DeliverAt: at, EventID: "late", IdempotencyKey: "k"})
		if err != nil {
			r.Fatal(err)
		}
		for i := range 60 {
			r.publish(a.ID, "e", large(90<<10))
			time.Sleep(2 * time.Minute)
			if i%20 == 19 {
				r.restart()
			}
		}
		if m, err := r.Message(r.Context(), a.ID, "late", true); err != nil || m.ID != late.ID || string(m.Payload) != `{"late": 1}` {
			r.Errorf("%+v, %v", m, err)
		}
		time.Sleep(20 * 24 * time.Hour)
		got := r.sentTo("https://x/")
		if last := got[len(got)-1]; last.body != `{"late": 1}` || !last.at.Equal(at) {
			r.Errorf("the last sent is %.20s at %v", last.body, last.at)
		}
		r.wants(a.ID, late, e, Succeeded, 1)
		if n := len(got); n != 61 {
			r.Errorf("sent %d of 61", n)
		}
		again, err := r.Publish(r.Context(), a.ID, Message{EventType: "e", Payload: []byte(`{}`), EventID: "late"})
		if err != ErrExists || again.ID != late.ID {
			r.Errorf("the same event id again: %s, %v", again.ID, err)
		}
	})
}

func TestWhatWaitsForADisabledEndpointIsNotForgottenForRoom(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bounded(1 << 20)
		r.answers(refuse)
		a := r.app()
		e := r.endpoint(a.ID, "x", "mine")
		m := r.publish(a.ID, "mine", `{}`)
		r.wants(a.ID, m, e, Waiting, 1)
		set := func(disabled bool) {
			if _, err := r.ChangeEndpoint(r.Context(), a.ID, e.ID, func(e *Endpoint) { e.Disabled = disabled }); err != nil {
				r.Fatal(err)
			}
		}
		set(true)
		for range 30 {
			r.publish(a.ID, "other", large(90<<10))
			time.Sleep(2 * time.Minute)
		}
		r.answers(accept)
		set(false)
		r.wants(a.ID, m, e, Succeeded, 2)
	})
}

// An attempt that is about to be made reads its payload from where it is by then.
func TestWhatIsCarriedOnIsSentWhole(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bounded(1 << 20)
		r.answers(refuse)
		a := r.app()
		e := r.endpoint(a.ID, "x", "mine")
		var waiting []Message
		for i := range 5 {
			waiting = append(waiting, r.publish(a.ID, "mine", fmt.Sprintf(`{"n":%d}`, i)))
			r.publish(a.ID, "other", large(10<<10))
		}
		for range 100 {
			r.publish(a.ID, "other", large(90<<10))
			time.Sleep(4 * time.Minute)
		}
		r.answers(accept)
		time.Sleep(12 * time.Hour)
		got := r.sentTo("https://x/")
		for i, m := range waiting {
			r.wants(a.ID, m, e, Succeeded, r.status(a.ID, m.ID, e.ID).Attempts)
			if !slices.ContainsFunc(got, func(s sent) bool { return s.header.Get("Webhook-Id") == m.ID && s.body == fmt.Sprintf(`{"n":%d}`, i) }) {
				r.Errorf("message %d was not sent as it is", i)
			}
		}
	})
}

func TestRoomIsMadeForWhatIsLargerThanTheRoomThatIsLeft(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bounded(1 << 20)
		a := r.app()
		for range 20 {
			m := Message{EventType: "e", Payload: []byte(large(230 << 10))}
			if _, err := r.Publish(r.Context(), a.ID, m); err != nil {
				time.Sleep(time.Second)
				if _, err := r.Publish(r.Context(), a.ID, m); err != nil {
					r.Fatal(err)
				}
			}
		}
	})
}
