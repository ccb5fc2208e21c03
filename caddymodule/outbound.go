package caddymodule

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/dustin/go-humanize"

	"github.com/hookseal/hookseal/outbound"
)

// Outbound is how events are published: where they are kept, when and to whom they are sent. It is
// the option outbound of the app webhook_gateway and shared by all webhook_publish. It works from
// when it stands in the configuration, or a webhook_publish does.
type Outbound struct {
	// JournalRaw is where messages, attempts and subscriptions are kept. Default: nats, inside this
	// process.
	JournalRaw json.RawMessage `json:"journal,omitempty" caddy:"namespace=webhook_gateway.journal inline_key=journal"`

	// Schedule is the times to wait before each attempt: the first from when the event was accepted,
	// each other from the end of the attempt before it. Default: 0s 5s 5m 30m 2h 5h 10h 10h.
	Schedule []caddy.Duration `json:"schedule,omitempty"`

	// Timeout is how long one attempt may take. Default: 15s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// Concurrency is how many attempts to one endpoint are in flight at the most. Default: 8.
	Concurrency int `json:"concurrency,omitempty"`

	// MaxAttempts is how many attempts are in flight at the most, to all endpoints together. Default:
	// 1024.
	MaxAttempts int `json:"max_attempts,omitempty"`

	// DisableAfter is how long all attempts to an endpoint must have failed for it to be disabled.
	// Default: 5d.
	DisableAfter caddy.Duration `json:"disable_after,omitempty"`

	// RetainFor is how long messages and attempts are kept. What still waits is kept longer. Default:
	// 30d.
	RetainFor caddy.Duration `json:"retain_for,omitempty"`

	// RetainBytes is how much they may take on disk. Over it the oldest go first, but none that still
	// wait: if there is no other, new events are answered 503. Default: 10 GiB.
	RetainBytes int64 `json:"retain_bytes,omitempty"`

	// AllowHTTP allows endpoints without TLS.
	AllowHTTP bool `json:"allow_http,omitempty"`

	// AllowNets are networks that may be reached although they are no part of the public internet, such
	// as "10.20.0.0/16". Default: none.
	AllowNets []string `json:"allow_nets,omitempty"`

	// Proxy is the URL of a forward proxy for all attempts, or one placeholder for it. The subscriber's
	// address is then the proxy's to check. Default: none, and none from the environment.
	Proxy string `json:"proxy,omitempty"`

	// Subscriptions is the absolute path of a JSON file with more endpoints, which is read again when
	// it changes.
	Subscriptions string `json:"subscriptions,omitempty"`

	// Endpoints are those of the configuration.
	Endpoints []Endpoint `json:"endpoints,omitempty"`

	// Position is where a Caddyfile has the option, for error messages.
	Position string `json:"position,omitempty"`

	ctx        caddy.Context
	journal    outbound.Journal
	identity   string            // of the journal
	settings   outbound.Settings // with the configuration's endpoints alone
	file       *subscriptions    // nil without one
	publishers []*Publish
	tenant     *tenant
	hub        atomic.Pointer[runningHub] // nil before it was started
}

// The bounds of Outbound's numbers.
const (
	maxSchedule    = 64
	maxDelay       = caddy.Duration(30 * 24 * time.Hour)
	maxTimeout     = caddy.Duration(10 * time.Minute)
	maxConcurrency = 1 << 12
	maxMaxAttempts = 1 << 16
	minRetainBytes = 1 << 20
	maxRetainBytes = 1 << 50
)

// journalNamespace is where the modules of journals are.
const journalNamespace = "webhook_gateway.journal"

// journal is what a module in webhook_gateway.journal provides.
type journal interface {
	// Journal returns the journal that the module configures, and the text by which it is known: two
	// modules with the same text have the same journal. It is called once, after Provision, and opens
	// nothing.
	Journal() (journal outbound.Journal, identity string)
}

// provision loads the journal and resolves the secrets. It opens nothing.
func (o *Outbound) provision(ctx caddy.Context) error {
	o.ctx = ctx
	replacer := caddy.NewReplacer()
	if err := at(o.Position, o.provisionSettings(replacer)); err != nil {
		return err
	}
	for i := range o.Endpoints {
		if err := o.provisionEndpoint(i, replacer); err != nil {
			return at(o.Endpoints[i].Position, fmt.Errorf("endpoint %d: %w", i+1, err))
		}
	}
	return at(o.Position, o.load(ctx))
}

func (o *Outbound) provisionSettings(replacer *caddy.Replacer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	o.settings, err = o.resolve(replacer)
	return err
}

func (o *Outbound) provisionEndpoint(i int, replacer *caddy.Replacer) error {
	if err := o.checkEndpoint(i, o.settings.Egress); err != nil {
		return err
	}
	configured, err := o.Endpoints[i].resolve(replacer, o.settings.Egress)
	o.settings.Endpoints = append(o.settings.Endpoints, configured)
	return err
}

// load reads the subscriptions and loads the journal.
func (o *Outbound) load(ctx caddy.Context) error {
	if o.Subscriptions != "" {
		o.file = newSubscriptions(o.Subscriptions, o.settings.Egress, o.names(), ctx.Logger(outboundLogger{}))
		if _, err := o.file.read(); err != nil {
			return err
		}
	}
	if o.JournalRaw == nil {
		o.JournalRaw = json.RawMessage(`{"journal":"nats"}`)
	}
	module, err := ctx.LoadModule(o, "JournalRaw")
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	o.journal, o.identity = module.(journal).Journal()
	return nil
}

// check finds the settings that make no sense, but for those of the endpoints.
func (o *Outbound) check() error {
	switch {
	case len(o.Schedule) > maxSchedule:
		return fmt.Errorf("schedule: has %d attempts: use at most %d", len(o.Schedule), maxSchedule)
	case slices.ContainsFunc(o.Schedule, func(d caddy.Duration) bool { return d < 0 || d > maxDelay }):
		return errors.New("schedule: each delay must lie between 0s and 30d")
	case o.Timeout < 0 || o.Timeout > maxTimeout:
		return errors.New("timeout: must lie between 1ns and 10m")
	case o.Concurrency < 0 || o.Concurrency > maxConcurrency:
		return fmt.Errorf("concurrency %d: use 1 to %d", o.Concurrency, maxConcurrency)
	case o.MaxAttempts < 0 || o.MaxAttempts > maxMaxAttempts:
		return fmt.Errorf("max_attempts %d: use 1 to %d", o.MaxAttempts, maxMaxAttempts)
	case o.DisableAfter < 0 || o.RetainFor < 0:
		return errors.New("disable_after and retain_for: must be above zero")
	case o.RetainBytes != 0 && (o.RetainBytes < minRetainBytes || o.RetainBytes > maxRetainBytes):
		return fmt.Errorf("retain_bytes %d: must lie between %s and %s", o.RetainBytes, humanize.IBytes(minRetainBytes), humanize.IBytes(maxRetainBytes))
	case o.Subscriptions != "" && !filepath.IsAbs(o.Subscriptions):
		return errRelative
	}
	_, err := o.egress()
	return errors.Join(err, checkProxy(o.Proxy))
}

var errRelative = errors.New("subscriptions: write the file's absolute path, so that it is the same one wherever the process is started")

// checkEndpoint finds what makes no sense in an endpoint, or beside those before it.
func (o *Outbound) checkEndpoint(i int, egress outbound.Egress) error {
	e := &o.Endpoints[i]
	if err := e.check(egress); err != nil {
		return err
	}
	for j := range i {
		switch {
		case o.Endpoints[j].uid() != e.uid():
		case e.Name == "":
			return errors.New("another endpoint has the same URL: give each a name, so that they can be told apart")
		default:
			return fmt.Errorf("another endpoint is named %q: give one of them another name", e.Name)
		}
	}
	return nil
}

// names returns the names of the configuration's endpoints.
func (o *Outbound) names() map[string]bool {
	names := make(map[string]bool)
	for i := range o.Endpoints {
		names[o.Endpoints[i].uid()] = true
	}
	return names
}

// parseNet reads a network.
func parseNet(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return prefix, fmt.Errorf("allow_net %q: write a network, such as 10.20.0.0/16 or fd00::/8", text)
	}
	return prefix, nil
}

// checkProxy checks the URL of a proxy, or that it is a placeholder. The errors don't repeat it.
func checkProxy(text string) error {
	if text == "" || secretPlaceholder.MatchString(text) {
		return nil
	}
	u, err := parseProxy(text)
	if err == nil && u.User != nil {
		err = errors.New("proxy: a user or password may not stand in the configuration: put the whole URL into a variable or a file, and write {env.NAME} or {file./absolute/path}")
	}
	return err
}

func parseProxy(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) {
		return nil, errors.New("proxy: must begin with http://, https:// or socks5:// and a host, or be one placeholder for such a URL")
	}
	return u, nil
}

// egress returns where attempts may go, but for the proxy.
func (o *Outbound) egress() (outbound.Egress, error) {
	e := outbound.Egress{AllowHTTP: o.AllowHTTP}
	for _, text := range o.AllowNets {
		prefix, err := parseNet(text)
		if err != nil {
			return e, err
		}
		e.AllowNets = append(e.AllowNets, prefix)
	}
	return e, nil
}

// resolve returns the settings without endpoints.
func (o *Outbound) resolve(replacer *caddy.Replacer) (s outbound.Settings, err error) {
	s = outbound.Settings{
		Timeout:      time.Duration(o.Timeout),
		Concurrency:  o.Concurrency,
		MaxAttempts:  o.MaxAttempts,
		DisableAfter: time.Duration(o.DisableAfter),
		RetainFor:    time.Duration(o.RetainFor),
		RetainBytes:  uint64(o.RetainBytes),
	}
	for _, delay := range o.Schedule {
		s.Schedule = append(s.Schedule, time.Duration(delay))
	}
	if s.Egress, err = o.egress(); err != nil || o.Proxy == "" {
		return s, err
	}
	proxy := o.Proxy
	if secretPlaceholder.MatchString(proxy) {
		if proxy, err = resolvePlaceholder(replacer, proxy); err != nil {
			return s, fmt.Errorf("proxy: %w", err)
		}
	}
	s.Egress.Proxy, err = parseProxy(proxy)
	return s, err
}

// start puts the settings in force, and runs the hub if it doesn't run yet.
func (o *Outbound) start() error {
	reporter, err := newOutboundReporter(o.ctx)
	if err != nil {
		return err
	}
	o.settings.Drain = o.grace()
	t := &tenant{journal: o.journal, settings: o.settings, reporter: reporter}
	if o.file != nil {
		t.settings = o.file.with(o.settings)
	}
	hub, err := enterHub(o.identity, t)
	if err != nil {
		return fmt.Errorf("outbound: %w", err)
	}
	o.tenant = t
	o.hub.Store(hub)
	for _, p := range o.publishers {
		if err := p.open(hub.hub); err != nil {
			return errors.Join(err, o.stop())
		}
	}
	if o.file != nil {
		o.file.watch(func() error { return hub.change(t, o.file.with(o.settings)) })
	}
	return nil
}

// stop takes the settings out of force, and ends the hub if nobody else needs it.
func (o *Outbound) stop() error {
	hub := o.hub.Load()
	if hub == nil {
		return nil
	}
	if o.file != nil {
		o.file.unwatch()
	}
	return hub.leave(o.identity, o.tenant)
}

// grace returns how long attempts in flight may take to end when Caddy stops.
func (o *Outbound) grace() time.Duration {
	if app, err := o.ctx.AppIfConfigured("http"); err == nil {
		if grace := app.(*caddyhttp.App).GracePeriod; grace > 0 {
			return time.Duration(grace)
		}
	}
	return cmp.Or(time.Duration(o.Timeout), outbound.DefaultTimeout) + outbound.DrainMargin
}
