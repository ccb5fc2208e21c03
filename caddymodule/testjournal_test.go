package caddymodule_test

import (
	"context"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/outbound/journaltest"
)

func init() { caddy.RegisterModule(new(journalModule)) }

// journalModule is a journal in memory: "journal webhook_test <name>" in a Caddyfile. It shows that
// another journal is another module.
type journalModule struct {
	Name string `json:"name,omitempty"`
}

func (*journalModule) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "webhook_gateway.journal.webhook_test", New: func() caddy.Module { return new(journalModule) }}
}

func (j *journalModule) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	d.Args(&j.Name)
	return nil
}

func (j *journalModule) Journal() (outbound.Journal, string) {
	value, _ := testJournals.LoadOrStore(j.Name, &testJournal{Memory: journaltest.NewMemory()})
	return value.(*testJournal), "test " + j.Name
}

// testJournals are the journals by their names.
var testJournals sync.Map

// testJournal is a journal in memory that opens, or doesn't, as the test says.
type testJournal struct {
	*journaltest.Memory

	mu     sync.Mutex
	closed chan struct{} // while it is not nil and not closed the journal can't be reached
	broken error         // that waiting can't mend
	opens  int
}

// newJournal makes an empty journal, the only one of that name from now on.
func newJournal(t *testing.T, name string) *testJournal {
	t.Helper()
	j := &testJournal{Memory: journaltest.NewMemory()}
	testJournals.Store(name, j)
	t.Cleanup(func() { testJournals.Delete(name) })
	return j
}

// unreachable makes the journal one that can't be reached until the returned function is called.
func (j *testJournal) unreachable() (reach func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = make(chan struct{})
	return sync.OnceFunc(func() { close(j.closed) })
}

// breaks makes opening fail for good, or work again with nil.
func (j *testJournal) breaks(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = err
}

// opened returns how often the journal was opened.
func (j *testJournal) opened() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.opens
}

func (j *testJournal) Open(ctx context.Context) (*outbound.Books, error) {
	j.mu.Lock()
	closed, broken := j.closed, j.broken
	j.opens++
	j.mu.Unlock()
	if broken != nil {
		return nil, broken
	}
	if closed != nil {
		select {
		case <-closed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return j.Memory.Open(ctx)
}
