package journaltest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"regexp"
	"sync"
	"time"

	"github.com/hookseal/hookseal/outbound"
)

// Part names one of the three that a journal consists of.
type Part int

// The parts of a journal.
const (
	Messages Part = iota
	Attempts
	Registry
	parts
)

// memoryMaxRecord is MaxRecord of a Memory, in bytes.
const memoryMaxRecord = 1 << 20

// Memory is an [outbound.Journal] that lasts as long as the process. What was written is there
// again after Close and Open. It has no goroutines and waits on channels and timers only, so that
// it can be used in a bubble of testing/synctest, if it is made there.
//
// Its methods may be called from many goroutines at once. Use [NewMemory] to make one.
type Memory struct {
	free chan struct{} // has an element while nobody has the journal

	mu       sync.Mutex
	tenure   *tenure // of the one who has it; nil without one
	logs     [Registry]records
	values   map[string][]byte
	full     [parts]bool
	capacity [parts]uint64
	failures [parts][]bool // whether the next writes are done before they fail
	delay    time.Duration
}

// tenure is the time in which one user has the journal.
type tenure struct {
	lost chan struct{}
	over bool
}

// records are a log's, the first of which is at the position first.
type records struct {
	first uint64
	all   [][]byte
	bytes uint64
}

// NewMemory returns an empty journal without limits.
func NewMemory() *Memory {
	m := &Memory{free: make(chan struct{}, 1), values: make(map[string][]byte)}
	for i := range m.logs {
		m.logs[i].first = 1
	}
	m.free <- struct{}{}
	return m
}

// SetCapacity bounds how many bytes of records or values a part may hold: what would take it over
// that gets ErrFull. Below zero there is no bound, as at first.
func (m *Memory) SetCapacity(part Part, bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.full[part] = bytes >= 0
	m.capacity[part] = uint64(max(bytes, 0))
}

// SetDelay sets how long every write takes. The default is 0.
func (m *Memory) SetDelay(delay time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.delay = delay
}

// FailNext makes the next writes to a part fail with ErrLost, one for each element of written,
// which says whether the write is done all the same. The books are lost by each, so that the one
// after it needs another Open.
func (m *Memory) FailNext(part Part, written ...bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failures[part] = append(m.failures[part], written...)
}

// Lose takes the journal away from the one who has it, as a network that breaks does. Somebody
// else may open it at once.
func (m *Memory) Lose() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lose()
}

// lose needs m.mu.
func (m *Memory) lose() {
	if m.tenure != nil {
		close(m.tenure.lost)
		m.end()
	}
}

// end needs m.mu and a tenure.
func (m *Memory) end() {
	m.tenure.over = true
	m.tenure = nil
	m.free <- struct{}{}
}

// Open implements outbound.Journal.
func (m *Memory) Open(ctx context.Context) (*outbound.Books, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-m.free:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &tenure{lost: make(chan struct{})}
	m.tenure = t
	return &outbound.Books{
		Messages:  &memoryLog{m, t, Messages},
		Attempts:  &memoryLog{m, t, Attempts},
		Registry:  &memoryTable{m, t},
		MaxRecord: memoryMaxRecord,
		Lost:      t.lost,
		Close: func() error {
			m.mu.Lock()
			defer m.mu.Unlock()
			if m.tenure == t {
				m.end()
			}
			return nil
		},
	}, nil
}

// write lets the writer of a part wait as long as a write takes, and then do it, unless there is no
// room for size more bytes than there are.
func (m *Memory) write(ctx context.Context, t *tenure, part Part, size int, bytes func() uint64, do func()) error {
	if size > memoryMaxRecord {
		return outbound.ErrTooLarge
	}
	if err := m.pause(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.over {
		return outbound.ErrLost
	}
	if m.full[part] && bytes()+uint64(size) > m.capacity[part] {
		return outbound.ErrFull
	}
	if next := m.failures[part]; len(next) > 0 {
		m.failures[part] = next[1:]
		if next[0] {
			do()
		}
		m.lose()
		return outbound.ErrLost
	}
	do()
	return nil
}

func (m *Memory) pause(ctx context.Context) error {
	m.mu.Lock()
	delay := m.delay
	m.mu.Unlock()
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// read calls f while nobody writes.
func (m *Memory) read(ctx context.Context, t *tenure, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.over {
		return outbound.ErrLost
	}
	f()
	return nil
}

type memoryLog struct {
	memory *Memory
	tenure *tenure
	part   Part
}

func (l *memoryLog) records() *records { return &l.memory.logs[l.part] }

func (l *memoryLog) Append(ctx context.Context, record []byte) (position uint64, err error) {
	r := l.records()
	err = l.memory.write(ctx, l.tenure, l.part, len(record), func() uint64 { return r.bytes }, func() {
		position = r.first + uint64(len(r.all))
		r.all = append(r.all, bytes.Clone(record))
		r.bytes += uint64(len(record))
	})
	if err != nil {
		return 0, err
	}
	return position, nil
}

func (l *memoryLog) Replay(ctx context.Context, after uint64, each func(uint64, []byte) error) error {
	var first uint64
	var all [][]byte
	err := l.memory.read(ctx, l.tenure, func() {
		r := l.records()
		skip := min(max(after, r.first-1)-(r.first-1), uint64(len(r.all)))
		first, all = r.first+skip, r.all[skip:]
	})
	if err != nil {
		return err
	}
	var lent []byte
	for i, record := range all {
		if err := l.memory.read(ctx, l.tenure, func() {}); err != nil {
			return err
		}
		lent = append(lent[:0], record...)
		if err := each(first+uint64(i), lent); err != nil {
			return err
		}
		clear(lent) // so that a test sees it if its subject kept the record
	}
	return nil
}

func (l *memoryLog) Read(ctx context.Context, position uint64) (record []byte, err error) {
	err = l.memory.read(ctx, l.tenure, func() {
		if r := l.records(); position >= r.first && position-r.first < uint64(len(r.all)) {
			record = append([]byte{}, r.all[position-r.first]...)
		}
	})
	if err == nil && record == nil {
		err = outbound.ErrGone
	}
	return record, err
}

func (l *memoryLog) Trim(ctx context.Context, through uint64) error {
	return l.memory.read(ctx, l.tenure, func() {
		r := l.records()
		for len(r.all) > 0 && r.first <= through {
			r.bytes -= uint64(len(r.all[0]))
			r.first++
			r.all = r.all[1:]
		}
	})
}

func (l *memoryLog) Bytes(ctx context.Context) (n uint64, err error) {
	err = l.memory.read(ctx, l.tenure, func() { n = l.records().bytes })
	return n, err
}

type memoryTable struct {
	memory *Memory
	tenure *tenure
}

var tableKey = regexp.MustCompile(`^[A-Za-z0-9_=-]+([./][A-Za-z0-9_=-]+)*$`)

func checkKey(key string) error {
	if len(key) > 200 || !tableKey.MatchString(key) {
		return fmt.Errorf("%q can't be a key", key)
	}
	return nil
}

func (t *memoryTable) Put(ctx context.Context, key string, value []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return t.memory.write(ctx, t.tenure, Registry, len(value), func() uint64 { return t.bytesBut(key) }, func() {
		t.memory.values[key] = bytes.Clone(value)
	})
}

// bytesBut returns the size of all values but one key's.
func (t *memoryTable) bytesBut(key string) (n uint64) {
	for other, value := range t.memory.values {
		if other != key {
			n += uint64(len(value))
		}
	}
	return n
}

func (t *memoryTable) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	// Deleting needs no room.
	return t.memory.write(ctx, t.tenure, Registry, 0, func() uint64 { return 0 }, func() {
		delete(t.memory.values, key)
	})
}

func (t *memoryTable) Each(ctx context.Context, each func(string, []byte) error) error {
	var values map[string][]byte
	if err := t.memory.read(ctx, t.tenure, func() { values = maps.Clone(t.memory.values) }); err != nil {
		return err
	}
	for key, value := range values {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(key, bytes.Clone(value)); err != nil {
			return err
		}
	}
	return nil
}

var _ outbound.Journal = (*Memory)(nil)
