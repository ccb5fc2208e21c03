package journaltest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/hookseal/hookseal/outbound"
)

// inUse checks that somebody has the journal, so that another opener waits in vain.
func (h *harness) inUse() {
	h.Helper()
	ctx, cancel := context.WithTimeout(h.Context(), soon)
	defer cancel()
	books, err := h.store.Journal().Open(ctx)
	if err == nil {
		books.Close()
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		h.Fatalf("open: error %v, want one that is %v", err, context.DeadlineExceeded)
	}
}

func reopening(h *harness) {
	journal := h.store.Journal()
	books := h.reopen(journal)
	messages, attempts := h.fill(books.Messages, 20), h.fill(books.Attempts, 30)
	values := map[string]string{"a": "1", "b": "2"}
	h.put(books.Registry, "a", "1")
	h.put(books.Registry, "b", "2")
	h.put(books.Registry, "c", "3")
	h.delete(books.Registry, "c")
	h.trim(books.Messages, messages[4].position)
	messages = messages[5:]
	for _, journal := range []outbound.Journal{journal, h.store.Journal(), journal} {
		h.close(books)
		books = h.reopen(journal)
		h.replay(books.Messages, 0, messages...)
		h.replay(books.Attempts, 0, attempts...)
		h.read(books.Attempts, attempts[3].position, attempts[3].record)
		h.holds(books.Registry, values)
		messages = append(messages, h.fill(books.Messages, 2)...)
	}
	h.replay(books.Messages, 0, messages...)
}

func openerWaits(h *harness) {
	books := h.open()
	h.inUse()
	h.inUse()
	h.replay(books.Messages, 0, h.fill(books.Messages, 3)...)
}

// waiting starts to open the journal as another process would. Its channel gets the books.
func (h *harness) waiting() <-chan *outbound.Books {
	opened := make(chan *outbound.Books, 1)
	journal := h.store.Journal()
	go func() {
		defer close(opened)
		books, err := journal.Open(h.Context())
		if err != nil {
			h.Errorf("open: %v", err)
			return
		}
		opened <- books
	}()
	return opened
}

// receive waits for the books of another opener.
func (h *harness) receive(opened <-chan *outbound.Books) *outbound.Books {
	h.Helper()
	books, ok := <-opened
	if !ok {
		h.FailNow()
	}
	h.Cleanup(func() { books.Close() })
	return books
}

func openerTakesOver(h *harness) {
	first := h.open()
	opened := h.waiting()
	h.inUse()
	written := h.fill(first.Messages, 10)
	select {
	case <-opened:
		h.Fatal("two have the journal")
	default:
	}
	h.close(first)
	second := h.receive(opened)
	h.replay(second.Messages, 0, written...)
	h.fill(second.Messages, 1)
}

func oneAtATime(h *harness) {
	const openers = 4
	var holders atomic.Int32
	var wait sync.WaitGroup
	for range openers {
		journal := h.store.Journal()
		wait.Go(func() {
			for range 2 {
				books, err := journal.Open(h.Context())
				if err != nil {
					h.Errorf("open: %v", err)
					return
				}
				if n := holders.Add(1); n != 1 {
					h.Errorf("%d have the journal", n)
				}
				if _, err := books.Messages.Append(h.Context(), []byte("a")); err != nil {
					h.Errorf("append: %v", err)
				}
				holders.Add(-1)
				if err := books.Close(); err != nil {
					h.Errorf("close: %v", err)
				}
			}
		})
	}
	wait.Wait()
	count := 0
	err := h.open().Messages.Replay(h.Context(), 0, func(uint64, []byte) error { count++; return nil })
	if err != nil || count != 2*openers {
		h.Errorf("replay: %d records (error %v), want %d", count, err, 2*openers)
	}
}

func lostRefuses(h *harness) {
	journal := h.store.Journal()
	for range 2 {
		books := h.reopen(journal)
		h.put(books.Registry, "key", "value")
		written := h.fill(books.Messages, 3)
		h.store.Lose()
		<-books.Lost
		h.fails(books, h.Context(), outbound.ErrLost)
		books.Close() // may fail; what counts is that opening works again
		books = h.reopen(journal)
		h.replay(books.Messages, written[0].position-1, written...)
		h.replay(books.Attempts, 0)
		h.holds(books.Registry, map[string]string{"key": "value"})
		h.close(books)
	}
}

func waitingTakesOverLost(h *harness) {
	first := h.open()
	opened := h.waiting()
	written := h.fill(first.Messages, 3)
	h.store.Lose()
	<-first.Lost
	first.Close()
	second := h.receive(opened)
	h.replay(second.Messages, 0, append(written, h.fill(second.Messages, 1)...)...)
}

func closingLate(h *harness) {
	first := h.open()
	h.store.Lose()
	<-first.Lost
	first.Close()
	second := h.open()
	first.Close()
	h.inUse()
	h.replay(second.Messages, 0, h.fill(second.Messages, 3)...)
}
