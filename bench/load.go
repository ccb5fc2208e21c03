package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hookseal/hookseal/bench/internal/machine"
)

// load sends deliveries to one gateway over connections that stay open.
type load struct {
	gateway     *gateway
	upstream    *upstream
	connections []*connection
	// sent numbers the deliveries, so that no two are the same.
	sent atomic.Uint64
}

// connect opens the connections over which deliveries made from t are sent.
func (l *load) connect(ctx context.Context, up *upstream, t *template, connections int) error {
	l.upstream = up
	for range connections {
		c, err := dial(ctx, l.gateway.address, t.newDelivery())
		if err != nil {
			return err
		}
		l.connections = append(l.connections, c)
	}
	return nil
}

func (l *load) close() {
	for _, c := range l.connections {
		c.close()
	}
}

// turn sends n deliveries, the next one on each connection as soon as the last one is answered.
func (l *load) turn(n int) error {
	var taken atomic.Int64
	return l.counted(n, func(c *connection) error {
		for taken.Add(1) <= int64(n) {
			if err := c.send(l.sent.Add(1)); err != nil {
				return err
			}
		}
		return nil
	})
}

// settleTime is left between a turn and the reading of the CPU clock, for the work that a
// gateway does after its last answer.
const settleTime = 20 * time.Millisecond

// cpuPerDelivery sends n deliveries and returns the CPU time that the gateway spent on each.
func (l *load) cpuPerDelivery(n int) (time.Duration, error) {
	before, err := machine.CPUTime(l.gateway.PID)
	if err != nil {
		return 0, fmt.Errorf("reading the CPU clock: %w", err)
	}
	if err := l.turn(n); err != nil {
		return 0, err
	}
	time.Sleep(settleTime)
	after, err := machine.CPUTime(l.gateway.PID)
	if err != nil {
		return 0, fmt.Errorf("reading the CPU clock: %w", err)
	}
	return (after - before) / time.Duration(n), nil
}

// turnAtRate sends n deliveries at fixed times, whether or not earlier ones have been answered,
// and returns how long after its time each was answered. So a gateway that stops for a moment
// pays for all that should have been sent meanwhile.
func (l *load) turnAtRate(n int, rate float64) ([]time.Duration, error) {
	due := make(chan time.Time, n)
	go func() {
		// The pauses block the thread; with a thread of its own nobody else waits for it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(due)
		start := time.Now().Add(5 * time.Millisecond)
		for i := range n {
			at := start.Add(time.Duration(float64(i) / rate * float64(time.Second)))
			machine.PauseUntil(at)
			due <- at
		}
	}()
	var mutex sync.Mutex
	var latencies []time.Duration
	err := l.counted(n, func(c *connection) error {
		for at := range due {
			if err := c.send(l.sent.Add(1)); err != nil {
				return err
			}
			latency := time.Since(at)
			mutex.Lock()
			latencies = append(latencies, latency)
			mutex.Unlock()
		}
		return nil
	})
	slices.Sort(latencies)
	return latencies, err
}

// counted runs work on all connections at once and checks that exactly n deliveries reached the
// upstream meanwhile.
func (l *load) counted(n int, work func(*connection) error) error {
	before := l.upstream.bodies.Load()
	var wait sync.WaitGroup
	failures := make([]error, len(l.connections))
	for i, c := range l.connections {
		wait.Go(func() { failures[i] = work(c) })
	}
	wait.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	if got := l.upstream.bodies.Load() - before; got != int64(n) {
		return fmt.Errorf("%d deliveries were sent, %d reached the upstream", n, got)
	}
	return nil
}
