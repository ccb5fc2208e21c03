package verifiers

import (
	"crypto/ed25519"
	"crypto/sha256"
	"strings"
)

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
