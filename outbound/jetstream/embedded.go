// Package jetstream keeps an outbound.Journal in NATS JetStream: in a server inside the process, or
// in a cluster.
package jetstream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/hookseal/hookseal/outbound"
)

const (
	// messageReserve is how many bytes of the disk a message or a registry entry must leave. The
	// server turns itself off when the disk is full, and what it has accepted must still be
	// delivered: so messages stop long before attempts do.
	messageReserve = 64 << 20

	// attemptReserve is how many bytes an attempt must leave. The server writes a block of 8 MiB
	// anew when most of what was in it is forgotten, and needs as much again to start.
	attemptReserve = 16 << 20

	// maxPayload is the largest that NATS supports without reserve, and so bounds a record: 8 MiB.
	maxPayload = 8 << 20

	// maxStore is so much that only the disk bounds what is stored.
	maxStore = 1 << 60

	// lockName is the file in the folder that its one user holds locked.
	lockName = "lock"
)

// Embedded is an [outbound.Journal] in a folder, kept by a NATS server in the process that listens
// on no port. Every write is synced to the disk before it is acknowledged.
type Embedded struct {
	// Dir is the folder, which is made if there is none, for the owner alone (0700). One process
	// can use it at a time; others wait in Open. It must be on a local disk. Required.
	Dir string

	// Warn gets the server's warnings and errors, one line each, without a time. It may be called
	// from many goroutines. Default: they are dropped.
	Warn func(message string)

	free    func(dir string) (uint64, error) // in the place of freeSpace in tests
	started func(*server.Server)             // shows a test the server

	unsynced bool // lets a benchmark fill a folder in a reasonable time
}

// Open implements [outbound.Journal].
func (e *Embedded) Open(ctx context.Context) (_ *outbound.Books, err error) {
	if e.Dir == "" {
		return nil, errors.New("the journal has no folder")
	}
	if err := os.MkdirAll(e.Dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := lockFile(ctx, filepath.Join(e.Dir, lockName))
	if err != nil {
		return nil, err
	}
	s, err := e.start()
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("journal in %s: %v", e.Dir, err)
	}
	stop := func() error {
		s.Shutdown()
		s.WaitForShutdown()
		return lock.Close()
	}
	conn, err := nats.Connect("", nats.InProcessServer(s), nats.NoReconnect(), nats.Name("hookseal"))
	if err != nil {
		stop()
		return nil, fmt.Errorf("journal in %s: %v", e.Dir, err)
	}
	b, err := newBooks(conn, false, e.room)
	if err != nil {
		conn.Close()
		stop()
		return nil, err
	}
	opened, err := b.open(ctx, layout{prefix: DefaultPrefix, replicas: 1})
	if err != nil {
		b.end()
		conn.Close()
		stop()
		return nil, fmt.Errorf("journal in %s: %w", e.Dir, err)
	}
	var watching sync.WaitGroup
	watching.Go(func() { b.watch(s) })
	opened.Close = sync.OnceValue(func() error {
		b.end()
		watching.Wait()
		conn.Close()
		return stop()
	})
	return opened, nil
}

func (e *Embedded) start() (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName:             "hookseal",
		DontListen:             true,
		NoSigs:                 true,
		NoSystemAccount:        true,
		MaxPayload:             maxPayload,
		JetStream:              true,
		StoreDir:               e.Dir,
		SyncAlways:             !e.unsynced,
		JetStreamMaxStore:      maxStore,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, err
	}
	log := &serverLog{warn: e.Warn}
	s.SetLoggerV2(log, false, false, false)
	s.Start()
	if err := log.fatal(); err != nil {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, err
	}
	if e.started != nil {
		e.started(s)
	}
	return s, nil
}

// room returns ErrFull if a write would leave less of the disk than a reserve.
func (e *Embedded) room(size, reserve uint64) error {
	free := e.free
	if free == nil {
		free = freeSpace
	}
	n, err := free(e.Dir)
	if err != nil {
		return fmt.Errorf("free space in %s: %v", e.Dir, err)
	}
	if n < reserve+size {
		return outbound.ErrFull
	}
	return nil
}

// watch ends the books when the server turns JetStream off, which it does when its disk fails.
func (b *books) watch(s *server.Server) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if !s.JetStreamEnabled() {
				b.lose()
			}
		case <-b.over.Done():
			return
		}
	}
}

var _ outbound.Journal = (*Embedded)(nil)
