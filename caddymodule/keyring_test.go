package caddymodule

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookseal/hookseal/verifiers"
)

// watched is a keyring of one file whose looks a test makes itself.
type watched struct {
	*keyring
	t    *testing.T
	path string
	logs *observer.ObservedLogs
	age  time.Duration
}

func newWatched(t *testing.T, text string) *watched {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	w := &watched{t: t, path: filepath.Join(t.TempDir(), "secret"), logs: logs}
	w.write(text)
	placeholder := "{file." + w.path + "}"
	scheme, _ := verifiers.Preset("github")
	w.keyring = &keyring{logger: zap.New(core), who: zap.String("route", "github"), compile: func() (*verifiers.Verifier, error) {
		return newVerifier(scheme, []SecretSource{{Value: placeholder}}, verifiers.Options{})
	}}
	if err := w.open([]string{placeholder, "{env.NOTHING}", ""}); err != nil {
		t.Fatal(err)
	}
	if len(w.files) != 1 {
		t.Fatalf("%d files are looked at", len(w.files))
	}
	return w
}

// write replaces the file, each time with another time of change.
func (w *watched) write(text string) {
	w.t.Helper()
	if err := os.WriteFile(w.path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.age += time.Second
	changed := time.Unix(1e9, 0).Add(w.age)
	if err := os.Chtimes(w.path, changed, changed); err != nil {
		w.t.Fatal(err)
	}
}

// uses fails the test unless deliveries verify with this secret and no other one.
func (w *watched) uses(secret string) {
	w.t.Helper()
	scheme, _ := verifiers.Preset("github")
	for _, text := range []string{firstSecret, secondSecret} {
		signer, err := verifiers.New(scheme, []verifiers.Secret{verifiers.NewSecret("", text)}, verifiers.Options{})
		if err != nil {
			w.t.Fatal(err)
		}
		header, err := signer.Sign(verifiers.Message{})
		if err != nil {
			w.t.Fatal(err)
		}
		check, err := w.current.Load().Check(verifiers.Request{Method: http.MethodPost, Header: header})
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err = check.Verify(nil); (err == nil) != (text == secret) {
			w.t.Errorf("with %s: %v", text, err)
		}
		check.Close()
	}
}

const firstSecret, secondSecret = "first-secret-0123456789", "other-secret-0123456789"

func (w *watched) problems() int { return w.logs.FilterLevelExact(zapcore.ErrorLevel).Len() }

// A file that has changed is in use when two looks have found it the same: the first may have come while
// somebody was writing.
func TestASecretFileIsTakenUpWhenItLiesStill(t *testing.T) {
	w := newWatched(t, firstSecret)
	w.refresh()
	w.uses(firstSecret)
	w.write(secondSecret[:17]) // long enough to be a secret
	w.refresh()
	w.uses(firstSecret)
	w.write(secondSecret)
	w.refresh()
	w.uses(firstSecret)
	w.refresh()
	w.uses(secondSecret)
	before := w.current.Load()
	w.write(secondSecret) // nothing new
	w.refresh()
	w.refresh()
	if w.current.Load() != before {
		t.Error("a file that hasn't changed was read again")
	}
	taken := w.logs.FilterMessage("a secret file has changed: its secret is in use from now on").All()
	if len(taken) != 1 || !slices.Equal(taken[0].ContextMap()["files"].([]any), []any{w.path}) || w.problems() != 0 {
		t.Errorf("logged %v, and %d problems", taken, w.problems())
	}
}

// However another text comes into the place of the old one: also if size, time and place on the disk stay,
// as when a tree is unpacked whose files all have one time.
func TestASecretFileIsKnownByItsText(t *testing.T) {
	for name, replace := range map[string]func(w *watched){
		"the same size and time": func(w *watched) {
			before, err := os.Stat(w.path)
			if err != nil {
				w.t.Fatal(err)
			}
			w.write(secondSecret)
			if err := os.Chtimes(w.path, before.ModTime(), before.ModTime()); err != nil {
				w.t.Fatal(err)
			}
		},
		// As Kubernetes does it: secret -> ..data/secret, ..data -> a folder, and then to another one.
		"a link to a folder": func(w *watched) {
			dir := filepath.Dir(w.path)
			os.Remove(w.path)
			for _, step := range []error{
				os.Mkdir(filepath.Join(dir, "..1"), 0o700),
				os.WriteFile(filepath.Join(dir, "..1", "secret"), []byte(firstSecret+"\n"), 0o400),
				os.Symlink("..1", filepath.Join(dir, "..data")),
				os.Symlink("..data/secret", w.path),
			} {
				if step != nil {
					w.t.Fatal(step)
				}
			}
			w.refresh()
			w.refresh()
			w.uses(firstSecret)
			for _, step := range []error{
				os.Mkdir(filepath.Join(dir, "..2"), 0o700),
				os.WriteFile(filepath.Join(dir, "..2", "secret"), []byte(secondSecret+"\r\n"), 0o400),
				os.Symlink("..2", filepath.Join(dir, "..next")),
				os.Rename(filepath.Join(dir, "..next"), filepath.Join(dir, "..data")),
				os.RemoveAll(filepath.Join(dir, "..1")),
			} {
				if step != nil {
					w.t.Fatal(step)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatched(t, firstSecret)
			replace(w)
			w.refresh()
			w.refresh()
			w.uses(secondSecret)
			if w.problems() != 0 {
				t.Errorf("%d problems were logged", w.problems())
			}
		})
	}
}

// What breaks twice is said twice, and that it was mended in between.
func TestASecretFileThatComesBackMayBreakAgain(t *testing.T) {
	w := newWatched(t, firstSecret)
	for range 2 {
		os.Remove(w.path)
		w.refresh()
		w.refresh()
		w.refresh()
		w.write(firstSecret)
		w.refresh()
		w.refresh()
		w.uses(firstSecret)
	}
	if again := w.logs.FilterMessage("the secret files are again as they were").Len(); again != 2 || w.problems() != 2 {
		t.Errorf("logged %d problems, and %d times that it was mended", w.problems(), again)
	}
}

// A look that hangs, as on a network's disk, keeps no configuration from ending.
func TestALookThatHangsIsNotWaitedForForever(t *testing.T) {
	w := newWatched(t, firstSecret)
	begun, release := make(chan struct{}), make(chan struct{})
	w.keyring.compile = func() (*verifiers.Verifier, error) {
		close(begun)
		<-release
		return nil, errors.New("too late")
	}
	looks := make(chan time.Time)
	before := newSecretsTicker
	newSecretsTicker = func() (<-chan time.Time, func()) { return looks, func() {} }
	defer func() { newSecretsTicker = before }()
	watch := watchSecrets([]*keyring{w.keyring})
	watch.patience = 0
	w.write(secondSecret)
	looks <- time.Time{}
	looks <- time.Time{}
	<-begun
	watch.stop()
	if w.logs.FilterMessage("a look at the secret files has not ended yet, and is not waited for any longer").Len() != 1 {
		t.Error("it was not said")
	}
	close(release)
	<-watch.done
	w.uses(firstSecret)
}

// A file that is gone, empty, too short or of the wrong form changes nothing, and is said once; when it is
// mended it is taken up.
func TestABrokenSecretFileKeepsTheOldSecret(t *testing.T) {
	for name, breaks := range map[string]func(w *watched){
		"gone":       func(w *watched) { os.Remove(w.path) },
		"a folder":   func(w *watched) { os.Remove(w.path); os.Mkdir(w.path, 0o700) },
		"empty":      func(w *watched) { w.write("") },
		"line break": func(w *watched) { w.write("\n") },
		"short":      func(w *watched) { w.write("short-secret") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatched(t, firstSecret)
			breaks(w)
			for range 4 {
				w.refresh()
				w.uses(firstSecret)
			}
			if w.problems() != 1 {
				t.Errorf("%d problems were logged", w.problems())
			}
			for _, line := range w.logs.All() {
				text := line.Message + " " + line.ContextMap()["error"].(string)
				if strings.Contains(text, "secret-0") || strings.Contains(text, "short-secret") || line.ContextMap()["route"] != "github" {
					t.Errorf("logged %q of %v", text, line.ContextMap())
				}
			}
			os.Remove(w.path)
			w.write(secondSecret)
			w.refresh()
			w.refresh()
			w.uses(secondSecret)
			if w.problems() != 1 {
				t.Errorf("%d problems were logged", w.problems())
			}
		})
	}
}

// A file that a look finds changed while it is read is looked at again: its text may be of two files.
func TestASecretFileThatChangesWhileItIsReadIsNotTakenUp(t *testing.T) {
	w := newWatched(t, firstSecret)
	compile := w.compile
	w.write(secondSecret)
	w.refresh()
	w.keyring.compile = func() (*verifiers.Verifier, error) {
		v, err := compile()
		w.write(firstSecret)
		return v, err
	}
	before := w.current.Load()
	w.refresh()
	if w.current.Load() != before {
		t.Error("a file was taken up that changed while it was read")
	}
	w.keyring.compile = compile
	w.write(secondSecret)
	w.refresh()
	w.refresh()
	w.uses(secondSecret)
	if w.problems() != 0 {
		t.Errorf("%d problems were logged", w.problems())
	}
}

// A configuration without secret files has nothing that looks at them, and one that was never started
// neither.
func TestOnlySecretFilesAreWatched(t *testing.T) {
	t.Setenv("LONG_SECRET", longSecret)
	v := provision[*Verify](t, `{"handler":"webhook_verify","provider":"github","secrets":[{"value":"{env.LONG_SECRET}"}]}`)
	if len(v.gateway.keyrings) != 0 || watchSecrets(v.gateway.keyrings) != nil {
		t.Error("the environment is watched")
	}
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(longSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	v = provision[*Verify](t, `{"handler":"webhook_verify","provider":"github","secrets":[{"value":"{env.LONG_SECRET}"},{"value":"{file.`+path+`}"}]}`)
	if len(v.gateway.keyrings) != 1 || v.gateway.secrets != nil {
		t.Errorf("%d keyrings are watched, and the watch has begun: %t", len(v.gateway.keyrings), v.gateway.secrets != nil)
	}
}
