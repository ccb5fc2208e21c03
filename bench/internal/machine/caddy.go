// Package machine builds, starts and watches the processes that are measured.
package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Caddy is a binary with Caddy in it that runs.
type Caddy struct {
	// PID is its process.
	PID int
	// Ended is closed when the process is gone.
	Ended <-chan struct{}

	stderr string
	cancel context.CancelFunc
}

// StartCaddy starts a binary with the Caddyfile in dir, where all its files are. Besides what is in
// environment it has nothing of ours: GODEBUG, GOMEMLIMIT and their like must not reach one process
// differently from another, and nothing may be written outside dir. What has not ended by itself
// when patience is over is killed.
func StartCaddy(ctx context.Context, binary, dir, caddyfile string, patience time.Duration, environment ...string) (*Caddy, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(config, []byte(caddyfile), 0o600); err != nil {
		return nil, err
	}
	c := &Caddy{stderr: filepath.Join(dir, "stderr")}
	// A file and not a pipe: a goroutine that copies it would be work in this process.
	stderr, err := os.Create(c.stderr)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()

	ctx, c.cancel = context.WithCancel(ctx)
	command := exec.CommandContext(ctx, binary, "run", "--config", config, "--adapter", "caddyfile")
	command.Env = append([]string{
		"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir,
		"PATH=" + os.Getenv("PATH"),
	}, environment...)
	command.Stderr = stderr
	command.SysProcAttr = dependentProcess()
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = patience
	if err := command.Start(); err != nil {
		c.cancel()
		return nil, err
	}
	c.PID = command.Process.Pid
	ended := make(chan struct{})
	c.Ended = ended
	go func() {
		command.Wait()
		close(ended)
	}()
	return c, nil
}

// Stop ends the process and returns when it is gone.
func (c *Caddy) Stop() {
	c.cancel()
	<-c.Ended
}

// AwaitListening returns when something listens at an address, an error if that takes 30 seconds.
func (c *Caddy) AwaitListening(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			return conn.Close()
		}
		select {
		case <-c.Ended:
			return errors.New("the gateway ended before it listened")
		case <-ctx.Done():
			return fmt.Errorf("the gateway does not listen: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// LastWords returns the end of what the process wrote to its standard error.
func (c *Caddy) LastWords() string {
	text, err := os.ReadFile(c.stderr)
	if err != nil {
		return ""
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-5):], []byte("\n")))
}
