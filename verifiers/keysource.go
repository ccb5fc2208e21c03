package verifiers

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// ErrKeyUnavailable means that a delivery could not be checked, because the key that it names could not be
// had from its vendor. It is not under ErrNotGenuine: the sender has to try again.
var ErrKeyUnavailable = errors.New("key unavailable")

// The bounds of keys that are fetched.
const (
	// keyFresh is how long a key is used without asking for it again.
	keyFresh = 12 * time.Hour
	// keyKept is how long it is used while asking for it again fails. No key is used after the time that
	// it says itself.
	keyKept = 24 * time.Hour
	// keyRetry is how long nothing is asked again that could not be had.
	keyRetry = 30 * time.Second
	// maxKeys is how many keys are kept.
	maxKeys = 64
	// keyBurst is how many unknown keys may be asked for at once of one host, and keyRefill how long it takes
	// until one more may be. Whoever can send deliveries can name keys that don't exist, and each costs the
	// vendor a request. No vendor has more than a few at a time.
	keyBurst  = 20
	keyRefill = 3 * time.Second
	// peerBurst and peerRefill are the same for what one peer sends, so that it takes many of them to use up
	// what the others may ask for.
	peerBurst  = 4
	peerRefill = 30 * time.Second
	// maxPeers is how many peers are told apart. Those beyond count as one.
	maxPeers = 1024
)

// KeySourceOptions are the settings of a KeySource.
type KeySourceOptions struct {
	// Transport makes the requests. Default: one that checks certificates against the roots of the system,
	// goes through the proxy that the environment names, and keeps no connections.
	//
	// Whatever makes them decides whom to believe: what comes from the scheme's host over TLS is the key.
	Transport http.RoundTripper

	// Now is the clock that certificates and the age of keys are held against. It is not the clock of
	// deliveries: those of years ago can be checked with the certificates of their time only if somebody
	// vouches for them, see Known. Default: time.Now.
	Now func() time.Time

	// Roots are the certificates to one of which every fetched certificate has to lead, by itself or by
	// the others that came with it. Nil means that TLS alone vouches for them. It is no default, because
	// Amazon SNS sends its certificate without that of its issuer, so that no chain can be
	// built: see https://github.com/robbiet480/go.sns/issues/8. Who puts Amazon's issuers into this pool can
	// have the chain checked besides.
	Roots *x509.CertPool

	// Known are keys that are never fetched, by what deliveries call them: a certificate in PEM by its URL,
	// a JSON Web Key by its kid. They are believed as they are, without a look at names or validity. They
	// serve gateways that can't reach the vendor, and to try captured deliveries. The one under AnyKey is that of
	// whatever else deliveries name.
	Known map[string]string
}

// AnyKey stands in KeySourceOptions.Known for every name.
const AnyKey = "*"

// KeySource has the public keys that some schemes have fetched from their vendor. Where from is fixed by the
// scheme: of what a delivery says, only the name of a key at the vendor's own host is used.
//
// A key is fetched when the first delivery names it, once for all deliveries that wait for it, and kept for a
// day at most. Keys that could not be had are not asked for again at once, and unknown ones at a
// bounded rate, of all and of one peer, whoever sends deliveries that name them; neither touches the keys that are known. One source
// may serve many verifiers: what is sent to one costs the others nothing unless they ask the same host.
type KeySource struct {
	fetcher fetcher
	now     func() time.Time
	roots   *x509.CertPool
	known   map[string]string

	mu      sync.Mutex
	entries map[string]*keyEntry
	guesses map[string]*guesses // by host, of which schemes and configuration have few
	peers   map[hostPeer]*guesses
}

// hostPeer is a peer that names keys of a host.
type hostPeer struct{ host, peer string }

// guesses are what may be asked for without knowing that it is there.
type guesses struct {
	left    float64
	counted time.Time
}

// refill counts what has become free since the last time.
func (g *guesses) refill(now time.Time, burst float64, refill time.Duration) {
	if since := now.Sub(g.counted); since > 0 {
		g.left = min(burst, g.left+float64(since)/float64(refill))
		g.counted = now
	}
}

// take takes one, if there is one left.
func (g *guesses) take(now time.Time, burst float64, refill time.Duration) bool {
	if g.refill(now, burst, refill); g.left < 1 {
		return false
	}
	g.left--
	return true
}

// keyEntry is what is known of one key.
type keyEntry struct {
	key         any       // nil until it was had
	fresh, kept time.Time // until when it is used, and until when at most
	proved      time.Time // when it last verified a delivery

	flight *keyFlight // under way
	failed error      // of the last one
	retry  time.Time  // not before
}

// usable reports whether the key may be used.
func (e *keyEntry) usable(now time.Time) bool { return e.key != nil && now.Before(e.kept) }

// keyFlight is one fetch, that any number of deliveries wait for. Its results may be read when it is done.
type keyFlight struct {
	done chan struct{}
	key  any
	err  error
}

// keyQuery says which key is wanted.
type keyQuery struct {
	// name is what deliveries call it.
	name string
	// peer is who names it, and may be empty.
	peer string
	// request is how it is fetched.
	request keyRequest
	// read reads it, and returns until when it may be used, or the zero time if it doesn't say. What is
	// vouched for need not be checked.
	read func(text []byte, now time.Time, vouched bool) (key any, until time.Time, err error)
}

// NewKeySource returns a source of keys. It doesn't use the network before a delivery names a key.
func NewKeySource(options KeySourceOptions) *KeySource {
	s := &KeySource{
		fetcher: newFetcher(options.Transport),
		now:     options.Now,
		roots:   options.Roots,
		known:   options.Known,
		entries: make(map[string]*keyEntry),
		guesses: make(map[string]*guesses),
		peers:   make(map[hostPeer]*guesses),
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// key returns a key, and waits for it if it has to be fetched, as long as the context lasts. That a delivery
// waits no longer ends no fetch, because others may wait for it, and the sender will try again.
func (s *KeySource) key(ctx context.Context, q keyQuery) (any, error) {
	text, ok := s.known[q.name]
	if !ok {
		text, ok = s.known[AnyKey]
	}
	if ok {
		key, _, err := q.read([]byte(text), s.now(), true)
		if err != nil {
			return nil, fmt.Errorf("%w: the one that is known for it: %w", ErrKeyUnavailable, err)
		}
		return key, nil
	}
	key, flight, err := s.ask(q)
	if flight == nil {
		return key, err
	}
	select {
	case <-flight.done:
		return flight.key, flight.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrKeyUnavailable, ctx.Err())
	}
}

// ask returns a key or why it can't be had, or the fetch to wait for.
func (s *KeySource) ask(q keyQuery) (any, *keyFlight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, name := s.now(), q.request.name()
	e := s.entries[name]
	switch {
	case e == nil || e.key == nil && e.flight == nil && !now.Before(e.retry):
		if !s.mayGuess(hostPeer{q.request.host(), q.peer}, now) {
			return nil, nil, fmt.Errorf("%w: unknown keys are named too often", ErrKeyUnavailable)
		}
		s.forget(now)
		e = &keyEntry{}
		s.entries[name] = e
		s.start(e, q)
	case e.usable(now):
		if e.flight == nil && !now.Before(e.fresh) && !now.Before(e.retry) {
			s.start(e, q) // nobody has to wait for it
		}
		return e.key, nil, nil
	case e.flight == nil && !now.Before(e.retry):
		s.start(e, q) // it was a key once: to ask for it again is no guess
	}
	if e.flight == nil {
		return nil, nil, e.failed
	}
	return nil, e.flight, nil
}

// start starts a fetch.
func (s *KeySource) start(e *keyEntry, q keyQuery) {
	flight := &keyFlight{done: make(chan struct{})}
	e.flight = flight
	go func() {
		key, until, err := s.fetch(q)
		s.mu.Lock()
		defer s.mu.Unlock()
		flight.key, flight.err = key, err
		s.land(e, flight, until)
		close(flight.done)
		s.evict(e)
	}()
}

// fetch has a key from its vendor.
func (s *KeySource) fetch(q keyQuery) (key any, until time.Time, err error) {
	text, err := s.fetcher.fetch(q.request)
	if err == nil {
		key, until, err = q.read(text, s.now(), false)
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%w: %s: %w", ErrKeyUnavailable, q.request.host(), err)
	}
	return key, until, nil
}

// land takes down what came of a fetch.
func (s *KeySource) land(e *keyEntry, flight *keyFlight, until time.Time) {
	now := s.now()
	e.flight = nil
	if flight.err != nil {
		e.failed, e.retry = flight.err, now.Add(keyRetry)
		return
	}
	e.key, e.failed, e.retry = flight.key, nil, time.Time{}
	e.fresh, e.kept = now.Add(keyFresh), now.Add(keyKept)
	if !until.IsZero() && until.Before(e.kept) {
		e.kept = until
	}
	if e.kept.Before(e.fresh) {
		e.fresh = e.kept
	}
}

// prove takes down that a key has verified a delivery, so that it is kept rather than others that were only
// named.
func (s *KeySource) prove(q keyQuery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[q.request.name()]; e != nil {
		e.proved = s.now()
	}
}

// evict makes room if there are too many keys: those go that are too old, and then the one that verified a
// delivery longest ago. A key that was only named goes before any that did, or else forged deliveries could
// drive out those of genuine ones. The one just fetched has yet to do it, and stays before others that didn't.
func (s *KeySource) evict(added *keyEntry) {
	now, keys, victim := s.now(), 0, ""
	for name, e := range s.entries {
		if e.key == nil || e.flight != nil {
			continue
		}
		if !e.usable(now) && e != added {
			delete(s.entries, name)
			continue
		}
		keys++
		if v := s.entries[victim]; v == nil || e.proved.Before(v.proved) || v == added && e.proved.Equal(v.proved) {
			victim = name
		}
	}
	if keys > maxKeys {
		delete(s.entries, victim)
	}
}

// forget drops what is known of keys that don't exist, when it says nothing any more. There are as many of
// them as may be asked for within keyRetry, of each host.
func (s *KeySource) forget(now time.Time) {
	for name, e := range s.entries {
		if e.key == nil && e.flight == nil && !now.Before(e.retry) {
			delete(s.entries, name)
		}
	}
}

// mayGuess takes one of the requests that may be made of a host for unknown keys, if there is one left, both of
// those of the peer and of those of all.
func (s *KeySource) mayGuess(who hostPeer, now time.Time) bool {
	if who.peer != "" && !s.ofPeer(who, now).take(now, peerBurst, peerRefill) {
		return false
	}
	g := s.guesses[who.host]
	if g == nil {
		g = &guesses{keyBurst, now}
		s.guesses[who.host] = g
	}
	return g.take(now, keyBurst, keyRefill)
}

// ofPeer returns what a peer may ask for. Peers that have all of it left need not be known.
func (s *KeySource) ofPeer(who hostPeer, now time.Time) *guesses {
	if g := s.peers[who]; g != nil {
		return g
	}
	if len(s.peers) >= maxPeers {
		for known, g := range s.peers {
			if g.refill(now, peerBurst, peerRefill); g.left == peerBurst {
				delete(s.peers, known)
			}
		}
	}
	if len(s.peers) >= maxPeers {
		who = hostPeer{who.host, "others"} // no address, so nobody's
		if g := s.peers[who]; g != nil {
			return g
		}
	}
	g := &guesses{peerBurst, now}
	s.peers[who] = g
	return g
}
