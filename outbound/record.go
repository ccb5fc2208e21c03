package outbound

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// A journal's logs hold containers: what was waiting to be written when a write began, in one record, so
// that a disk that syncs a few thousand times a second keeps up with many times as many messages.
//
// A container is a sequence of parts, each with its length before it as a uvarint. The first is its
// header, then come two parts for each entry: its head and its body. Headers and heads are JSON; bodies
// are bytes.

// containerHeader is the first part of a container.
type containerHeader struct {
	// Sets are the sets of endpoints that entries refer to by number, because the messages of one
	// container mostly go to the same ones.
	Sets [][]string `json:"sets,omitempty"`
}

// messageHead is the head of a message's entry. The body is the payload.
type messageHead struct {
	ID          string            `json:"id"`
	App         string            `json:"app"`
	EventID     string            `json:"eid,omitempty"`
	EventType   string            `json:"type"`
	Channels    []string          `json:"ch,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Accepted    int64             `json:"t,omitempty"`  // Unix ms, unless the id says the same
	DeliverAt   int64             `json:"at,omitempty"` // Unix ms
	Only        bool              `json:"only,omitempty"`
	ContentType string            `json:"ct,omitempty"`
	Headers     map[string]string `json:"h,omitempty"`
	Key         []byte            `json:"key,omitempty"` // the hash of the idempotency key
	To          int               `json:"to"`            // a set of the container's header
}

// attemptHead is the head of an entry of the log of attempts: an attempt, whose response is the body, or
// the wish that a message be sent to an endpoint again.
type attemptHead struct {
	ID       string  `json:"id,omitempty"`
	Message  string  `json:"m"`
	Endpoint string  `json:"e"`
	At       int64   `json:"t"` // Unix ms
	URL      string  `json:"u,omitempty"`
	Took     int64   `json:"d,omitempty"` // ms
	Number   int     `json:"n,omitempty"`
	Failed   bool    `json:"f,omitempty"`
	Code     int     `json:"c,omitempty"`
	Trigger  Trigger `json:"g,omitempty"`
	Next     int64   `json:"x,omitempty"` // Unix ms
	Resend   bool    `json:"again,omitempty"`
}

// errContainer means that a record is no container. It says nothing of what it holds.
var errContainer = errors.New("journal: a record can't be read")

// part is one part of a container: it appends its length and its bytes.
func appendPart(container, part []byte) []byte {
	return append(binary.AppendUvarint(container, uint64(len(part))), part...)
}

// partSize is how many bytes a part takes at the most.
func partSize(n int) int { return n + binary.MaxVarintLen32 }

// nextPart takes the next part off a container.
func nextPart(container []byte) (part, rest []byte, err error) {
	length, n := binary.Uvarint(container)
	if n <= 0 || length > uint64(len(container)-n) {
		return nil, nil, errContainer
	}
	return container[n : n+int(length)], container[n+int(length):], nil
}

// openContainer reads a container's header.
func openContainer(container []byte) (header containerHeader, entries []byte, err error) {
	part, entries, err := nextPart(container)
	if err != nil {
		return header, nil, err
	}
	if err := json.Unmarshal(part, &header); err != nil {
		return header, nil, errContainer
	}
	return header, entries, nil
}

// nextEntry takes the next entry off the entries of a container.
func nextEntry(entries []byte) (head, body, rest []byte, err error) {
	if head, rest, err = nextPart(entries); err == nil {
		body, rest, err = nextPart(rest)
	}
	return head, body, rest, err
}

// entryAt returns the entry with an index in a container. It skips the header unread: to many endpoints
// that is most of a container, and every attempt looks up its message here.
func entryAt(container []byte, index int) (head, body []byte, err error) {
	_, rest, err := nextPart(container)
	for i := 0; err == nil; i++ {
		if head, body, rest, err = nextEntry(rest); err == nil && i == index {
			return head, body, nil
		}
	}
	return nil, nil, err
}

// eachEntry calls each with the entries of a container. H is the type of their heads.
func eachEntry[H any](container []byte, each func(header containerHeader, index int, head H, body []byte) error) error {
	header, rest, err := openContainer(container)
	for i := 0; err == nil && len(rest) > 0; i++ {
		var head, body []byte
		if head, body, rest, err = nextEntry(rest); err != nil {
			break
		}
		var h H
		if json.Unmarshal(head, &h) != nil {
			return fmt.Errorf("%w: entry %d", errContainer, i)
		}
		err = each(header, i, h, body)
	}
	return err
}
