package caddymodule_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookseal/hookseal/caddymodule"
)

// secretFile is a file that a test writes, and the looks at it.
type secretFile struct {
	t     *testing.T
	path  string
	looks chan time.Time
	age   time.Duration
}

func newSecretFile(t *testing.T, text string) *secretFile {
	t.Helper()
	f := &secretFile{t: t, path: filepath.Join(t.TempDir(), "secret"), looks: make(chan time.Time)}
	caddymodule.SetSecretsTicker(t, f.looks)
	f.write(text)
	return f
}

// write puts another file in its place.
func (f *secretFile) write(text string) {
	f.t.Helper()
	next := f.path + ".next"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	f.age += time.Second
	changed := time.Unix(1e9, 0).Add(f.age)
	if err := os.Chtimes(next, changed, changed); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(next, f.path); err != nil {
		f.t.Fatal(err)
	}
}

// look makes the gateway look twice. When it takes the third look it is done with those.
func (f *secretFile) look() {
	f.t.Helper()
	for range 3 {
		select {
		case f.looks <- time.Time{}:
		case <-time.After(patience):
			f.t.Fatal("nobody looks at the secret files")
		}
	}
}

const (
	oldSecret = "old-secret-0123456789abcdef"
	newSecret = "new-secret-0123456789abcdef"
)

// A provider's new secret is written into a file, and that is all: no reload, no delivery that is refused
// in between, also for what goes out again with a signature of the gateway's own.
func TestASecretFileThatChangesIsInUseWithoutAReload(t *testing.T) {
	app := newApp(t)
	f := newSecretFile(t, oldSecret)
	g := startSite(t, app, `webhook_verify github {
	name `+newID()+`
	secret {file.FILE} current
}
webhook_sign generic {
	secret {file.FILE}
}
reverse_proxy APP`, "FILE", f.path)
	send := func(secret string) int {
		body := newBody()
		return g.post("/", newSenderOf(t, "github", secret).headerOf(body), body).status
	}
	signedWith := func(secret string) {
		t.Helper()
		got := app.one()
		if want := newSenderOf(t, "generic", secret).headerOf(got.body).Get("X-Webhook-Signature"); got.header.Get("X-Webhook-Signature") != want {
			t.Errorf("signed %q, want %q", got.header.Get("X-Webhook-Signature"), want)
		}
	}
	check := func(good, bad string) {
		t.Helper()
		if a, b := send(good), send(bad); a != 200 || b != 401 {
			t.Errorf("answered %d and %d", a, b)
		}
		signedWith(good)
	}
	check(oldSecret, newSecret)
	f.look()
	check(oldSecret, newSecret)
	f.write(newSecret)
	f.look()
	check(newSecret, oldSecret)
	for _, broken := range []string{"", "short"} {
		f.write(broken)
		f.look()
		check(newSecret, oldSecret)
	}
	os.Remove(f.path)
	f.look()
	check(newSecret, oldSecret)
	f.write(oldSecret)
	f.look()
	check(oldSecret, newSecret)
	if text := withoutRequestHeaders(t, g.log); strings.Contains(text, "secret-0123") || !strings.Contains(text, "can't be used: the old secrets stay in use") {
		t.Errorf("the log has a secret, or no word of the file:\n%s", text)
	}
}

// What looks at the files of a configuration ends with it, and a configuration that is rejected never looks.
func TestTheLooksEndWithTheConfiguration(t *testing.T) {
	f := newSecretFile(t, oldSecret)
	site := func(name, more string) string {
		return "{\nGLOBALS\n}\nSITE {\nwebhook_verify github {\nname " + name + "\nsecret {file." + f.path + "}\n}\n" + more + "\n}\n"
	}
	g := start(t, site("first", ""))
	f.look()
	second := make(chan time.Time)
	caddymodule.SetSecretsTicker(t, second)
	if status, text := g.reload(site("second", "webhook_verify generic {\nsecret {env.NEVER_SET_ANYWHERE}\n}")); status == 200 {
		t.Fatal("accepted: ", text)
	}
	f.look() // the first still looks
	if status, text := g.reload(site("second", "")); status != 200 {
		t.Fatal(text)
	}
	select {
	case second <- time.Time{}:
	case <-time.After(patience):
		t.Fatal("the second configuration doesn't look")
	}
	select {
	case f.looks <- time.Time{}:
		t.Error("the first configuration still looks")
	default:
	}
}

// Deliveries of both secrets come in while the file is changed over and over: each is taken or refused, and
// nothing else happens. (It is for the race detector.)
func TestASecretFileMayChangeUnderLoad(t *testing.T) {
	app := newApp(t)
	f := newSecretFile(t, oldSecret)
	g := startSite(t, app, "webhook_verify github {\nname "+newID()+"\nsecret {file.FILE}\n}\nwebhook_sign generic {\nsecret {file.FILE}\n}\nreverse_proxy APP", "FILE", f.path)
	ctx := t.Context()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, secret := range []string{oldSecret, newSecret} {
		sender := newSenderOf(t, "github", secret)
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-ctx.Done():
					return
				default:
				}
				body := newBody()
				if a := g.post("/", sender.headerOf(body), body); a.status != 200 && a.status != 401 {
					t.Errorf("answered %d", a.status)
					return
				}
			}
		})
	}
	for i := range 20 {
		f.write([]string{newSecret, oldSecret}[i%2])
		f.look()
	}
	close(stop)
	wg.Wait()
	app.take()
}

// An old secret that nobody uses any more shows in the metrics, from the first moment on.
func TestVerificationsAreCountedByTheLabelOfTheSecret(t *testing.T) {
	t.Setenv("OLD_SECRET", oldSecret)
	t.Setenv("NEW_SECRET", newSecret)
	t.Setenv("ENDED_SECRET", "ended-secret-0123456789")
	app := newApp(t)
	name := newID()
	g := startSite(t, app, `webhook_verify github {
	name `+name+`
	secret {env.NEW_SECRET} new
	secret {env.OLD_SECRET} old {
		not_after 2999-01-01T00:00:00Z
	}
	secret {env.ENDED_SECRET} ended {
		not_after 2020-01-01T00:00:00Z
	}
}
reverse_proxy APP`)
	count := func(key string) float64 {
		return g.metric("caddy_webhook_verifications_total", "route", name, "provider", "github", "key", key)
	}
	if text := g.askAdmin("GET", "/metrics").body; strings.Count(text, `caddy_webhook_verifications_total{key="`) < 3 || !strings.Contains(text, `{key="old",provider="github",route="`+name+`"} 0`) {
		t.Error("what has not been used is not counted")
	}
	send := func(secret string) int {
		body := newBody()
		header := newSenderOf(t, "github", secret).headerOf(body)
		status := g.post("/", header, body).status
		if status == 200 {
			g.post("/", header, body).wants(t, 200) // a copy shows that the secret is in use too
		}
		return status
	}
	for secret, status := range map[string]int{newSecret: 200, oldSecret: 200, "ended-secret-0123456789": 401} {
		if got := send(secret); got != status {
			t.Errorf("%s: answered %d", secret, got)
		}
	}
	if count("new") != 2 || count("old") != 2 || count("ended") != 0 {
		t.Errorf("counted %v, %v and %v", count("new"), count("old"), count("ended"))
	}
}
