package outbound_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/outbound/journaltest"
)

// Whatever goes wrong, and whenever the process ends: every accepted message reaches every endpoint that
// subscribes to it, nothing else does, and the records agree with what the subscribers saw.
func TestNoAcceptedMessageIsLostWhateverGoesWrong(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			inBubble(t, func(r *rig) { calamity(r, rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

func calamity(r *rig, random *rand.Rand) {
	var mu sync.Mutex
	chance := func(percent int) bool {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(100) < percent
	}
	within := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
	succeeded := make(map[string]int) // by message and URL
	r.journal.SetDelay(time.Millisecond)
	r.settings.Drain = time.Duration(within(1000)) * time.Millisecond
	r.settings.Schedule = Schedule{0, time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second, 3 * time.Second, 3 * time.Second}
	for len(r.settings.Schedule) < 60 {
		r.settings.Schedule = append(r.settings.Schedule, 5*time.Second)
	}
	if err := r.Configure(r.settings); err != nil {
		r.Fatal(err)
	}
	r.answers(func(ctx context.Context, s sent) Answer {
		time.Sleep(time.Duration(within(500)) * time.Millisecond)
		if ctx.Err() != nil || chance(40) {
			return Answer{Code: []int{0, 302, 404, 500}[within(4)], Problem: ""}
		}
		mu.Lock()
		defer mu.Unlock()
		succeeded[s.header.Get("Webhook-Id")+" "+s.url]++
		return Answer{Code: 200}
	})
	a := r.app()
	endpoints := []Endpoint{r.endpoint(a.ID, "all"), r.endpoint(a.ID, "even", "even.*"), r.endpoint(a.ID, "odd", "odd.*")}
	accepted := make(map[string]string) // the types of messages
	for n := range 150 {
		event := []string{"even.x", "odd.x"}[n%2]
		m := Message{EventType: event, Payload: fmt.Appendf(nil, `{"n":%d}`, n), IdempotencyKey: fmt.Sprint(n)}
		for {
			got, err := r.Publish(r.Context(), a.ID, m)
			if err == nil {
				accepted[got.ID] = event
				break
			}
			if !errors.Is(err, ErrUnavailable) {
				r.Fatal(err)
			}
			time.Sleep(300 * time.Millisecond)
		}
		switch {
		case chance(4):
			r.restart()
		case chance(4):
			r.journal.FailNext(journaltest.Part(within(2)), chance(50))
		case chance(3):
			r.journal.Lose()
		case chance(20):
			time.Sleep(time.Duration(within(2000)) * time.Millisecond)
		}
	}
	if len(accepted) != 150 {
		r.Fatalf("%d messages of 150 publications", len(accepted))
	}
	time.Sleep(10 * time.Minute)
	r.restart()
	synctest.Wait()
	mu.Lock()
	defer mu.Unlock()
	want := 0
	for id, event := range accepted {
		for _, e := range endpoints {
			if len(e.Events) > 0 && e.Events[0][:3] != event[:3] {
				continue
			}
			want++
			if succeeded[id+" "+e.URL] == 0 {
				r.Errorf("%s never reached %s", id, e.URL)
			}
			d := r.status(a.ID, id, e.ID)
			if d.Status != Succeeded {
				r.Errorf("%s is %v at %s", id, d.Status, e.URL)
			}
			records, _, err := r.Attempts(r.Context(), a.ID, AttemptFilter{Message: id, Endpoint: e.ID}, Page{Limit: 100})
			if err != nil || len(records) != d.Attempts || records[len(records)-1].Status != Succeeded {
				r.Errorf("%d records of %d attempts, %v", len(records), d.Attempts, err)
			}
			for _, record := range records[:len(records)-1] {
				if record.Status != Failed {
					r.Errorf("%s was sent to %s again after it had been accepted and recorded", id, e.URL)
				}
			}
		}
	}
	if len(succeeded) != want {
		r.Errorf("%d deliveries, want %d: somebody got what he doesn't subscribe to", len(succeeded), want)
	}
	if s := r.Stats(); s.Waiting != 0 || s.Messages != 150 {
		r.Errorf("%d messages, %d wait", s.Messages, s.Waiting)
	}
}
