package outbound

import (
	"context"
	"testing"
	"time"
)

// replayed is a log that was written before.
type replayed struct {
	Log
	records [][]byte
}

func (l *replayed) Replay(_ context.Context, _ uint64, each func(uint64, []byte) error) error {
	for i, record := range l.records {
		if err := each(uint64(i+1), record); err != nil {
			return err
		}
	}
	return nil
}

// registered is a registry that was written before.
type registered struct {
	Table
	values map[string]string
}

func (t registered) Each(_ context.Context, each func(string, []byte) error) error {
	for key, value := range t.values {
		if err := each(key, []byte(value)); err != nil {
			return err
		}
	}
	return nil
}

// write appends entries to the log, a number of them in each container.
func (l *replayed) write(b *testing.B, each int, entries []*entry) {
	b.Helper()
	w := newWriter(nil, 1<<20, nil)
	for len(entries) > 0 {
		n := min(each, len(entries))
		for _, e := range entries[:n] {
			if err := w.add(e); err != nil {
				b.Fatal(err)
			}
		}
		taken, _ := w.take()
		l.records = append(l.records, gather(taken).record)
		entries = entries[n:]
	}
}

// BenchmarkLoad measures the start of a hub on 10,000 messages of 1 KiB, each delivered to one endpoint
// at the first attempt. What the journal takes to hand them over is not part of it.
func BenchmarkLoad(b *testing.B) {
	const count = 10_000
	var (
		given    ids
		now      = time.Unix(1_700_000_000, 0)
		app      = formatID(prefixApplication, given.next(now))
		endpoint = formatID(prefixEndpoint, given.next(now))
		payload  = make([]byte, 1<<10)
		messages = new(replayed)
		attempts = new(replayed)
		registry = registered{values: map[string]string{
			appKey(app):           `{"id":"` + app + `","name":"bench"}`,
			endpointKey(endpoint): `{"id":"` + endpoint + `","app":"` + app + `","url":"https://example.com/hooks","secrets":[{"text":"` + NewSecret() + `"}]}`,
		}}
	)
	var published, made []*entry
	for range count {
		now = now.Add(time.Millisecond)
		message := formatID(prefixMessage, given.next(now))
		published = append(published, &entry{head: &messageHead{ID: message, App: app, EventType: "order.paid"}, to: []string{endpoint}, body: payload})
		made = append(made, &entry{head: &attemptHead{
			ID: formatID(prefixAttempt, given.next(now)), Message: message, Endpoint: endpoint, At: now.UnixMilli(),
			URL: "https://example.com/hooks", Took: 12, Number: 1, Code: 200,
		}})
	}
	messages.write(b, 32, published)
	attempts.write(b, 8, made)
	hub := New(nil, NewSender, Settings{}, Hooks{})
	b.ReportAllocs()
	for b.Loop() {
		s := newSession(hub, &Books{Messages: messages, Attempts: attempts, Registry: registry, MaxRecord: 1 << 20})
		if err := s.load(b.Context()); err != nil {
			b.Fatal(err)
		}
		if len(s.messages) != count || s.index.attempts != count {
			b.Fatalf("%d messages, %d attempts", len(s.messages), s.index.attempts)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*2*count), "ns/record")
}
