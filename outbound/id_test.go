package outbound

import (
	"bytes"
	"crypto/rand"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var idForm = regexp.MustCompile(`^msg_[0-9a-v]{26}$`)

func TestTextsOfIdsSortByTheTimeOfCreation(t *testing.T) {
	at := time.UnixMilli(0)
	last := ""
	for range 60 {
		raw := randomID(at, rand.Reader)
		id := formatID("msg_", raw)
		if !idForm.MatchString(id) {
			t.Fatalf("id %q", id)
		}
		if id <= last {
			t.Errorf("%s of %s sorts before %s", id, at, last)
		}
		if got := time.UnixMilli(idMilli(raw)); !got.Equal(at.Truncate(time.Millisecond)) {
			t.Errorf("%s was made at %s, not at %s", id, at, got)
		}
		last, at = id, at.Add(time.Millisecond+at.Sub(time.UnixMilli(0))/2)
	}
}

// TestIdsOfOneGeneratorSortInTheOrderOfCreation whatever the clock does.
func TestIdsOfOneGeneratorSortInTheOrderOfCreation(t *testing.T) {
	now := time.UnixMilli(1_767_225_600_000)
	for name, random := range map[string]func() *ids{
		"random":      func() *ids { return new(ids) },
		"carrying":    func() *ids { return &ids{random: endless(0xff)} },
		"not at all":  func() *ids { return &ids{random: endless(0)} },
		"after other": func() *ids { g := new(ids); g.above(randomID(now.Add(time.Hour), nil)); return g },
	} {
		g := random()
		first := g.last
		var texts []string
		for i, step := range []time.Duration{0, 0, 0, 1, -time.Hour, 0, time.Millisecond, time.Hour, -time.Minute, 0} {
			now = now.Add(step)
			id := g.next(now)
			if bytes.Compare(id[:], first[:]) <= 0 {
				t.Errorf("%s: id %d sorts before what was there", name, i)
			}
			texts = append(texts, formatID("ep_", id))
		}
		if !slices.IsSorted(texts) || len(slices.Compact(slices.Clone(texts))) != len(texts) {
			t.Errorf("%s: %q", name, texts)
		}
	}
}

func TestIdsAreGivenOnce(t *testing.T) {
	g := new(ids)
	var mu sync.Mutex
	var group sync.WaitGroup
	seen := make(map[[16]byte]bool)
	for range 8 {
		group.Go(func() {
			for range 500 {
				id := g.next(time.UnixMilli(1))
				mu.Lock()
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(seen) != 8*500 {
		t.Errorf("%d ids", len(seen))
	}
}

// TestAboveNeverGoesBack: an older id than the last one changes nothing.
func TestAboveNeverGoesBack(t *testing.T) {
	g := new(ids)
	last := g.next(time.UnixMilli(1_000))
	g.above(randomID(time.UnixMilli(500), nil))
	if next := g.next(time.UnixMilli(700)); bytes.Compare(next[:], last[:]) <= 0 {
		t.Errorf("%x after %x", next, last)
	}
}

// endless is a source of one byte.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestOnlyWhatFormatIDWritesIsAnID(t *testing.T) {
	id := formatID("ep_", [16]byte{15: 0xff})
	if want := "ep_" + strings.Repeat("0", 24) + "vs"; id != want {
		t.Fatalf("%q, want %q", id, want)
	}
	if _, ok := parseID("ep_", id); !ok {
		t.Errorf("refused %q", id)
	}
	for _, text := range []string{
		"", "ep_", id[3:], "app_" + id[3:], id + "0", id[:len(id)-1], strings.ToUpper(id),
		"ep_" + strings.ToUpper(id[3:]), id[:len(id)-1] + "t", id[:2] + "-" + id[3:], id[:10] + "w" + id[11:], id[:10] + "=" + id[11:],
		id[:10] + "\n" + id[11:],
	} {
		if _, ok := parseID("ep_", text); ok {
			t.Errorf("accepted %q", text)
		}
	}
}

func FuzzParseIDReadsWhatFormatIDWrites(f *testing.F) {
	f.Add("msg_", []byte("0123456789abcdef"), "msg_00000000000000000000000000")
	f.Fuzz(func(t *testing.T, prefix string, bytes []byte, text string) {
		var id [16]byte
		copy(id[:], bytes)
		if got, ok := parseID(prefix, formatID(prefix, id)); !ok || got != id {
			t.Errorf("%x became %x, %v", id, got, ok)
		}
		if got, ok := parseID(prefix, text); ok && formatID(prefix, got) != text {
			t.Errorf("%q is another text of %x", text, got)
		}
	})
}
