package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hookseal/hookseal/bench/internal/machine"
)

// load publishes to one gateway, and takes its deliveries.
type load struct {
	gateway     *gateway
	subscribers *subscribers
	bytes       int

	publishers []*publisher
	published  atomic.Uint64
}

// newLoad starts a gateway, and subscribers that answer with a status.
func (b *bench) newLoad(ctx context.Context, dir string, count, status int, options ...string) (*load, error) {
	s, err := listen(count, status)
	if err != nil {
		return nil, err
	}
	l := &load{subscribers: s, bytes: b.plan.bytes}
	if l.gateway, err = b.startGateway(ctx, dir, options...); err != nil {
		l.close()
		return nil, err
	}
	if err := l.gateway.register(ctx, s.urls); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// close ends all but the files.
func (l *load) close() {
	for _, p := range l.publishers {
		p.close()
	}
	if l.gateway != nil {
		l.gateway.Stop()
	}
	l.subscribers.close()
}

// turn is what was seen of one turn.
type turn struct {
	// accepted is how long the last of the events took to be accepted, and delivered how long the
	// last of their deliveries took, both from the first event's start.
	accepted, delivered time.Duration
	latencies           []time.Duration
	// cpu is the CPU time of the gateway for an event, its deliveries included.
	cpu time.Duration
}

// settleTime is left between a turn and the reading of the CPU clock, for what a gateway does after
// the last answer: the attempt must still be recorded.
const settleTime = 20 * time.Millisecond

// turn has n events published, by some publishers at once, and waits until all are delivered.
func (l *load) turn(ctx context.Context, publishers, n int) (*turn, error) {
	before, err := machine.CPUTime(l.gateway.PID)
	if err != nil {
		return nil, fmt.Errorf("reading the CPU clock: %w", err)
	}
	start := time.Now()
	t := &turn{}
	if t.latencies, err = l.publish(ctx, publishers, n); err != nil {
		return nil, l.blame(err)
	}
	t.accepted = time.Since(start)
	if err := l.awaitDelivered(); err != nil {
		return nil, l.blame(err)
	}
	t.delivered = time.Since(start)
	time.Sleep(settleTime)
	after, err := machine.CPUTime(l.gateway.PID)
	if err != nil {
		return nil, fmt.Errorf("reading the CPU clock: %w", err)
	}
	t.cpu = (after - before) / time.Duration(n)
	return t, nil
}

// publish publishes n events and returns how long each took, ascending.
func (l *load) publish(ctx context.Context, publishers, n int) ([]time.Duration, error) {
	for len(l.publishers) < publishers {
		p, err := newPublisher(ctx, l.gateway, application, l.bytes)
		if err != nil {
			return nil, err
		}
		l.publishers = append(l.publishers, p)
	}
	var taken atomic.Int64
	var wait sync.WaitGroup
	latencies := make([][]time.Duration, publishers)
	failures := make([]error, publishers)
	for i, p := range l.publishers[:publishers] {
		wait.Go(func() {
			for taken.Add(1) <= int64(n) {
				start := time.Now()
				if failures[i] = p.publish(l.published.Add(1)); failures[i] != nil {
					taken.Add(int64(n)) // the others needn't go on
					return
				}
				latencies[i] = append(latencies[i], time.Since(start))
			}
		})
	}
	wait.Wait()
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	all := slices.Concat(latencies...)
	slices.Sort(all)
	return all, nil
}

// awaitDelivered returns when everything that was published has been delivered.
func (l *load) awaitDelivered() error {
	return l.subscribers.await(int64(l.published.Load()) * int64(len(l.subscribers.urls)))
}

func (l *load) blame(err error) error { return fmt.Errorf("%w\n%s", err, l.gateway.LastWords()) }
