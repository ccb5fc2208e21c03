package jetstream

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hookseal/hookseal/outbound"
)

// leaseTimes are how long a lease lasts, after how long without a renewal its holder gives it up by
// itself, and how often it is renewed. What lies between the first two is for the way that a
// renewal takes, and for clocks that run unequally fast.
type leaseTimes struct{ life, doubt, renewal time.Duration }

// defaultLease outlasts the election of a new leader, which takes a cluster 4 to 9 seconds and a
// little when a node has died.
var defaultLease = leaseTimes{life: 20 * time.Second, doubt: 16 * time.Second, renewal: 3 * time.Second}

// leaseKey is the only key of the bucket that a journal's lease is in.
const leaseKey = "holder"

// lease is the right to use a journal: a key-value entry that the server forgets by itself.
type lease struct {
	bucket   jetstream.KeyValue
	times    leaseTimes
	name     string    // the holder's
	value    string    // the name and, behind the last space, what tells this time from others
	revision uint64    // of the entry
	renewed  time.Time // when the last renewal was begun
}

// lease waits until it has the journal's lease.
func (b *books) lease(ctx context.Context, l layout, holder string, times leaseTimes) (*lease, error) {
	held := &lease{times: times, name: holder, value: holder + " " + rand.Text()}
	config := jetstream.KeyValueConfig{
		Bucket:   l.prefix + "_lease",
		TTL:      times.life,
		Replicas: l.replicas,
		Storage:  jetstream.FileStorage,
	}
	if l.maxBytes > 0 {
		config.MaxBytes = min(l.maxBytes, 1<<20) // an account may require a bound
	}
	err := b.insist(ctx, func(ctx context.Context) (err error) {
		// Others may be using the bucket: it is only changed if it has to be.
		held.bucket, err = b.js.KeyValue(ctx, config.Bucket)
		if err == nil {
			if status, e := held.bucket.Status(ctx); e == nil && status.TTL() == times.life && status.Config().Replicas == l.replicas {
				return nil
			}
		}
		held.bucket, err = b.js.CreateOrUpdateKeyValue(ctx, config)
		return err
	})
	if err != nil {
		return nil, err
	}
	for {
		if err := b.alive(ctx); err != nil {
			return nil, err
		}
		err := b.insist(ctx, held.try)
		if err == nil {
			return held, nil
		}
		if !errors.Is(err, errHeld) {
			return nil, err
		}
		wait(ctx, times.renewal/10)
	}
}

// errHeld means that somebody else has the lease.
var errHeld = errors.New("the journal's lease is held")

// try takes the lease if nobody has it, or if the same gateway had it in another life.
func (l *lease) try(ctx context.Context) (err error) {
	l.renewed = time.Now()
	l.revision, err = l.bucket.Create(ctx, leaseKey, []byte(l.value))
	if !passedBy(err) {
		return err
	}
	entry, err := l.bucket.Get(ctx, leaseKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return errHeld // no more; the next try takes it
	}
	if err != nil {
		return err
	}
	value := string(entry.Value())
	if end := strings.LastIndexByte(value, ' '); end < 0 || value[:end] != l.name {
		return errHeld
	}
	l.revision, err = l.bucket.Update(ctx, leaseKey, []byte(l.value), entry.Revision())
	if passedBy(err) {
		return errHeld
	}
	return err
}

// renew keeps the lease until the books are over, or loses them.
func (l *lease) renew(b *books) {
	ticker := time.NewTicker(l.times.renewal)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-b.over.Done():
			return
		}
		end := l.renewed.Add(l.times.doubt)
		for renewed := false; !renewed; {
			ctx, cancel := context.WithDeadline(b.over, end)
			start := time.Now()
			err := l.again(ctx)
			switch {
			case err == nil:
				l.renewed, renewed = start, true
			case errors.Is(err, outbound.ErrLost), !time.Now().Before(end):
				b.lose()
			default:
				wait(ctx, pause)
			}
			cancel()
			if b.over.Err() != nil {
				return
			}
		}
	}
}

// again renews the lease once. Its error is ErrLost if somebody else has it.
func (l *lease) again(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.times.doubt/4)
	defer cancel()
	revision, err := l.bucket.Update(ctx, leaseKey, []byte(l.value), l.revision)
	if err == nil {
		l.revision = revision
		return nil
	}
	if !passedBy(err) {
		return err
	}
	// A renewal of ours may have been done although we were not told.
	entry, err := l.bucket.Get(ctx, leaseKey)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return outbound.ErrLost
	case err != nil:
		return err
	case string(entry.Value()) != l.value:
		return outbound.ErrLost
	}
	l.revision = entry.Revision()
	return errors.New("the lease was renewed without an answer")
}

// giveBack lets others take the lease at once. If that fails, it runs out.
func (l *lease) giveBack() {
	ctx, cancel := context.WithTimeout(context.Background(), l.times.doubt/4)
	defer cancel()
	l.bucket.Delete(ctx, leaseKey, jetstream.LastRevision(l.revision))
}
