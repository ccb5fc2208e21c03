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

// Two secrets, of which the old one ends a week after the new one begins: the route takes both in that week,
// and never one outside its own time.
func TestARouteTakesASecretInItsTimeOnly(t *testing.T) {
	t.Setenv("OLD_SECRET", "old-"+longSecret)
	t.Setenv("NEW_SECRET", "new-"+longSecret)
	begin := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	end := begin.Add(7 * 24 * time.Hour)
	v := provision[*Verify](t, `{"handler":"webhook_verify","provider":"github","secrets":[
		{"value":"{env.OLD_SECRET}","label":"old","not_after":"`+end.Format(time.RFC3339)+`"},
		{"value":"{env.NEW_SECRET}","label":"new","not_before":"`+begin.Format(time.RFC3339)+`"}]}`)
	for _, test := range []struct {
		at       time.Time
		old, new bool
	}{
		{begin.Add(-time.Second), true, false},
		{begin, true, true},
		{end.Add(-time.Second), true, true},
		{end, false, true},
		{end.Add(1e6 * time.Hour), false, true},
	} {
		v.now = func() time.Time { return test.at }
		for label, want := range map[string]bool{"old": test.old, "new": test.new} {
			d, err := verifySigned(v, "github", label+"-"+longSecret)
			if want && (err != nil || d.Key != label) || !want && !errors.Is(err, verifiers.ErrSignatureMismatch) {
				t.Errorf("%s: %s: %v, %v", test.at, label, d, err)
			}
		}
	}
}

// What webhook_sign signs with is what is in its time, and without that it signs nothing.
func TestASignerUsesASecretInItsTimeOnly(t *testing.T) {
	t.Setenv("OLD_SECRET", longSecret)
	t.Setenv("NEW_SECRET", "bmV3LXNlY3JldC0wMTIzNDU2Nzg5")
	begin := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	end := begin.Add(time.Hour)
	s := provision[*Sign](t, `{"handler":"webhook_sign","scheme":"standard","secrets":[
		{"value":"{env.OLD_SECRET}","not_after":"`+end.Format(time.RFC3339)+`"},
		{"value":"{env.NEW_SECRET}","not_before":"`+begin.Format(time.RFC3339)+`","not_after":"`+end.Format(time.RFC3339)+`"}]}`)
	for after, signatures := range map[time.Duration]int{-time.Second: 1, 0: 2, time.Hour - 1: 2, time.Hour: 0} {
		s.now = func() time.Time { return begin.Add(after) }
		header, err := s.keys.current.Load().Sign(verifiers.Message{ID: "msg_1"})
		if got := len(strings.Fields(header.Get("Webhook-Signature"))); got != signatures || (err != nil) != (signatures == 0) {
			t.Errorf("%v after the new one begins: %d signatures, %v", after, got, err)
		}
	}
}

// A configuration that would refuse everything for good is an error; one that begins to work later is not.
func TestASecretThatIsNeverUsedIsAnError(t *testing.T) {
	t.Setenv("LONG_SECRET", longSecret)
	const ended = `{"value":"{env.LONG_SECRET}","not_after":"2020-01-01T00:00:00Z"}`
	const never = `{"value":"{env.LONG_SECRET}","not_before":"2020-01-01T00:00:00Z","not_after":"2020-01-01T00:00:00Z"}`
	const later = `{"value":"{env.LONG_SECRET}","not_before":"2999-01-01T00:00:00Z"}`
	for _, handler := range []string{`"webhook_verify","provider":"github"`, `"webhook_sign","scheme":"standard"`} {
		for secrets, problem := range map[string]string{
			ended:               "no secret will be used again: not_after of all of them has passed: add one, or leave not_after out",
			ended + `,` + ended: "no secret will be used again",
			never:               "secret 1: secret is never used: not_after must lie behind not_before",
			later + `,` + never: "secret 2: secret is never used",
			later:               "",
			ended + `,` + later: "",
		} {
			err := validate(t, site(`{}`, `{"handler":`+handler+`,"secrets":[`+secrets+`]}`))
			if problem == "" && err != nil || problem != "" && (err == nil || !strings.Contains(err.Error(), ": "+problem)) {
				t.Errorf("%s: %s: got error %v, want %q", handler, secrets, err, problem)
			}
		}
	}
}

// A time without a secret is told when the configuration loads, before anything is refused in it.
func TestATimeWithoutASecretIsTold(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	hour := func(n time.Duration) time.Time { return noon.Add(n * time.Hour) }
	during := func(from, until time.Time) SecretSource { return SecretSource{NotBefore: from, NotAfter: until} }
	var open time.Time
	for name, test := range map[string]struct {
		secrets     []SecretSource
		from, until time.Time
	}{
		"none":                {[]SecretSource{during(open, open)}, open, open},
		"in its time":         {[]SecretSource{during(hour(0), open)}, open, open},
		"overlapping":         {[]SecretSource{during(open, hour(2)), during(hour(1), open)}, open, open},
		"one after the other": {[]SecretSource{during(hour(1), open), during(open, hour(1))}, open, open},
		"to come":             {[]SecretSource{during(hour(2), open), during(hour(1), open)}, hour(0), hour(1)},
		"a gap":               {[]SecretSource{during(hour(2), hour(3)), during(open, hour(1))}, hour(1), hour(2)},
		"a gap bridged":       {[]SecretSource{during(hour(2), hour(3)), during(open, hour(1)), during(open, open)}, open, open},
		"a gap that is over":  {[]SecretSource{during(open, hour(-2)), during(hour(-1), open)}, open, open},
		"over for good":       {[]SecretSource{during(open, hour(1))}, open, open},
	} {
		if from, until := pause(test.secrets, noon); !from.Equal(test.from) || !until.Equal(test.until) {
			t.Errorf("%s: from %v until %v", name, from, until)
		}
	}
	core, logs := observer.New(zapcore.DebugLevel)
	warnOfPause(zap.New(core), []SecretSource{during(hour(1), open)}, noon, "every delivery is refused in it", zap.String("route", "github"))
	warnOfPause(zap.New(core), []SecretSource{during(open, open)}, noon, "every delivery is refused in it", zap.String("route", "github"))
	if all := logs.All(); len(all) != 1 || all[0].Message != "no secret is in use for a time: every delivery is refused in it" || all[0].ContextMap()["until"] != "2026-01-01T13:00:00Z" {
		t.Errorf("logged %v", all)
	}
}

// Where nobody looks at the time of a secret, it may have none.
func TestTokensAndEndpointsHaveNoTimes(t *testing.T) {
	t.Setenv("STANDARD_SECRET", "whsec_"+longSecret)
	const timed = `{"value":"{env.STANDARD_SECRET}","not_after":"2999-01-01T00:00:00Z"}`
	for name, config := range map[string][]byte{
		"token":    site(`{}`, `{"handler":"webhook_publish","tokens":[`+timed+`]}`),
		"endpoint": site(`{"outbound":{"endpoints":[{"url":"https://a.example.com","secrets":[`+timed+`]}]}}`, `{"handler":"static_response"}`),
	} {
		if err := validate(t, config); err == nil || !strings.Contains(err.Error(), "only secrets of webhook_verify and webhook_sign have them") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

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
