package verifiers

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"slices"
	"strings"
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
	signed     time.Time
	signatures []signature
	id, event  headName
	found      []jsonpath.Found // at the rules' paths
	text       []byte           // the signed text around the body
	before     int              // how much of it stands before the body
	sum        [maxSum]byte
}

// signature is one that a delivery offers.
type signature struct {
	bytes   [maxSum]byte
	ed25519 bool // and not an HMAC
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
	c.request, c.rules = request, v.rules
	if v.rules.alternative == nil {
		return c
	}
	for r := v.rules; r != nil; r = r.alternative {
		if r.signaturePresent(request) {
			c.rules = r
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
	if c.id, err = inHead(r.ids, c.request); err != nil {
		return err
	}
	c.event, err = inHead(r.events, c.request)
	return err
}

// signaturePresent reports whether the place of the signature holds anything.
func (r *rules) signaturePresent(request Request) bool {
	if r.signature.kind == inHeader {
		return len(request.Header[r.signature.name]) > 0
	}
	value, err := r.signature.fromHead(request)
	return err != nil || value != ""
}

// readSignatures decodes the signatures that the delivery offers.
func (c *Check) readSignatures(body []byte) error {
	r := c.rules
	c.signatures = c.signatures[:0]
	if r.signature.kind == inHeader {
		values := c.request.Header[r.signature.name]
		if len(values) > 1 && !r.repeated {
			return ErrFieldRepeated
		}
		return c.addSignatures(values)
	}
	value, err := r.signature.read(c.request, body)
	if err != nil {
		return err
	}
	return c.addSignatures([]string{value})
}

// addSignatures decodes the signatures in values, and finds the timestamp if it stands among
// them. A list may hold entries of other versions and some that are malformed, as long as one is
// a signature. Two timestamps are refused: libraries disagree on which one counts.
func (c *Check) addSignatures(values []string) error {
	r, v := c.rules, c.verifier
	anything, stamped, offered, offeredEd25519 := false, false, 0, 0
	for _, value := range values {
		for rest := value; rest != ""; {
			entry := rest
			rest = ""
			if r.list != nil && r.list.Separator != "" {
				entry, rest, _ = strings.Cut(entry, r.list.Separator)
				entry = strings.TrimSpace(entry)
			}
			anything = true
			if r.time.kind == inList {
				if stamp, ok := r.list.value(entry, r.time.name); ok {
					if stamped {
						return ErrFieldRepeated
					}
					c.stamp, stamped = stamp, true
					continue
				}
			}
			kind, size := signature{}, r.size
			if r.list != nil {
				var ok bool
				if entry, kind.ed25519, ok = c.listed(entry); !ok {
					continue
				}
			}
			if kind.ed25519 {
				size = ed25519.SignatureSize
				offeredEd25519++
			}
			if offered++; offered > MaxSignatures || offeredEd25519*v.ed25519 > MaxEd25519 {
				return ErrTooManySignatures
			}
			c.signatures = append(c.signatures, kind)
			if !r.encoding.decode(c.signatures[len(c.signatures)-1].bytes[:], []byte(entry), size) {
				c.signatures = c.signatures[:len(c.signatures)-1]
			}
		}
	}
	switch {
	case !anything:
		return ErrSignatureMissing
	case len(c.signatures) == 0:
		return ErrSignatureMalformed
	}
	return nil
}

// listed returns the signature in a list entry, if the entry holds one of a kind that the secrets
// are of. The kind comes from its name, and what it is checked with from the secret.
func (c *Check) listed(entry string) (text string, isEd25519, ok bool) {
	list, v := c.rules.list, c.verifier
	if v.hmac {
		if text, ok := list.value(entry, list.Key); ok {
			return text, false, true
		}
	}
	if v.ed25519 > 0 {
		if text, ok := list.value(entry, list.Ed25519); ok {
			return text, true, true
		}
	}
	return "", false, false
}

// value returns the value of a list entry if it has the key.
func (l *List) value(entry, key string) (string, bool) {
	rest, ok := strings.CutPrefix(entry, key)
	if !ok {
		return "", false
	}
	return strings.CutPrefix(rest, l.Assign)
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
	var whole []byte
	if slices.ContainsFunc(c.signatures, func(s signature) bool { return s.ed25519 }) {
		text, release, err := c.wholeText(body)
		if err != nil {
			return Delivery{}, err
		}
		defer release()
		whole = text
	}
	d := Delivery{Provider: r.name, Timestamp: c.signed}
	// Every secret is tried on every signature, whichever matches, so that the time taken says
	// nothing about which one did.
	matched := 0
	for _, key := range v.secrets {
		same := 0
		if key.public != nil {
			same = c.matchesEd25519(key, whole)
		} else {
			sum := c.sumUnder(key, body)
			for i := range c.signatures {
				if s := &c.signatures[i]; !s.ed25519 {
					same |= subtle.ConstantTimeCompare(sum, s.bytes[:r.size])
				}
			}
			if same == 1 && matched == 0 {
				d.sumSize = copy(d.sum[:], sum)
				d.sumTag = tagMAC
			}
		}
		if same == 1 && matched == 0 {
			d.Key = key.label
		}
		matched |= same
	}
	if matched == 0 {
		return Delivery{}, ErrSignatureMismatch
	}
	d.ID, d.IDSigned, d.Event = c.names(body)
	if r.several && !d.IDSigned {
		d.sumTag = tagContent
		d.sumSize = copy(d.sum[:], c.contentSum(body))
	}
	return d, nil
}

// matchesEd25519 returns 1 if one of the delivery's signatures is one of the whole text under the key,
// otherwise 0. There is nothing secret in it whose time could tell.
func (c *Check) matchesEd25519(key *keyed, whole []byte) int {
	for i := range c.signatures {
		if s := &c.signatures[i]; s.ed25519 && ed25519.Verify(key.public, whole, s.bytes[:]) {
			return 1
		}
	}
	return 0
}

// wholeText returns the signed text in one piece. It is gone when it has been released.
func (c *Check) wholeText(body []byte) (text []byte, release func(), err error) {
	if !c.rules.content.hasBody || len(body) == 0 {
		return c.text, func() {}, nil
	}
	space, release, err := c.verifier.space(len(c.text) + len(body))
	if err != nil {
		return nil, nil, err
	}
	text = append(space[:0], c.text[:c.before]...)
	text = append(text, body...)
	return append(text, c.text[c.before:]...), release, nil
}

// sumUnder computes the HMAC of the delivery under a key. Verify and Sign both go through here, so
// that they can't drift apart.
func (c *Check) sumUnder(key *keyed, body []byte) []byte {
	if !c.rules.content.hasBody {
		body = nil
	}
	return key.sum(c.sum[:0], c.text[:c.before], body, c.text[c.before:])
}

// contentSum hashes the signed text.
func (c *Check) contentSum(body []byte) []byte {
	if !c.rules.content.hasBody {
		body = nil
	}
	h := sha256.New()
	for _, part := range [][]byte{c.text[:c.before], body, c.text[c.before:]} {
		h.Write(part)
	}
	return h.Sum(c.sum[:0])
}

// names returns the id, whether the signature covers it, and the event.
func (c *Check) names(body []byte) (id string, signed bool, event string) {
	r := c.rules
	if c.id.needsBody(r.ids) || c.event.needsBody(r.events) {
		c.found = slices.Grow(c.found[:0], len(r.paths))[:len(r.paths)]
		r.paths.Find(body, c.found)
		defer clear(c.found) // the body's memory is the caller's
	}
	id, signed = c.id.first(r.ids, c.found)
	event, _ = c.event.first(r.events, c.found)
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
