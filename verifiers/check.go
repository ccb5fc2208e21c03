package verifiers

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// Check is one delivery between its headers and its body. It prints as "check of" and the name of
// the scheme, however it is formatted.
type Check struct {
	verifier   *Verifier
	rules      *rules
	request    Request
	stamp      string // the timestamp as it was sent
	keyID      string // what the delivery calls its key
	signed     time.Time
	signatures []signature
	id, event  headName
	found      []jsonpath.Found // at the rules' paths
	text       []byte           // the signed text around the body
	before     int              // how much of it stands before the body
	hasBody    bool             // and whether the body stands there
	secretAt   int              // and where the secret stands, of a content that has it
	sum        [maxSum]byte
	matched    *keyed
	state      any // what an engine keeps from head to verify
}

// keptText is how much memory a check keeps for the text of the next delivery. Headers rarely
// need more; a scheme that signs values of the body may need much more once.
const keptText = 4 << 10

// Check refuses what the headers alone can refuse. On success the caller must Close the check.
func (v *Verifier) Check(request Request) (*Check, error) {
	c := v.open(request)
	if err := c.head(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// open returns a check of a request, by the rules whose signature the request has.
func (v *Verifier) open(request Request) *Check {
	c := v.checks.Get().(*Check)
	c.request, c.rules, c.hasBody = request, v.rules, v.rules.content.hasBody
	if v.rules.alternative == nil {
		return c
	}
	for r := v.rules; r != nil; r = r.alternative {
		if r.signaturePresent(request) {
			c.rules, c.hasBody = r, r.content.hasBody
			break
		}
	}
	return c
}

// Close ends the check, which must not be used after. To close nil does nothing.
func (c *Check) Close() {
	if c == nil || c.rules == nil {
		return // one that stands in the pool twice would serve two deliveries at once
	}
	v := c.verifier
	*c = Check{verifier: v, signatures: c.signatures[:0], found: c.found, text: c.text[:0]} // keeps the memory
	if cap(c.text) > keptText {
		c.text = nil
	}
	v.checks.Put(c)
}

// Format writes the same for every verb: the fields hold the signature that was expected. Its
// receiver is no pointer, so that a copy prints no more.
func (c Check) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "check of "+c.verifier.rules.name)
}

// head reads everything that stands in the header and the query.
func (c *Check) head() (err error) {
	r := c.rules
	if c.verifier.engine != nil {
		if err := c.verifier.engine.head(c); err != nil {
			return err
		}
		return c.headNames()
	}
	if !r.lateSignature {
		if err := c.readSignatures(nil); err != nil {
			return err
		}
	}
	if r.hasTime && !r.lateTime {
		if err := c.readTime(nil); err != nil {
			return err
		}
	}
	if !r.lateText {
		if err := c.writeText(nil); err != nil {
			return err
		}
	}
	if r.hasKeyID {
		if err := c.readKeyID(); err != nil {
			return err
		}
	}
	return c.headNames()
}

// headNames reads the id and the event that stand in the header and the query.
func (c *Check) headNames() (err error) {
	if c.id, err = inHead(c.rules.ids, c.request); err != nil {
		return err
	}
	c.event, err = inHead(c.rules.events, c.request)
	return err
}

// readKeyID reads what the delivery calls its key. It may only choose among the secrets, so it needs no
// signature.
func (c *Check) readKeyID() (err error) {
	if c.keyID, err = c.rules.keyID.fromHead(c.request); err != nil {
		return err
	}
	if c.keyID == "" {
		return ErrFieldMissing
	}
	if !slices.ContainsFunc(c.verifier.valid(), c.mayBeOf) {
		return ErrKeyUnknown
	}
	return nil
}

// mayBeOf reports whether the delivery may be signed with a key, by what it calls its own.
func (c *Check) mayBeOf(key *keyed) bool {
	return c.keyID == "" || key.label == "" || key.label == c.keyID
}

// readTime reads the timestamp, unless it stood among the signatures, and checks it against the
// clock.
func (c *Check) readTime(body []byte) (err error) {
	r := c.rules
	if r.time.kind != inList {
		if c.stamp, err = r.time.read(c.request, body); err != nil {
			return err
		}
	}
	if c.signed, err = r.unit.parse(c.stamp); err != nil {
		return err
	}
	return within(c.signed, c.verifier.now(), r.tolerance)
}

// writeText writes the signed text around the body.
func (c *Check) writeText(body []byte) (err error) {
	if c.text, err = appendParts(c.text[:0], c.rules.content.before, c, body); err != nil {
		return err
	}
	c.before = len(c.text)
	c.text, err = appendParts(c.text, c.rules.content.after, c, body)
	return err
}

// Verify checks the signature over the exact bytes of the body, and the time once more, because
// a body may take long to arrive.
func (c *Check) Verify(body []byte) (Delivery, error) {
	r, v := c.rules, c.verifier
	if v.engine != nil {
		return c.verifyByCode(body)
	}
	if r.signature.kind == inEach {
		return c.verifyEach(body)
	}
	if r.lateSignature {
		if err := c.readSignatures(body); err != nil {
			return Delivery{}, err
		}
	}
	if r.hasTime {
		if r.lateTime {
			if err := c.readTime(body); err != nil {
				return Delivery{}, err
			}
		} else if err := within(c.signed, v.now(), r.tolerance); err != nil {
			return Delivery{}, err
		}
	}
	if r.lateText {
		if err := c.writeText(body); err != nil {
			return Delivery{}, err
		}
	}
	d, err := c.match(body)
	switch {
	case err != nil:
		return Delivery{}, err
	case c.extended(body):
		return Delivery{}, ErrFieldAmbiguous
	}
	c.finish(&d, body)
	return d, nil
}

// finish gives a genuine delivery its provider, id and event, and an identity where the signed id or
// the MAC can't be that.
func (c *Check) finish(d *Delivery, body []byte) {
	d.Provider = c.rules.name
	id, signed, event := c.names(body)
	if d.ID == "" {
		d.ID, d.IDSigned = id, signed
	}
	if d.Event == "" {
		d.Event = event
	}
	switch r := c.rules; {
	case d.IDSigned || d.sumTag == tagMAC && !r.byContent() && r.algorithm.kind != tokenKind:
	case r.algorithm.kind == tokenKind:
		sum := sha256.Sum256(body)
		d.identify(tagBody, sum[:])
	case d.sumTag == 0 || d.sumTag == tagMAC:
		d.identify(tagContent, c.contentSum(body))
	}
}

// byContent reports whether a delivery without a signed id is known by the hash of its content: where
// it may have several signatures, of one key or of several.
func (r *rules) byContent() bool { return r.several || r.algorithm.kind == publicKind }

// names returns the id, whether the signature covers it, and the event.
func (c *Check) names(body []byte) (id string, signed bool, event string) {
	r := c.rules
	if c.id.needsBody(r.ids) || c.event.needsBody(r.events) {
		c.found = slices.Grow(c.found[:0], len(r.paths))[:len(r.paths)]
		r.paths.Find(body, c.found)
		defer clear(c.found) // the body's memory is the caller's
	}
	id, signed = c.id.first(r.ids, c.found, body)
	event, _ = c.event.first(r.events, c.found, body)
	return id, signed, event
}

// Names returns the id and the event that a delivery claims to have, checked or not. They are for
// watching what would be refused; nothing may be decided by them.
func (v *Verifier) Names(request Request, body []byte) (id, event string) {
	c := v.open(request)
	defer c.Close()
	c.id, _ = inHead(c.rules.ids, request)
	c.event, _ = inHead(c.rules.events, request)
	id, _, event = c.names(body)
	return id, event
}
