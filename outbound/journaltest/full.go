package journaltest

import (
	"errors"

	"github.com/hookseal/hookseal/outbound"
)

// refused checks that nothing can be written.
func (h *harness) refused(books *outbound.Books) {
	h.Helper()
	_, message := books.Messages.Append(h.Context(), []byte("never"))
	_, attempt := books.Attempts.Append(h.Context(), []byte("never"))
	for part, err := range map[string]error{
		"message": message,
		"attempt": attempt,
		"value":   books.Registry.Put(h.Context(), "never", []byte("never")),
	} {
		if !errors.Is(err, outbound.ErrFull) {
			h.Errorf("%s: error %v, want one that is %v", part, err, outbound.ErrFull)
		}
	}
}

func fullRefuses(h *harness) {
	books := h.open()
	messages, attempts := h.fill(books.Messages, 5), h.fill(books.Attempts, 5)
	values := map[string]string{"key": "value"}
	h.put(books.Registry, "key", "value")
	for range 3 {
		h.store.Fill(true)
		h.refused(books)
		h.replay(books.Messages, 0, messages...)
		h.replay(books.Attempts, 0, attempts...)
		h.read(books.Messages, messages[0].position, messages[0].record)
		h.holds(books.Registry, values)
		h.store.Fill(false)
		messages = append(messages, h.fill(books.Messages, 2)...)
		attempts = append(attempts, h.fill(books.Attempts, 2)...)
	}
	select {
	case <-books.Lost:
		h.Error("the journal is lost")
	default:
	}
}

func fullOpens(h *harness) {
	journal := h.store.Journal()
	books := h.reopen(journal)
	messages := h.fill(books.Messages, 5)
	h.store.Fill(true)
	h.close(books)
	books = h.reopen(journal)
	h.refused(books)
	h.trim(books.Messages, messages[1].position)
	h.replay(books.Messages, 0, messages[2:]...)
	h.store.Fill(false)
	h.replay(books.Messages, 0, append(messages[2:], h.fill(books.Messages, 1)...)...)
}
