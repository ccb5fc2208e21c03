package journaltest

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/hookseal/hookseal/outbound"
)

// model is the contract written down as plainly as possible.
type model struct {
	logs   [2][]entry
	last   [2]uint64 // the highest position that was ever given
	values map[string]string
}

// randomOperations runs fixed sequences of everything that can be done with a journal, each on what
// the one before it left.
func randomOperations(h *harness) {
	const seeds, operations = 4, 250
	m := &model{values: make(map[string]string)}
	journal := h.store.Journal()
	for seed := range uint64(seeds) {
		random := rand.New(rand.NewPCG(seed, 0))
		books := h.reopen(journal)
		for operation := range operations {
			if err := m.step(h, random, books); err != nil {
				h.Fatalf("seed %d, operation %d: %v", seed, operation, err)
			}
		}
		h.close(books)
		if seed%2 == 1 {
			journal = h.store.Journal()
		}
	}
}

// step does one operation to the books and the model. Its error says what differs.
func (m *model) step(h *harness, random *rand.Rand, books *outbound.Books) error {
	which := random.IntN(2)
	log := []outbound.Log{books.Messages, books.Attempts}[which]
	records := m.logs[which]
	// A position that is among those ever given, or near.
	position := uint64(random.Int64N(int64(m.last[which] + 3)))
	if len(records) > 0 && random.IntN(2) == 0 {
		position = records[random.IntN(len(records))].position
	}
	key := fmt.Sprint("key", random.IntN(8))
	switch random.IntN(10) {
	case 0, 1, 2:
		record := fmt.Sprint(random.Uint64())
		given, err := log.Append(h.Context(), []byte(record))
		if err != nil || given <= m.last[which] {
			return fmt.Errorf("append gives %d after %d (error %v)", given, m.last[which], err)
		}
		m.last[which] = given
		m.logs[which] = append(records, entry{given, record})
	case 3, 4:
		want, wantErr := "", outbound.ErrGone
		for _, e := range records {
			if e.position == position {
				want, wantErr = e.record, nil
			}
		}
		if got, err := log.Read(h.Context(), position); string(got) != want || !errors.Is(err, wantErr) {
			return fmt.Errorf("read of %d is %q (error %v), want %q (error %v)", position, got, err, want, wantErr)
		}
	case 5, 6:
		for len(records) > 0 && records[0].position <= position {
			records = records[1:]
		}
		h.replay(log, position, records...)
	case 7:
		if random.IntN(3) > 0 && len(records) > 0 { // mostly a little, so that something is left
			position = records[0].position
		}
		if err := log.Trim(h.Context(), position); err != nil {
			return fmt.Errorf("trim: %v", err)
		}
		for len(records) > 0 && records[0].position <= position {
			records = records[1:]
		}
		m.logs[which] = records
	case 8:
		value := fmt.Sprint(random.Uint64())
		m.values[key] = value
		if err := books.Registry.Put(h.Context(), key, []byte(value)); err != nil {
			return fmt.Errorf("put: %v", err)
		}
	case 9:
		if random.IntN(2) == 0 {
			delete(m.values, key)
			if err := books.Registry.Delete(h.Context(), key); err != nil {
				return fmt.Errorf("delete: %v", err)
			}
		}
		h.holds(books.Registry, m.values)
	}
	return nil
}
