package caddymodule

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/hookseal/hookseal/outbound"
)

// hubs are the hubs of this process, by the identity of their journals. What waits in a hub goes on
// over every reload, accepted or refused.
var hubs = caddy.NewUsagePool()

// runningHub is a hub at work. The configurations that use it are its tenants: two of them while one
// replaces the other. The newest one's settings are in force, and those of the one before it again if
// the newest fails to start.
type runningHub struct {
	hub *outbound.Hub

	stop     context.CancelFunc     // ends the hub
	done     chan struct{}          // closed when the hub has ended
	renewed  chan struct{}          // has a token when another tenant has come
	newest   atomic.Pointer[tenant] // whose settings are in force
	unusable atomic.Pointer[error]  // why the journal can't be opened, as long as it can't

	mu      sync.Mutex
	tenants []*tenant // the newest last

	telling sync.Mutex
	trouble string // what was told last, empty if it is over
	opening bool   // whether that is about opening the journal, of whose end the hub doesn't tell
}

// tenant is a configuration that uses a hub.
type tenant struct {
	journal  outbound.Journal
	settings outbound.Settings
	reporter *outboundReporter
}

const (
	// openPatience is how long a start waits for the hub to be ready. What takes longer, such as a
	// cluster that can't be reached, must not keep Caddy from starting: until then the answer is 503.
	openPatience = 2 * time.Second
	openPoll     = 5 * time.Millisecond

	// reopenAfter is how long after an error that opening again can't mend it is tried all the same:
	// somebody may have mended it from outside. Another configuration may too, and is tried at once.
	reopenAfter = 30 * time.Second

	// closePatience is how long a hub may take to close its journal once no attempt is in flight.
	closePatience = 10 * time.Second
)

// enterHub makes a configuration a tenant of the journal's hub, which it starts if there is none.
func enterHub(identity string, t *tenant) (*runningHub, error) {
	value, running, err := hubs.LoadOrNew(identity, func() (caddy.Destructor, error) { return newRunningHub(t), nil })
	if err != nil {
		return nil, err
	}
	h := value.(*runningHub)
	if err = h.enter(t); err == nil && !running {
		err = h.await()
	}
	if err != nil {
		return nil, errors.Join(err, h.leave(identity, t))
	}
	return h, nil
}

// findHub returns the hub of a journal, nil if none runs.
func findHub(identity string) (h *runningHub) {
	hubs.Range(func(key, hub any) bool {
		if key == identity {
			h = hub.(*runningHub)
		}
		return h == nil
	})
	return h
}

// newRunningHub starts a hub for its first tenant.
func newRunningHub(t *tenant) *runningHub {
	h := &runningHub{done: make(chan struct{}), renewed: make(chan struct{}, 1)}
	h.newest.Store(t)
	h.hub = outbound.New(newestJournal{h}, outbound.NewSender, t.settings, outbound.Hooks{
		Published: func(m outbound.Message, endpoints int) { h.newest.Load().reporter.published(m, endpoints) },
		Attempted: func(a outbound.Attempt, m outbound.Message, e outbound.Endpoint) {
			h.newest.Load().reporter.attempted(a, m, e)
		},
		Disabled: func(e outbound.Endpoint) { h.newest.Load().reporter.disabled(e) },
		Problem:  h.problem,
	})
	var ctx context.Context
	ctx, h.stop = context.WithCancel(context.Background())
	go h.run(ctx)
	return h
}

// run keeps the hub running until the context ends.
func (h *runningHub) run(ctx context.Context) {
	defer close(h.done)
	for {
		err := h.hub.Run(ctx)
		if ctx.Err() != nil {
			if err != nil {
				h.newest.Load().reporter.problem(err)
			}
			return
		}
		h.unusable.Store(&err)
		h.tell(err, true)
		select {
		case <-ctx.Done():
			return
		case <-h.renewed:
		case <-time.After(reopenAfter):
		}
		h.unusable.Store(nil)
	}
}

// await waits until the hub is ready, or until it shows that it won't be soon.
func (h *runningHub) await() error {
	poll := time.NewTicker(openPoll)
	defer poll.Stop()
	deadline := time.After(openPatience)
	for {
		over := h.troubled() || h.hub.Ready() == nil
		// Asked after the trouble, before which it was noted.
		if err := h.unusable.Load(); err != nil {
			return *err
		}
		if over {
			return nil
		}
		select {
		case <-poll.C:
		case <-deadline:
			return nil
		}
	}
}

// problem tells the newest tenant of a problem once, and of its end.
func (h *runningHub) problem(err error) { h.tell(err, false) }

func (h *runningHub) tell(err error, opening bool) {
	h.telling.Lock()
	defer h.telling.Unlock()
	text := ""
	if err != nil {
		text = err.Error()
	}
	h.opening = opening
	if text != h.trouble {
		h.trouble = text
		h.newest.Load().reporter.problem(err)
	}
}

// isOpen tells of the end of a problem with opening the journal.
func (h *runningHub) isOpen() {
	h.telling.Lock()
	opening := h.opening
	h.telling.Unlock()
	if opening {
		h.tell(nil, false)
	}
}

// troubled reports whether there is a problem.
func (h *runningHub) troubled() bool {
	h.telling.Lock()
	defer h.telling.Unlock()
	return h.trouble != ""
}

// enter puts the settings of a tenant in force.
func (h *runningHub) enter(t *tenant) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.configure(t.settings); err != nil {
		return err
	}
	h.tenants = append(h.tenants, t)
	h.newest.Store(t)
	if len(h.tenants) > 1 {
		select {
		case h.renewed <- struct{}{}:
		default:
		}
	}
	return nil
}

// configure puts settings in force. If the hub refuses them those before are in force again.
func (h *runningHub) configure(settings outbound.Settings) error {
	err := h.hub.Configure(settings)
	if err != nil && len(h.tenants) > 0 {
		return errors.Join(err, h.hub.Configure(h.newest.Load().settings))
	}
	return err
}

// change gives a tenant other settings. If they are refused it keeps those that it has.
func (h *runningHub) change(t *tenant, settings outbound.Settings) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.newest.Load() == t {
		if err := h.configure(settings); err != nil {
			return err
		}
	}
	t.settings = settings
	return nil
}

// leave takes the settings of a tenant out of force, and ends the hub if it was the last.
func (h *runningHub) leave(identity string, t *tenant) error {
	h.mu.Lock()
	h.tenants = slices.DeleteFunc(h.tenants, func(other *tenant) bool { return other == t })
	var err error
	if last := len(h.tenants) - 1; last >= 0 && h.newest.Load() != h.tenants[last] {
		h.newest.Store(h.tenants[last])
		err = h.hub.Configure(h.tenants[last].settings)
	}
	h.mu.Unlock()
	_, endErr := hubs.Delete(identity)
	return errors.Join(err, endErr)
}

// Destruct ends the hub: it lets the attempts in flight end within the time that the settings give them,
// and waits until the journal is closed.
func (h *runningHub) Destruct() error {
	h.stop()
	select {
	case <-h.done:
		return nil
	case <-time.After(h.newest.Load().settings.Drain + closePatience):
		return errors.New("outbound: the journal could not be closed in time")
	}
}

// newestJournal is the journal of the newest tenant, so that when it is opened again that happens with
// the newest password.
type newestJournal struct{ *runningHub }

// errNotOpen is told of a journal that takes long to open.
var errNotOpen = errors.New("the journal is not open yet: it can't be reached, or another process has it")

// Open opens the journal.
func (j newestJournal) Open(ctx context.Context) (*outbound.Books, error) {
	told := make(chan struct{})
	late := time.AfterFunc(openPatience, func() {
		defer close(told)
		j.tell(errNotOpen, true)
	})
	books, err := j.newest.Load().journal.Open(ctx)
	if !late.Stop() {
		<-told
	}
	if err == nil {
		j.isOpen()
	}
	return books, err
}

// Interface guards
var (
	_ caddy.Destructor = (*runningHub)(nil)
	_ outbound.Journal = newestJournal{}
)
