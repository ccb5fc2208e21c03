package jetstream

import (
	"math"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/outbound/journaltest"
)

func TestEmbeddedKeepsTheContract(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) journaltest.Store {
		dir := t.TempDir()
		var free atomic.Uint64
		free.Store(math.MaxInt64)
		var running atomic.Pointer[server.Server]
		return journaltest.Store{
			Journal: func() outbound.Journal {
				return &Embedded{
					Dir:     dir,
					Warn:    func(message string) { t.Log("warning:", message) },
					free:    func(string) (uint64, error) { return free.Load(), nil },
					started: running.Store,
				}
			},
			Lose: func() { running.Load().Shutdown() },
			Fill: func(full bool) {
				if free.Store(math.MaxInt64); full {
					free.Store(0)
				}
			},
		}
	})
}
