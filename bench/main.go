// Command bench measures what Hookseal costs on top of Caddy's own reverse_proxy. It builds and
// starts plain Caddy and Hookseal as processes of their own, sends both the same signed
// deliveries to forward to the same upstream, and reports the CPU time that each gateway process
// spends on a delivery. From the repository's root:
//
//	go run ./bench
//	go run ./bench -quick
//	go run ./bench -sizes 10KiB -with plain,event -cpuprofile profiles
//
// The client and the upstream live in this process, on the same cores as the gateways. So the
// rate that is reached says little, and the CPU time of the gateway's process is the measure.
// Two further precautions make small differences visible: the contenders take short turns in a
// shuffled order, so that whatever else the machine does meets all of them, and each turn is
// divided by the turn of plain Caddy in the same round, so that slow drift cancels out. The
// contender "twin" is plain Caddy once more: how far its ratio is from 1 is how much of another
// ratio is chance.
//
// Run it on a machine that does nothing else. It needs Linux, for the CPU clocks of processes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/hookseal/hookseal/bench/internal/machine"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	if err != nil && ctx.Err() != nil {
		// What failed did so because all was being stopped.
		err = errors.New("interrupted")
	}
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	// The gateways ask the kernel to be killed when the thread that started them ends. Everything
	// is started from here, so this thread must stay.
	runtime.LockOSThread()

	plan, err := parsePlan(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "hookseal-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	built, err := build(ctx, dir, plan.contenders)
	if err != nil {
		return err
	}
	up, err := startUpstream()
	if err != nil {
		return err
	}
	defer up.stop()

	result := newReport(plan)
	result.writeConditions(os.Stdout)
	for _, size := range plan.sizes {
		rig := &rig{plan: plan, dir: dir, binaries: built, upstream: up, size: size,
			random: rand.New(rand.NewPCG(plan.seed, uint64(size)))}
		if err := rig.measure(ctx); err != nil {
			return fmt.Errorf("bodies of %v: %w", size, err)
		}
		result.add(rig)
		result.writeSize(os.Stdout, len(result.Sizes)-1)
	}
	result.writeSummary(os.Stdout)
	if plan.json == "" {
		return nil
	}
	return result.writeJSON(plan.json)
}

// plan is what a run shall measure.
type plan struct {
	contenders  []contender
	sizes       []byteSize
	rounds      int
	warmup      int
	requests    int
	connections int
	rate        float64
	rateTurns   int
	gogc        string
	seed        uint64
	json        string
	profiles    string
}

func parsePlan(args []string) (*plan, error) {
	p := &plan{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	with := flags.String("with", "plain,buffered,event,body,owngc", "contenders, of: "+strings.Join(contenderNames(), ", "))
	sizes := flags.String("sizes", "1KiB,10KiB,100KiB,1MiB", "body sizes")
	flags.IntVar(&p.rounds, "rounds", 24, "rounds; in each, every contender has one turn")
	flags.IntVar(&p.warmup, "warmup", 2, "rounds before them that do not count")
	flags.IntVar(&p.requests, "requests", 0, "deliveries in a turn (default by body size, 3000 to 300)")
	flags.IntVar(&p.connections, "connections", 8, "keep-alive connections to each gateway, each with one delivery in flight")
	flags.Float64Var(&p.rate, "rate", 0, "deliveries per second when latency is measured (default by body size, 500 to 64)")
	flags.IntVar(&p.rateTurns, "rate-turns", 6, "turns of one second at that rate; 0 measures no latency")
	flags.StringVar(&p.gogc, "gogc", "100", "GOGC of every gateway but owngc")
	flags.Uint64Var(&p.seed, "seed", 0, "seed of the order of turns (default random)")
	flags.StringVar(&p.json, "json", "", "also write the results to this `file`")
	flags.StringVar(&p.profiles, "cpuprofile", "", "also write profiles of CPU time and allocations of each contender into this `directory`; turns the admin endpoints on")
	quick := flags.Bool("quick", false, "few short rounds, to see that it works; the figures mean little")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("surplus argument %q", flags.Arg(0))
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if *quick {
		for name, value := range map[string]string{"rounds": "4", "warmup": "1", "rate-turns": "1", "requests": "200"} {
			if !given[name] {
				flags.Set(name, value)
			}
		}
	}
	if !given["seed"] {
		p.seed = rand.Uint64()
	}

	var err error
	if p.contenders, err = parseContenders(*with); err != nil {
		return nil, err
	}
	if p.sizes, err = parseSizes(*sizes); err != nil {
		return nil, err
	}
	if p.rounds < 1 || p.connections < 1 || p.warmup < 0 || p.requests < 0 || p.rate < 0 || p.rateTurns < 0 {
		return nil, errors.New("a count must not be negative, and there must be a round and a connection")
	}
	if p.profiles != "" {
		if err := os.MkdirAll(p.profiles, 0o755); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// requestsFor gives turns of some 300 ms at every size: long enough to hold a few garbage
// collections, short enough that a round sees one state of the machine.
func (p *plan) requestsFor(size byteSize) int {
	if p.requests > 0 {
		return p.requests
	}
	return min(3000, max(300, int(100*mebibyte/size)))
}

// rateFor stays well below saturation, so that what is seen is the gateway's latency and not a
// queue in front of it.
func (p *plan) rateFor(size byteSize) float64 {
	if p.rate > 0 {
		return p.rate
	}
	return min(500, float64(64*mebibyte/size))
}

// build compiles the binaries of the contenders into dir and returns their paths by package.
func build(ctx context.Context, dir string, contenders []contender) (map[string]string, error) {
	built := map[string]string{}
	for _, c := range contenders {
		if built[c.binary] != "" {
			continue
		}
		path := filepath.Join(dir, filepath.Base(c.binary))
		fmt.Fprintln(os.Stderr, "building", c.binary)
		if err := machine.Build(ctx, "", path, c.binary); err != nil {
			return nil, err
		}
		built[c.binary] = path
	}
	return built, nil
}
