package main

import (
	"context"
	"fmt"
	"time"

	"github.com/hookseal/hookseal/bench/internal/machine"
)

// gateway is a contender that runs.
type gateway struct {
	contender
	*machine.Caddy
	// address is where it takes deliveries.
	address string
	// admin is the address of its admin endpoint, or empty.
	admin string
}

// stopTime is how long a gateway may take to end.
const stopTime = 3 * time.Second

// startGateway starts a contender from its binary, with all its files in dir, and returns when
// it listens.
func startGateway(ctx context.Context, c contender, binary, dir, upstream, gogc, secret string, withAdmin bool) (*gateway, error) {
	g := &gateway{contender: c}
	var err error
	if g.address, err = machine.FreeAddress(); err != nil {
		return nil, err
	}
	if withAdmin {
		if g.admin, err = machine.FreeAddress(); err != nil {
			return nil, err
		}
	}
	environment := []string{"BENCH_SECRET=" + secret}
	if !c.ownGC {
		environment = append(environment, "GOGC="+gogc)
	}
	g.Caddy, err = machine.StartCaddy(ctx, binary, dir, c.caddyfile(g.address, upstream, g.admin), stopTime, environment...)
	if err != nil {
		return nil, err
	}
	if err := g.AwaitListening(ctx, g.address); err != nil {
		g.Stop()
		return nil, fmt.Errorf("contender %s: %w\n%s", c.name, err, g.LastWords())
	}
	return g, nil
}
