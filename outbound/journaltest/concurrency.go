package journaltest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/hookseal/hookseal/outbound"
)

const writers = 16

// together runs f in as many goroutines as there are writers, all let go at the same moment, and
// waits for them.
func together(f func(writer int)) {
	var wait sync.WaitGroup
	start := make(chan struct{})
	for i := range writers {
		wait.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wait.Wait()
}

func manyWriters(h *harness) {
	const each = 20
	books := h.open()
	var mu sync.Mutex
	acknowledged := make(map[uint64]string)
	together(func(writer int) {
		var last uint64
		for i := range each {
			record := fmt.Sprintf("record %d of writer %d", i, writer)
			position, err := books.Messages.Append(h.Context(), []byte(record))
			if err != nil {
				h.Errorf("append: %v", err)
				return
			}
			if position <= last {
				h.Errorf("position %d of writer %d follows %d", position, writer, last)
			}
			last = position
			mu.Lock()
			if other, twice := acknowledged[position]; twice {
				h.Errorf("position %d is of %q and %q", position, other, record)
			}
			acknowledged[position] = record
			mu.Unlock()
			if err := books.Registry.Put(h.Context(), fmt.Sprint("writer", writer), []byte(record)); err != nil {
				h.Errorf("put: %v", err)
			}
		}
	})
	shown := 0
	err := books.Messages.Replay(h.Context(), 0, func(position uint64, record []byte) error {
		if want := acknowledged[position]; string(record) != want {
			h.Errorf("record at %d is %q, want %q", position, record, want)
		}
		shown++
		return nil
	})
	if err != nil || shown != writers*each {
		h.Errorf("replay: %d records (error %v), want %d", shown, err, writers*each)
	}
	values := make(map[string]string)
	for writer := range writers {
		values[fmt.Sprint("writer", writer)] = fmt.Sprintf("record %d of writer %d", each-1, writer)
	}
	h.holds(books.Registry, values)
}

// readersAmongWriters lets a quarter of the workers read, and another trim, what the rest append.
func readersAmongWriters(h *harness) {
	const rounds = 15
	log := h.open().Messages
	together(func(worker int) {
		for range rounds {
			switch worker % 4 {
			case 0, 1:
				if _, err := log.Append(h.Context(), []byte("a record")); err != nil {
					h.Errorf("append: %v", err)
				}
			case 2:
				var last uint64
				err := log.Replay(h.Context(), 0, func(position uint64, record []byte) error {
					if position <= last || string(record) != "a record" {
						h.Errorf("replay shows %q at %d after %d", record, position, last)
					}
					last = position
					return nil
				})
				if err != nil {
					h.Errorf("replay: %v", err)
				}
				if _, err := log.Read(h.Context(), last); err != nil && !errors.Is(err, outbound.ErrGone) {
					h.Errorf("read: %v", err)
				}
			case 3:
				var first uint64
				stop := errors.New("stop")
				err := log.Replay(h.Context(), 0, func(position uint64, _ []byte) error {
					first = position
					return stop
				})
				if err != nil && err != stop {
					h.Errorf("replay: %v", err)
				}
				if err := log.Trim(h.Context(), first); err != nil {
					h.Errorf("trim: %v", err)
				}
			}
		}
	})
}
