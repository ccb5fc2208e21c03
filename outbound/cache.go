package outbound

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// cacheBytes bounds the containers that are kept in memory, for payloads to be read from.
const cacheBytes = 32 << 20

// cache keeps the containers that were written or read last, by their positions.
type cache struct {
	mu    sync.Mutex
	lru   *simplelru.LRU[uint64, []byte]
	bytes int
	limit int
}

func newCache(limit int) *cache {
	c := &cache{limit: limit}
	// The number of entries is bounded by their bytes; the library needs one too, which is never met.
	c.lru, _ = simplelru.NewLRU(limit, func(_ uint64, record []byte) { c.bytes -= len(record) })
	return c
}

func (c *cache) get(position uint64) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lru.Get(position)
}

func (c *cache) add(position uint64, record []byte) {
	if len(record) > c.limit {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lru.Contains(position) {
		return
	}
	c.lru.Add(position, record)
	for c.bytes += len(record); c.bytes > c.limit; {
		c.lru.RemoveOldest()
	}
}
