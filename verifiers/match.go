package verifiers

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

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
