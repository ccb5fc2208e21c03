package outbound

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"io"
	"strings"
	"sync"
	"time"
)

// What the ids of each kind of thing begin with, as Svix has them.
const (
	prefixApplication = "app_"
	prefixEndpoint    = "ep_"
	prefixMessage     = "msg_"
	prefixAttempt     = "atmpt_"
)

// idText is how ids are written: its alphabet is in the order of its values, so that texts sort as the
// bytes do.
var idText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// idLength is the length of an id behind its prefix.
const idLength = 26

// ids gives out ids: 48 bits of Unix time in milliseconds and 80 random bits. They sort in the order in
// which they are given, also those of one millisecond, and when the clock goes back. The zero value is
// ready.
type ids struct {
	random io.Reader // nil stands for the operating system's

	mu   sync.Mutex
	last [16]byte
}

// next returns an id for what is created at a time.
func (g *ids) next(at time.Time) [16]byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	id := randomID(at, g.random)
	if idMilli(id) <= idMilli(g.last) {
		id = g.last
		for i := len(id) - 1; i >= 0; i-- {
			if id[i]++; id[i] != 0 {
				break
			}
		}
	}
	g.last = id
	return id
}

// above makes all ids to come sort behind one that was given before, by another process.
func (g *ids) above(id [16]byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if string(id[:]) > string(g.last[:]) {
		g.last = id
	}
}

func randomID(at time.Time, random io.Reader) (id [16]byte) {
	if random == nil {
		random = rand.Reader
	}
	if _, err := io.ReadFull(random, id[6:]); err != nil {
		panic("no random bytes: " + err.Error()) // crypto/rand's own reader never comes back without
	}
	milli := uint64(max(at.UnixMilli(), 0))
	binary.BigEndian.PutUint16(id[0:], uint16(milli>>32))
	binary.BigEndian.PutUint32(id[2:], uint32(milli))
	return id
}

func idMilli(id [16]byte) int64 {
	return int64(binary.BigEndian.Uint16(id[0:]))<<32 | int64(binary.BigEndian.Uint32(id[2:]))
}

// formatID returns the text of an id.
func formatID(prefix string, id [16]byte) string {
	var digits [idLength]byte
	idText.Encode(digits[:], id[:])
	return prefix + string(digits[:])
}

// parseID returns the id that formatID wrote as a text, and false if it never writes that text.
func parseID(prefix, text string) (id [16]byte, ok bool) {
	digits, ok := strings.CutPrefix(text, prefix)
	if !ok || len(digits) != idLength {
		return id, false
	}
	var given, written [idLength]byte
	copy(given[:], digits)
	n, err := idText.Decode(id[:], given[:])
	idText.Encode(written[:], id[:])
	// The last digit has room for two bits that no id has.
	if err != nil || n != len(id) || written != given {
		return [16]byte{}, false
	}
	return id, true
}
