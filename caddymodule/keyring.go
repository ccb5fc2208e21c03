package caddymodule

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
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
	used look // the one after which it was read
	seen look // the last one
}

// look is what is found in a file. It is the text that counts: a file with another one may have the same
// size and time of change, as when a backup is put back, and be in the same place of the disk.
type look struct {
	sum     [sha256.Size]byte // of the text
	problem string            // why there is none
}

// placeholderReads is how much of a file a placeholder stands for: Caddy's own bound.
const placeholderReads = 1 << 20

// lookAt looks at a file.
func lookAt(path string) (l look) {
	err := checkRegular(path)
	if err != nil {
		return look{problem: err.Error()}
	}
	file, err := os.Open(path)
	if err != nil {
		return look{problem: err.Error()}
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, io.LimitReader(file, placeholderReads)); err != nil {
		return look{problem: err.Error()}
	}
	hash.Sum(l.sum[:0])
	return l
}

// errIrregular means that a file is no file that stays the same when it is read.
var errIrregular = errors.New("is no regular file: name one that can be read again and again")

// checkRegular finds what is no regular file. To read a pipe takes something out of it, or never ends.
func checkRegular(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s %w", path, errIrregular)
	}
	return err
}

// open compiles the verifier for the first time. The files are looked at before they are read, so that
// what changes in between is read again.
func (k *keyring) open(placeholders []string) error {
	for _, placeholder := range placeholders {
		if path, ok := pathOf(placeholder); ok {
			file := &secretFile{path: path, used: lookAt(path)}
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

// pathOf returns the path of the file that a placeholder stands for.
func pathOf(placeholder string) (path string, isFile bool) {
	path, isFile = strings.CutPrefix(placeholder, "{file.")
	return strings.TrimSuffix(path, "}"), isFile
}

// refresh takes up the files that have changed, all of them at once. A change counts when two looks have
// found the same: who writes into a file, rather than to put another one in its place, may be in the
// middle. If the files can't be used, the old secrets stay in use, and the files are tried again with
// each look.
func (k *keyring) refresh() {
	still := true
	var changed []string
	for _, file := range k.files {
		now := lookAt(file.path)
		if now != file.used && !slices.Contains(changed, file.path) {
			changed = append(changed, file.path)
		}
		still = still && now == file.seen
		file.seen = now
	}
	if !still {
		return
	}
	files := zap.Strings("files", changed)
	if len(changed) == 0 {
		if k.trouble != "" {
			k.trouble = ""
			k.logger.Info("the secret files are again as they were", k.who)
		}
		return
	}
	verifier, err := k.reread()
	switch {
	case errors.Is(err, errUnsettled):
		return
	case err != nil:
		if trouble := err.Error(); trouble != k.trouble {
			k.trouble = trouble
			k.logger.Error("a secret file has changed and can't be used: the old secrets stay in use", k.who, files, zap.Error(err))
		}
		return
	}
	k.trouble = ""
	for _, file := range k.files {
		file.used = file.seen
	}
	k.current.Store(verifier)
	k.logger.Info("a secret file has changed: its secret is in use from now on", k.who, files)
}

// errUnsettled means that a file changed while it was read.
var errUnsettled = errors.New("changed while it was read")

// reread compiles the verifier anew.
func (k *keyring) reread() (*verifiers.Verifier, error) {
	for _, file := range k.files {
		// Caddy logs every placeholder of a file that it can't read, each time.
		if file.seen.problem != "" {
			return nil, errors.New(file.seen.problem)
		}
	}
	verifier, err := k.compile()
	for _, file := range k.files {
		if lookAt(file.path) != file.seen {
			return nil, errUnsettled
		}
	}
	return verifier, err
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
	end      chan struct{}
	done     chan struct{}
	patience time.Duration // of the end, with a look that hangs
	logger   *zap.Logger
}

// watchSecrets begins to look at the files of keyrings. It returns nil if they have none.
func watchSecrets(keyrings []*keyring) *secretsWatch {
	if len(keyrings) == 0 {
		return nil
	}
	w := &secretsWatch{make(chan struct{}), make(chan struct{}), unwatchPatience, keyrings[0].logger}
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
	if w == nil {
		return
	}
	close(w.end)
	select {
	case <-w.done:
	case <-time.After(w.patience):
		w.logger.Warn("a look at the secret files has not ended yet, and is not waited for any longer")
	}
}
