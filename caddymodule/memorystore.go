package caddymodule

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/hookseal/hookseal/replay"
)

func init() {
	caddy.RegisterModule(new(MemoryStore))
}

// processMemory returns the claims of this process. They are no caddy.UsagePool's: that forgets
// them when a configuration without webhook routes is loaded, and the configuration after it would
// let every delivery through once more. A memory store has only one meaning, so that its claims
// are good for whatever configuration comes.
var processMemory = sync.OnceValue(func() *replay.Memory { return replay.NewMemory(time.Now) })

// MemoryStore is the embedded replay store: claims in the memory of this process, kept over
// reloads and lost when the process ends.
type MemoryStore struct {
	// MaxEntries bounds the claims that are held at once. When there is no room, the kept claim
	// that was seen the longest time ago is forgotten, and counted if its window had not passed.
	// Default: 1,000,000.
	MaxEntries int `json:"max_entries,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*MemoryStore) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "webhook_gateway.replay.memory",
		New: func() caddy.Module { return new(MemoryStore) },
	}
}

// Validate checks the bound.
func (s *MemoryStore) Validate() error {
	if s.MaxEntries < 0 {
		return fmt.Errorf("max_entries %d: must be positive", s.MaxEntries)
	}
	return nil
}

// ReplayStore returns the store.
func (s *MemoryStore) ReplayStore() replay.Store { return processMemory().Bounded(s.MaxEntries) }

// UnmarshalCaddyfile reads the store's block:
//
//	replay memory {
//		max_entries <number>
//	}
func (s *MemoryStore) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the store's name
	o := newOptions(d)
	for o.next() {
		switch o.Val() {
		case "max_entries":
			o.number(&s.MaxEntries, 1, math.MaxInt32)
		default:
			o.unknown("max_entries")
		}
	}
	return o.err
}

// Interface guards
var (
	_ caddy.Validator       = (*MemoryStore)(nil)
	_ caddyfile.Unmarshaler = (*MemoryStore)(nil)
	_ replayStore           = (*MemoryStore)(nil)
)
