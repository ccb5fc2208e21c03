package outbound

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestAContainerGivesBackWhatWentIn(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var entries []*entry
		for i := range 1 + random.IntN(40) {
			body := make([]byte, random.IntN(300))
			for j := range body {
				body[j] = byte(random.Uint32())
			}
			var to []string
			for j := range random.IntN(4) {
				to = append(to, fmt.Sprintf("ep_%d", random.IntN(2)*10+j))
			}
			entries = append(entries, &entry{head: &messageHead{ID: fmt.Sprint(i), EventType: "é\"\x00"}, to: to, body: body})
		}
		w := newWriter(nil, 1<<20, nil)
		for _, e := range entries {
			if err := w.add(e); err != nil {
				t.Fatal(err)
			}
		}
		size := containerOverhead
		for _, e := range entries {
			size += e.size()
		}
		taken, _ := w.take()
		c := gather(taken)
		if len(c.record) > size {
			t.Fatalf("takes %d bytes, was thought to take %d at the most", len(c.record), size)
		}
		n := 0
		err := eachEntry(c.record, func(header containerHeader, i int, head messageHead, body []byte) error {
			to, err := header.set(head.To)
			if err != nil || !slices.Equal(to, taken[i].to) || !bytes.Equal(body, taken[i].body) || head.ID != fmt.Sprint(i) || head.EventType != "é\"\x00" {
				t.Errorf("entry %d is %+v to %v, %v", i, head, to, err)
			}
			if at, single, err := entryAt(c.record, i); err != nil || !bytes.Equal(single, body) || len(at) == 0 {
				t.Errorf("entry %d by its index: %v", i, err)
			}
			n++
			return nil
		})
		if err != nil || n != len(taken) {
			t.Fatalf("%d entries of %d, %v", n, len(taken), err)
		}
		if _, _, err := entryAt(c.record, n); err == nil {
			t.Error("there is an entry behind the last")
		}
	}
}

func TestAContainerIsNoLargerThanTheJournalTakes(t *testing.T) {
	w := newWriter(nil, 10_000, nil)
	for i := range 100 {
		if err := w.add(&entry{head: &messageHead{ID: fmt.Sprint(i)}, to: []string{fmt.Sprint("ep_", i)}, body: make([]byte, 1+i*50)}); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for taken, _ := w.take(); len(taken) > 0; taken, _ = w.take() {
		n += len(taken)
		if c := gather(taken); len(c.record) > 10_000 {
			t.Errorf("%d entries take %d bytes", len(taken), len(c.record))
		}
	}
	if n != 100 {
		t.Errorf("took %d of 100", n)
	}
	if err := w.add(&entry{head: &messageHead{}, body: make([]byte, 10_000)}); err != ErrTooLarge {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}

// A disk that has gone bad gives back anything at all.
func FuzzContainer(f *testing.F) {
	w := newWriter(nil, 1<<20, nil)
	for range 3 {
		_ = w.add(&entry{head: &messageHead{ID: "msg_1", EventType: "e"}, to: []string{"ep_1"}, body: []byte("{}")})
	}
	entries, _ := w.take()
	f.Add(gather(entries).record, 1)
	f.Add([]byte{}, 0)
	f.Add([]byte{2, '{', '}', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 0)
	f.Fuzz(func(t *testing.T, record []byte, index int) {
		n := 0
		err := eachEntry(record, func(header containerHeader, i int, head messageHead, body []byte) error {
			if i != n {
				t.Fatalf("entry %d has the index %d", n, i)
			}
			n++
			_, _ = header.set(head.To)
			return nil
		})
		_, _, single := entryAt(record, index)
		if err == nil && (single == nil) != (index >= 0 && index < n) {
			t.Errorf("entry %d of %d: %v", index, n, single)
		}
	})
}
