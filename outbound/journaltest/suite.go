// Package journaltest holds the contract of outbound.Journal as tests that every journal must pass,
// and a journal in memory for other packages' tests.
package journaltest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hookseal/hookseal/outbound"
)

// Store is what a journal is kept in, as its tests see it.
type Store struct {
	// Journal returns a journal that is kept in the store. Each call stands for another process.
	Journal func() outbound.Journal

	// Lose takes the journal away from whoever has it, or breaks it, so that it can be opened again.
	Lose func()

	// Fill sets whether the store is so full that it has no room for anything. A store that a test
	// can't fill has none.
	Fill func(full bool)
}

// Run holds the journals of the stores that open returns against the contract of
// [outbound.Journal]. Each subtest opens a store of its own, which must be empty, have room for
// 50 MB, and clean up with t.Cleanup what it needs to.
func Run(t *testing.T, open func(t *testing.T) Store) {
	tests := []struct {
		property string
		check    func(*harness)
	}{
		{"records are read back as they were appended", recordsAreReadBack},
		{"an appended record is the caller's to change", appendedRecordIsTheCallers},
		{"positions grow from above zero", positionsGrow},
		{"positions are not given twice, whatever is trimmed", positionsAreNotGivenTwice},
		{"replay shows what is behind a position, oldest first", replayShowsWhatIsBehind},
		{"replay ends at the record that was last", replayEndsAtTheLast},
		{"replay ends though its end is trimmed meanwhile", replayEndsThoughTrimmed},
		{"replay stops at the first error", replayStopsAtError},
		{"replay shows many records of many sizes", replayShowsMany},
		{"a record that never was is gone", recordThatNeverWas},
		{"trim forgets through a position and no further", trimForgets},
		{"trim beyond the end forgets no later record", trimBeyondTheEnd},
		{"bytes follow what is appended and trimmed", bytesFollow},
		{"a record of the largest size has room and a larger one is refused", largestRecord},
		{"what is not wanted any more is not written", endedContexts},
		{"messages, attempts and registry do not touch each other", partsAreIndependent},
		{"a table has the last value of each key", tableHasLastValues},
		{"a table takes every key that it may", tableTakesKeys},
		{"a table takes values of every size that it may", tableTakesValues},
		{"a table's values are the caller's to change", tableValuesAreTheCallers},
		{"a table stops at the first error", tableStopsAtError},
		{"what was written is there after reopening", reopening},
		{"a second opener waits until its context ends", openerWaits},
		{"a second opener takes over when the first closes", openerTakesOver},
		{"of many openers one has the journal at a time", oneAtATime},
		{"a lost journal refuses everything and can be opened again", lostRefuses},
		{"a waiting opener takes over what was lost", waitingTakesOverLost},
		{"closing late does not disturb the next one", closingLate},
		{"many writers lose nothing and write nothing twice", manyWriters},
		{"readers see only what was written while others write and trim", readersAmongWriters},
		{"random operations answer as a naive model does", randomOperations},
	}
	filling := []struct {
		property string
		check    func(*harness)
	}{
		{"a full journal refuses and loses nothing", fullRefuses},
		{"a full journal can be opened and trimmed", fullOpens},
	}
	for _, test := range tests {
		t.Run(test.property, func(t *testing.T) {
			test.check(&harness{t, open(t)})
		})
	}
	if open(t).Fill == nil {
		return
	}
	for _, test := range filling {
		t.Run(test.property, func(t *testing.T) {
			test.check(&harness{t, open(t)})
		})
	}
}

// soon is how long a test waits in vain for what must not happen. It never fails one.
const soon = 50 * time.Millisecond

// harness is one store under test, with the checks that most properties are made of.
type harness struct {
	*testing.T
	store Store
}

// open opens the store's journal as another process would and closes it at the end of the test.
func (h *harness) open() *outbound.Books {
	h.Helper()
	return h.reopen(h.store.Journal())
}

func (h *harness) reopen(journal outbound.Journal) *outbound.Books {
	h.Helper()
	books, err := journal.Open(h.Context())
	if err != nil {
		h.Fatalf("open: %v", err)
	}
	h.Cleanup(func() { books.Close() })
	return books
}

func (h *harness) close(books *outbound.Books) {
	h.Helper()
	if err := books.Close(); err != nil {
		h.Fatalf("close: %v", err)
	}
}

func (h *harness) append(log outbound.Log, record string) uint64 {
	h.Helper()
	position, err := log.Append(h.Context(), []byte(record))
	if err != nil {
		h.Fatalf("append: %v", err)
	}
	return position
}

func (h *harness) read(log outbound.Log, position uint64, want string) {
	h.Helper()
	if got, err := log.Read(h.Context(), position); err != nil || string(got) != want {
		h.Fatalf("read %d: %s (error %v), want %s", position, brief(string(got)), err, brief(want))
	}
}

func (h *harness) gone(log outbound.Log, position uint64) {
	h.Helper()
	if got, err := log.Read(h.Context(), position); !errors.Is(err, outbound.ErrGone) {
		h.Fatalf("read %d: %s and error %v, want one that is %v", position, brief(string(got)), err, outbound.ErrGone)
	}
}

func (h *harness) trim(log outbound.Log, through uint64) {
	h.Helper()
	if err := log.Trim(h.Context(), through); err != nil {
		h.Fatalf("trim: %v", err)
	}
}

// entry is a record at its position.
type entry struct {
	position uint64
	record   string
}

// replay checks what a log shows behind a position.
func (h *harness) replay(log outbound.Log, after uint64, want ...entry) {
	h.Helper()
	var got []entry
	err := log.Replay(h.Context(), after, func(position uint64, record []byte) error {
		got = append(got, entry{position, string(record)})
		return nil
	})
	if err != nil {
		h.Fatalf("replay after %d: %v", after, err)
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			h.Fatalf("replay after %d: record %d is %s at %d, want %s at %d", after, i,
				brief(got[i].record), got[i].position, brief(want[i].record), want[i].position)
		}
	}
	if len(got) != len(want) {
		h.Fatalf("replay after %d: %d records, want %d", after, len(got), len(want))
	}
}

func (h *harness) put(table outbound.Table, key, value string) {
	h.Helper()
	if err := table.Put(h.Context(), key, []byte(value)); err != nil {
		h.Fatalf("put: %v", err)
	}
}

func (h *harness) delete(table outbound.Table, key string) {
	h.Helper()
	if err := table.Delete(h.Context(), key); err != nil {
		h.Fatalf("delete: %v", err)
	}
}

// holds checks what a table holds.
func (h *harness) holds(table outbound.Table, want map[string]string) {
	h.Helper()
	got := make(map[string]string)
	err := table.Each(h.Context(), func(key string, value []byte) error {
		if _, twice := got[key]; twice {
			h.Errorf("each shows %q twice", key)
		}
		got[key] = string(value)
		return nil
	})
	if err != nil {
		h.Fatalf("each: %v", err)
	}
	for key, value := range want {
		if has, ok := got[key]; !ok || has != value {
			h.Errorf("key %q has %s (%v), want %s", key, brief(has), ok, brief(value))
		}
	}
	if len(got) != len(want) {
		h.Errorf("table holds %d keys, want %d", len(got), len(want))
	}
	if h.Failed() {
		h.FailNow()
	}
}

// fails checks that everything that can be done with books fails with an error.
func (h *harness) fails(books *outbound.Books, ctx context.Context, want error) {
	h.Helper()
	ignore := func(uint64, []byte) error { return nil }
	for name, log := range map[string]outbound.Log{"messages": books.Messages, "attempts": books.Attempts} {
		_, appending := log.Append(ctx, []byte("never"))
		_, reading := log.Read(ctx, 1)
		_, counting := log.Bytes(ctx)
		for method, err := range map[string]error{
			"append": appending,
			"replay": log.Replay(ctx, 0, ignore),
			"read":   reading,
			"trim":   log.Trim(ctx, 1),
			"bytes":  counting,
		} {
			if !errors.Is(err, want) {
				h.Errorf("%s of %s: error %v, want one that is %v", method, name, err, want)
			}
		}
	}
	for method, err := range map[string]error{
		"put":    books.Registry.Put(ctx, "never", nil),
		"delete": books.Registry.Delete(ctx, "key"),
		"each":   books.Registry.Each(ctx, func(string, []byte) error { return nil }),
	} {
		if !errors.Is(err, want) {
			h.Errorf("%s of the registry: error %v, want one that is %v", method, err, want)
		}
	}
}

// brief returns a text that is short enough for a failure.
func brief(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return "\"" + s + "\""
}
