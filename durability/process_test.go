package durability

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// process is a program that runs until it is killed or stopped. It ends with its test.
type process struct {
	t       *testing.T
	name    string
	log     string // the file that it writes to
	command *exec.Cmd
	ended   chan struct{}
	meant   atomic.Bool // whether it is to end
}

// startProcess starts a program with nothing else of our environment than what is given. What it writes is
// added to a file.
func startProcess(t *testing.T, name, log string, attributes *syscall.SysProcAttr, environment []string, program string, arguments ...string) *process {
	t.Helper()
	output, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	p := &process{t: t, name: name, log: log, command: exec.Command(program, arguments...), ended: make(chan struct{})}
	p.command.Env = environment
	p.command.Stdout, p.command.Stderr = output, output
	p.command.SysProcAttr = attributes
	if err := p.command.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(p.kill)
	go func() {
		defer close(p.ended)
		if err := p.command.Wait(); !p.meant.Load() {
			t.Errorf("%s ended by itself: %v\n%s", name, err, p.lastWords())
		}
	}()
	return p
}

// kill ends the process without a warning, and returns when it is gone.
func (p *process) kill() {
	p.meant.Store(true)
	_ = p.command.Process.Kill() // it may have ended
	<-p.ended
}

// stop asks the process to end, and returns when it has.
func (p *process) stop() {
	p.t.Helper()
	p.ask()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.kill()
		p.t.Errorf("%s was asked to end and did not\n%s", p.name, p.lastWords())
	}
	if code := p.command.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("%s was asked to end and did, with status %d\n%s", p.name, code, p.lastWords())
	}
}

// ask asks the process to end.
func (p *process) ask() {
	p.meant.Store(true)
	_ = p.command.Process.Signal(syscall.SIGTERM)
}

// running reports whether the process runs.
func (p *process) running() bool { return !isClosed(p.ended) }

// lastWords returns the end of what the process, and those before it, wrote.
func (p *process) lastWords() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return fmt.Sprintf("%s wrote:\n%s", p.name, bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
}
