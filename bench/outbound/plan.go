package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// plan is what a run shall measure.
type plan struct {
	parts       []string
	publishers  []int
	subscribers []int
	rounds      int
	messages    int
	deliveries  int
	bytes       int
	limit       time.Duration
	waiting     int
	records     int
	base        string
	binary      string
	dir         string
	profiles    string
	seed        uint64
}

func parsePlan(args []string) (*plan, error) {
	p := &plan{}
	flags := flag.NewFlagSet("bench/outbound", flag.ContinueOnError)
	var names []string
	for _, part := range parts {
		names = append(names, part.name)
	}
	chosen := flags.String("parts", strings.Join(names, ","), "what to measure")
	publishers := flags.String("publishers", "1,8,32,128", "how many publish at once, each waiting for its answer")
	subscribers := flags.String("subscribers", "1,100", "how many subscribe to each event")
	flags.IntVar(&p.rounds, "rounds", 5, "rounds; in each, every number of publishers has one turn")
	flags.IntVar(&p.messages, "messages", 6000, "events in a turn, at the most")
	flags.IntVar(&p.deliveries, "deliveries", 60000, "deliveries in a turn, at the most")
	flags.IntVar(&p.bytes, "bytes", 1024, "size of an event")
	flags.DurationVar(&p.limit, "limit", 400*time.Millisecond, "how long each of the disk's limits is measured around a turn")
	flags.IntVar(&p.waiting, "waiting", 100_000, "messages that wait when memory is measured")
	flags.IntVar(&p.records, "records", 1_000_000, "records on disk when the start is measured: half of them messages, half attempts")
	flags.StringVar(&p.base, "base", "a570ae4", "`commit` before there was anything outbound, with whose binary the size is compared")
	flags.StringVar(&p.binary, "binary", "", "measure this `file` instead of building "+hookseal)
	flags.StringVar(&p.dir, "dir", "", "`folder` for the journals (default that of temporary files)")
	flags.StringVar(&p.profiles, "cpuprofile", "", "also write profiles of CPU time and allocations into this `folder`, at the number of publishers named last")
	flags.Uint64Var(&p.seed, "seed", rand.Uint64(), "seed of the order of turns (default random)")
	quick := flags.Bool("quick", false, "little of everything, to see that it works; the figures mean little")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("surplus argument %q", flags.Arg(0))
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if *quick {
		for name, value := range map[string]string{"rounds": "1", "messages": "500", "deliveries": "2000", "limit": "50ms", "waiting": "2000", "records": "4000"} {
			if !given[name] {
				flags.Set(name, value)
			}
		}
	}

	p.parts = strings.Split(*chosen, ",")
	for _, name := range p.parts {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("no part %q, only %s", name, strings.Join(names, ", "))
		}
	}
	var err error
	if p.publishers, err = parseCounts(*publishers, 1); err != nil {
		return nil, fmt.Errorf("publishers: %w", err)
	}
	if p.subscribers, err = parseCounts(*subscribers, 0); err != nil {
		return nil, fmt.Errorf("subscribers: %w", err)
	}
	if p.rounds < 1 || p.messages < 1 || p.deliveries < 1 || p.limit <= 0 || p.waiting < 1 || p.records < 2 {
		return nil, errors.New("there must be at least one of everything")
	}
	if p.bytes < smallestEvent || p.bytes > largestEvent {
		return nil, fmt.Errorf("%d bytes: want %d to %d", p.bytes, smallestEvent, largestEvent)
	}
	if p.profiles != "" {
		if err := os.MkdirAll(p.profiles, 0o755); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// most bounds how many publishers and subscribers there are: each has a connection, or several.
const most = 1000

// parseCounts reads a list as in "1,8,32".
func parseCounts(list string, least int) ([]int, error) {
	var counts []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < least || n > most {
			return nil, fmt.Errorf("%q: want %d to %d", text, least, most)
		}
		counts = append(counts, n)
	}
	return counts, nil
}

// messagesTo is how many messages a turn has, so that a turn to many subscribers takes no longer
// than one to few.
func (p *plan) messagesTo(subscribers int) int {
	return max(1, min(p.messages, p.deliveries/max(1, subscribers)))
}
