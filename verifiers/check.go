package verifiers

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
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

// signature is one that a delivery offers.
type signature struct {
	bytes  [maxSum]byte
	long   []byte // the bytes of one whose size isn't certain
	public bool   // a public key checks it
}

// text returns the bytes of a signature whose size would be that.
func (s *signature) text(size int) []byte {
	if s.long != nil {
		return s.long
	}
	return s.bytes[:size]
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

// signaturePresent reports whether the place of the signature holds anything.
func (r *rules) signaturePresent(request Request) bool {
	if r.signature.kind == inHeader {
		return len(request.Header[r.signature.name]) > 0
	}
	if r.signature.kind == inNumbered {
		values, err := r.signature.numbered(request.Header)
		return err != nil || len(values) > 0
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
	if r.signature.kind == inNumbered {
		values, err := r.signature.numbered(c.request.Header)
		if err != nil {
			return err
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
	anything, stamped, offered, offeredPublic := false, false, 0, 0
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
			public := r.algorithm.kind == publicKind
			if r.list != nil {
				var ok bool
				if entry, public, ok = c.listed(entry); !ok {
					continue
				}
			}
			if public {
				offeredPublic++
			}
			if offered++; offered > MaxSignatures || offeredPublic*v.public > MaxPublicKeys {
				return ErrTooManySignatures
			}
			c.addSignature(entry, public)
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

// addSignature decodes one signature, and leaves it out if it isn't well formed.
func (c *Check) addSignature(text string, public bool) {
	r := c.rules
	c.signatures = append(c.signatures, signature{public: public})
	s := &c.signatures[len(c.signatures)-1]
	ok := true
	text = r.encoding.unescape(text)
	switch size := r.sizeOf(public); {
	case r.algorithm.kind == tokenKind:
		var token []byte
		if token, ok = r.encoding.decodeAny(text, maxToken); ok {
			s.bytes = [maxSum]byte{}
			sum := sha256.Sum256(token)
			copy(s.bytes[:], sum[:])
		}
	case size == 0:
		s.long, ok = r.encoding.decodeAny(text, maxSignature)
	default:
		ok = r.encoding.decode(s.bytes[:], []byte(text), size)
	}
	if !ok {
		c.signatures = c.signatures[:len(c.signatures)-1]
	}
}

// maxToken bounds a secret that is sent, in bytes.
const maxToken = 4 << 10

// sizeOf returns the size of a signature in bytes, and 0 if it isn't certain.
func (r *rules) sizeOf(public bool) int {
	switch {
	case !public:
		return r.size
	case r.algorithm.kind == publicKind && r.algorithm.hash != 0:
		return 0
	}
	return ed25519.SignatureSize
}

// listed returns the signature in a list entry, if the entry holds one of a kind that the secrets
// are of. The kind comes from its name, and what it is checked with from the secret.
func (c *Check) listed(entry string) (text string, public, ok bool) {
	list, v := c.rules.list, c.verifier
	if v.named {
		if text, ok := list.value(entry, list.Key); ok {
			return text, c.rules.algorithm.kind == publicKind, true
		}
	}
	if list.Ed25519 != "" && v.public > 0 {
		if text, ok := list.value(entry, list.Ed25519); ok {
			return text, true, true
		}
	}
	return "", false, false
}

// value returns the value of a list entry if it has the key.
func (l *List) value(entry, key string) (string, bool) {
	if key == "*" {
		_, value, ok := strings.Cut(entry, l.Assign)
		return value, ok
	}
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

// verifyByCode is Verify of a scheme in code.
func (c *Check) verifyByCode(body []byte) (Delivery, error) {
	d, err := c.verifier.engine.verify(c, body)
	if err != nil {
		return Delivery{}, err
	}
	c.finish(&d, body)
	return d, nil
}

// verifyEach is Verify of a scheme that sends the secret in every element of an array: all of them must
// have it, and there must be one. Nothing is kept of them, however many there are.
func (c *Check) verifyEach(body []byte) (Delivery, error) {
	r := c.rules
	var d Delivery
	elements := 0
	err := r.signature.each.Each(body, func(value jsonpath.Value) error {
		elements++
		text, err := value.Scalar()
		if err != nil {
			return err
		}
		c.signatures = c.signatures[:0]
		if err := c.addSignatures([]string{text}); err != nil {
			return err
		}
		matched, err := c.match(body)
		if elements == 1 {
			d = matched
		}
		return err
	})
	switch {
	case errors.Is(err, ErrNotGenuine):
		return Delivery{}, err
	case errors.Is(err, jsonpath.ErrAmbiguous):
		return Delivery{}, ErrFieldRepeated
	case err != nil || elements == 0:
		return Delivery{}, ErrSignatureMissing
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

// match tries every secret on every signature that was read, over the signed text with the body in it.
// The delivery that it returns has the label of the secret that matched, the time that was read and,
// as its identity, the MAC that matched.
func (c *Check) match(body []byte) (Delivery, error) {
	r, v := c.rules, c.verifier
	var message []byte
	if slices.ContainsFunc(c.signatures, func(s signature) bool { return s.public }) {
		text, release, err := c.message(body)
		if err != nil {
			return Delivery{}, err
		}
		defer release()
		message = text
	}
	d := Delivery{Timestamp: c.signed}
	// Every secret is tried on every signature, whichever matches, so that the time taken says
	// nothing about which one did.
	matched := 0
	for _, key := range v.valid() {
		if !c.mayBeOf(key) {
			continue
		}
		same := 0
		if key.public != nil {
			same = c.matchesPublic(key, message)
		} else {
			sum := c.sumUnder(key, body)
			for i := range c.signatures {
				if s := &c.signatures[i]; !s.public {
					same |= subtle.ConstantTimeCompare(sum, s.bytes[:r.size])
				}
			}
			if same == 1 && matched == 0 {
				d.identify(tagMAC, sum)
			}
		}
		if same == 1 && matched == 0 {
			d.Key, c.matched = key.label, key
		}
		matched |= same
	}
	if matched == 0 {
		return Delivery{}, ErrSignatureMismatch
	}
	return d, nil
}

// matchesPublic returns 1 if one of the delivery's signatures is one of the message under the key,
// otherwise 0. There is nothing secret in it whose time could tell.
func (c *Check) matchesPublic(key *keyed, message []byte) int {
	for i := range c.signatures {
		if s := &c.signatures[i]; s.public && key.public.verify(message, s.text(ed25519.SignatureSize)) {
			return 1
		}
	}
	return 0
}

// message returns what a public key checks: the signed text in one piece for Ed25519, otherwise the
// text's hash. It is gone when it has been released.
func (c *Check) message(body []byte) (message []byte, release func(), err error) {
	if a := c.rules.algorithm; a.kind == publicKind && a.hash != 0 {
		h := a.hash.New()
		for _, part := range c.parts(body) {
			h.Write(part)
		}
		return h.Sum(c.sum[:0]), func() {}, nil
	}
	return c.wholeText(body)
}

// wholeText returns the signed text in one piece. It is gone when it has been released.
func (c *Check) wholeText(body []byte) (text []byte, release func(), err error) {
	if !c.hasBody || len(body) == 0 {
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
	if key.token != nil {
		return append(c.sum[:0], key.token...)
	}
	if !c.hasBody {
		body = nil
	}
	if c.rules.content.hasSecret {
		pieces, _ := c.aroundSecret(key, body)
		return key.sum(c.sum[:0], pieces[:]...)
	}
	return key.sum(c.sum[:0], c.text[:c.before], body, c.text[c.before:])
}

// aroundSecret returns the pieces of a signed text that has the secret in it, and where that ends.
func (c *Check) aroundSecret(key *keyed, body []byte) (pieces [5][]byte, end int) {
	end = c.secretAt + len(key.secret)
	before, after := c.text[:c.before], c.text[c.before:]
	if c.rules.content.secretBehind {
		at := c.secretAt - c.before
		return [...][]byte{before, body, after[:at], key.secret, after[at:]}, end + len(body)
	}
	return [...][]byte{before[:c.secretAt], key.secret, before[c.secretAt:], body, after}, end
}

// contentSum hashes the signed text, without the secret in it.
func (c *Check) contentSum(body []byte) []byte {
	h := sha256.New()
	for _, part := range c.parts(body) {
		h.Write(part)
	}
	return h.Sum(c.sum[:0])
}

// parts returns the pieces of the signed text, without the secret in it.
func (c *Check) parts(body []byte) [3][]byte {
	if !c.hasBody {
		body = nil
	}
	return [3][]byte{c.text[:c.before], body, c.text[c.before:]}
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
