package outbound_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/hookseal/hookseal/outbound"
)

// wrongClock is a clock that can be set.
type wrongClock struct{ ahead atomic.Int64 }

func (c *wrongClock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *wrongClock) set(ahead time.Duration) { c.ahead.Store(int64(ahead)) }

// A machine that wakes with a wrong clock must not put off anything for as long as it was wrong.
func TestAClockThatWasWrongForAMomentStopsNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		var clock wrongClock
		r.SetNow(clock.now)
		a := r.app()
		e := r.endpoint(a.ID, "x")
		clock.set(365 * 24 * time.Hour)
		first := r.publish(a.ID, "e", `{"n":1}`)
		r.wants(a.ID, first, e, Succeeded, 1)
		r.answers(refuse)
		failing := r.publish(a.ID, "e", `{"n":2}`)
		r.wants(a.ID, failing, e, Waiting, 1)
		clock.set(0)
		r.answers(accept)
		second := r.publish(a.ID, "e", `{"n":3}`)
		r.wants(a.ID, second, e, Succeeded, 1)
		r.restart()
		third := r.publish(a.ID, "e", `{"n":4}`)
		r.wants(a.ID, third, e, Succeeded, 1)
		time.Sleep(12 * time.Hour)
		r.wants(a.ID, failing, e, Succeeded, 2)
	})
}

func TestAMessageThatWaitsSinceTheClockWasWrongIsSentAfterARestart(t *testing.T) {
	inBubble(t, func(r *rig) {
		var clock wrongClock
		r.SetNow(clock.now)
		a := r.app()
		e := r.endpoint(a.ID, "x")
		if _, err := r.ChangeEndpoint(r.Context(), a.ID, e.ID, func(e *Endpoint) { e.RateLimit = 1 }); err != nil {
			r.Fatal(err)
		}
		clock.set(365 * 24 * time.Hour)
		r.publish(a.ID, "e", `{"n":1}`)
		m := r.publish(a.ID, "e", `{"n":2}`) // held by the rate limit
		clock.set(0)
		r.restart()
		time.Sleep(time.Minute)
		r.wants(a.ID, m, e, Succeeded, 1)
	})
}

func TestAClockThatIsSetDisablesNobody(t *testing.T) {
	inBubble(t, func(r *rig) {
		var clock wrongClock
		r.SetNow(clock.now)
		r.answers(refuse)
		a := r.app()
		e := r.endpoint(a.ID, "x")
		for range 10 {
			r.publish(a.ID, "e", `{}`)
		}
		synctest.Wait()
		clock.set(6 * 24 * time.Hour)
		time.Sleep(time.Hour)
		if got, err := r.Endpoint(a.ID, e.ID); err != nil || got.Disabled {
			r.Errorf("endpoint is %+v, %v", got, err)
		}
	})
}

// Days in which nothing was sent don't count as days of failing.
func TestAQuietTimeIsNoFailing(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(refuse)
		a := r.app()
		e := r.endpoint(a.ID, "x")
		r.publish(a.ID, "e", `{}`)
		time.Sleep(9 * 24 * time.Hour)
		r.publish(a.ID, "e", `{}`)
		synctest.Wait()
		if got, err := r.Endpoint(a.ID, e.ID); err != nil || got.Disabled {
			r.Errorf("endpoint is %+v, %v", got, err)
		}
	})
}

func TestWhileASecretRollsAWrongClockDropsNone(t *testing.T) {
	inBubble(t, func(r *rig) {
		var clock wrongClock
		r.SetNow(clock.now)
		a := r.app()
		e := r.endpoint(a.ID, "x")
		old, _ := r.EndpointSecret(a.ID, e.ID)
		if err := r.RotateSecret(r.Context(), a.ID, e.ID, "", 24*time.Hour); err != nil {
			r.Fatal(err)
		}
		clock.set(48 * time.Hour)
		r.publish(a.ID, "e", `{}`)
		synctest.Wait()
		clock.set(0)
		r.publish(a.ID, "e", `{}`)
		synctest.Wait()
		verify(r.T, old, r.sentTo("https://x/")[1])
	})
}
