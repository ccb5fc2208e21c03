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

// replyList returns the answer of a page whose items are shown by show. The id of an item is what the
// list is ordered by.
func replyList[In, Out any](page []In, more bool, id func(In) string, show func(In) Out) (answer, error) {
	l := list[Out]{Data: make([]Out, len(page)), Done: !more}
	for i, item := range page {
		l.Data[i] = show(item)
	}
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
