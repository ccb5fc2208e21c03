package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/hookseal/hookseal/bench/internal/figure"
	"github.com/hookseal/hookseal/bench/internal/machine"
)

// bench is one run.
type bench struct {
	plan   *plan
	dir    string // for all files
	binary string
	out    io.Writer
}

func (b *bench) writeConditions() {
	fmt.Fprintf(b.out, "Journal in the process, each write synced; seed %d, %s %s, %d × %s. Medians (quartiles).\n",
		b.plan.seed, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(), machine.Processor())
}

// others is how much of the processors others take while a gateway is measured.
type others struct {
	gateway *gateway
	start   time.Time
	time    time.Duration
}

func (b *bench) watchOthers(g *gateway) (*others, error) {
	o := &others{gateway: g, start: time.Now()}
	var err error
	o.time, err = o.now()
	return o, err
}

// now returns the CPU time of all processes but this one and the gateway.
func (o *others) now() (time.Duration, error) {
	busy, err := machine.Busy()
	if err != nil {
		return 0, err
	}
	for _, pid := range []int{os.Getpid(), o.gateway.PID} {
		spent, err := machine.CPUTime(pid)
		if err != nil {
			return 0, fmt.Errorf("reading the CPU clock: %w", err)
		}
		busy -= spent
	}
	return busy, nil
}

// share returns the part of the processors that others have taken, 0 to 1.
func (o *others) share() (float64, error) {
	now, err := o.now()
	return max(0, float64(now-o.time)/float64(time.Since(o.start))/float64(runtime.NumCPU())), err
}

func perSecond(values []float64) string {
	s := figure.SpreadOf(values)
	return fmt.Sprintf("%.0f/s (%.0f–%.0f)", s.Median, s.Quartile1, s.Quartile3)
}

func ratioText(values []float64) string {
	s := figure.SpreadOf(values)
	return fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Quartile1, s.Quartile3)
}

func mebibyteText(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
