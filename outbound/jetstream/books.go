package jetstream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hookseal/hookseal/outbound"
)

const (
	// headroom is what the headers of a record take at most, of which the longest is its key.
	headroom = 1 << 10

	// patience is how long a request to a cluster may take before it is made again. A synced write
	// of the largest record takes a fraction of it, also on a slow disk.
	patience = 5 * time.Second

	// lastPatience is how long a request to a server of our own may take. One that doesn't answer
	// never will: its disk has failed it, and it has to be started again.
	lastPatience = 15 * time.Second

	// pause is what lies between a request that failed and the next one. A cluster elects a leader
	// within seconds.
	pause = 100 * time.Millisecond

	// window is how long the server itself tells a repeated record from a new one. No more than a
	// first filter: the sequence that is expected of each record does the same for ever.
	window = 30 * time.Second
)

// DefaultPrefix begins the names of streams unless something else is chosen.
const DefaultPrefix = "hookseal"

// layout says how the streams of a journal are to be.
type layout struct {
	prefix   string
	replicas int
	maxBytes int64
}

// books are one opening of a journal.
type books struct {
	conn *nats.Conn
	js   jetstream.JetStream
	room func(size, reserve uint64) error // ErrFull if a write would leave less of the disk than a reserve
	id   string                           // begins the ids of this opening's records
	ids  atomic.Uint64

	cluster  bool          // whether what ails the servers may pass
	patience time.Duration // with one request
	opened   atomic.Bool   // after that, what won't pass is ErrLost

	over context.Context // ends when the books are lost or closed
	end  context.CancelFunc

	lost chan struct{}
	lose func() // closes lost and ends over

	mu      sync.Mutex
	link    context.Context // ends when the connection breaks; then there is another
	endLink context.CancelFunc
}

func newBooks(conn *nats.Conn, cluster bool, room func(size, reserve uint64) error) (*books, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	b := &books{conn: conn, js: js, cluster: cluster, patience: lastPatience, room: room, id: rand.Text(), lost: make(chan struct{})}
	if cluster {
		b.patience = patience
	}
	b.over, b.end = context.WithCancel(context.Background())
	b.lose = sync.OnceFunc(func() {
		if b.over.Err() != nil {
			return // closed by its user, who knows
		}
		b.end() // first, so that who sees lost closed gets ErrLost from everything
		close(b.lost)
	})
	conn.SetClosedHandler(func(*nats.Conn) { b.lose() })
	b.link, b.endLink = context.WithCancel(context.Background())
	reported := conn.DisconnectErrHandler()
	conn.SetDisconnectErrHandler(func(conn *nats.Conn, err error) {
		b.relink()
		if reported != nil {
			reported(conn, err)
		}
	})
	return b, nil
}

// open finds or makes the streams. Close of the result ends nothing but what newBooks began.
func (b *books) open(ctx context.Context, l layout) (*outbound.Books, error) {
	var logs [3]*log
	for i, name := range []string{"messages", "attempts", "registry"} {
		subject := l.prefix + "." + name
		logs[i] = &log{
			books:   b,
			name:    l.prefix + "_" + name,
			subject: subject,
			writing: make(chan struct{}, 1),
			reserve: messageReserve,
		}
		subjects := []string{subject}
		if name == "registry" {
			subjects[0] += ".>"
		}
		stream, err := b.stream(ctx, logs[i].name, func(c *jetstream.StreamConfig) {
			c.Subjects = subjects
			c.Retention = jetstream.LimitsPolicy
			c.Storage = jetstream.FileStorage
			c.Discard = jetstream.DiscardNew
			c.Replicas = l.replicas
			c.MaxMsgs, c.MaxConsumers, c.MaxMsgSize, c.MaxAge = -1, -1, -1, 0
			c.MaxBytes = -1
			if l.maxBytes > 0 {
				c.MaxBytes = l.maxBytes
			}
			c.MaxMsgsPerSubject = -1
			if name == "registry" {
				c.MaxMsgsPerSubject = 1
				c.AllowMsgTTL = true
			}
			c.Duplicates = window
			c.AllowDirect = true
		})
		if err != nil {
			return nil, err
		}
		logs[i].stream = stream
		state := stream.CachedInfo().State
		logs[i].last.Store(state.LastSeq)
		logs[i].trimmed.Store(max(state.FirstSeq, 1) - 1)
	}
	logs[1].reserve = attemptReserve
	b.opened.Store(true)
	return &outbound.Books{
		Messages:  logs[0],
		Attempts:  logs[1],
		Registry:  &table{logs[2]},
		MaxRecord: b.maxRecord(),
		Lost:      b.lost,
	}, nil
}

// stream returns the stream of a name, made or changed to what set makes of its settings.
func (b *books) stream(ctx context.Context, name string, set func(*jetstream.StreamConfig)) (stream jetstream.Stream, err error) {
	err = b.insist(ctx, func(ctx context.Context) error {
		stream, err = b.js.Stream(ctx, name)
		if noStream(err) {
			config := jetstream.StreamConfig{Name: name}
			set(&config)
			stream, err = b.js.CreateStream(ctx, config)
			return err
		}
		if err != nil {
			return err
		}
		// What somebody set besides, such as a placement, stays. A stream that is as it should be is
		// left alone, because changing one needs room on the disk.
		is := stream.CachedInfo().Config
		config := is
		set(&config)
		if !reflect.DeepEqual(is, config) {
			if stream, err = b.js.UpdateStream(ctx, config); err != nil {
				return err
			}
		}
		// The leader's answer, now that nobody else writes any more.
		_, err = stream.Info(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", name, err)
	}
	return stream, nil
}

// maxRecord is the size in bytes of the largest record.
func (b *books) maxRecord() int { return int(b.conn.MaxPayload()) - headroom }

// nextID returns an id that no other record has.
func (b *books) nextID() string { return b.id + strconv.FormatUint(b.ids.Add(1), 36) }

// alive returns why nothing can be done any more, if so.
func (b *books) alive(ctx context.Context) error {
	if b.over.Err() != nil {
		return outbound.ErrLost
	}
	return ctx.Err()
}

// bind returns a context that ends with the caller's and with the books.
func (b *books) bind(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(b.over, cancel)
	return ctx, func() { stop(); cancel() }
}

// relink ends the requests that were sent over a connection that broke: no answer will come.
func (b *books) relink() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.endLink()
	b.link, b.endLink = context.WithCancel(context.Background())
}

// attempt returns a context for one request.
func (b *books) attempt(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	b.mu.Lock()
	link := b.link
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, limit)
	stop := context.AfterFunc(link, cancel)
	return ctx, func() { stop(); cancel() }
}

// insist calls f, which may do something twice, until it succeeds or fails for good.
func (b *books) insist(ctx context.Context, f func(context.Context) error) error {
	bound, cancel := b.bind(ctx)
	defer cancel()
	var last error
	for limit := b.patience; ; limit = min(2*limit, time.Minute) {
		if err := b.alive(ctx); err != nil {
			if last != nil {
				return fmt.Errorf("%w (%v)", err, last)
			}
			return err
		}
		limited, cancel := b.attempt(bound, limit)
		err := f(limited)
		lasting := answer(err).ErrorCode != 0 && !passing(err) ||
			!b.cluster && (answer(err).ErrorCode != 0 || errors.Is(limited.Err(), context.DeadlineExceeded))
		cancel()
		switch {
		case err == nil, noRecord(err), errors.Is(err, errHeld):
			return err
		case b.conn.IsClosed(), b.opened.Load() && lasting:
			b.lose()
			return fmt.Errorf("%w (%v)", outbound.ErrLost, err)
		case lasting:
			return err
		case bound.Err() == nil:
			last = err
			wait(bound, pause)
		}
	}
}

// wait waits until a time has passed or the context ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
