package outbound

import (
	"container/heap"
	"time"
)

// queue is what waits for an endpoint.
type queue struct {
	waiting deliveries // ordered by when they are due; those in flight are not in it

	flight int       // attempts that are being made
	ready  bool      // whether the dispatcher has it in its line
	free   time.Time // when the rate limit lets the next attempt begin
	alarm  time.Time // when the dispatcher is to look again, zero if it needn't
	rank   int       // in the dispatcher's alarms, -1 outside

	failing  int64 // Unix ms: since when all attempts have failed, 0 if the last one succeeded
	failed   int64 // Unix ms: the last of them
	failures int   // how many they are
}

// fail notes that an attempt failed. Failures with a quiet time between them, in which nothing was
// attempted or the clock was set, don't count together.
func (q *queue) fail(at int64, quiet time.Duration) {
	if gap := at - q.failed; q.failing == 0 || gap > quiet.Milliseconds() || gap < -quiet.Milliseconds() {
		q.failing, q.failures = at, 0
	}
	q.failed = at
	q.failures++
}

// succeed notes that an attempt succeeded.
func (q *queue) succeed() { q.failing, q.failures = 0, 0 }

func (q *queue) push(d *delivery)   { heap.Push(&q.waiting, d) }
func (q *queue) fix(d *delivery)    { heap.Fix(&q.waiting, int(d.place)) }
func (q *queue) remove(d *delivery) { heap.Remove(&q.waiting, int(d.place)) }

// deliveries is a heap of deliveries, the one that is due first at its top.
type deliveries []*delivery

// Len returns how many there are.
func (h deliveries) Len() int { return len(h) }

// Less orders by when they are due, and by age where that is the same.
func (h deliveries) Less(i, j int) bool {
	if h[i].next != h[j].next {
		return h[i].next < h[j].next
	}
	return compareIDs(h[i].message.id, h[j].message.id) < 0
}

// Swap swaps two.
func (h deliveries) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = int32(i), int32(j)
}

// Push adds one at the end.
func (h *deliveries) Push(x any) {
	d := x.(*delivery)
	d.place = int32(len(*h))
	*h = append(*h, d)
}

// Pop takes the one at the end.
func (h *deliveries) Pop() any {
	last := len(*h) - 1
	d := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	d.place = -1
	return d
}
