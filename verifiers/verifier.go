package verifiers

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// Options are the settings of a Verifier that don't belong to the scheme.
type Options struct {
	// Now is the clock. Default: time.Now.
	Now func() time.Time

	// Tolerance replaces the tolerance of the scheme's timestamp. Zero keeps it. It is an error
	// for a scheme that signs no time.
	Tolerance time.Duration

	// AllowShort accepts secrets under MinSecretBytes.
	AllowShort bool

	// AllowWeak accepts a scheme whose algorithm rests on SHA-1.
	AllowWeak bool

	// PublicURL is where senders reach the gateway, such as "https://hooks.example.com". It stands
	// before the target of a request in {url}. It is needed for a scheme that signs the URL, and
	// comes from the configuration because whoever sends a request also chooses its Host.
	PublicURL string

	// Keys has the keys that the scheme fetches from its vendor: see Scheme.Fetches. Default: a source of
	// the verifier's own, which asks for every key anew when a configuration is loaded.
	Keys *KeySource

	// Space lends memory for size bytes until release is called. Ed25519 reads the signed text twice, so
	// it needs it in one piece: as much memory again as the body, and what stands around that. So does a scheme
	// that signs the decoded fields of a form as large as any body. It is asked
	// for once a delivery or message, and not at all without such a signature. An error means that
	// there is no room, and is what Verify and Sign return. Default: the heap.
	Space func(size int) (space []byte, release func(), err error)

	// Handshake makes Verifier.Handshake answer the challenges of the scheme's provider. Nil means that
	// none is to be answered.
	Handshake *HandshakeOptions
}

// onHeap is the default of Options.Space.
func onHeap(size int) ([]byte, func(), error) { return make([]byte, 0, size), func() {}, nil }

// Verifier verifies and signs deliveries of one scheme with one set of secrets. It may be used
// by many goroutines at once.
type Verifier struct {
	rules     *rules
	secrets   []*keyed
	now       func() time.Time
	publicURL string
	space     func(size int) ([]byte, func(), error)
	engine    engine // of a scheme in code
	handshake *Handshake
	checks    sync.Pool

	bounded bool // a secret isn't used all the time
	named   bool // a secret is one for the entries that List.Key names
	public  int  // how many are public keys
}

// rules is a compiled scheme.
type rules struct {
	name        string
	signature   place
	algorithm   algorithm
	keyID       place
	hasKeyID    bool
	decodeURL   bool
	list        *List
	encoding    Encoding
	repeated    bool
	several     bool // a delivery may carry more than one signature
	size        int  // of a signature that isn't a public key's, in bytes
	content     *content
	hasTime     bool
	time        place
	unit        Unit
	tolerance   time.Duration
	ids, events []name
	paths       jsonpath.Paths // of those ids and events that are in the body
	alternative *rules
	headers     []string // those of a scheme in code that the places don't name
	copies      bool     // the body, as a scheme in code may

	// What can't be known before the body is read.
	lateSignature, lateTime, lateText bool
}

// String names the scheme and nothing else.
func (v *Verifier) String() string { return "verifier of " + v.rules.name }

// Format writes what String returns for every verb, so that nothing of the keys can show.
func (v *Verifier) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, v.String()) }

// Tolerance returns how far a signed time may lie from now in either direction, and zero if the
// scheme signs no time.
func (v *Verifier) Tolerance() time.Duration { return v.rules.tolerance }

// NeedsSpace reports whether Options.Space may be asked for memory: a secret is an Ed25519 key, or the scheme signs
// something that has to be made of the whole body.
func (v *Verifier) NeedsSpace() bool {
	return v.public > 0 && !v.rules.hashesFirst() || v.rules.copies
}

// hashesFirst reports whether the scheme's public keys check a hash, so that the text isn't needed in
// one piece.
func (r *rules) hashesFirst() bool { return r.algorithm.kind == publicKind && r.algorithm.hash != 0 }

// MaxSecrets is how many secrets one verifier may have: a delivery is hashed under each of them.
const MaxSecrets = 16

// New compiles a scheme with its secrets. At least one secret is needed, and at most MaxSecrets, of
// which MaxPublicKeys may be public keys; each is tried on every delivery, so that a provider's secret
// can be rolled without a gap.
func New(scheme Scheme, secrets []Secret, options Options) (*Verifier, error) {
	scheme = scheme.clone() // the caller may go on to change its own
	scheme.Name = orDefault(scheme.Name, "custom")
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Space == nil {
		options.Space = onHeap
	}
	r, err := compile(scheme)
	if err != nil {
		return nil, fmt.Errorf("scheme %s: %w", scheme.Name, err)
	}
	if scheme.Weak() && !options.AllowWeak {
		return nil, fmt.Errorf("scheme %s: %w", scheme.Name, ErrWeak)
	}
	v := &Verifier{rules: r, now: options.Now, space: options.Space}
	if options.Tolerance != 0 {
		if err := r.setTolerance(options.Tolerance); err != nil {
			return nil, fmt.Errorf("scheme %s: %w", scheme.Name, err)
		}
	}
	if v.publicURL, err = publicURL(r, options.PublicURL); err != nil {
		return nil, fmt.Errorf("scheme %s: %w", scheme.Name, err)
	}
	switch {
	case len(secrets) == 0:
		return nil, fmt.Errorf("scheme %s: no secret: give at least one", scheme.Name)
	case len(secrets) > MaxSecrets:
		return nil, fmt.Errorf("scheme %s: %d secrets: give at most %d", scheme.Name, len(secrets), MaxSecrets)
	}
	for i, secret := range secrets {
		key, err := secret.keyed(&scheme, options.AllowShort)
		if err == nil && secret.neverUsed() {
			err = ErrSecretNeverUsed
		}
		if err != nil {
			return nil, fmt.Errorf("secret %d: %w", i+1, err)
		}
		key.notBefore, key.notAfter = secret.NotBefore, secret.NotAfter
		v.bounded = v.bounded || secret.bounded()
		v.secrets = append(v.secrets, key)
		if key.public == nil || r.algorithm.kind == publicKind {
			v.named = true
		}
		if key.public == nil {
			continue
		}
		if v.public++; v.public > MaxPublicKeys {
			return nil, fmt.Errorf("secret %d: one public key more than the %d that there may be: leave out those that nobody uses any more", i+1, MaxPublicKeys)
		}
	}
	if scheme.code != nil {
		v.engine, err = scheme.code.open(setup{scheme, v.secrets, v.now, r.tolerance, v.publicURL, options})
		if err != nil {
			return nil, fmt.Errorf("scheme %s: %w", scheme.Name, err)
		}
	}
	if options.Handshake != nil {
		if v.handshake, err = newHandshake(&scheme, v, secrets, options.Handshake); err != nil {
			return nil, err
		}
	}
	v.checks.New = func() any { return &Check{verifier: v} }
	return v, nil
}

// valid returns the secrets that are used now.
func (v *Verifier) valid() []*keyed {
	if !v.bounded {
		return v.secrets
	}
	now := v.now()
	var used []*keyed
	for _, key := range v.secrets {
		if key.usedAt(now) {
			used = append(used, key)
		}
	}
	return used
}

func orDefault[T ~string](value, otherwise T) T {
	if value == "" {
		return otherwise
	}
	return value
}

// either lists words of which one is to be chosen.
func either[T ~string](words []T) string {
	var b strings.Builder
	for i, word := range words {
		switch {
		case i > 0 && i == len(words)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(word))
	}
	return b.String()
}

// compile checks a scheme and turns its texts into places and parts.
func compile(s Scheme) (*rules, error) {
	wanted := orDefault(s.Algorithm, HMACSHA256)
	algorithm, ok := algorithms[wanted]
	if !ok {
		return nil, fmt.Errorf("algorithm %q is unknown: use %s", s.Algorithm, either(slices.Sorted(maps.Keys(algorithms))))
	}
	r := &rules{
		name:      s.Name,
		algorithm: algorithm,
		list:      s.Signature.List,
		encoding:  orDefault(s.Signature.Encoding, Hex),
		repeated:  s.Signature.Repeated,
		decodeURL: s.URLForm == URLDecoded,
	}
	known := encodings
	if algorithm.kind == tokenKind {
		r.encoding = orDefault(s.Signature.Encoding, Plain)
		known = append(slices.Clone(known), Plain)
	}
	if algorithm.hash != 0 {
		r.size = algorithm.hash.Size()
	}
	if !slices.Contains(known, r.encoding) {
		return nil, fmt.Errorf("encoding %q is unknown: use %s", r.encoding, either(known))
	}
	form := orDefault(s.Key, UTF8)
	if forms := keyFormsOf(wanted); !slices.Contains(forms, form) && (form != Opaque || s.code == nil) {
		return nil, fmt.Errorf("key form %q is none of %s: use %s", form, wanted, either(forms))
	}
	if s.URLForm != URLAsSent && s.URLForm != URLDecoded {
		return nil, fmt.Errorf("URL form %q is unknown: use %s, or leave it out", s.URLForm, URLDecoded)
	}
	var err error
	places := []placeKind{inHeader, inQuery, inJSON, inNumbered}
	if algorithm.kind == tokenKind {
		places = append(places, inEach)
	}
	if s.code != nil {
		places = append(places, inEach, inForm)
	}
	if r.signature, err = parsePlace(s.Signature.From, places...); err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	if r.hasKeyID = s.KeyID != ""; r.hasKeyID {
		if r.keyID, err = parsePlace(s.KeyID, inHeader, inQuery); err != nil {
			return nil, fmt.Errorf("key id: %w", err)
		}
	}
	if r.list != nil && (r.list.Key == "" || r.list.Separator != "" && r.list.Separator == r.list.Assign) {
		return nil, errors.New("signature: a list needs a key, and a separator other than its assign")
	}
	if r.list != nil && r.list.Ed25519 != "" &&
		(r.list.Separator == "" || r.list.Ed25519 == r.list.Key || orDefault(s.Key, UTF8) != Whsec) {
		return nil, errors.New("signature: Ed25519 signatures need a list with a separator, a key of their own in it, and the key form whsec")
	}
	r.several = r.repeated || r.list != nil && r.list.Separator != "" || r.signature.kind == inNumbered
	if s.code != nil {
		r.content, err = s.code.content(s)
		r.copies = s.code.copies
		for _, name := range s.code.headers {
			r.headers = append(r.headers, textproto.CanonicalMIMEHeaderKey(name))
		}
	} else {
		r.content, err = contentOf(s.Content, algorithm)
	}
	if err != nil {
		return nil, err
	}
	if r.hasTime = s.Timestamp != nil; r.hasTime {
		if err := r.compileTime(s.Timestamp); err != nil {
			return nil, err
		}
	} else if r.content.coversTime {
		return nil, errors.New("content has {timestamp}, but the scheme doesn't say where the timestamp is: set it")
	}
	r.lateSignature = r.signature.inBody()
	r.lateTime = r.hasTime && (r.time.kind == inJSON || r.time.kind == inList && r.lateSignature)
	r.lateText = r.content.fromJSON || r.content.coversTime && r.lateTime
	if r.ids, err = r.compileNames(s.ID); err != nil {
		return nil, fmt.Errorf("id: %w", err)
	}
	// A stable order: what the signature covers, then what anybody can write.
	slices.SortStableFunc(r.ids, func(a, b name) int {
		switch {
		case a.signed == b.signed:
			return 0
		case a.signed:
			return -1
		}
		return 1
	})
	if r.events, err = r.compileNames(s.Event); err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	switch c := challenges[s.Challenge]; {
	case s.Challenge != "" && c == nil:
		return nil, fmt.Errorf("challenge %q is unknown: use one of %s", s.Challenge, strings.Join(Challenges(), ", "))
	case c != nil && c.of != nil && !c.of(s):
		return nil, fmt.Errorf("challenge %q is of %s: leave it out", s.Challenge, c.ofWhat)
	}
	if s.Alternative != nil {
		if err := r.compileAlternative(&s, s.Alternative); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// compileNames compiles the places of ids or events.
func (r *rules) compileNames(texts []string) ([]name, error) {
	var names []name
	for _, text := range texts {
		p, err := parsePlace(text, inHeader, inQuery, inJSON, inEach, inForm)
		if err != nil {
			return nil, err
		}
		n := name{place: p, signed: r.content.fixesPlace(p)}
		if p.kind == inJSON {
			n.path = len(r.paths)
			r.paths = append(r.paths, p.path)
		}
		names = append(names, n)
	}
	return names, nil
}

// compileTime compiles the scheme's timestamp. A time that the signature doesn't cover is no
// time: whoever holds a copy of the delivery could write another.
func (r *rules) compileTime(t *Timestamp) (err error) {
	if r.time, err = parsePlace(t.From, inHeader, inQuery, inJSON, inList); err != nil {
		return fmt.Errorf("timestamp: %w", err)
	}
	if r.time.kind == inList && (r.list == nil || r.list.Separator == "" || r.time.name == r.list.Key) {
		return errors.New("timestamp: is in the signature's list: give the signature a list with a separator and another key than the timestamp's")
	}
	if !r.content.byCode && !r.content.coversTime && !r.content.coversPlace(r.time) {
		return errors.New("timestamp: the signature doesn't cover it: put {timestamp} into the content")
	}
	if r.unit = orDefault(t.Unit, Seconds); !slices.Contains(units, r.unit) {
		return fmt.Errorf("timestamp: unit %q is unknown: use %s", t.Unit, either(units))
	}
	if r.unit == AutoUnit && !r.content.byCode && !r.content.bounds(r.time) {
		return errors.New("timestamp: unit auto: its length doesn't tell where it ends in the content: part it from what stands beside it, or use s or ms")
	}
	r.tolerance = DefaultTolerance
	if t.Tolerance != 0 {
		return r.setTolerance(t.Tolerance)
	}
	return nil
}

// setTolerance sets the tolerance of the timestamp, here and in the alternative.
func (r *rules) setTolerance(d time.Duration) error {
	if !r.hasTime {
		return errors.New("tolerance: the scheme signs no time: only a replay window bounds its deliveries")
	}
	if d < 0 {
		return errors.New("tolerance: must be positive")
	}
	for ; r != nil; r = r.alternative {
		r.tolerance = d
	}
	return nil
}

// publicURL checks the public URL that the rules need.
func publicURL(r *rules, text string) (string, error) {
	if !r.content.usesURL {
		return "", nil
	}
	if text == "" {
		return "", errors.New("the signature covers the URL: set public_url to the one that senders know, such as https://hooks.example.com")
	}
	u, err := url.Parse(text)
	// A host that ends in a colon is most often a scheme that was written twice: https://http://….
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("the signature covers the URL: public_url must have http or https, a host and neither query nor fragment, such as https://hooks.example.com")
	}
	return strings.TrimSuffix(text, "/"), nil
}
