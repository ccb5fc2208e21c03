package main

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/hookseal/hookseal/bench/internal/machine"
)

// rig measures all contenders with bodies of one size. They are started anew for each size, so
// that the memory of one does not show the bodies of another.
type rig struct {
	plan     *plan
	dir      string
	binaries map[string]string
	upstream *upstream
	size     byteSize
	random   *rand.Rand

	loads        []*load
	measurements []measurement
	// othersShare is the part of the processors that others took during the rounds.
	othersShare float64
}

// measurement is what was seen of one contender at one size.
type measurement struct {
	// cpu is the CPU time of a delivery in each round.
	cpu []time.Duration
	// latencies are those at a fixed rate, from the time a delivery was due, ascending.
	latencies []time.Duration
	// resident and peak are bytes of memory after the rounds.
	resident, peak int64
	// allocations is only there when profiles were asked for.
	allocations *allocations
}

func (r *rig) measure(ctx context.Context) error {
	r.upstream.want.Store(int64(r.size))
	defer r.stop()
	if err := r.start(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{r.warmUp, r.takeRounds, r.readMemory, r.takeLatencies, r.profile} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *rig) start(ctx context.Context) error {
	secret := crand.Text()
	for _, c := range r.plan.contenders {
		dir := filepath.Join(r.dir, fmt.Sprintf("%s-%d", c.name, r.size))
		g, err := startGateway(ctx, c, r.binaries[c.binary], dir, r.upstream.address, r.plan.gogc, secret, r.plan.profiles != "")
		if err != nil {
			return err
		}
		l := &load{gateway: g}
		r.loads = append(r.loads, l)
		t, err := newTemplate(g.address, c.event, r.size, secret)
		if err != nil {
			return err
		}
		if err := l.connect(ctx, r.upstream, t, r.plan.connections); err != nil {
			return r.blame(l, err)
		}
	}
	r.measurements = make([]measurement, len(r.loads))
	return nil
}

func (r *rig) stop() {
	for _, l := range r.loads {
		l.close()
		l.gateway.Stop()
	}
}

func (r *rig) warmUp(context.Context) error {
	return r.takeTurns(r.plan.warmup, "warm-up", func(_ int, l *load) error {
		return l.turn(r.plan.requestsFor(r.size))
	})
}

func (r *rig) takeRounds(context.Context) error {
	start := time.Now()
	before, err := r.othersTime()
	if err != nil {
		return err
	}
	err = r.takeTurns(r.plan.rounds, "round", func(i int, l *load) error {
		cpu, err := l.cpuPerDelivery(r.plan.requestsFor(r.size))
		r.measurements[i].cpu = append(r.measurements[i].cpu, cpu)
		return err
	})
	if err != nil {
		return err
	}
	after, err := r.othersTime()
	if err != nil {
		return err
	}
	r.othersShare = max(0, float64(after-before)/float64(time.Since(start))/float64(runtime.NumCPU()))
	return nil
}

// othersTime returns the CPU time of all processes that are not part of the comparison.
func (r *rig) othersTime() (time.Duration, error) {
	others, err := machine.Busy()
	if err != nil {
		return 0, err
	}
	ours := []int{os.Getpid()}
	for _, l := range r.loads {
		ours = append(ours, l.gateway.PID)
	}
	for _, pid := range ours {
		spent, err := machine.CPUTime(pid)
		if err != nil {
			return 0, fmt.Errorf("reading the CPU clock: %w", err)
		}
		others -= spent
	}
	return others, nil
}

func (r *rig) readMemory(context.Context) (err error) {
	for i, l := range r.loads {
		m := &r.measurements[i]
		if m.resident, m.peak, err = machine.ResidentBytes(l.gateway.PID); err != nil {
			return r.blame(l, err)
		}
	}
	return nil
}

func (r *rig) takeLatencies(context.Context) error {
	rate := r.plan.rateFor(r.size)
	err := r.takeTurns(r.plan.rateTurns, "turn at a fixed rate", func(i int, l *load) error {
		latencies, err := l.turnAtRate(max(1, int(rate)), rate)
		r.measurements[i].latencies = append(r.measurements[i].latencies, latencies...)
		return err
	})
	for i := range r.measurements {
		slices.Sort(r.measurements[i].latencies)
	}
	return err
}

func (r *rig) profile(ctx context.Context) error {
	if r.plan.profiles == "" {
		return nil
	}
	for i, l := range r.loads {
		fmt.Fprintf(os.Stderr, "%v: profile of %s\n", r.size, l.gateway.name)
		n := r.plan.requestsFor(r.size)
		counted, err := countAllocations(ctx, l, n)
		if err != nil {
			return r.blame(l, err)
		}
		r.measurements[i].allocations = counted
		name := fmt.Sprintf("%s-%d", l.gateway.name, r.size)
		if err := writeProfiles(ctx, l, filepath.Join(r.plan.profiles, name)); err != nil {
			return r.blame(l, err)
		}
	}
	return nil
}

// takeTurns lets every contender have a turn in each of n rounds, in another order each time.
func (r *rig) takeTurns(n int, what string, turn func(int, *load) error) error {
	for round := range n {
		if round == 0 {
			fmt.Fprintf(os.Stderr, "%v: %s, %d times %d contenders\n", r.size, what, n, len(r.loads))
		}
		for _, i := range r.random.Perm(len(r.loads)) {
			if err := turn(i, r.loads[i]); err != nil {
				return fmt.Errorf("%s %d: %w", what, round+1, r.blame(r.loads[i], err))
			}
		}
	}
	return nil
}

func (r *rig) blame(l *load, err error) error {
	return fmt.Errorf("contender %s: %w\n%s", l.gateway.name, err, l.gateway.LastWords())
}
