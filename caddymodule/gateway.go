// Package caddymodule is how Caddy uses verifiers, replay, policy and outbound. Nothing else imports
// Caddy.
//
// Importing the package registers its modules:
//
//	webhook_gateway                 what all routes share                 Gateway
//	webhook_gateway.replay.memory   the embedded replay store             MemoryStore
//	webhook_gateway.journal.nats    where what is published is kept       NATSJournal
//	http.handlers.webhook_verify    lets genuine, fresh deliveries on     Verify
//	http.handlers.webhook_sign      signs what goes on                    Sign
//	http.handlers.webhook_route     picks handlers by rules               Route
//	http.handlers.webhook_publish   takes events and sends them on        Publish
//	http.matchers.webhook           one rule as a request matcher         Match
//	admin.api.webhook_gateway       what operators ask for                adminAPI
package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/dustin/go-humanize"

	"github.com/hookseal/hookseal/replay"
	"github.com/hookseal/hookseal/verifiers"
)

func init() {
	caddy.RegisterModule(new(Gateway))
}

// Gateway is the app webhook_gateway: what all webhook routes share. It needs no configuration.
type Gateway struct {
	// ReplayRaw is the replay store. Default: memory.
	ReplayRaw json.RawMessage `json:"replay,omitempty" caddy:"namespace=webhook_gateway.replay inline_key=store"`

	// OnReplayOutage says what happens to verified deliveries that the replay store can't check:
	// "closed" answers 503, so that the sender tries again; "open" forwards them, copies included.
	// Default: closed.
	OnReplayOutage string `json:"on_replay_outage,omitempty"`

	// MaxInFlight bounds the bytes that the bodies of all deliveries in flight hold together, with the
	// copies that Ed25519 signatures and the forms of Mandrill need while they are checked or made. A delivery that finds no
	// room is answered 503. Default: 256 MiB.
	MaxInFlight int64 `json:"max_in_flight,omitempty"`

	// BodyTimeout is how long a body may take to arrive. Default: 30s.
	BodyTimeout caddy.Duration `json:"body_timeout,omitempty"`

	// ForwardTimeout is how long the app may take over one delivery, whether or not the sender
	// still waits. After it the claim of a delivery that the app has not accepted is given back.
	// Default: 60s.
	ForwardTimeout caddy.Duration `json:"forward_timeout,omitempty"`

	// Outbound is how events are published. Default: its own defaults, as soon as there is a
	// webhook_publish.
	Outbound *Outbound `json:"outbound,omitempty"`

	store     replay.Store
	outbound  *Outbound         // never nil
	routes    map[string][]byte // the configuration of each route, by its name
	greeters  map[string]string // the provider of each route whose handshake brings a secret, by its name
	keyrings  []*keyring        // with secrets that are files
	secrets   *secretsWatch     // of those files
	arrivals  *arrivals         // of bodies
	deadlines deadlines         // of the deliveries that are forwarded
}

// The defaults of Gateway.
const (
	defaultMaxInFlight    = 256 << 20
	defaultBodyTimeout    = caddy.Duration(30 * time.Second)
	defaultForwardTimeout = caddy.Duration(60 * time.Second)
)

// maxMaxInFlight is the largest max_in_flight: no machine has more memory to give.
const maxMaxInFlight = 1 << 40

// replayNamespace is where the modules of replay stores are.
const replayNamespace = "webhook_gateway.replay"

// replayStore is what a module in webhook_gateway.replay provides.
type replayStore interface {
	// ReplayStore returns the store that the module configures. It is called once, after
	// Provision.
	ReplayStore() replay.Store
}

// CaddyModule returns the Caddy module information.
func (*Gateway) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "webhook_gateway",
		New: func() caddy.Module { return new(Gateway) },
	}
}

// Provision sets the defaults and loads the replay store.
func (g *Gateway) Provision(ctx caddy.Context) error {
	if err := registerMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	g.routes = make(map[string][]byte)
	g.greeters = make(map[string]string)
	if g.MaxInFlight == 0 {
		g.MaxInFlight = defaultMaxInFlight
	}
	if g.BodyTimeout == 0 {
		g.BodyTimeout = defaultBodyTimeout
	}
	if g.ForwardTimeout == 0 {
		g.ForwardTimeout = defaultForwardTimeout
	}
	g.arrivals = newArrivals(time.Duration(g.BodyTimeout))
	g.deadlines.after = time.Duration(g.ForwardTimeout)
	if g.ReplayRaw == nil {
		g.ReplayRaw = json.RawMessage(`{"store":"memory"}`)
	}
	module, err := ctx.LoadModule(g, "ReplayRaw")
	if err != nil {
		return fmt.Errorf("replay store: %w", err)
	}
	g.store = module.(replayStore).ReplayStore()
	if g.outbound = g.Outbound; g.outbound == nil {
		g.outbound = new(Outbound)
	}
	if err := g.outbound.provision(ctx); err != nil {
		return fmt.Errorf("outbound: %w", err)
	}
	return nil
}

// Validate checks the settings.
func (g *Gateway) Validate() error {
	switch {
	case g.OnReplayOutage != "" && g.OnReplayOutage != "closed" && g.OnReplayOutage != "open":
		return fmt.Errorf("on_replay_outage %q: use closed or open", g.OnReplayOutage)
	case g.MaxInFlight < smallestBuffer || g.MaxInFlight > maxMaxInFlight:
		return fmt.Errorf("max_in_flight %d: must lie between %d bytes and 1 TiB", g.MaxInFlight, smallestBuffer)
	case g.BodyTimeout < 0 || g.ForwardTimeout < 0:
		return errors.New("body_timeout and forward_timeout: must be above zero")
	}
	return nil
}

// Start begins to publish, and to watch secret files, if the configuration has a use for that.
func (g *Gateway) Start() error {
	if g.Outbound != nil || len(g.outbound.publishers) > 0 {
		if err := g.outbound.start(); err != nil {
			return err
		}
	}
	g.secrets = watchSecrets(g.keyrings) // last: an app that fails to start isn't stopped
	return nil
}

// Stop ends both.
func (g *Gateway) Stop() error {
	g.secrets.stop()
	return g.outbound.stop()
}

// openKeyring opens a keyring, and watches it if a placeholder is a file.
func (g *Gateway) openKeyring(k *keyring, placeholders []string) error {
	if err := k.open(placeholders); err != nil {
		return err
	}
	if len(k.files) > 0 {
		g.keyrings = append(g.keyrings, k)
	}
	return nil
}

// publishTo notes a handler that is to serve the hub.
func (g *Gateway) publishTo(p *Publish) { g.outbound.publishers = append(g.outbound.publishers, p) }

// claimName makes sure that routes of one name are one route: they share their claims, and a
// delivery that is claimed on one would be dropped as a duplicate on the other. The same
// directive of a Caddyfile may be provisioned several times, for a site with several addresses:
// its position tells that from two handlers that only look the same.
func (g *Gateway) claimName(name, position string, config []byte) error {
	if other, taken := g.routes[name]; taken && (position == "" || !bytes.Equal(other, config)) {
		return fmt.Errorf("another webhook_verify is named %q: give one of them another name, such as \"name %s-2\", so that each keeps its own claims", name, name)
	}
	g.routes[name] = config
	return nil
}

// aroundBody is more than what most schemes sign around a body.
const aroundBody = 1 << 10

// fits finds a max_body for which there would never be room, nor for its copy if the verifier makes one.
func (g *Gateway) fits(maxBody int64, verifier *verifiers.Verifier) error {
	buffer := bufferFor(maxBody + 1)
	needed, what := buffer, "a buffer"
	if verifier.NeedsSpace() {
		buffer = bufferFor(maxBody + aroundBody)
		needed, what = needed+buffer, "two buffers, one for the copy that its signatures need,"
	}
	if needed > roomFor(buffer, g.MaxInFlight) {
		return fmt.Errorf("max_body: a body of that size takes %s of %s and never finds room: raise max_in_flight of webhook_gateway, or lower max_body", what, humanize.IBytes(uint64(needed)))
	}
	return nil
}

// Interface guards
var (
	_ caddy.App         = (*Gateway)(nil)
	_ caddy.Provisioner = (*Gateway)(nil)
	_ caddy.Validator   = (*Gateway)(nil)
)
