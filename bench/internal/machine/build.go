package machine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// Build compiles a package of the module in a folder, which is the current one if it is empty.
func Build(ctx context.Context, folder, output, pkg string) error {
	command := exec.CommandContext(ctx, "go", "build", "-o", output, pkg)
	command.Dir = folder
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	// An interrupt and not a kill: go then ends the compilers that it has started.
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 5 * time.Second
	if err := command.Run(); err != nil {
		if folder == "" {
			folder = "the current folder, which must be the repository's root"
		}
		return fmt.Errorf("building %s from %s: %w", pkg, folder, err)
	}
	return nil
}
