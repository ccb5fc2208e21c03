package outbound_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/hookseal/hookseal/outbound"
)

func TestAnEventIDIsPublishedOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, other := r.app(), r.app()
		r.endpoint(a.ID, "x")
		m := Message{EventType: "e", Payload: []byte("{}"), EventID: "invoice-1"}
		first, err := r.Publish(r.Context(), a.ID, m)
		if err != nil {
			r.Fatal(err)
		}
		for range 2 {
			if again, err := r.Publish(r.Context(), a.ID, m); err != ErrExists || again.ID != first.ID {
				r.Errorf("got %s, %v, want %s and ErrExists", again.ID, err, first.ID)
			}
			r.restart()
		}
		if found, err := r.Message(r.Context(), a.ID, "invoice-1", true); err != nil || found.ID != first.ID || string(found.Payload) != "{}" {
			r.Errorf("by its event id: %+v, %v", found, err)
		}
		if _, err := r.Publish(r.Context(), other.ID, m); err != nil {
			r.Errorf("another application's is refused: %v", err)
		}
		synctest.Wait()
		if n := len(r.sentTo("https://x/")); n != 1 {
			r.Errorf("sent %d times", n)
		}
	})
}

func TestAnIdempotencyKeyGivesTheFirstMessageForItsWindow(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		publish := func() Message {
			m, err := r.Publish(r.Context(), a.ID, Message{EventType: "e", Payload: []byte(`{"n":1}`), IdempotencyKey: "k", EventID: fmt.Sprint(time.Now().UnixNano())})
			if err != nil {
				r.Fatal(err)
			}
			return m
		}
		first := publish()
		time.Sleep(IdempotencyWindow / 2)
		r.restart()
		if again := publish(); again.ID != first.ID || string(again.Payload) != `{"n":1}` {
			r.Errorf("got %+v, want the first one", again)
		}
		time.Sleep(IdempotencyWindow)
		if again := publish(); again.ID == first.ID {
			r.Error("the key is still remembered")
		}
	})
}

func TestOfManyThatPublishTheSameOneDoes(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.journal.SetDelay(10 * time.Millisecond)
		a := r.app()
		r.endpoint(a.ID, "x")
		var wg sync.WaitGroup
		var mu sync.Mutex
		ids := make(map[string]int)
		for range 64 {
			wg.Go(func() {
				m, err := r.Publish(r.Context(), a.ID, Message{EventType: "e", Payload: []byte("{}"), EventID: "one"})
				if err != nil && err != ErrExists {
					r.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				ids[m.ID]++
			})
		}
		wg.Wait()
		synctest.Wait()
		if len(ids) != 1 || len(r.sentTo("https://x/")) > 1 {
			r.Errorf("got %v", ids)
		}
	})
}

// A disk syncs a few thousand times a second: what waits has to share a write.
func TestMessagesThatWaitShareAWrite(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		r.journal.SetDelay(time.Second)
		start := time.Now()
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { r.publish(a.ID, "e", "{}") })
		}
		wg.Wait()
		if took := time.Since(start); took != 2*time.Second {
			r.Errorf("a thousand messages took %v of one second a write", took)
		}
	})
}

func TestWhatIsWrongWithAMessageIsSaid(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		if _, err := r.CreateEventType(r.Context(), EventType{Name: "old", Archived: true}); err != nil {
			r.Fatal(err)
		}
		for name, test := range map[string]struct {
			app  string
			m    Message
			want string
		}{
			"no application": {"app_x", Message{EventType: "e", Payload: []byte("{}")}, ErrNotFound.Error()},
			"no type":        {a.ID, Message{Payload: []byte("{}")}, "EventType"},
			"no payload":     {a.ID, Message{EventType: "e"}, "Payload"},
			"archived":       {a.ID, Message{EventType: "old", Payload: []byte("{}")}, "archived"},
			"too large":      {a.ID, Message{EventType: "e", Payload: []byte(strings.Repeat("x", 2<<20))}, ErrTooLarge.Error()},
			"one endpoint":   {a.ID, Message{EventType: "e", Payload: []byte("{}"), Only: "ep_x"}, ErrNotFound.Error()},
		} {
			if _, err := r.Publish(r.Context(), test.app, test.m); err == nil || !strings.Contains(err.Error(), test.want) {
				r.Errorf("%s: got %v, want %q", name, err, test.want)
			}
		}
	})
}

func TestAHubThatHasNoJournalSaysSo(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		r.stop()
		if _, err := r.Publish(r.Context(), a.ID, Message{EventType: "e", Payload: []byte("{}")}); !errors.Is(err, ErrUnavailable) {
			r.Errorf("got %v", err)
		}
		if r.Stats().Ready || r.Ready() == nil {
			r.Error("says that it is ready")
		}
		r.start()
	})
}

func TestAStopLetsPublishersInFlightEnd(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		r.journal.SetDelay(time.Second)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { r.publish(a.ID, "e", "{}") })
		}
		synctest.Wait()
		r.stop()
		wg.Wait()
		r.start()
		if n := r.Stats().Messages; n != 10 {
			r.Errorf("keeps %d messages of 10 that were accepted", n)
		}
	})
}
