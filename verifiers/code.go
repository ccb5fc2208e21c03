package verifiers

import "time"

// A scheme in code
//
// Most providers' schemes are literals in the table. One that no template can describe (a signature
// over sorted form values, one inside every item of the body, a certificate that has to be fetched) is
// a file of its own, named for the provider, with three things in it:
//
//   - a literal in the table like any other: name, title, reference, note, where its signature, id and
//     event stand, algorithm, encoding and key form. All of them mean there what they mean everywhere,
//     and Content says in words what is signed. In place of a template it has code: &code{…}, which says
//     what the signature covers, so that replay key, warnings and documentation follow from the table;
//   - code.open, which makes an engine of the verifier's settings, once, when the configuration loads. It
//     must not use the network;
//   - the engine, which takes a delivery through the same two steps as a template does.
//
// What the engine does not have to do: compile secrets, refuse a delivery without signature, find id
// and event, keep claims, count, answer. What it finds at hand in a Check: the request; readSignatures,
// readTime and setText, which leave what they read in the check; fresh, which checks a time against
// the clock; match, which tries every secret on every signature over that text, in constant time, and
// identifies the delivery. Most engines are a few lines that write the text, and then match:
//
//	func (e adyen) head(c *Check) error { return c.readSignatures(nil) }
//
//	func (e adyen) verify(c *Check, body []byte) (Delivery, error) {
//		text, err := signedText(body)
//		if err != nil {
//			return Delivery{}, err
//		}
//		c.setText(text, nil, false)
//		return c.match(nil)
//	}

// code is what a scheme that no template describes has in place of one.
type code struct {
	// open makes the engine of one verifier.
	open func(setup) (engine, error)

	// covers has the places, among those of the scheme's ID and Event, whose values the signature
	// covers in a way that nobody can move a part of them elsewhere.
	covers []string

	// coversBody says that the signature covers the body, and so every place in it: each of its bytes, or
	// all that it says where the signature is over the values of a form.
	coversBody bool

	// coverage says both where they depend on the scheme's Content, which the engine reads. Nil means that they
	// don't.
	coverage func(Scheme) (body, url bool, err error)

	// coversURL says that it covers the URL, so that a public URL has to be configured.
	coversURL bool

	// replayKey is what Scheme.ReplayKey says where the places don't tell. Default: what they do tell.
	replayKey string

	// sample is a well-formed secret, for the key form opaque.
	sample string

	// namesReceiver says that the secrets are names by which the vendor knows the receiver, such as the ARN of a
	// topic, and no secrets: what is signed is checked by the vendor's public keys.
	namesReceiver bool

	// fetches says that keys are fetched from the vendor when a delivery names them.
	fetches bool

	// copies says that the engine asks Options.Space for as much memory as the body has.
	copies bool

	// headers names the header fields of the scheme that Signature, Timestamp, ID and Event don't. Whoever
	// signs a request removes them from it first.
	headers []string
}

// content returns what the signature covers, as the content of a template says it.
func (c *code) content(s Scheme) (*content, error) {
	all := &content{byCode: true, hasBody: c.coversBody, usesURL: c.coversURL, covers: make(map[placeKey]bool)}
	if c.coverage != nil {
		var err error
		if all.hasBody, all.usesURL, err = c.coverage(s); err != nil {
			return nil, err
		}
	}
	for _, text := range c.covers {
		p, err := parsePlace(text, inHeader, inQuery, inJSON, inForm)
		if err != nil {
			return nil, err
		}
		all.covers[p.key()] = true
	}
	return all, nil
}

// setup is what an engine is made of.
type setup struct {
	// scheme is a copy of the scheme.
	scheme Scheme
	// secrets are the keys, compiled by the scheme's algorithm and key form. There is at least one. Those
	// that are used at a time are Verifier.valid, or tell by usedAt; match asks for that itself.
	secrets []*keyed
	// now is the clock.
	now func() time.Time
	// tolerance is that of the scheme's timestamp or what the configuration put in its place, and zero
	// if the scheme has none.
	tolerance time.Duration
	// publicURL is where senders reach the gateway, without a slash at its end, and empty unless the
	// scheme covers the URL.
	publicURL string
	// options are the rest of the settings.
	options Options
}

// keySource returns where the engine has keys from that the configuration doesn't have.
func (s setup) keySource() *KeySource {
	if s.options.Keys != nil {
		return s.options.Keys
	}
	return NewKeySource(KeySourceOptions{})
}

// engine verifies the deliveries of one verifier. It is used by many goroutines at once; what belongs
// to one delivery it keeps in the check.
//
// An error under ErrNotGenuine refuses the delivery; any other says that it could not be checked, as
// when a key can't be fetched, and makes the sender try again.
type engine interface {
	// head refuses what the header and the query alone can refuse, before the body is read.
	head(c *Check) error

	// verify checks the signature over the exact bytes of the body, and the time once more. It returns
	// a delivery that match or identify has given its identity, with the label of the secret that
	// matched and the signed time. An id or event that it leaves empty is read from the scheme's places.
	verify(c *Check, body []byte) (Delivery, error)
}

// signing is an engine that can also sign. Without it Sign refuses.
type signing interface {
	// sign adds to the header the fields that make a request with the message's body genuine.
	// The id and the event stand in it already, where the scheme has headers for them.
	sign(c *Check, m Message) error
}

// setText sets the signed text: what stands before the body, whether the body stands there, and what
// follows it.
func (c *Check) setText(before, after []byte, hasBody bool) {
	c.text = append(append(c.text[:0], before...), after...)
	c.before, c.hasBody = len(before), hasBody
}

// fresh checks a signed time against the clock, and keeps it.
func (c *Check) fresh(signed time.Time) error {
	c.signed = signed
	return within(signed, c.verifier.now(), c.rules.tolerance)
}

// identify gives the delivery the identity that every copy of it shares: see AppendIdentity. The sum
// is a MAC or a hash of what was signed, of at most maxSum bytes.
func (d *Delivery) identify(tag byte, sum []byte) {
	d.sumTag, d.sumSize = tag, copy(d.sum[:], sum)
}
