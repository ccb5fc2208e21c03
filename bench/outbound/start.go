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

// starts is how often a gateway is started on each journal.
const starts = 3

// start measures how long a gateway takes from the start of its process until it is ready, on an
// empty journal and on a full one, in turn. The journals are in the page cache.
func (b *bench) start(ctx context.Context) error {
	messages := b.plan.records / 2
	journals := []struct {
		title    string
		dir      string
		messages int

		ready, cpu, resident, peak []float64
	}{
		{title: "nothing", dir: filepath.Join(b.dir, "empty")},
		{title: fmt.Sprintf("%d messages, %d attempts", messages, messages), dir: filepath.Join(b.dir, "full"), messages: messages},
	}
	for _, j := range journals {
		defer os.RemoveAll(j.dir)
		if err := b.fill(ctx, j.dir, j.messages); err != nil {
			return err
		}
	}
	for range starts {
		for i := range journals {
			j := &journals[i]
			g, err := b.startGateway(ctx, j.dir)
			if err != nil {
				return err
			}
			now, peak, err := machine.ResidentBytes(g.PID)
			g.Stop()
			if err != nil {
				return err
			}
			j.ready = append(j.ready, g.ready.Seconds())
			j.cpu = append(j.cpu, g.readyCPU.Seconds())
			j.resident = append(j.resident, float64(now))
			j.peak = append(j.peak, float64(peak))
		}
	}
	fmt.Fprintf(b.out, "\n### Start\n\nUntil the API is ready, of %d starts.\n\n", starts)
	figure.WriteHeader(b.out, "journal", "on disk", "ready after", "CPU", "resident", "peak")
	for _, j := range journals {
		disk, err := (&gateway{journal: filepath.Join(j.dir, "journal")}).journalBytes()
		if err != nil {
			return err
		}
		figure.WriteRow(b.out, j.title, mebibyteText(disk),
			fmt.Sprintf("%.2f s", figure.SpreadOf(j.ready).Median), fmt.Sprintf("%.2f s", figure.SpreadOf(j.cpu).Median),
			mebibyteText(int64(figure.SpreadOf(j.resident).Median)), mebibyteText(int64(figure.SpreadOf(j.peak).Median)))
	}
	return nil
}

// fillConcurrency is how many attempts are in flight while a journal is filled.
const fillConcurrency = 64

// fill makes a journal with some messages that were all delivered.
func (b *bench) fill(ctx context.Context, dir string, messages int) error {
	l, err := b.newLoad(ctx, dir, 1, http.StatusOK, fmt.Sprintf("concurrency %d", fillConcurrency))
	if err != nil {
		return err
	}
	defer l.close()
	const step = 50_000
	for left := messages; left > 0; left -= step {
		fmt.Fprintf(os.Stderr, "start: %d messages to publish\n", left)
		if _, err := l.publish(ctx, fillers, min(left, step)); err != nil {
			return l.blame(err)
		}
		if err := l.awaitDelivered(); err != nil {
			return l.blame(err)
		}
	}
	time.Sleep(settleTime)
	return nil
}
