package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net"
)

// template holds what all deliveries to one gateway share.
type template struct {
	// blank is the head of a request, without its id and signature, and where the two go.
	blank             string
	idAt, signatureAt int
	// beforeCounter is the body up to its counter, and signedBefore the state of the HMAC there.
	beforeCounter []byte
	signedBefore  hash.Cloner
}

// newTemplate prepares deliveries of an event with bodies of a size, signed as GitHub signs. The
// headers are those that GitHub sends.
func newTemplate(host, event string, size byteSize, secret string) (*template, error) {
	body, counter := payload(size)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body[:counter])
	cloner, ok := mac.(hash.Cloner)
	if !ok {
		return nil, errors.New("this HMAC state can't be cloned")
	}
	t := &template{beforeCounter: body[:counter], signedBefore: cloner}
	t.blank = fmt.Sprintf("POST /github HTTP/1.1\r\n"+
		"Host: %s\r\n"+
		"User-Agent: GitHub-Hookshot/044aadd\r\n"+
		"Content-Length: %d\r\n"+
		"Accept: */*\r\n"+
		"Content-Type: application/json\r\n"+
		"X-GitHub-Event: %s\r\n"+
		"X-GitHub-Hook-ID: 292430182\r\n"+
		"X-GitHub-Hook-Installation-Target-ID: 79929171\r\n"+
		"X-GitHub-Hook-Installation-Target-Type: repository\r\n"+
		"X-GitHub-Delivery: 72d3162e-cc78-11e3-", host, size, event)
	t.idAt = len(t.blank)
	t.blank += "0000-000000000000\r\nX-Hub-Signature-256: sha256="
	t.signatureAt = len(t.blank)
	t.blank += fmt.Sprintf("%064d\r\n\r\n", 0)
	return t, nil
}

// delivery is a signed request in memory that one connection sends and then changes into the
// next one.
type delivery struct {
	*template
	head, tail []byte
	digest     [sha256.Size]byte
	parts      [3][]byte
}

func (t *template) newDelivery() *delivery {
	return &delivery{template: t, head: []byte(t.blank), tail: fmt.Appendf(nil, "%0*d%s", counterDigits, 0, payloadEnd)}
}

// number makes the delivery one of its own: with this number in its body and in its id, and
// signed. The result is valid until the next call.
func (d *delivery) number(n uint64) (net.Buffers, error) {
	id := d.head[d.idAt : d.idAt+len("0000-000000000000")]
	copy(id, fmt.Appendf(nil, "%04x-%012x", n>>48, n&(1<<48-1)))
	copy(d.tail, fmt.Appendf(nil, "%0*d", counterDigits, n))

	mac, err := d.signedBefore.Clone()
	if err != nil {
		return nil, err
	}
	mac.Write(d.tail)
	hex.Encode(d.head[d.signatureAt:], mac.Sum(d.digest[:0]))

	d.parts = [3][]byte{d.head, d.beforeCounter, d.tail}
	return d.parts[:], nil
}
