package api

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/hookseal/hookseal/outbound"
)

// The bounds of what is kept of answers.
const (
	maxRepeats     = 10_000
	maxRepeatBytes = 16 << 20
)

// repeats keeps the answers of operations that were done, so that the copy of a request, which a
// client sends when the answer was lost, is answered and not done again. It lasts as long as the
// process. What must last longer, the publishing of messages, the hub remembers itself.
type repeats struct {
	now func() time.Time

	mu    sync.Mutex
	kept  *simplelru.LRU[repeatKey, repeat]
	bytes int
	busy  map[repeatKey]chan struct{} // closed when the request that is in progress has been answered
}

// repeatKey is the hash of a request's token, operation and idempotency key.
type repeatKey [sha256.Size]byte

type repeat struct {
	answer answer
	until  time.Time
}

func newRepeats(now func() time.Time) *repeats {
	r := &repeats{now: now, busy: make(map[repeatKey]chan struct{})}
	// The only error is a size below 1.
	r.kept, _ = simplelru.NewLRU(maxRepeats, func(_ repeatKey, gone repeat) { r.bytes -= len(gone.answer.body) })
	return r
}

// serve answers a request that has no copy with operate, and its copies with the same. A copy that comes
// while the first is in progress waits for it. What has failed is not kept, and a copy of it is done.
func (r *repeats) serve(c *call, operate func(*call) (answer, error)) (answer, error) {
	text := c.idempotencyKey()
	if text == "" {
		return operate(c)
	}
	key := keyOf(c, text)
	for {
		r.mu.Lock()
		if kept, ok := r.kept.Get(key); ok && r.now().Before(kept.until) {
			r.mu.Unlock()
			return kept.answer, nil
		}
		busy, ok := r.busy[key]
		if !ok {
			busy = make(chan struct{})
			r.busy[key] = busy
			r.mu.Unlock()
			return r.first(c, operate, key, busy)
		}
		r.mu.Unlock()
		select {
		case <-busy:
		case <-c.request.Context().Done():
			return answer{}, c.request.Context().Err()
		}
	}
}

// first answers a request that has no copy yet.
func (r *repeats) first(c *call, operate func(*call) (answer, error), key repeatKey, busy chan struct{}) (a answer, err error) {
	// Deferred, so that a panic doesn't leave the copies waiting.
	succeeded := false
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.busy, key)
		close(busy)
		if succeeded {
			r.keep(key, a)
		}
	}()
	a, err = operate(c)
	succeeded = err == nil
	return a, err
}

func (r *repeats) keep(key repeatKey, a answer) {
	if len(a.body) > maxRepeatBytes {
		return
	}
	r.kept.Remove(key)
	r.kept.Add(key, repeat{a, r.now().Add(outbound.IdempotencyWindow)})
	for r.bytes += len(a.body); r.bytes > maxRepeatBytes; {
		r.kept.RemoveOldest()
	}
}

func keyOf(c *call, text string) repeatKey {
	hash := sha256.New()
	hash.Write(c.token.hash[:])
	// No method and no path has a line break, so that no two requests come to the same text.
	hash.Write([]byte(c.request.Method + "\n" + c.request.URL.RequestURI() + "\n" + text))
	return repeatKey(hash.Sum(nil))
}

// messageKey returns the key by which the hub knows the copies of a message. It is made of the client's
// key, and the same for the same token and operation only: clients that use the others may have counted
// to the same number. It lasts longer than the process, so it must not change.
func (c *call) messageKey(operation, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if len(text) > maxKey || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", invalid(fmt.Sprintf("idempotency-key is longer than %d or has characters that are not printable ASCII: give another", maxKey), "header", "idempotency-key")
	}
	hash := sha256.New()
	hash.Write(c.token.hash[:])
	hash.Write([]byte(operation + "\n" + text))
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// maxKey is how many characters an idempotency key may have.
const maxKey = 256
