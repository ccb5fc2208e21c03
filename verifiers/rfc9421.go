package verifiers

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rfc9421 verifies the signatures of HTTP messages of RFC 9421. What a signature covers is the sender's choice;
// what it has to cover is the scheme's: the names in its Content, which stand there as they do in a
// Signature-Input.
//
// A secret is the name of an algorithm, a colon and the key: "hmac-sha256:" and base64, or one of the other
// algorithms and a public key, as PEM or as base64 of its DER form. So the algorithm belongs to the key, and
// the parameter alg can only agree. The label of a secret is the keyid of the signatures that it is for.
//
// Source: https://www.rfc-editor.org/rfc/rfc9421
type rfc9421 struct {
	origin   origin
	required []string
	keys     []messageKey
}

// messageSigning is what a signature must cover if the scheme doesn't say otherwise.
const messageSigning = `"@method" "@target-uri" "content-digest"`

// requiredComponents reads the Content of the scheme.
func requiredComponents(s Scheme) ([]string, error) {
	f := structuredField{text: "(" + orDefault(s.Content, messageSigning) + ")"}
	item := f.item(true)
	if f.bad || f.at != len(f.text) {
		return nil, errors.New(`content: write the names of what a signature has to cover, such as "@method" "@target-uri" "content-digest"`)
	}
	var names []string
	for _, i := range item.inner {
		if i.kind != '"' || len(i.parameters) > 0 || !isComponent(i.value) {
			return nil, fmt.Errorf("content: %s is nothing that a signature can have to cover", i.text)
		}
		names = append(names, i.value)
	}
	if len(names) == 0 {
		return nil, errors.New("content: a signature has to cover something")
	}
	return names, nil
}

// maxSigned bounds what the signatures of one message cover together, in bytes. Each of them may cover a URL as
// long as a server takes, and is hashed under every key.
const maxSigned = 256 << 10

// messageCost is what the signatures of one message have cost.
type messageCost struct {
	checks int // under public keys
	bytes  int // that were read for what is signed
}

// read counts bytes before they are read.
func (m *messageCost) read(bytes int) error {
	if m.bytes += bytes; m.bytes > maxSigned {
		return ErrTooManySignatures
	}
	return nil
}

// coversMessage tells what of the body and the URL is always covered.
func coversMessage(s Scheme) (body, url bool, err error) {
	names, err := requiredComponents(s)
	return slices.Contains(names, contentDigest), true, err
}

func openRFC9421(s setup) (engine, error) {
	required, err := requiredComponents(s.scheme)
	if err != nil {
		return nil, err
	}
	e := rfc9421{required: required}
	if e.origin, err = parseOrigin(s.publicURL); err != nil {
		return nil, err
	}
	public := 0
	for i, secret := range s.secrets {
		key, err := parseMessageKey(secret.label, string(secret.secret), s.options.AllowShort)
		if err != nil {
			return nil, fmt.Errorf("secret %d: %w", i+1, err)
		}
		if key.public != nil {
			if public++; public > MaxPublicKeys {
				return nil, fmt.Errorf("secret %d: one public key more than the %d that there may be: leave out those that nobody uses any more", i+1, MaxPublicKeys)
			}
		}
		key.notBefore, key.notAfter = secret.notBefore, secret.notAfter
		e.keys = append(e.keys, key)
	}
	return e, nil
}

// messageSignature is one of a message's signatures, taken apart.
type messageSignature struct {
	input, signature fieldItem
	created, expires int64
	hasExpires       bool
	keyID, nonce     string
	alg              string
	base             []byte // what is signed, without the parameters
}

// checkedMessage is what head leaves for verify.
type checkedMessage struct {
	delivery   Delivery
	hasDigest  bool
	expires    time.Time
	hasExpires bool
}

func (e rfc9421) head(c *Check) error {
	signatures, err := messageSignatures(c.request.Header)
	if err != nil {
		return err
	}
	// The first signature that is good is enough, and of several that aren't the first says why.
	var first error
	var cost messageCost
	for i := range signatures {
		err := e.check(c, &signatures[i], &cost)
		if err == nil {
			return nil
		}
		if err == ErrTooManySignatures {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// messageSignatures returns those signatures of a message that have both parts.
func messageSignatures(header http.Header) (all []messageSignature, err error) {
	var dictionaries [2][]fieldMember
	for i, name := range []string{"Signature-Input", "Signature"} {
		values := header[name]
		if len(values) == 0 || strings.TrimSpace(strings.Join(values, "")) == "" {
			return nil, ErrSignatureMissing
		}
		if dictionaries[i], err = readDictionary(values); err != nil {
			return nil, err
		}
	}
	for _, input := range dictionaries[0] {
		for _, signature := range dictionaries[1] {
			if signature.name == input.name {
				all = append(all, messageSignature{input: input.fieldItem, signature: signature.fieldItem})
			}
		}
	}
	if len(all) == 0 {
		return nil, ErrSignatureMissing
	}
	return all, nil
}

// check checks one signature and what it covers, and leaves what it found in the check.
func (e rfc9421) check(c *Check, s *messageSignature, cost *messageCost) error {
	if err := s.readParameters(); err != nil {
		return err
	}
	if err := c.fresh(time.Unix(s.created, 0)); err != nil {
		return err
	}
	state := checkedMessage{expires: time.Unix(s.expires, 0), hasExpires: s.hasExpires}
	if err := state.unexpired(c.verifier.now()); err != nil {
		return err
	}
	if err := e.readComponents(c.request, s, cost); err != nil {
		return err
	}
	state.hasDigest = s.covers(contentDigest)
	label, err := e.match(s, c.verifier.now(), cost)
	if err != nil {
		return err
	}
	state.delivery = Delivery{Timestamp: c.signed, Key: label}
	// While a key is rolled a message may have a signature of each, and to drop one must not make another
	// message. So what stands for it is what they agree on.
	sum := sha256.New()
	sum.Write(s.base)
	fmt.Fprintf(sum, "%d %q", s.created, s.nonce)
	state.delivery.identify(tagContent, sum.Sum(nil))
	c.state = state
	return nil
}

func (m *checkedMessage) unexpired(now time.Time) error {
	if m.hasExpires && !now.Before(m.expires) {
		return ErrTimestampTooOld
	}
	return nil
}

func (e rfc9421) verify(c *Check, body []byte) (Delivery, error) {
	state := c.state.(checkedMessage)
	if err := c.fresh(c.signed); err != nil {
		return Delivery{}, err
	}
	if err := state.unexpired(c.verifier.now()); err != nil {
		return Delivery{}, err
	}
	if state.hasDigest {
		if err := checkDigest(c.request.Header["Content-Digest"], body); err != nil {
			return Delivery{}, err
		}
	}
	return state.delivery, nil
}

// readParameters reads the parameters of the signature. One that isn't known is signed and says nothing.
func (s *messageSignature) readParameters() error {
	if s.input.kind != '(' || s.signature.kind != ':' || len(s.signature.parameters) > 0 || s.signature.value == "" {
		return ErrSignatureMalformed
	}
	created, ok := s.input.parameter("created")
	switch {
	case !ok:
		return ErrTimestampMissing
	case created.kind != '0' || created.number < 0:
		return ErrTimestampMalformed
	}
	s.created = created.number
	if expires, ok := s.input.parameter("expires"); ok {
		if expires.kind != '0' || expires.number < 0 {
			return ErrTimestampMalformed
		}
		s.expires, s.hasExpires = expires.number, true
	}
	for name, at := range map[string]*string{"keyid": &s.keyID, "nonce": &s.nonce, "alg": &s.alg} {
		if item, ok := s.input.parameter(name); ok {
			if item.kind != '"' {
				return ErrSignatureMalformed
			}
			*at = item.value
		}
	}
	return nil
}

// covers reports whether the signature covers a component.
func (s *messageSignature) covers(name string) bool {
	return slices.ContainsFunc(s.input.inner, func(i fieldItem) bool { return i.value == name && len(i.parameters) == 0 })
}

// readComponents writes what is signed, after it has found everything in it that has to be.
func (e rfc9421) readComponents(r Request, s *messageSignature, cost *messageCost) error {
	for _, name := range e.required {
		if !s.covers(name) && !(name == "@target-uri" && s.coversTarget(r)) {
			return ErrFieldMissing
		}
	}
	seen := make(map[string]bool, len(s.input.inner))
	for i := range s.input.inner {
		item := &s.input.inner[i]
		if seen[item.text] {
			return ErrFieldRepeated
		}
		seen[item.text] = true
		if item.value == queryParameter {
			// All of the query is read for one parameter.
			if err := cost.read(len(r.Target)); err != nil {
				return err
			}
		}
		value, err := e.origin.component(r, item)
		if err != nil {
			return err
		}
		if err := cost.read(len(item.text) + len(value)); err != nil {
			return err
		}
		s.base = append(append(append(append(s.base, item.text...), ": "...), value...), '\n')
	}
	return nil
}

// coversTarget reports whether the signature covers all parts of the target URI but the scheme, which
// the gateway has one of.
func (s *messageSignature) coversTarget(r Request) bool {
	return (s.covers("@authority") || s.covers("host")) &&
		(s.covers("@request-target") || s.covers("@path") && (s.covers("@query") || !strings.Contains(r.Target, "?")))
}

// text returns the signature base of section 2.5.
func (s *messageSignature) text() []byte {
	return append(slices.Clone(s.base), `"@signature-params": `+s.input.text...)
}

// match tries the keys that the signature may be of, and returns the label of the one that it is of.
func (e rfc9421) match(s *messageSignature, now time.Time, cost *messageCost) (label string, err error) {
	text := s.text()
	err = ErrKeyUnknown
	for i := range e.keys {
		key := &e.keys[i]
		if !key.usedAt(now) || s.keyID != "" && key.label != "" && key.label != s.keyID {
			continue
		}
		err = ErrSignatureMismatch
		if s.alg != "" && s.alg != key.algorithm {
			continue
		}
		if key.public != nil {
			if cost.checks++; cost.checks > MaxPublicKeys {
				return "", ErrTooManySignatures
			}
		}
		if key.verify(text, []byte(s.signature.value)) {
			return key.label, nil
		}
	}
	return "", err
}

// sign signs with the first secret that is used now what the scheme asks for.
func (e rfc9421) sign(c *Check, m Message) error {
	now := c.verifier.now()
	at := slices.IndexFunc(e.keys, func(k messageKey) bool { return k.usedAt(now) })
	if at < 0 {
		return ErrNoSecretNow
	}
	key := &e.keys[at]
	header := c.request.Header
	header.Set(contentDigest, digestOf(m.Body))
	names := slices.Clone(e.required)
	for name := range header {
		if name = strings.ToLower(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names[len(e.required):])
	for i, name := range names {
		names[i] = quoteField(name)
	}
	input := "(" + strings.Join(names, " ") + ");created=" + strconv.FormatInt(m.Time.Unix(), 10)
	if key.label != "" {
		if strings.ContainsFunc(key.label, func(r rune) bool { return r < ' ' || r > '~' }) {
			return errors.New("the label of the first secret, which is sent as keyid, isn't in ASCII")
		}
		input += ";keyid=" + quoteField(key.label)
	}
	f := structuredField{text: input}
	s := messageSignature{input: f.item(true)}
	if f.bad || f.at != len(input) {
		return errors.New("signs more than one signature may cover")
	}
	if err := e.readComponents(c.request, &s, new(messageCost)); err != nil {
		return errors.New("signs something that the message doesn't have")
	}
	signature, err := key.sign(s.text())
	if err != nil {
		return err
	}
	header.Set("Signature-Input", "sig1="+input)
	header.Set(c.rules.signature.name, "sig1=:"+strictBase64.EncodeToString(signature)+":")
	return nil
}
