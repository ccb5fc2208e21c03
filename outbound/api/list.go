package api

import (
	"net/http"
	"strings"

	"github.com/hookseal/hookseal/outbound"
)

// list is one page of a list.
type list[T any] struct {
	Data []T `json:"data"`
	// Iterator is where the page ends, PrevIterator where it begins; null if it is empty.
	Iterator     *string `json:"iterator"`
	PrevIterator *string `json:"prevIterator"`
	// Done says that there is nothing behind the page, in the direction that was asked for.
	Done bool `json:"done"`
}

// maxContent is how many bytes of payloads one page holds, about.
const maxContent = 8 << 20

// replyList returns the answer of a page whose items are shown by show. The id of an item is what the
// list is ordered by.
func replyList[In, Out any](page []In, more bool, id func(In) string, show func(In) Out) (answer, error) {
	return replyPart(page, more, outbound.Page{}, id, func(item In) (Out, int, error) { return show(item), 0, nil })
}

// replyPart is replyList of items that may be large: show also returns how many bytes there are in one,
// and is called only until that is enough. What was left out is before or behind the page as it would be
// if the limit were smaller.
func replyPart[In, Out any](page []In, more bool, p outbound.Page, id func(In) string, show func(In) (Out, int, error)) (answer, error) {
	shown := make([]Out, len(page))
	for n, size := 0, 0; n < len(page); n++ {
		i := n
		if p.Before != "" {
			i = len(page) - 1 - n // it ends before something, so that is where it has to begin
		}
		item, bytes, err := show(page[i])
		if err != nil {
			return answer{}, err
		}
		shown[i] = item
		if size += bytes; size >= maxContent && n < len(page)-1 {
			from, to := 0, i+1
			if p.Before != "" {
				from, to = i, len(page)
			}
			page, shown, more = page[from:to], shown[from:to], true
			break
		}
	}
	l := list[Out]{Data: shown, Done: !more}
	if len(page) > 0 {
		last, first := iterator(id(page[len(page)-1])), "-"+id(page[0])
		l.Iterator, l.PrevIterator = &last, &first
	}
	return reply(http.StatusOK, l)
}

// iterator returns what leads to the page behind an id. What leads to the page before it is "-" and the
// id, so that the name of an event type that begins with "-" is marked.
func iterator(id string) string {
	if strings.HasPrefix(id, "-") {
		return "~" + id
	}
	return id
}

// turn sets where a page begins or ends from an iterator.
func turn(p *outbound.Page, iterator string) {
	if before, ok := strings.CutPrefix(iterator, "-"); ok {
		p.Before = before
	} else {
		p.After = strings.TrimPrefix(iterator, "~")
	}
}
