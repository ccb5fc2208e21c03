package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/hookseal/hookseal/bench/internal/figure"
)

// publishing measures how fast events are accepted and delivered.
func (b *bench) publishing(ctx context.Context) error {
	for _, subscribers := range b.plan.subscribers {
		if err := b.publishingTo(ctx, subscribers); err != nil {
			return fmt.Errorf("%d subscribers: %w", subscribers, err)
		}
	}
	return nil
}

// series are the turns with one number of publishers.
type series struct {
	publishers int
	turns      []*turn
	// single and gathered are how many events the disk could take a second around each turn: with
	// a sync for each, and with one for as many as there are publishers.
	single, gathered []float64
}

func (b *bench) publishingTo(ctx context.Context, subscribers int) error {
	dir := filepath.Join(b.dir, fmt.Sprintf("publish-%d", subscribers))
	defer os.RemoveAll(dir)
	l, err := b.newLoad(ctx, dir, subscribers, http.StatusOK)
	if err != nil {
		return err
	}
	defer l.close()

	n := b.plan.messagesTo(subscribers)
	all := make([]series, len(b.plan.publishers))
	for i, publishers := range b.plan.publishers {
		all[i].publishers = publishers
		if _, err := l.turn(ctx, publishers, max(1, n/4)); err != nil {
			return fmt.Errorf("warm-up: %w", err)
		}
	}
	watch, err := b.watchOthers(l.gateway)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(b.plan.seed, uint64(subscribers)))
	for round := range b.plan.rounds {
		fmt.Fprintf(os.Stderr, "%d subscribers: round %d of %d\n", subscribers, round+1, b.plan.rounds)
		for _, i := range random.Perm(len(all)) {
			if err := all[i].add(ctx, b, l, n); err != nil {
				return fmt.Errorf("round %d, %d publishers: %w", round+1, all[i].publishers, err)
			}
		}
	}
	others, err := watch.share()
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "\n### Events of %d bytes to %s\n\n%d events a turn, %d rounds; other processes took %.0f %% of the CPUs.\n\n",
		b.plan.bytes, counted(subscribers, "subscriber"), n, b.plan.rounds, 100*others)
	b.writeSeries(all, n, subscribers)
	return b.profile(ctx, l, n)
}

// add takes one turn, between two looks at the disk.
func (s *series) add(ctx context.Context, b *bench, l *load, n int) error {
	var single, gathered float64
	look := func() error {
		one, err := syncRate(b.dir, b.plan.bytes, b.plan.limit/2)
		if err != nil {
			return err
		}
		many, err := syncRate(b.dir, b.plan.bytes*s.publishers, b.plan.limit/2)
		single += one / 2
		gathered += many * float64(s.publishers) / 2
		return err
	}
	if err := look(); err != nil {
		return err
	}
	t, err := l.turn(ctx, s.publishers, n)
	if err != nil {
		return err
	}
	if err := look(); err != nil {
		return err
	}
	s.turns = append(s.turns, t)
	s.single, s.gathered = append(s.single, single), append(s.gathered, gathered)
	return nil
}

// writeSeries writes what turns of n events came to.
func (b *bench) writeSeries(all []series, n, subscribers int) {
	columns := []string{"publishers", "accepted", "ratio to write and sync of each", "to gathered", "p50", "p99", "CPU of an event"}
	if subscribers > 0 {
		columns = append(columns, "deliveries", "all delivered after")
	}
	figure.WriteHeader(b.out, columns...)
	for _, s := range all {
		var accepted, cpu, latencies, deliveries, delivered []float64
		for _, t := range s.turns {
			accepted = append(accepted, float64(n)/t.accepted.Seconds())
			cpu = append(cpu, float64(t.cpu.Nanoseconds())/1000)
			deliveries = append(deliveries, float64(n*subscribers)/t.delivered.Seconds())
			delivered = append(delivered, t.delivered.Seconds())
			for _, latency := range t.latencies {
				latencies = append(latencies, float64(latency.Nanoseconds())/1e6)
			}
		}
		slices.Sort(latencies)
		cells := []string{
			fmt.Sprint(s.publishers),
			perSecond(accepted),
			ratioText(figure.PairedRatios(accepted, s.single)),
			ratioText(figure.PairedRatios(accepted, s.gathered)),
			fmt.Sprintf("%.2f ms", figure.Quantile(latencies, 0.50)),
			fmt.Sprintf("%.2f ms", figure.Quantile(latencies, 0.99)),
			fmt.Sprintf("%.0f µs", figure.SpreadOf(cpu).Median),
		}
		if subscribers > 0 {
			cells = append(cells, perSecond(deliveries), fmt.Sprintf("%.2f s", figure.SpreadOf(delivered).Median))
		}
		figure.WriteRow(b.out, cells...)
	}
	var single []float64
	for _, s := range all {
		single = append(single, s.single...)
	}
	fmt.Fprintf(b.out, "\nWrite and sync of each, by one writer: %s.\n", perSecond(single))
}
