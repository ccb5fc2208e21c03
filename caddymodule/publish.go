package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/outbound/api"
)

func init() {
	caddy.RegisterModule(new(Publish))
}

// Publish is the handler webhook_publish. It takes events from internal apps, and what they say about
// who is to get them, at /publish and /api/v1/, and hands every other path to the next handler. What it
// has accepted is on disk, and is sent to all that subscribe to it: see Outbound.
type Publish struct {
	// Tokens are who may publish: a request needs one of them as "Authorization: Bearer <token>". At
	// least one is needed. A token has at least 16 characters of printable ASCII, without blanks.
	Tokens []SecretSource `json:"tokens"`

	// MaxBody is the size in bytes over which the body of a request is refused. Default: 1 MiB.
	MaxBody int64 `json:"max_body,omitempty"`

	// Position is where a Caddyfile has the directive, for error messages.
	Position string `json:"position,omitempty"`

	gateway *Gateway
	tokens  []api.Token
	api     atomic.Pointer[http.Handler] // nil before there was a hub
}

// maxPublishBody is the largest max_body: no journal takes more in one record.
const maxPublishBody = 8 << 20

// CaddyModule returns the Caddy module information.
func (*Publish) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.webhook_publish",
		New: func() caddy.Module { return new(Publish) },
	}
}

// Provision resolves the tokens.
func (p *Publish) Provision(ctx caddy.Context) error {
	return at(p.Position, p.provision(ctx))
}

func (p *Publish) provision(ctx caddy.Context) error {
	if err := p.check(); err != nil {
		return err
	}
	replacer := caddy.NewReplacer()
	for i, source := range p.Tokens {
		text, err := source.text(replacer)
		if err != nil {
			return fmt.Errorf("token %d: %w", i+1, err)
		}
		token, err := api.NewToken(text)
		if err != nil {
			return fmt.Errorf("token %d: %w: use another, such as \"hookseal webhook keygen\" makes", i+1, err)
		}
		p.tokens = append(p.tokens, token)
	}
	app, err := ctx.App("webhook_gateway")
	if err != nil {
		return err
	}
	p.gateway = app.(*Gateway)
	p.gateway.publishTo(p)
	return nil
}

// check finds the settings that make no sense.
func (p *Publish) check() error {
	switch {
	case len(p.Tokens) == 0:
		return errNoToken
	case p.MaxBody < 0 || p.MaxBody > maxPublishBody:
		return fmt.Errorf("max_body %d: must lie between 1 byte and 8 MiB", p.MaxBody)
	}
	return nil
}

var errNoToken = errors.New(`no token: add one, such as "token {env.PUBLISH_TOKEN}", because whoever can publish can make this gateway send`)

// open begins to serve the hub.
func (p *Publish) open(hub *outbound.Hub) error {
	handler, err := api.New(hub, api.Options{Tokens: p.tokens, MaxBody: p.MaxBody})
	if err == nil {
		p.api.Store(&handler)
	}
	return err
}

// handler returns what serves the API, nil if there is no hub yet. While a configuration replaces another
// it can get requests before it has started, for which the hub that runs will do.
func (p *Publish) handler() http.Handler {
	if p.api.Load() == nil {
		if h := findHub(p.gateway.outbound.identity); h == nil || p.open(h.hub) != nil {
			return nil
		}
	}
	return *p.api.Load()
}

// ServeHTTP serves the paths of the API.
func (p *Publish) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if r.URL.Path != "/publish" && !strings.HasPrefix(r.URL.Path, "/api/v1/") {
		return next.ServeHTTP(w, r)
	}
	handler := p.handler()
	if handler == nil {
		w.Header().Set("Retry-After", "1")
		return caddyhttp.Error(http.StatusServiceUnavailable, outbound.ErrUnavailable)
	}
	handler.ServeHTTP(w, r)
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Publish)(nil)
	_ caddyhttp.MiddlewareHandler = (*Publish)(nil)
)
