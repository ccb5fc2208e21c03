package journaltest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookseal/hookseal/outbound"
)

func TestMemoryKeepsTheContract(t *testing.T) {
	Run(t, memoryStore)
}

func memoryStore(*testing.T) Store {
	m := NewMemory()
	return Store{
		Journal: func() outbound.Journal { return m },
		Lose:    m.Lose,
		Fill: func(full bool) {
			for part := range parts {
				if m.SetCapacity(part, -1); full {
					m.SetCapacity(part, 0)
				}
			}
		},
	}
}

// A bubble that waits for something outside it, or leaves a goroutine, ends in a panic.
func TestMemoryLivesInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &harness{t, memoryStore(t)}
		first := h.open()
		opened := h.waiting()
		h.inUse()
		h.close(first)
		h.fill(h.receive(opened).Messages, 3)
	})
}

func TestAWriteTakesAsLongAsItWasSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		m.SetDelay(time.Minute)
		h := &harness{T: t}
		log := h.reopen(m).Messages
		start := time.Now()
		h.append(log, "a")
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %v, want a minute", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := log.Append(ctx, []byte("b")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want one that is %v", err, context.DeadlineExceeded)
		}
		h.replay(log, 0, entry{1, "a"})
	})
}

func TestAPartIsFullByItself(t *testing.T) {
	m := NewMemory()
	h := &harness{T: t}
	books := h.reopen(m)
	m.SetCapacity(Messages, 10)
	h.append(books.Messages, "12345")
	if _, err := books.Messages.Append(t.Context(), []byte("123456")); !errors.Is(err, outbound.ErrFull) {
		t.Errorf("error %v, want one that is %v", err, outbound.ErrFull)
	}
	last := h.append(books.Messages, "12345")
	h.append(books.Attempts, "123456")
	h.put(books.Registry, "key", "123456")
	h.trim(books.Messages, last)
	h.append(books.Messages, "1234567890")
}

func TestAWriteThatFailsIsDoneOrNotAsItWasSet(t *testing.T) {
	m := NewMemory()
	h := &harness{T: t}
	books := h.reopen(m)
	m.FailNext(Messages, true, false)
	m.FailNext(Registry, true)
	h.append(books.Attempts, "attempt")
	for _, record := range []string{"written", "not written"} {
		if _, err := books.Messages.Append(t.Context(), []byte(record)); !errors.Is(err, outbound.ErrLost) {
			t.Fatalf("error %v, want one that is %v", err, outbound.ErrLost)
		}
		<-books.Lost
		books = h.reopen(m)
	}
	if err := books.Registry.Put(t.Context(), "key", []byte("value")); !errors.Is(err, outbound.ErrLost) {
		t.Fatalf("error %v, want one that is %v", err, outbound.ErrLost)
	}
	books = h.reopen(m)
	h.replay(books.Messages, 0, entry{1, "written"}, entry{h.append(books.Messages, "after"), "after"})
	h.holds(books.Registry, map[string]string{"key": "value"})
}

// The contract lends a record to Replay's callback, so a caller that keeps it must get into trouble.
func TestARecordThatIsKeptIsSpoilt(t *testing.T) {
	h := &harness{T: t}
	log := h.reopen(NewMemory()).Messages
	h.fill(log, 2)
	var kept [][]byte
	err := log.Replay(t.Context(), 0, func(_ uint64, record []byte) error {
		kept = append(kept, record)
		return nil
	})
	if err != nil || slices.Equal(kept[0], []byte("record 0")) {
		t.Errorf("kept %q (error %v)", kept, err)
	}
}

func TestAKeyThatCannotBeIsRefused(t *testing.T) {
	h := &harness{T: t}
	table := h.reopen(NewMemory()).Registry
	for _, key := range []string{"", ".", "a.", "/a", "a..b", "a/.b", "a b", "ä", "a*", string(make([]byte, 201))} {
		if err := table.Put(t.Context(), key, nil); err == nil {
			t.Errorf("key %q: no error", key)
		}
	}
	h.holds(table, nil)
}
