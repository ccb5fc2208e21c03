package outbound_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/outbound/journaltest"
	"github.com/hookseal/hookseal/verifiers"
)

func TestAMessageReachesEverySubscriberByteForByteAndNobodyElse(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, other := r.app(), r.app()
		r.endpoint(a.ID, "all")
		r.endpoint(a.ID, "orders", "order.*")
		r.endpoint(a.ID, "invoices", "invoice.**")
		r.endpoint(other.ID, "stranger")
		payload := "{ \"b\": 1,\n\t\"a\": 2.50, \"a\": \"\\u00e9\" }"
		m := r.publish(a.ID, "order.created", payload)
		synctest.Wait()
		for host, want := range map[string]int{"all": 1, "orders": 1, "invoices": 0, "stranger": 0} {
			got := r.sentTo("https://" + host + "/")
			if len(got) != want {
				r.Fatalf("%s got %d, want %d", host, len(got), want)
			}
			for _, s := range got {
				if s.body != payload || s.header.Get("Webhook-Id") != m.ID || s.header.Get("Content-Type") != "application/json" {
					r.Errorf("%s got %q with %v", host, s.body, s.header)
				}
			}
		}
	})
}

func TestChannelsNarrowWhoGetsAMessage(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		for host, channels := range map[string][]string{"any": nil, "red": {"red"}, "blue": {"blue", "green"}} {
			if _, err := r.CreateEndpoint(r.Context(), a.ID, Endpoint{URL: "https://" + host + "/", Channels: channels}, ""); err != nil {
				r.Fatal(err)
			}
		}
		send := func(channels ...string) {
			if _, err := r.Publish(r.Context(), a.ID, Message{EventType: "e", Payload: []byte("{}"), Channels: channels}); err != nil {
				r.Fatal(err)
			}
		}
		send()
		send("red")
		send("green", "red")
		send("none")
		synctest.Wait()
		for host, want := range map[string]int{"any": 4, "red": 3, "blue": 2} {
			if got := len(r.sentTo("https://" + host + "/")); got != want {
				r.Errorf("%s got %d, want %d", host, got, want)
			}
		}
	})
}

// PITFALLS 21: a retry with a stale signature is refused by every receiver that checks the time.
func TestEveryAttemptIsSignedAnewWithTheSameID(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(refuse)
		a := r.app()
		e := r.endpoint(a.ID, "x")
		m := r.publish(a.ID, "e", `{"n":1}`)
		time.Sleep(48 * time.Hour)
		text, err := r.EndpointSecret(a.ID, e.ID)
		if err != nil {
			r.Fatal(err)
		}
		got := r.sentTo("https://x/")
		if len(got) != len(DefaultSchedule()) {
			r.Fatalf("%d attempts", len(got))
		}
		for _, s := range got {
			verify(r.T, text, s)
			if id := s.header.Get("Webhook-Id"); id != m.ID {
				r.Errorf("id is %s, want %s", id, m.ID)
			}
		}
	})
}

// verify checks an attempt as its receiver does, at the time at which it came.
func verify(t *testing.T, secret string, s sent) {
	t.Helper()
	preset, _ := verifiers.Preset("standard")
	v, err := verifiers.New(preset, []verifiers.Secret{verifiers.NewSecret("", secret)}, verifiers.Options{Now: func() time.Time { return s.at }})
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Check(verifiers.Request{Method: http.MethodPost, Header: s.header, Target: "/"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Verify([]byte(s.body)); err != nil {
		t.Errorf("attempt at %v: %v", s.at, err)
	}
}

func TestAFailingMessageIsTriedAsTheScheduleSays(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(refuse)
		a := r.app()
		e := r.endpoint(a.ID, "x")
		start := time.Now()
		m := r.publish(a.ID, "e", "{}")
		time.Sleep(72 * time.Hour)
		var due time.Duration
		got := r.sentTo("https://x/")
		for i, delay := range DefaultSchedule() {
			due += delay
			if i >= len(got) {
				r.Fatalf("only %d attempts", len(got))
			}
			if at := got[i].at.Sub(start); at != due {
				r.Errorf("attempt %d came after %v, want %v", i+1, at, due)
			}
		}
		r.wants(a.ID, m, e, Failed, len(DefaultSchedule()))
		attempts, more, err := r.Attempts(r.Context(), a.ID, AttemptFilter{Message: m.ID}, Page{Limit: 50})
		if err != nil || more || len(attempts) != len(got) {
			r.Fatalf("%d records, %v, %v", len(attempts), more, err)
		}
		for i, record := range attempts {
			if record.Number != i+1 || record.Status != Failed || record.Code != 500 || record.Response != "no" || record.Endpoint != e.ID || !record.Time.Equal(got[i].at) {
				r.Errorf("record %d is %+v", i, record)
			}
		}
	})
}

func TestASecondAnswerSettlesWhatFailedAtFirst(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(refuse)
		a := r.app()
		e := r.endpoint(a.ID, "x")
		m := r.publish(a.ID, "e", "{}")
		r.wants(a.ID, m, e, Waiting, 1)
		r.answers(accept)
		time.Sleep(time.Minute)
		r.wants(a.ID, m, e, Succeeded, 2)
		time.Sleep(72 * time.Hour)
		r.wants(a.ID, m, e, Succeeded, 2)
	})
}

func TestARestartGoesOnWhereTheScheduleStood(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(refuse)
		a := r.app()
		e := r.endpoint(a.ID, "x")
		start := time.Now()
		m := r.publish(a.ID, "e", "{}")
		time.Sleep(6 * time.Minute) // three attempts
		r.restart()
		r.wants(a.ID, m, e, Waiting, 3)
		time.Sleep(30 * time.Minute)
		got := r.sentTo("https://x/")
		if want := start.Add(35*time.Minute + 5*time.Second); len(got) != 4 || !got[3].at.Equal(want) {
			r.Errorf("%d attempts, the last at %v, want %v", len(got), got[len(got)-1].at, want)
		}
	})
}

// An attempt whose end nobody has seen is made again: at least once, never at most once.
func TestAnAttemptThatIsCutOffIsMadeAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(func(ctx context.Context, _ sent) Answer {
			<-ctx.Done()
			return Answer{Problem: "cut"}
		})
		r.settings.Drain = time.Second
		if err := r.Configure(r.settings); err != nil {
			r.Fatal(err)
		}
		a := r.app()
		e := r.endpoint(a.ID, "x")
		m := r.publish(a.ID, "e", "{}")
		synctest.Wait()
		r.stop()
		r.answers(accept)
		r.start()
		r.wants(a.ID, m, e, Succeeded, 1)
		if n := len(r.sentTo("https://x/")); n != 2 {
			r.Errorf("sent %d times, want 2", n)
		}
	})
}

func TestAStopLetsAttemptsInFlightEndAndRecordsThem(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(func(context.Context, sent) Answer {
			time.Sleep(10 * time.Second)
			return Answer{Code: 200}
		})
		a := r.app()
		e := r.endpoint(a.ID, "x")
		m := r.publish(a.ID, "e", "{}")
		synctest.Wait()
		r.restart()
		r.wants(a.ID, m, e, Succeeded, 1)
		if n := len(r.sentTo("https://x/")); n != 1 {
			r.Errorf("sent %d times, want once", n)
		}
	})
}

// A subscriber that never answers is no reason to make an attempt again that was over.
func TestAStopRecordsAttemptsInFlightThatRunOutOfTheirTime(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(func(ctx context.Context, _ sent) Answer {
			<-ctx.Done()
			time.Sleep(2 * DrainMargin) // others have the processor
			return Answer{Problem: "timed out"}
		})
		a := r.app()
		e := r.endpoint(a.ID, "x")
		m := r.publish(a.ID, "e", "{}")
		synctest.Wait()
		r.restart()
		r.wants(a.ID, m, e, Waiting, 1)
	})
}

func TestASlowSubscriberDelaysNoOther(t *testing.T) {
	inBubble(t, func(r *rig) {
		inFlight, most := 0, 0
		r.answers(func(ctx context.Context, s sent) Answer {
			if s.url != "https://slow/" {
				return Answer{Code: 200}
			}
			r.mu.Lock()
			inFlight++
			most = max(most, inFlight)
			r.mu.Unlock()
			<-ctx.Done()
			r.mu.Lock()
			inFlight--
			r.mu.Unlock()
			return Answer{Problem: "timeout"}
		})
		a := r.app()
		r.endpoint(a.ID, "slow")
		r.endpoint(a.ID, "fast")
		for i := range 100 {
			r.publish(a.ID, "e", fmt.Sprintf(`{"n":%d}`, i))
		}
		synctest.Wait()
		if n := len(r.sentTo("https://fast/")); n != 100 {
			r.Errorf("the fast one got %d of 100 while the slow one slept", n)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if most != DefaultConcurrency {
			r.Errorf("%d attempts to the slow one at once, want %d", most, DefaultConcurrency)
		}
	})
}

func TestARateLimitSpacesAttempts(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		if _, err := r.CreateEndpoint(r.Context(), a.ID, Endpoint{URL: "https://x/", RateLimit: 5}, ""); err != nil {
			r.Fatal(err)
		}
		for range 50 {
			r.publish(a.ID, "e", "{}")
		}
		start := time.Now()
		time.Sleep(time.Minute)
		got := r.sentTo("https://x/")
		if len(got) != 50 {
			r.Fatalf("sent %d of 50", len(got))
		}
		for i, s := range got {
			if want := start.Add(time.Duration(i) * 200 * time.Millisecond); s.at.Before(want) {
				r.Errorf("attempt %d came at %v, want no earlier than %v", i, s.at, want)
			}
		}
	})
}

func TestADelayedMessageIsSentAtItsTime(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		r.endpoint(a.ID, "x")
		at := time.Now().Add(3 * time.Hour)
		if _, err := r.Publish(r.Context(), a.ID, Message{EventType: "e", Payload: []byte("{}"), DeliverAt: at}); err != nil {
			r.Fatal(err)
		}
		time.Sleep(time.Hour)
		r.restart()
		time.Sleep(5 * time.Hour)
		if got := r.sentTo("https://x/"); len(got) != 1 || !got[0].at.Equal(at) {
			r.Errorf("got %v, want one at %v", got, at)
		}
	})
}

func TestRetryAfterPutsOffTheNextAttemptUpToABound(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		2 * time.Second: 5 * time.Second, // the schedule is later
		time.Minute:     time.Minute,
		90 * time.Hour:  time.Hour,
	} {
		inBubble(t, func(r *rig) {
			r.answers(func(context.Context, sent) Answer { return Answer{Code: 503, RetryAfter: asked} })
			a := r.app()
			e := r.endpoint(a.ID, "x")
			m := r.publish(a.ID, "e", "{}")
			synctest.Wait()
			if got := time.Until(r.status(a.ID, m.ID, e.ID).Next); got != want {
				r.Errorf("asked for %v: the next attempt is due in %v, want %v", asked, got, want)
			}
		})
	}
}

func TestGoneDisablesAnEndpoint(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(func(context.Context, sent) Answer { return Answer{Code: 410} })
		a := r.app()
		e := r.endpoint(a.ID, "x")
		m := r.publish(a.ID, "e", "{}")
		r.wants(a.ID, m, e, Failed, 1)
		r.restart()
		got, err := r.Endpoint(a.ID, e.ID)
		if err != nil || !got.Disabled || got.DisabledFor != DisabledGone {
			r.Errorf("endpoint is %+v, %v", got, err)
		}
		if len(r.disabled) != 1 || r.disabled[0].ID != e.ID {
			r.Errorf("told of %v", r.disabled)
		}
		later := r.publish(a.ID, "e", "{}")
		if found, _, _ := r.Deliveries(a.ID, DeliveryFilter{Message: later.ID}, Page{Limit: 9}); len(found) != 0 {
			r.Errorf("a disabled endpoint gets new messages: %v", found)
		}
	})
}

func TestAnEndpointThatFailsForDaysIsDisabledAndNotBefore(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(refuse)
		a := r.app()
		e := r.endpoint(a.ID, "x")
		disabled := func() bool {
			got, err := r.Endpoint(a.ID, e.ID)
			if err != nil {
				r.Fatal(err)
			}
			return got.Disabled
		}
		start := time.Now()
		for time.Since(start) < DefaultDisableAfter-2*time.Hour {
			r.publish(a.ID, "e", "{}")
			time.Sleep(time.Hour)
			if disabled() {
				r.Fatalf("disabled after %v", time.Since(start))
			}
		}
		r.restart()
		time.Sleep(4 * time.Hour)
		r.publish(a.ID, "e", "{}")
		synctest.Wait()
		if !disabled() {
			r.Fatal("not disabled")
		}
		// Enabled again it has another five days, also after a restart, and what waited goes on.
		if _, err := r.ChangeEndpoint(r.Context(), a.ID, e.ID, func(e *Endpoint) { e.Disabled = false }); err != nil {
			r.Fatal(err)
		}
		before := len(r.sentTo("https://x/"))
		time.Sleep(20 * time.Hour)
		r.restart()
		r.publish(a.ID, "e", "{}")
		time.Sleep(time.Hour)
		if disabled() {
			r.Error("disabled again for what failed before it was enabled")
		}
		if after := len(r.sentTo("https://x/")); after-before < 10 {
			r.Errorf("%d attempts after it was enabled", after-before)
		}
	})
}

func TestASuccessClearsTheCountOfFailures(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		e := r.endpoint(a.ID, "x")
		for i := range 10 {
			r.answers(refuse)
			r.publish(a.ID, "e", "{}")
			time.Sleep(23 * time.Hour)
			if i%3 == 2 {
				r.answers(accept)
				time.Sleep(30 * time.Hour)
			}
		}
		if got, err := r.Endpoint(a.ID, e.ID); err != nil || got.Disabled {
			r.Errorf("endpoint is %+v, %v", got, err)
		}
	})
}

func TestADisabledEndpointKeepsWhatWaitsForIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answers(refuse)
		a := r.app()
		e := r.endpoint(a.ID, "x")
		m := r.publish(a.ID, "e", "{}")
		synctest.Wait()
		set := func(disabled bool) {
			if _, err := r.ChangeEndpoint(r.Context(), a.ID, e.ID, func(e *Endpoint) { e.Disabled = disabled }); err != nil {
				r.Fatal(err)
			}
		}
		set(true)
		time.Sleep(24 * time.Hour)
		r.restart()
		time.Sleep(24 * time.Hour)
		r.wants(a.ID, m, e, Waiting, 1)
		r.answers(accept)
		set(false)
		r.wants(a.ID, m, e, Succeeded, 2)
	})
}

func TestWhatWaitsForADeletedEndpointIsDropped(t *testing.T) {
	for name, remove := range map[string]func(r *rig, e Endpoint) error{
		"endpoint":    func(r *rig, e Endpoint) error { return r.DeleteEndpoint(r.Context(), e.App, e.ID) },
		"application": func(r *rig, e Endpoint) error { return r.DeleteApplication(r.Context(), e.App) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.answers(refuse)
				a := r.app()
				e := r.endpoint(a.ID, "x")
				for range 5 {
					r.publish(a.ID, "e", "{}")
				}
				synctest.Wait()
				if err := remove(r, e); err != nil {
					r.Fatal(err)
				}
				for range 2 {
					time.Sleep(48 * time.Hour)
					if n := len(r.sentTo("https://x/")); n != 5 {
						r.Errorf("%d attempts, want the 5 from before", n)
					}
					if s := r.Stats(); s.Waiting != 0 {
						r.Errorf("%d wait", s.Waiting)
					}
					r.restart()
				}
			})
		})
	}
}

func TestWhileASecretRollsBothSign(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		e := r.endpoint(a.ID, "x")
		old, _ := r.EndpointSecret(a.ID, e.ID)
		if err := r.RotateSecret(r.Context(), a.ID, e.ID, "", 24*time.Hour); err != nil {
			r.Fatal(err)
		}
		r.restart()
		now, _ := r.EndpointSecret(a.ID, e.ID)
		if now == old {
			r.Fatal("the secret is the old one")
		}
		r.publish(a.ID, "e", "{}")
		time.Sleep(25 * time.Hour)
		r.publish(a.ID, "e", "{}")
		synctest.Wait()
		got := r.sentTo("https://x/")
		verify(r.T, old, got[0])
		verify(r.T, now, got[0])
		verify(r.T, now, got[1])
		signatures := func(s sent) int { return len(strings.Fields(s.header.Get("Webhook-Signature"))) }
		if signatures(got[0]) != 2 || signatures(got[1]) != 1 {
			r.Errorf("%d signatures while it rolls and %d after", signatures(got[0]), signatures(got[1]))
		}
	})
}

func TestAFullJournalLosesNothingThatWasAccepted(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		e := r.endpoint(a.ID, "x")
		m := r.publish(a.ID, "e", "{}")
		r.wants(a.ID, m, e, Succeeded, 1)
		r.journal.SetCapacity(journaltest.Messages, 0)
		if _, err := r.Publish(r.Context(), a.ID, Message{EventType: "e", Payload: []byte("{}")}); err != ErrFull {
			r.Errorf("got %v, want ErrFull", err)
		}
		r.journal.SetCapacity(journaltest.Messages, -1)
		r.journal.SetCapacity(journaltest.Attempts, 0)
		second := r.publish(a.ID, "e", "{}")
		time.Sleep(time.Hour)
		r.wants(a.ID, second, e, Sending, 0) // it was sent, which isn't recorded yet
		r.journal.SetCapacity(journaltest.Attempts, -1)
		time.Sleep(time.Minute)
		r.wants(a.ID, second, e, Succeeded, 1)
		if n := len(r.sentTo("https://x/")); n != 2 {
			r.Errorf("%d attempts, want 2", n)
		}
		if n := len(r.problems); n < 2 || r.problems[0] != ErrFull || r.problems[n-1] != nil {
			r.Errorf("told of %v, want a full journal and then its end", r.problems)
		}
	})
}

// What a publisher is told to publish again must not be published twice, nor be lost.
func TestALostJournalIsOpenedAgain(t *testing.T) {
	for _, written := range []bool{false, true} {
		t.Run(fmt.Sprintf("written %v", written), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				a := r.app()
				e := r.endpoint(a.ID, "x")
				r.journal.FailNext(journaltest.Messages, written)
				m := Message{EventType: "e", Payload: []byte("{}"), IdempotencyKey: "once"}
				if _, err := r.Publish(r.Context(), a.ID, m); err != ErrUnavailable {
					r.Fatalf("got %v, want ErrUnavailable", err)
				}
				synctest.Wait()
				if err := r.Ready(); err != ErrUnavailable {
					r.Errorf("ready is %v", err)
				}
				time.Sleep(time.Minute)
				first, err := r.Publish(r.Context(), a.ID, m)
				if err != nil {
					r.Fatal(err)
				}
				r.wants(a.ID, first, e, Succeeded, 1)
				if n := len(r.sentTo("https://x/")); n != 1 {
					r.Errorf("%d attempts", n)
				}
				r.mu.Lock()
				defer r.mu.Unlock()
				if n := len(r.problems); n != 2 || r.problems[0] == nil || r.problems[1] != nil {
					r.Errorf("told of %v, want a problem and its end", r.problems)
				}
			})
		})
	}
}

func TestAnAttemptThatCouldNotBeRecordedIsMadeAgain(t *testing.T) {
	for _, written := range []bool{false, true} {
		inBubble(t, func(r *rig) {
			a := r.app()
			e := r.endpoint(a.ID, "x")
			r.journal.FailNext(journaltest.Attempts, written)
			m := r.publish(a.ID, "e", "{}")
			time.Sleep(time.Minute)
			r.wants(a.ID, m, e, Succeeded, 1)
			want := 2
			if written {
				want = 1
			}
			if n := len(r.sentTo("https://x/")); n != want {
				r.Errorf("written %v: sent %d times, want %d", written, n, want)
			}
		})
	}
}

// Subscribers that don't answer must not take up all attempts that may be in flight.
func TestManyDeadSubscribersDelayNoOther(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settings.MaxAttempts = 100
		if err := r.Configure(r.settings); err != nil {
			r.Fatal(err)
		}
		r.answers(func(ctx context.Context, s sent) Answer {
			if s.url == "https://alive/" {
				return Answer{Code: 200}
			}
			<-ctx.Done()
			return Answer{Problem: "timeout"}
		})
		a := r.app()
		for i := range 40 {
			r.endpoint(a.ID, fmt.Sprintf("dead%d", i), "dead")
		}
		r.endpoint(a.ID, "alive", "alive")
		for range 20 {
			r.publish(a.ID, "dead", "{}")
		}
		time.Sleep(3 * DefaultTimeout) // by now it is known of each that it fails
		for range 50 {
			r.publish(a.ID, "alive", "{}")
		}
		synctest.Wait()
		if n := len(r.sentTo("https://alive/")); n != 50 {
			r.Errorf("got %d of 50", n)
		}
	})
}
