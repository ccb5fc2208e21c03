package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/hookseal/hookseal/outbound"
)

// Whatever the sizes of the items, the pages lead from one to the next, both ways, and miss none.
func TestPagesThatEndEarlyLeadOn(t *testing.T) {
	const half = maxContent / 2
	for _, sizes := range [][]int{
		{},
		{1},
		{3 * maxContent},
		{1, 1, 1, 1, 1, 1, 1},
		{half, half, half, half, half, half, half},
		{2 * maxContent, 1, 2 * maxContent, 1, 1},
		{1, 2 * maxContent, 2 * maxContent, 1, 1, half, half},
	} {
		var all []string
		for i := range sizes {
			all = append(all, fmt.Sprint("id-", i))
		}
		// page is what a hub and then the API make of a page of three.
		page := func(p outbound.Page) (l list[string]) {
			from, to := 0, len(all)
			if p.After != "" {
				from = slices.Index(all, p.After) + 1
			}
			ids := all[from:min(from+3, to)]
			more := from+3 < to
			if p.Before != "" {
				to = slices.Index(append(all, p.Before), p.Before)
				ids, more = all[max(0, to-3):to], to > 3
			}
			shown := 0
			a, err := replyPart(ids, more, p, func(id string) string { return id }, func(id string) (string, int, error) {
				if shown >= maxContent {
					t.Errorf("%v: %s was read after %d bytes", sizes, id, shown)
				}
				size := sizes[slices.Index(all, id)]
				shown += size
				return id, size, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(a.body, &l); err != nil {
				t.Fatal(err)
			}
			return l
		}
		var got []string
		var p outbound.Page
		for n := 0; ; n++ {
			l := page(p)
			got = append(got, l.Data...)
			if l.Done || n > len(all) {
				break
			}
			p = outbound.Page{}
			turn(&p, *l.Iterator)
		}
		if !slices.Equal(got, all) {
			t.Errorf("%v: forwards %v", sizes, got)
		}
		got, p = nil, outbound.Page{Before: "id-9"}
		for n := 0; ; n++ {
			l := page(p)
			got = append(l.Data, got...)
			if l.Done || n > len(all) {
				break
			}
			p = outbound.Page{}
			turn(&p, *l.PrevIterator)
		}
		if !slices.Equal(got, all) {
			t.Errorf("%v: backwards %v", sizes, got)
		}
	}
}

func TestAPageWithAnItemThatCantBeReadIsNone(t *testing.T) {
	_, err := replyPart([]string{"a"}, false, outbound.Page{}, func(id string) string { return id }, func(string) (int, int, error) {
		return 0, 0, outbound.ErrUnavailable
	})
	if err != outbound.ErrUnavailable {
		t.Error(err)
	}
}
