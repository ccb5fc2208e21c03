package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/hookseal/hookseal/bench/internal/machine"
)

// gateway is Hookseal at work.
type gateway struct {
	*machine.Caddy
	address, admin, token string
	// journal is the folder of its journal.
	journal string
	// ready is how long it took from the process's start until the API said that it works, and
	// readyCPU the CPU time that the process had spent by then.
	ready, readyCPU time.Duration
}

// stopTime is more than a gateway needs to close its journal when no attempt is in flight.
const stopTime = 30 * time.Second

// startTime bounds how long a gateway may take until it is ready.
const startTime = 10 * time.Minute

// startGateway starts Hookseal with all its files in dir, where an earlier one may have left a
// journal, and returns when it is ready. Options are lines of its outbound block.
func (b *bench) startGateway(ctx context.Context, dir string, options ...string) (*gateway, error) {
	g := &gateway{journal: filepath.Join(dir, "journal"), token: rand.Text()}
	var err error
	if g.address, err = machine.FreeAddress(); err != nil {
		return nil, err
	}
	if g.admin, err = machine.FreeAddress(); err != nil {
		return nil, err
	}
	start := time.Now()
	g.Caddy, err = machine.StartCaddy(ctx, b.binary, dir, g.caddyfile(options), stopTime, "PUBLISH_TOKEN="+g.token)
	if err != nil {
		return nil, err
	}
	if err := g.awaitReady(ctx); err != nil {
		g.Stop()
		return nil, fmt.Errorf("%w\n%s", err, g.LastWords())
	}
	g.ready = time.Since(start)
	if g.readyCPU, err = machine.CPUTime(g.PID); err != nil {
		g.Stop()
		return nil, err
	}
	return g, nil
}

func (g *gateway) caddyfile(options []string) string {
	host, port, _ := strings.Cut(g.address, ":")
	return fmt.Sprintf(`{
	admin %s
	persist_config off
	auto_https off
	log {
		output discard
	}
	webhook_gateway {
		outbound {
			journal nats {
				dir %s
			}
			allow_http
			allow_net 127.0.0.0/8
			%s
		}
	}
}

:%s {
	bind %s
	webhook_publish {
		token {env.PUBLISH_TOKEN}
	}
}
`, g.admin, g.journal, strings.Join(options, "\n\t\t\t"), port, host)
}

func (g *gateway) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	client := http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	for {
		if answer, err := client.Get("http://" + g.address + "/api/v1/health"); err == nil {
			answer.Body.Close()
			if answer.StatusCode < 300 {
				return nil
			}
		}
		select {
		case <-g.Ended:
			return errors.New("the gateway ended before it was ready")
		case <-ctx.Done():
			return fmt.Errorf("the gateway is not ready: %w", ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// journalBytes returns the size of the files of the journal.
func (g *gateway) journalBytes() (bytes int64, err error) {
	err = filepath.WalkDir(g.journal, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the journal is in use
		}
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return bytes, err
}
