package outbound_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/hookseal/hookseal/outbound"
)

// Whoever follows the pages from one end to the other sees everything once, in order, forwards and back.
func TestPagesTogetherAreTheList(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var list []string
		for i := range random.IntN(30) {
			list = append(list, fmt.Sprintf("%03d", i*2))
		}
		odd := random.IntN(2) == 0
		few := 1 + random.IntN(9)
		keep := func(id string) bool { return !odd || id[2] != '4' }
		want := slices.DeleteFunc(slices.Clone(list), func(id string) bool { return !keep(id) })
		p := Page{Limit: 1 + random.IntN(7), Descending: random.IntN(2) == 0}
		if p.Descending {
			slices.Reverse(want)
		}
		var got []string
		var firsts []string
		for {
			page, more := Cut(list, p, keep, few)
			got = append(got, page...)
			if len(page) > 0 {
				firsts = append(firsts, page[0])
				p.After = page[len(page)-1]
			}
			if !more {
				break
			}
			if len(page) != p.Limit {
				t.Fatalf("a page of %d has more behind it", len(page))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("forwards %v, want %v", got, want)
		}
		// From the first of each page back to the page before it.
		p.After = ""
		for i := len(firsts) - 1; i > 0; i-- {
			p.Before = firsts[i]
			page, more := Cut(list, p, keep, few)
			if len(page) != p.Limit || page[0] != firsts[i-1] || more != (i > 1) {
				t.Fatalf("before %s: %v, more %v, want the page that begins with %s", firsts[i], page, more, firsts[i-1])
			}
		}
		// A bound that isn't in the list any more.
		p.Before, p.After = "", "011"
		page, _ := Cut(list, p, keep, few)
		for _, id := range page {
			if (id > p.After) == p.Descending {
				t.Fatalf("after %s comes %s, descending %v", p.After, id, p.Descending)
			}
		}
	}
}
