package outbound_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/hookseal/hookseal/outbound"
)

func TestADeadLetterIsListedAndResent(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(refuse)
		a := r.app()
		e := r.endpoint(a.ID, "x")
		m := r.publish(a.ID, "e", "{}")
		time.Sleep(72 * time.Hour)
		failed := Failed
		dead, _, err := r.Deliveries(a.ID, DeliveryFilter{Endpoint: e.ID, Status: &failed}, Page{Limit: 10, Descending: true})
		if err != nil || len(dead) != 1 || dead[0].Message.ID != m.ID {
			r.Fatalf("dead letters are %v, %v", dead, err)
		}
		r.answers(accept)
		if err := r.Resend(r.Context(), a.ID, m.ID, e.ID); err != nil {
			r.Fatal(err)
		}
		r.wants(a.ID, m, e, Succeeded, 9)
		last, _, _ := r.Attempts(r.Context(), a.ID, AttemptFilter{Message: m.ID}, Page{Limit: 1, Descending: true})
		if last[0].Trigger != Manual || last[0].Number != 1 || last[0].Status != Succeeded {
			r.Errorf("the last attempt is %+v", last[0])
		}
		r.restart()
		r.wants(a.ID, m, e, Succeeded, 9)
	})
}

func TestAResendThatFailsFollowsTheSchedule(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		e := r.endpoint(a.ID, "x")
		m := r.publish(a.ID, "e", "{}")
		r.wants(a.ID, m, e, Succeeded, 1)
		r.answers(refuse)
		if err := r.Resend(r.Context(), a.ID, m.ID, e.ID); err != nil {
			r.Fatal(err)
		}
		r.wants(a.ID, m, e, Waiting, 2)
		r.restart()
		time.Sleep(72 * time.Hour)
		r.wants(a.ID, m, e, Failed, 1+len(DefaultSchedule()))
	})
}

// The wish is on disk before it is acknowledged.
func TestAResendSurvivesARestart(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		e := r.endpoint(a.ID, "x")
		m := r.publish(a.ID, "e", "{}")
		r.wants(a.ID, m, e, Succeeded, 1)
		r.settings.Drain = time.Millisecond
		if err := r.Configure(r.settings); err != nil {
			r.Fatal(err)
		}
		r.answers(func(ctx context.Context, _ sent) Answer { <-ctx.Done(); return Answer{} })
		if err := r.Resend(r.Context(), a.ID, m.ID, e.ID); err != nil {
			r.Fatal(err)
		}
		synctest.Wait()
		r.stop()
		r.answers(accept)
		r.start()
		r.wants(a.ID, m, e, Succeeded, 2)
	})
}

func TestAResendDuringAnAttemptIsMadeAfterIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(func(context.Context, sent) Answer { time.Sleep(5 * time.Second); return Answer{Code: 200} })
		a := r.app()
		e := r.endpoint(a.ID, "x")
		m := r.publish(a.ID, "e", "{}")
		time.Sleep(time.Second)
		if err := r.Resend(r.Context(), a.ID, m.ID, e.ID); err != nil {
			r.Fatal(err)
		}
		time.Sleep(time.Minute)
		r.wants(a.ID, m, e, Succeeded, 2)
		r.restart()
		r.wants(a.ID, m, e, Succeeded, 2)
	})
}

func TestRecoverSendsAgainWhatFailedSinceThen(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settings.Schedule = Schedule{0, time.Second}
		if err := r.Configure(r.settings); err != nil {
			r.Fatal(err)
		}
		a := r.app()
		e := r.endpoint(a.ID, "x", "e")
		early := r.publish(a.ID, "e", "{}")
		r.wants(a.ID, early, e, Succeeded, 1)
		r.answers(refuse)
		time.Sleep(time.Hour)
		old := r.publish(a.ID, "e", "{}")
		time.Sleep(time.Hour)
		since := time.Now()
		time.Sleep(time.Hour)
		recent := []Message{r.publish(a.ID, "e", "{}"), r.publish(a.ID, "e", "{}")}
		time.Sleep(time.Hour)
		r.answers(accept)
		if n, err := r.Recover(r.Context(), a.ID, e.ID, Recovery{Since: since}); err != nil || n != 2 {
			r.Errorf("recovers %d, %v", n, err)
		}
		r.wants(a.ID, early, e, Succeeded, 1)
		r.wants(a.ID, old, e, Failed, 2)
		for _, m := range recent {
			r.wants(a.ID, m, e, Succeeded, 3)
		}
	})
}

func TestRecoverOfMissingSendsWhatAnEndpointNeverGot(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		before := r.publish(a.ID, "e", "{}")
		r.publish(a.ID, "other", "{}")
		e := r.endpoint(a.ID, "x", "e")
		got := r.publish(a.ID, "e", "{}")
		if n, err := r.Recover(r.Context(), a.ID, e.ID, Recovery{Missing: true}); err != nil || n != 1 {
			r.Errorf("recovers %d, %v", n, err)
		}
		r.wants(a.ID, before, e, Succeeded, 1)
		r.wants(a.ID, got, e, Succeeded, 1)
		r.restart()
		r.wants(a.ID, before, e, Succeeded, 1)
		if s := r.Stats(); s.Waiting != 0 || len(r.sentTo("https://x/")) != 2 {
			r.Errorf("%d wait, %d sent", s.Waiting, len(r.sentTo("https://x/")))
		}
	})
}

func TestRecoverOfMissingLeavesOutWhatWasForAnotherAlone(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		one, two := r.endpoint(a.ID, "one"), r.endpoint(a.ID, "two")
		if _, err := r.Publish(r.Context(), a.ID, Message{EventType: "e", Payload: []byte("{}"), Only: one.ID}); err != nil {
			r.Fatal(err)
		}
		for range 2 {
			if n, err := r.Recover(r.Context(), a.ID, two.ID, Recovery{Missing: true}); err != nil || n != 0 {
				r.Errorf("recovers %d, %v", n, err)
			}
			r.restart()
		}
	})
}
