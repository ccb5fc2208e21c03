// Command outbound measures what publishing costs: how fast events are accepted and delivered, what
// waits in memory and on disk, how long a start takes, and by how much the binary grew. It builds
// and starts Hookseal as a process of its own; publishers and subscribers live in this one. From the
// repository's root:
//
//	go run ./bench/outbound
//	go run ./bench/outbound -quick
//	go run ./bench/outbound -parts publish -publishers 32 -subscribers 0,1 -cpuprofile profiles
//
// An event is accepted when it is synced to the disk, so the disk is what acceptance is compared
// with, in the folder where the journal is and around each turn: once with one write and sync for
// each event, by one writer, which is the most that can be had without gathering; and once with as
// many events in each write as there are publishers, which is the most that can be had with it,
// since a publisher waits for its answer.
//
// Publishers and subscribers take part of the cores that the gateway would have to itself, so the
// rates are lower bounds; the CPU time of the gateway's process for an event is not. Run it on a
// machine that does nothing else, with -dir on the disk that counts. It needs Linux, for the CPU
// clocks of processes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
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
		fmt.Fprintln(os.Stderr, "bench/outbound:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	// The gateways ask the kernel to be killed when the thread that started them ends. Everything
	// is started from here, so this thread must stay.
	runtime.LockOSThread()

	p, err := parsePlan(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(p.dir, "hookseal-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	binary := p.binary
	if binary == "" {
		binary = filepath.Join(dir, "hookseal")
		fmt.Fprintln(os.Stderr, "building", hookseal)
		if err := machine.Build(ctx, "", binary, hookseal); err != nil {
			return err
		}
	}
	b := &bench{plan: p, dir: dir, binary: binary, out: os.Stdout}
	b.writeConditions()
	for _, part := range parts {
		if !slices.Contains(p.parts, part.name) {
			continue
		}
		if err := part.measure(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// hookseal is the package of the binary that is measured.
const hookseal = "./cmd/hookseal"

// parts are what can be measured.
var parts = []struct {
	name    string
	measure func(*bench, context.Context) error
}{
	{"publish", (*bench).publishing},
	{"memory", (*bench).memory},
	{"start", (*bench).start},
	{"size", (*bench).size},
}
