package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/hookseal/hookseal/bench/internal/figure"
	"github.com/hookseal/hookseal/bench/internal/machine"
)

// waitingCase is a way in which messages wait.
type waitingCase struct {
	title                 string
	messages, subscribers int
	schedule              string
	tried                 bool // once, and refused
}

// memory measures what messages take that wait.
func (b *bench) memory(ctx context.Context) error {
	n := b.plan.waiting
	fmt.Fprint(b.out, "\n### What waits\n\nBytes in memory are those of the heap that are in use after a restart, beyond an empty gateway's.\n\n")
	figure.WriteHeader(b.out, "", "resident", "after a restart", "heap in use", "of a waiting delivery", "journal", "of a message")
	var empty int64
	for _, c := range []waitingCase{
		{title: "nothing", schedule: "720h", subscribers: 1},
		{title: fmt.Sprintf("%d messages to 1 subscriber, not yet due", n), messages: n, subscribers: 1, schedule: "720h"},
		{title: fmt.Sprintf("%d messages to 1 subscriber, refused once", n), messages: n, subscribers: 1, schedule: "0s 720h", tried: true},
		{title: fmt.Sprintf("%d messages to 100 subscribers, not yet due", max(1, n/10)), messages: max(1, n/10), subscribers: 100, schedule: "720h"},
	} {
		fmt.Fprintln(os.Stderr, "memory:", c.title)
		heap, err := b.wait(ctx, c, empty)
		if err != nil {
			return fmt.Errorf("%s: %w", c.title, err)
		}
		if c.messages == 0 {
			empty = heap
		}
	}
	return nil
}

// wait has messages wait, and returns how much of the heap is in use then.
func (b *bench) wait(ctx context.Context, c waitingCase, empty int64) (heap int64, err error) {
	dir := filepath.Join(b.dir, "memory")
	defer os.RemoveAll(dir)
	l, err := b.newLoad(ctx, dir, c.subscribers, http.StatusServiceUnavailable, "schedule "+c.schedule)
	if err != nil {
		return 0, err
	}
	defer l.close()
	if c.messages > 0 {
		if _, err := l.publish(ctx, fillers, c.messages); err != nil {
			return 0, l.blame(err)
		}
	}
	if c.tried {
		if err := l.awaitDelivered(); err != nil {
			return 0, l.blame(err)
		}
	}
	time.Sleep(settleTime)
	before, _, err := machine.ResidentBytes(l.gateway.PID)
	if err != nil {
		return 0, err
	}
	l.gateway.Stop()
	if l.gateway, err = b.startGateway(ctx, dir, "schedule "+c.schedule); err != nil {
		return 0, err
	}
	after, _, err := machine.ResidentBytes(l.gateway.PID)
	if err != nil {
		return 0, err
	}
	if heap, err = heapInUse(ctx, l.gateway.admin); err != nil {
		return 0, err
	}
	disk, err := l.gateway.journalBytes()
	if err != nil {
		return 0, err
	}
	each, kept := "–", "–"
	if c.messages > 0 {
		each = fmt.Sprintf("%d B", (heap-empty)/int64(c.messages*c.subscribers))
		kept = fmt.Sprintf("%d B", disk/int64(c.messages))
	}
	figure.WriteRow(b.out, c.title, mebibyteText(before), mebibyteText(after), mebibyteText(heap), each, mebibyteText(disk), kept)
	return heap, nil
}

// fillers is how many publishers fill a journal: many, so that it is done soon.
const fillers = 128

// cacheTime is for how long the journal's server keeps in memory what it has read.
const cacheTime = 15 * time.Second

// heapInUse returns how many bytes of a gateway's heap are in use: what a start has read is
// forgotten by then.
func heapInUse(ctx context.Context, admin string) (int64, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(cacheTime):
	}
	// Twice, because pools are emptied over two collections.
	for range 2 {
		if err := machine.SaveProfile(ctx, admin, "heap?gc=1", os.DevNull); err != nil {
			return 0, err
		}
	}
	counters, err := machine.ReadCounters(ctx, admin)
	return int64(counters.HeapAlloc), err
}
