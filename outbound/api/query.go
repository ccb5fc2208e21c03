package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookseal/hookseal/outbound"
)

// query reads the parameters of a request and gathers what is wrong with them. Parameters that aren't
// known are ignored.
type query struct {
	of    url.Values
	wrong []violation
}

func (c *call) query() *query {
	values, err := url.ParseQuery(c.request.URL.RawQuery)
	q := &query{of: values}
	if err != nil {
		q.wrong = append(q.wrong, violation{[]string{"query"}, "The query can't be read.", typeValue})
	}
	return q
}

// err returns what is wrong, or nil.
func (q *query) err() error {
	if len(q.wrong) == 0 {
		return nil
	}
	return &fault{status: http.StatusUnprocessableEntity, violations: q.wrong}
}

func (q *query) refuse(name, message string) {
	q.wrong = append(q.wrong, violation{[]string{"query", name}, message, typeValue})
}

// text returns a parameter. One that is empty counts as left out.
func (q *query) text(name string) string {
	values := q.of[name]
	if len(values) > 1 {
		q.refuse(name, "This stands more than once.")
	}
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// texts returns the values of a list, written "a,b", or several times, or with "[]" behind the name.
func (q *query) texts(name string) []string {
	var all []string
	for _, key := range []string{name, name + "[]"} {
		for _, value := range q.of[key] {
			for item := range strings.SplitSeq(value, ",") {
				if item != "" {
					all = append(all, item)
				}
			}
		}
	}
	return all
}

func (q *query) flag(name string, otherwise bool) bool {
	switch q.text(name) {
	case "":
		return otherwise
	case "true":
		return true
	case "false":
		return false
	}
	q.refuse(name, "Must be true or false.")
	return otherwise
}

func (q *query) moment(name string) time.Time {
	text := q.text(name)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		q.refuse(name, mustBeTime)
	}
	return t
}

// oneOf returns a number out of a few, or nil.
func (q *query) oneOf(name string, numbers ...int) *int {
	text := q.text(name)
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || !slices.Contains(numbers, n) {
		q.refuse(name, fmt.Sprintf("Must be one of %s.", strings.Trim(fmt.Sprint(numbers), "[]")))
		return nil
	}
	return &n
}

// status returns the status that a list is narrowed to, or nil.
func (q *query) status() *outbound.Status {
	n := q.oneOf("status", 0, 1, 2, 3, 4)
	if n == nil {
		return nil
	}
	status := outbound.Status(*n)
	return &status
}

// The bounds of a page.
const (
	defaultLimit = 50
	maxLimit     = 250
)

// page returns which part of a list is asked for.
func (q *query) page(descending bool) outbound.Page {
	p := outbound.Page{Limit: defaultLimit, Descending: descending}
	if text := q.text("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxLimit {
			q.refuse("limit", fmt.Sprintf("Must be an integer from 1 to %d.", maxLimit))
		} else {
			p.Limit = n
		}
	}
	turn(&p, q.text("iterator"))
	return p
}

// orderedPage is page of a list whose order can be chosen.
func (q *query) orderedPage(descending bool) outbound.Page {
	switch q.text("order") {
	case "":
	case "ascending":
		descending = false
	case "descending":
		descending = true
	default:
		q.refuse("order", "Must be ascending or descending.")
	}
	return q.page(descending)
}

// filter returns what a list of messages or attempts is narrowed by.
func (q *query) filter() outbound.MessageFilter {
	return outbound.MessageFilter{
		EventTypes: q.texts("event_types"),
		Channel:    q.text("channel"),
		Tag:        q.text("tag"),
		Since:      q.moment("after"),
		Until:      q.moment("before"),
	}
}
