// Package durability shows, with the real binary over real HTTP, that an accepted message is never lost:
// not when the gateway is killed, not when it is stopped, not when a node of its cluster or a gateway
// beside it dies, not when its disk is full. It needs nothing of ours but the binary, and calls nobody but
// this machine.
package durability

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// programs are the paths of what the tests run.
type programs struct{ hookseal, natsnode string }

// buildPrograms builds the programs, once.
func buildPrograms(t *testing.T) programs {
	t.Helper()
	built, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return built
}

var build = sync.OnceValues(func() (built programs, err error) {
	if err := lookAtSources(); err != nil {
		return built, err
	}
	for folder, program := range map[string]*string{
		"../cmd/hookseal": &built.hookseal,
		"./natsnode":      &built.natsnode,
	} {
		*program = filepath.Join(programsDir, filepath.Base(folder))
		if out, err := exec.Command("go", "build", "-o", *program, folder).CombinedOutput(); err != nil {
			return built, fmt.Errorf("go build %s: %v\n%s", folder, err, out)
		}
	}
	return built, nil
})

// lookAtSources looks at all that the programs are made of, so that go test knows what the tests depend on,
// and doesn't give their last result again when that has changed.
func lookAtSources() error {
	return filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != ".." && (strings.HasPrefix(name, ".") || name == "node_modules") {
			return fs.SkipDir
		}
		if filepath.Ext(name) == ".go" || name == "go.mod" {
			_, err = os.Stat(path)
		}
		return err
	})
}

// programsDir is where the programs are. It goes with the last test.
var programsDir string

func TestMain(m *testing.M) { os.Exit(withFolder(m)) }

func withFolder(m *testing.M) int {
	var err error
	if programsDir, err = os.MkdirTemp("", "durability"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(programsDir)
	return m.Run()
}
