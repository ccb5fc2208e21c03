package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// gateway is a contender that runs.
type gateway struct {
	contender
	// address is where it takes deliveries.
	address string
	// admin is the address of its admin endpoint, or empty.
	admin string
	pid   int

	stderr string
	ended  chan struct{}
	cancel context.CancelFunc
}

// startGateway starts a contender from its binary, with all its files in dir, and returns when
// it listens.
func startGateway(ctx context.Context, c contender, binary, dir, upstream, gogc, secret string, withAdmin bool) (*gateway, error) {
	g := &gateway{contender: c, ended: make(chan struct{}), stderr: filepath.Join(dir, "stderr")}
	var err error
	if g.address, err = freeAddress(); err != nil {
		return nil, err
	}
	if withAdmin {
		if g.admin, err = freeAddress(); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(config, []byte(c.caddyfile(g.address, upstream, g.admin)), 0o600); err != nil {
		return nil, err
	}
	// A file and not a pipe: a goroutine that copies it would be work in this process.
	stderr, err := os.Create(g.stderr)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()

	ctx, g.cancel = context.WithCancel(ctx)
	command := exec.CommandContext(ctx, binary, "run", "--config", config, "--adapter", "caddyfile")
	// Nothing else of our environment: GODEBUG, GOMEMLIMIT and their like must not reach one
	// contender differently from another, and nothing may be written outside dir.
	command.Env = []string{
		"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir,
		"PATH=" + os.Getenv("PATH"), "BENCH_SECRET=" + secret,
	}
	if !c.ownGC {
		command.Env = append(command.Env, "GOGC="+gogc)
	}
	command.Stderr = stderr
	command.SysProcAttr = dependentProcess()
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 3 * time.Second
	if err := command.Start(); err != nil {
		g.cancel()
		return nil, err
	}
	g.pid = command.Process.Pid
	go func() {
		command.Wait()
		close(g.ended)
	}()
	if err := g.awaitListening(ctx); err != nil {
		g.stop()
		return nil, fmt.Errorf("contender %s: %w\n%s", c.name, err, g.lastWords())
	}
	return g, nil
}

// stop ends the gateway and returns when it is gone.
func (g *gateway) stop() {
	g.cancel()
	<-g.ended
}

func (g *gateway) awaitListening(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if conn, err := net.DialTimeout("tcp", g.address, time.Second); err == nil {
			return conn.Close()
		}
		select {
		case <-g.ended:
			return errors.New("the gateway ended before it listened")
		case <-ctx.Done():
			return fmt.Errorf("the gateway does not listen: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lastWords returns the end of what the gateway wrote to its standard error.
func (g *gateway) lastWords() string {
	text, err := os.ReadFile(g.stderr)
	if err != nil {
		return ""
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-5):], []byte("\n")))
}

// residentBytes returns the resident memory of the process now and at its peak.
func residentBytes(pid int) (now, peak int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			now = kib << 10
		}
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			peak = kib << 10
		}
	}
	if now == 0 || peak == 0 {
		return 0, 0, errors.New("no resident memory in the process's status")
	}
	return now, peak, nil
}

// freeAddress returns a loopback address that nothing listens at. Somebody else may take it
// before the gateway does; the gateway's start then fails.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

func goBuild(ctx context.Context, output, pkg string) error {
	command := exec.CommandContext(ctx, "go", "build", "-o", output, pkg)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	// An interrupt and not a kill: go then ends the compilers that it has started.
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 5 * time.Second
	if err := command.Run(); err != nil {
		return fmt.Errorf("building %s from the current folder, which must be the repository's root: %w", pkg, err)
	}
	return nil
}
