package verifiers

import "slices"

// CoversBody reports whether the signature covers every byte of the body. It is false for a scheme that
// New refuses.
func (s Scheme) CoversBody() bool {
	r, err := compile(s)
	return err == nil && r.content.hasBody
}

// Weak reports whether the algorithm rests on SHA-1, so that New asks for Options.AllowWeak.
func (s Scheme) Weak() bool { return algorithms[orDefault(s.Algorithm, HMACSHA256)].weak() }

// Uncovered says in words what of a delivery the signature does not cover, so that whoever has one can
// change it: "body", "time", "id" and "event", the last two if the scheme reads them from such a place.
// The method and the URL are covered only where the content has them. It is nil for a scheme that New
// refuses.
func (s Scheme) Uncovered() []string {
	r, err := compile(s)
	if err != nil {
		return nil
	}
	var all []string
	if !r.content.hasBody {
		all = append(all, "body")
	}
	if !r.hasTime {
		all = append(all, "time")
	}
	unsigned := func(n name) bool { return !n.signed }
	if slices.ContainsFunc(r.ids, unsigned) {
		all = append(all, "id")
	}
	if slices.ContainsFunc(r.events, unsigned) {
		all = append(all, "event")
	}
	return all
}

// Fetches reports whether keys are fetched from the vendor over the network, when the first delivery names
// them: see KeySource.
func (s Scheme) Fetches() bool { return s.code != nil && s.code.fetches }

// NamesReceiver reports whether what the scheme calls its secrets are names by which the vendor knows the receiver,
// such as ARNs of topics or ids of webhooks. They aren't secret and may stand anywhere, but decide what is accepted.
func (s Scheme) NamesReceiver() bool { return s.code != nil && s.code.namesReceiver }

// CoversURL reports whether the signature covers the URL, or may, so that New asks for Options.PublicURL. It is
// false for a scheme that New refuses.
func (s Scheme) CoversURL() bool {
	r, err := compile(s)
	return err == nil && r.content.usesURL
}
