package caddymodule

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/outbound/journaltest"
)

// switchJournal is a journal whose books a test takes away, and that opens or fails as it says.
type switchJournal struct {
	outbound.Journal

	mu     sync.Mutex
	broken error
	lost   chan struct{}
	opened chan struct{} // has a token for each time it was opened
}

func newSwitchJournal(on outbound.Journal) *switchJournal {
	return &switchJournal{Journal: on, opened: make(chan struct{}, 64)}
}

func (j *switchJournal) Open(ctx context.Context) (*outbound.Books, error) {
	j.mu.Lock()
	broken := j.broken
	j.mu.Unlock()
	if broken != nil {
		return nil, broken
	}
	books, err := j.Journal.Open(ctx)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lost = make(chan struct{})
	books.Lost = j.lost
	j.opened <- struct{}{}
	return books, nil
}

// lose takes the books away, and makes opening fail for good from now on, unless the error is nil.
func (j *switchJournal) lose(broken error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = broken
	close(j.lost)
}

// newTenant returns a configuration that uses a hub.
func newTenant(j outbound.Journal) *tenant {
	return &tenant{journal: j, settings: outbound.Settings{Drain: time.Millisecond}, reporter: &outboundReporter{logger: zap.NewNop()}}
}

// problems returns what has a token for each line that the tenant logs about a problem.
func (t *tenant) problems() <-chan struct{} {
	told := make(chan struct{}, 64)
	core, _ := observer.New(zapcore.ErrorLevel)
	t.reporter.logger = zap.New(core, zap.Hooks(func(zapcore.Entry) error {
		told <- struct{}{}
		return nil
	}))
	return told
}

// mustEnter makes a tenant enter the hub of the test.
func mustEnter(t *testing.T, tenants ...*tenant) (h *runningHub) {
	t.Helper()
	for _, one := range tenants {
		var err error
		if h, err = enterHub(t.Name(), one); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := h.leave(t.Name(), one); err != nil {
				t.Error(err)
			}
		})
	}
	return h
}

// receive waits for a token.
func receive(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(30 * time.Second):
		t.Fatalf("%s: didn't come", what)
	}
}

// A password that was changed in the cluster and in the configuration must do without a restart.
func TestAJournalThatIsOpenedAgainIsTheNewestConfigurations(t *testing.T) {
	memory := journaltest.NewMemory()
	first, second := newSwitchJournal(memory), newSwitchJournal(memory)
	mustEnter(t, newTenant(first))
	receive(t, "the first opening", first.opened)
	mustEnter(t, newTenant(second))
	if len(second.opened) > 0 {
		t.Error("the journal was opened again though nothing was wrong with it")
	}
	first.lose(errors.New("the old password is wrong"))
	receive(t, "the second opening", second.opened)
}

func TestAnotherConfigurationMendsAJournalThatCouldNotBeOpened(t *testing.T) {
	memory := journaltest.NewMemory()
	first, second := newSwitchJournal(memory), newSwitchJournal(memory)
	one := newTenant(first)
	problems := one.problems()
	h := mustEnter(t, one)
	receive(t, "the first opening", first.opened)
	first.lose(errors.New("the password is wrong"))
	for h.unusable.Load() == nil { // the loss is told of before
		receive(t, "the problem", problems)
	}
	mustEnter(t, newTenant(second))
	receive(t, "the second opening", second.opened)
}

// What a tenant says counts as long as it is the newest, whoever leaves in between.
func TestTheSettingsOfTheNewestTenantAreInForce(t *testing.T) {
	memory := journaltest.NewMemory()
	endpoint := func(name string) outbound.Settings {
		return outbound.Settings{Drain: time.Millisecond, Endpoints: []outbound.ConfiguredEndpoint{
			{Endpoint: outbound.Endpoint{UID: name, URL: "https://subscriber.example.com/" + name}, Secrets: []string{longSecret}},
		}}
	}
	var tenants []*tenant
	for _, name := range []string{"a", "b", "c", "d"} {
		one := newTenant(memory)
		one.settings = endpoint(name)
		tenants = append(tenants, one)
	}
	a, b, c, d := tenants[0], tenants[1], tenants[2], tenants[3]
	bad := newTenant(memory)
	bad.settings.Endpoints = []outbound.ConfiguredEndpoint{{Endpoint: outbound.Endpoint{UID: "bad"}}}

	h := mustEnter(t, d)
	inForce := func(when, want string) {
		t.Helper()
		list, _, err := h.hub.Endpoints(outbound.DefaultApplication, outbound.Page{Limit: 10})
		if err != nil || len(list) != 1 || list[0].UID != want {
			t.Fatalf("%s: in force are %v, %v; want %s", when, list, err, want)
		}
	}
	enter := func(one *tenant) {
		t.Helper()
		if _, err := enterHub(t.Name(), one); err != nil {
			t.Fatal(err)
		}
	}
	leave := func(one *tenant) {
		t.Helper()
		if err := h.leave(t.Name(), one); err != nil {
			t.Fatal(err)
		}
	}
	inForce("alone", "d")
	enter(a)
	inForce("a has come", "a")
	if _, err := enterHub(t.Name(), bad); err == nil {
		t.Fatal("bad settings were accepted")
	}
	inForce("bad has come", "a")
	enter(b)
	leave(a)
	inForce("a has left under b", "b")
	enter(c)
	leave(c)
	inForce("c has left", "b")
	if err := h.change(d, endpoint("d2")); err != nil {
		t.Fatal(err)
	}
	inForce("d has changed under b", "b")
	if err := h.change(b, bad.settings); err == nil {
		t.Fatal("bad settings were accepted")
	}
	inForce("b has changed badly", "b")
	leave(b)
	inForce("b has left", "d2")
}
