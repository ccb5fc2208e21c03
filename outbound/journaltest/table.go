package journaltest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hookseal/hookseal/outbound"
)

func tableHasLastValues(h *harness) {
	table := h.open().Registry
	h.holds(table, nil)
	h.delete(table, "never")
	h.put(table, "a", "1")
	h.put(table, "b", "1")
	h.put(table, "a", "2")
	h.holds(table, map[string]string{"a": "2", "b": "1"})
	h.delete(table, "a")
	h.delete(table, "a")
	h.holds(table, map[string]string{"b": "1"})
	h.put(table, "a", "3")
	h.holds(table, map[string]string{"a": "3", "b": "1"})
}

func tableTakesKeys(h *harness) {
	table := h.open().Registry
	want := make(map[string]string)
	for _, key := range []string{
		"a", "A", "0", "-", "_", "=", "a.b", "a/b", "a.b/c.d", "a.B", "app_2srOrx2ZWZBpBUvZwXKQmoEYga2/ep_2",
		strings.Repeat("k", 200), strings.Repeat("a.", 99) + "a",
	} {
		want[key] = "value of " + key
		h.put(table, key, want[key])
	}
	h.holds(table, want)
	for key := range want {
		h.delete(table, key)
	}
	h.holds(table, nil)
}

func tableTakesValues(h *harness) {
	books := h.open()
	want := map[string]string{
		"empty":   "",
		"binary":  "\x00\xff\r\n",
		"large":   strings.Repeat("l", 100_000),
		"largest": strings.Repeat("x", books.MaxRecord),
	}
	for key, value := range want {
		h.put(books.Registry, key, value)
	}
	h.holds(books.Registry, want)
	err := books.Registry.Put(h.Context(), "empty", make([]byte, books.MaxRecord+1))
	if !errors.Is(err, outbound.ErrTooLarge) {
		h.Errorf("put of %d bytes: error %v, want one that is %v", books.MaxRecord+1, err, outbound.ErrTooLarge)
	}
	h.holds(books.Registry, want)
}

func tableValuesAreTheCallers(h *harness) {
	table := h.open().Registry
	value := []byte("before")
	if err := table.Put(h.Context(), "a", value); err != nil {
		h.Fatal(err)
	}
	copy(value, "after!")
	h.holds(table, map[string]string{"a": "before"})
}

func tableStopsAtError(h *harness) {
	table := h.open().Registry
	want := make(map[string]string)
	for i := range 10 {
		key := fmt.Sprint("key", i)
		want[key] = key
		h.put(table, key, key)
	}
	enough, shown := errors.New("enough"), 0
	err := table.Each(h.Context(), func(string, []byte) error {
		if shown++; shown == 3 {
			return enough
		}
		return nil
	})
	if err != enough || shown != 3 {
		h.Errorf("each: error %v after %d values, want %v after 3", err, shown, enough)
	}
	h.holds(table, want)
}
