package doctor

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

// examination is the search for what has to be changed.
type examination struct {
	base   Case
	trials int
	hashed int
	fits   []fit
}

// variation is one change, and the case with it. It returns false if there is nothing to change.
type variation struct {
	Change
	apply func(*Case) bool
}

// variations lists what can be changed of a case, all of one kind.
type variations struct {
	kind Kind
	of   func(Case) []variation
}

// fit is a case whose signature matches, and what was changed for it.
type fit struct {
	changes []Change
	changed Case
	result  result
}

// result is what became of verifying a case.
type result struct {
	delivery verifiers.Delivery
	err      error   // why the signature doesn't match
	time     *Change // what is wrong with the time, of a signature that does
	head     error   // err, if it was found before the body was read
	reason   string
	text     string
}

// anyTime is a tolerance that every time lies within.
const anyTime = time.Duration(math.MaxInt64)

func (e *examination) exhausted() bool { return e.trials >= maxTrials || e.hashed >= maxHashed }

// verify verifies a case, first at any time: that the time alone is wrong is the one thing that can be
// said without a search.
func (e *examination) verify(c Case) result {
	e.trials++
	e.hashed += len(c.Body) + 1<<10
	return c.verify(c.options())
}

// options are those under which whatever can verify does.
func (c Case) options() verifiers.Options {
	options := verifiers.Options{
		Now:        func() time.Time { return c.Now },
		AllowShort: true,
		AllowWeak:  true,
		PublicURL:  c.PublicURL,
		Keys:       c.Keys,
	}
	if c.Scheme.Timestamp != nil {
		options.Tolerance = anyTime
	}
	return options
}

func (c Case) verify(options verifiers.Options) result {
	v, err := verifiers.New(c.Scheme, []verifiers.Secret{c.secret()}, options)
	if err != nil {
		r := result{err: err, reason: reasonUnchecked, text: err.Error()}
		if isOfSecret(err) {
			r.reason = ReasonSecret
		}
		return r
	}
	d, head, err := verifyWith(v, c)
	if err != nil {
		r := result{err: err, head: head, reason: verifiers.ReasonOf(err), text: err.Error()}
		if r.reason == "" {
			r.reason = reasonUnchecked
		}
		return r
	}
	r := result{delivery: d}
	r.judgeTime(c)
	return r
}

// secret returns the secret with its label and its times.
func (c Case) secret() verifiers.Secret {
	s := verifiers.NewSecret(c.Label, c.Secret())
	s.NotBefore, s.NotAfter = c.NotBefore, c.NotAfter
	return s
}

func verifyWith(v *verifiers.Verifier, c Case) (d verifiers.Delivery, head, err error) {
	check, err := v.Check(verifiers.Request{Method: c.Method, Header: Unfolded(c.Header), Target: c.Target})
	if err != nil {
		return d, err, err
	}
	defer check.Close()
	d, err = check.Verify(c.Body)
	return d, nil, err
}

// mends reports whether changes of a kind can help where the header is refused: without a signature there
// it doesn't matter what the body is. Most of what could be tried is left out by this.
func (k Kind) mends(c Case, head error) bool {
	if head == nil || k != OfSecret && k != OfBody && k != OfURL {
		return true
	}
	list := c.Scheme.Signature.List
	bySecret := k == OfSecret && list != nil && list.Ed25519 != "" // which entries count depends on the secret
	switch {
	case errors.Is(head, verifiers.ErrSignatureMalformed):
		return bySecret
	case errors.Is(head, verifiers.ErrSignatureMissing), errors.Is(head, verifiers.ErrTimestampMissing),
		errors.Is(head, verifiers.ErrTimestampMalformed), errors.Is(head, verifiers.ErrFieldMissing),
		errors.Is(head, verifiers.ErrFieldRepeated):
		return false
	}
	return true
}

func isOfSecret(err error) bool {
	return errors.Is(err, verifiers.ErrSecretForm) || errors.Is(err, verifiers.ErrSecretEmpty) || errors.Is(err, verifiers.ErrSecretShort)
}

var (
	secrets   = variations{OfSecret, ofSecret}
	bodies    = variations{OfBody, ofBody}
	urls      = variations{OfURL, ofURL}
	headers   = variations{OfHeader, ofHeader}
	schemes   = variations{OfScheme, ofScheme}
	providers = variations{OfProvider, ofProvider}
	renamings = variations{OfHeader, ofRenaming}
)

// singles are tried in this order: the first that fit are the likeliest.
var singles = []variations{secrets, bodies, urls, headers, schemes, providers, renamings}

// pairs are those that are tried together. The first of each makes few cases, or expensive ones.
var pairs = [][2]variations{
	{bodies, secrets}, {urls, secrets}, {headers, secrets}, {schemes, secrets}, {providers, secrets}, {renamings, secrets},
	{headers, bodies}, {headers, urls}, {schemes, headers},
	{bodies, urls}, {bodies, schemes}, {urls, schemes},
	{providers, bodies}, {providers, urls}, {renamings, bodies}, {renamings, urls},
}

// search tries single changes, and pairs of them if none fits.
func (e *examination) search(head error) {
	for _, vs := range singles {
		e.try(e.base, nil, vs, head)
	}
	for _, pair := range pairs {
		if len(e.fits) > 0 || e.exhausted() {
			return
		}
		if !pair[0].kind.mends(e.base, head) {
			continue
		}
		for _, first := range pair[0].of(e.base) {
			changed := e.base
			if first.apply(&changed) {
				e.try(changed, []Change{first.Change}, pair[1], e.verify(changed).head)
			}
		}
	}
}

// try verifies the case with each of the variations. head is why its header is refused by itself.
func (e *examination) try(c Case, before []Change, vs variations, head error) {
	if !vs.kind.mends(c, head) {
		return
	}
	for _, v := range vs.of(c) {
		if e.exhausted() {
			return
		}
		changed := c
		if !v.apply(&changed) {
			continue
		}
		if r := e.verify(changed); r.err == nil {
			e.fits = append(e.fits, fit{append(slices.Clone(before), v.Change), changed, r})
		}
	}
}

// maxCauses is how many explanations are given.
const maxCauses = 8

// causes returns the explanations that fit, without those that come to the same.
func (e *examination) causes() [][]Change {
	var causes [][]Change
	var seen []Case
	// One that leaves the time right is likelier than one that doesn't.
	slices.SortStableFunc(e.fits, func(a, b fit) int { return btoi(a.result.time != nil) - btoi(b.result.time != nil) })
	for _, f := range e.fits {
		if slices.ContainsFunc(seen, f.changed.equal) || len(causes) == maxCauses {
			continue
		}
		seen = append(seen, f.changed)
		changes := f.changes
		if f.result.time != nil {
			changes = append(slices.Clone(changes), e.ofTime(f.changed, f.result)[0]...)
		}
		causes = append(causes, changes)
	}
	return causes
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// equal reports whether two cases are verified in the same way.
func (c Case) equal(other Case) bool {
	return c.Scheme.Name == other.Scheme.Name && c.Scheme.Key == other.Scheme.Key && c.Secret() == other.Secret() &&
		c.Scheme.Signature.Encoding == other.Scheme.Signature.Encoding &&
		c.Target == other.Target && c.PublicURL == other.PublicURL && string(c.Body) == string(other.Body) &&
		equalHeader(c.Header, other.Header)
}
