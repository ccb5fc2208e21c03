package caddymodule

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/hookseal/hookseal/verifiers"
)

// keyring holds the verifier that a handler uses: a scheme with the secrets that its placeholders stand
// for. Those that are files may change while it is in use.
type keyring struct {
	current atomic.Pointer[verifiers.Verifier]

	// compile resolves the placeholders and makes a verifier with what they stand for.
	compile func() (*verifiers.Verifier, error)

	files   []*secretFile
	who     zap.Field // whose secrets they are, for log lines
	logger  *zap.Logger
	trouble string // what the last look ended with, which is logged once
}

// secretFile is a file that a placeholder stands for.
type secretFile struct {
	path string
	used fileState // when it was read last
	seen fileState // when it was last looked at
}

// open compiles the verifier for the first time. The files are looked at before they are read, so that
// what changes in between is read again.
func (k *keyring) open(placeholders []string) error {
	for _, placeholder := range placeholders {
		if path, ok := strings.CutPrefix(placeholder, "{file."); ok {
			file := &secretFile{path: strings.TrimSuffix(path, "}")}
			file.used = stateOf(file.path)
			file.seen = file.used
			k.files = append(k.files, file)
		}
	}
	verifier, err := k.compile()
	if err != nil {
		return err
	}
	k.current.Store(verifier)
	return nil
}

// fileState is by what a changed file is known.
type fileState struct{ info os.FileInfo } // nil if there is none

// stateOf looks at a file.
func stateOf(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{info}
}

// is reports whether two looks found the same.
func (s fileState) is(other fileState) bool {
	if s.info == nil || other.info == nil {
		return s.info == nil && other.info == nil
	}
	return unchanged(s.info, other.info)
}

// refresh takes up the files that have changed, all of them at once. A change counts when two looks have
// found the same: who writes into a file, rather than to put another one in its place, may be in the
// middle. If the files can't be used, the old secrets stay in use, and the files are tried again with
// each look.
func (k *keyring) refresh() {
	changed, still := false, true
	for _, file := range k.files {
		state := stateOf(file.path)
		changed = changed || !state.is(file.used)
		still = still && state.is(file.seen)
		file.seen = state
	}
	if !changed || !still {
		return
	}
	verifier, err := k.reread()
	switch {
	case errors.Is(err, errUnsettled):
		return
	case err != nil:
		if trouble := err.Error(); trouble != k.trouble {
			k.trouble = trouble
			k.logger.Error("a secret file has changed and can't be used: the old secrets stay in use", k.who, zap.Error(err))
		}
		return
	}
	k.trouble = ""
	for _, file := range k.files {
		file.used = file.seen
	}
	k.current.Store(verifier)
	k.logger.Info("a secret file has changed: its secret is in use from now on", k.who)
}

// errUnsettled means that a file changed while it was read.
var errUnsettled = errors.New("changed while it was read")

// reread compiles the verifier anew.
func (k *keyring) reread() (*verifiers.Verifier, error) {
	for _, file := range k.files {
		// Caddy logs every placeholder of a file that it can't read, each time.
		if err := readable(file.path); err != nil {
			return nil, err
		}
	}
	verifier, err := k.compile()
	for _, file := range k.files {
		if !stateOf(file.path).is(file.seen) {
			return nil, errUnsettled
		}
	}
	return verifier, err
}

// readable finds out whether a file can be read, without its text.
func readable(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Read(make([]byte, 1)); err != nil && err != io.EOF {
		return err
	}
	return nil
}

// secretsInterval is how long a secret file lies between two looks at it. A change is in use after two.
const secretsInterval = 2 * time.Second

// newSecretsTicker returns the looks, and what ends them. Tests have their own.
var newSecretsTicker = func() (looks <-chan time.Time, stop func()) {
	ticker := time.NewTicker(secretsInterval)
	return ticker.C, ticker.Stop
}

// secretsWatch looks at the files of keyrings.
type secretsWatch struct {
	end  chan struct{}
	done chan struct{}
}

// watchSecrets begins to look at the files of keyrings. It returns nil if they have none.
func watchSecrets(keyrings []*keyring) *secretsWatch {
	if len(keyrings) == 0 {
		return nil
	}
	w := &secretsWatch{make(chan struct{}), make(chan struct{})}
	looks, stop := newSecretsTicker()
	go func() {
		defer close(w.done)
		defer stop()
		for {
			select {
			case <-w.end:
				return
			case <-looks:
				for _, k := range keyrings {
					k.refresh()
				}
			}
		}
	}()
	return w
}

// stop ends it. To stop nil does nothing.
func (w *secretsWatch) stop() {
	if w != nil {
		close(w.end)
		<-w.done
	}
}
