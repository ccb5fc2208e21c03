package journaltest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/hookseal/hookseal/outbound"
)

func recordsAreReadBack(h *harness) {
	log := h.open().Messages
	var want []entry
	for _, record := range []string{"a", "", "\x00\xff\r\n", strings.Repeat("long ", 10_000), "a"} {
		want = append(want, entry{h.append(log, record), record})
	}
	for _, e := range want {
		h.read(log, e.position, e.record)
	}
	h.replay(log, 0, want...)
}

func appendedRecordIsTheCallers(h *harness) {
	log := h.open().Messages
	record := []byte("before")
	position, err := log.Append(h.Context(), record)
	if err != nil {
		h.Fatal(err)
	}
	copy(record, "after!")
	h.read(log, position, "before")
	got, err := log.Read(h.Context(), position)
	if err != nil {
		h.Fatal(err)
	}
	copy(got, "after!")
	h.read(log, position, "before")
}

func positionsGrow(h *harness) {
	log := h.open().Messages
	var last uint64
	for range 100 {
		position := h.append(log, "a")
		if position <= last {
			h.Fatalf("position %d follows %d", position, last)
		}
		last = position
	}
}

func positionsAreNotGivenTwice(h *harness) {
	journal := h.store.Journal()
	var last uint64
	for range 4 {
		books := h.reopen(journal)
		for range 3 {
			position := h.append(books.Messages, "a")
			if position <= last {
				h.Fatalf("position %d follows %d", position, last)
			}
			last = position
			h.trim(books.Messages, last)
		}
		h.replay(books.Messages, 0)
		h.close(books)
	}
}

// fill appends n different records and returns them.
func (h *harness) fill(log outbound.Log, n int) []entry {
	h.Helper()
	all := make([]entry, n)
	for i := range all {
		record := fmt.Sprint("record ", i)
		all[i] = entry{h.append(log, record), record}
	}
	return all
}

func replayShowsWhatIsBehind(h *harness) {
	log := h.open().Messages
	h.replay(log, 0)
	h.replay(log, 1)
	all := h.fill(log, 10)
	for i, e := range all {
		h.replay(log, e.position, all[i+1:]...)
	}
	h.replay(log, 0, all...)
	h.replay(log, all[9].position+100)
	h.replay(log, ^uint64(0))
}

func replayEndsAtTheLast(h *harness) {
	log := h.open().Messages
	all := h.fill(log, 10)
	var got []entry
	err := log.Replay(h.Context(), 0, func(position uint64, record []byte) error {
		got = append(got, entry{position, string(record)})
		_, err := log.Append(h.Context(), []byte("later"))
		return err
	})
	if err != nil || !slices.Equal(got, all) {
		h.Errorf("replay: %v (error %v), want %v", got, err, all)
	}
}

func replayEndsThoughTrimmed(h *harness) {
	log := h.open().Messages
	all := h.fill(log, 5000)
	var got []entry
	err := log.Replay(h.Context(), 0, func(position uint64, record []byte) error {
		got = append(got, entry{position, string(record)})
		if len(got) == 1 {
			return log.Trim(h.Context(), all[len(all)-1].position)
		}
		return nil
	})
	// How many of the trimmed records are shown is open.
	if err != nil || len(got) > len(all) || !slices.Equal(got, all[:len(got)]) {
		h.Errorf("replay: %d records (error %v), which are not the log's first", len(got), err)
	}
	h.replay(log, 0, h.fill(log, 1)...)
}

func replayStopsAtError(h *harness) {
	log := h.open().Messages
	all := h.fill(log, 10)
	enough, shown := errors.New("enough"), 0
	err := log.Replay(h.Context(), all[1].position, func(uint64, []byte) error {
		if shown++; shown == 3 {
			return enough
		}
		return nil
	})
	if err != enough || shown != 3 {
		h.Errorf("replay: error %v after %d records, want %v after 3", err, shown, enough)
	}
	h.replay(log, 0, all...)
}

// replayShowsMany has sizes around those at which engines cut their files and fetch their batches.
func replayShowsMany(h *harness) {
	books := h.open()
	log := books.Messages
	random := rand.New(rand.NewPCG(1, 2))
	sizes := []int{0, 1, 300, 4 << 10, 32 << 10, books.MaxRecord}
	var all []entry
	for i := range 1500 {
		size := sizes[random.IntN(3)]
		if i%50 == 0 {
			size = sizes[3+random.IntN(2)]
		}
		if i%500 == 250 {
			size = sizes[5]
		}
		record := strings.Repeat(string(rune('a'+i%26)), size)
		all = append(all, entry{h.append(log, record), record})
	}
	h.replay(log, 0, all...)
	h.replay(log, all[700].position, all[701:]...)
	h.trim(log, all[300].position)
	h.replay(log, 0, all[301:]...)
}

func recordThatNeverWas(h *harness) {
	log := h.open().Messages
	h.gone(log, 0)
	h.gone(log, 1)
	last := h.append(log, "a")
	h.gone(log, 0)
	h.gone(log, last+1)
	h.gone(log, ^uint64(0))
}

func trimForgets(h *harness) {
	log := h.open().Messages
	h.trim(log, 0)
	all := h.fill(log, 10)
	h.trim(log, 0)
	h.replay(log, 0, all...)
	forgotten := 0
	for _, n := range []int{1, 1, 4, 2, 9, 10, 10} { // the first n; trimming fewer than before is nothing
		h.trim(log, all[n-1].position)
		forgotten = max(forgotten, n)
		h.replay(log, 0, all[forgotten:]...)
	}
	for _, e := range all {
		h.gone(log, e.position)
	}
}

func trimBeyondTheEnd(h *harness) {
	log := h.open().Messages
	h.trim(log, 100)
	first := h.append(log, "a")
	h.read(log, first, "a")
	h.trim(log, first+1000)
	h.gone(log, first)
	second := h.append(log, "b")
	h.replay(log, 0, entry{second, "b"})
}

func bytesFollow(h *harness) {
	log := h.open().Messages
	count := func() uint64 {
		n, err := log.Bytes(h.Context())
		if err != nil {
			h.Fatalf("bytes: %v", err)
		}
		return n
	}
	empty := count()
	const size = 100_000
	random := rand.New(rand.NewPCG(3, 4))
	record := make([]byte, size)
	for i := range record {
		record[i] = byte(random.Uint32())
	}
	h.append(log, string(record))
	last := h.append(log, string(record))
	if n := count(); n < empty+2*size {
		h.Errorf("bytes with two records of %d are %d, without %d", size, n, empty)
	}
	h.trim(log, last-1)
	if n := count(); n < empty+size || n >= empty+2*size {
		h.Errorf("bytes with one record of %d are %d, without %d", size, n, empty)
	}
	h.trim(log, last)
	if n := count(); n >= empty+size {
		h.Errorf("bytes without a record are %d, before the first %d", n, empty)
	}
}

func largestRecord(h *harness) {
	books := h.open()
	largest := strings.Repeat("x", books.MaxRecord)
	for _, log := range []outbound.Log{books.Messages, books.Attempts} {
		want := entry{h.append(log, largest), largest}
		for _, more := range []int{1, 1000, books.MaxRecord} {
			_, err := log.Append(h.Context(), make([]byte, books.MaxRecord+more))
			if !errors.Is(err, outbound.ErrTooLarge) {
				h.Errorf("append of %d bytes: error %v, want one that is %v", books.MaxRecord+more, err, outbound.ErrTooLarge)
			}
		}
		h.replay(log, 0, want, entry{h.append(log, "after"), "after"})
	}
}

func endedContexts(h *harness) {
	books := h.open()
	h.put(books.Registry, "key", "value")
	last := h.append(books.Messages, "a")
	ctx, cancel := context.WithCancel(h.Context())
	cancel()
	h.fails(books, ctx, context.Canceled)
	select {
	case <-books.Lost:
		h.Fatal("the journal is lost")
	default:
	}
	h.replay(books.Messages, 0, entry{last, "a"}, entry{h.append(books.Messages, "b"), "b"})
	h.replay(books.Attempts, 0)
	h.holds(books.Registry, map[string]string{"key": "value"})
}

func partsAreIndependent(h *harness) {
	books := h.open()
	h.put(books.Registry, "key", "value")
	messages := h.fill(books.Messages, 3)
	attempt := entry{h.append(books.Attempts, "attempt"), "attempt"}
	h.trim(books.Messages, messages[1].position)
	h.replay(books.Messages, 0, messages[2])
	h.replay(books.Attempts, 0, attempt)
	h.trim(books.Attempts, attempt.position)
	h.replay(books.Messages, 0, messages[2])
	h.replay(books.Attempts, 0)
	h.holds(books.Registry, map[string]string{"key": "value"})
}
