package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/hookseal/hookseal/verifiers"
)

func init() {
	caddy.RegisterModule(new(Verify))
}

// Verify is the handler webhook_verify. It reads the body, bounded, verifies the delivery and
// claims it, and calls the next handler only for a delivery that is genuine and fresh. If that
// handler answers 2xx the claim is kept and every copy of the delivery is a duplicate; otherwise it
// is given back and the sender's retry comes through.
type Verify struct {
	// Provider is the name of a preset, or any name for a Scheme of your own.
	Provider string `json:"provider"`

	// Scheme describes how the provider signs, if it is no preset.
	Scheme *verifiers.Scheme `json:"scheme,omitempty"`

	// Name is the name of the route, in logs and metrics. It is also the scope of its claims, so
	// no two routes have the same. Default: the provider.
	Name string `json:"name,omitempty"`

	// Secrets are the keys of one sender, several while it rolls them; a delivery must match one. At
	// least one is needed. Deliveries of one id are one, whichever key they match, so what another
	// sender or endpoint signs needs a route of its own.
	Secrets []SecretSource `json:"secrets"`

	// AllowShort accepts secrets under 16 bytes.
	AllowShort bool `json:"allow_short,omitempty"`

	// AllowWeak accepts a provider whose signatures rest on SHA-1.
	AllowWeak bool `json:"allow_weak,omitempty"`

	// Tolerance is how far a signed time may lie from now, into the past and into the future.
	// Default: the provider's, mostly 5m. An error for a provider that signs no time.
	Tolerance caddy.Duration `json:"tolerance,omitempty"`

	// ReplayWindow is how long an accepted delivery is remembered. Default: a little over two
	// tolerances where the provider signs a time, which is as long as a copy could be accepted;
	// otherwise 24h; none where different deliveries of the provider may have the same bytes.
	ReplayWindow caddy.Duration `json:"replay_window,omitempty"`

	// ReplayOff lets copies through.
	ReplayOff bool `json:"replay_off,omitempty"`

	// MaxBody is the size in bytes over which a body is refused. Default: 25 MiB, which is the
	// largest that GitHub sends.
	MaxBody int64 `json:"max_body,omitempty"`

	// Methods are the methods that are let in, in capital letters. Default: POST.
	Methods []string `json:"methods,omitempty"`

	// OnDuplicate is the status for a copy of a delivery that was accepted before. Default: 200,
	// so that senders count it as delivered.
	OnDuplicate int `json:"on_duplicate,omitempty"`

	// Mode is "enforce" or "monitor". Monitoring lets every delivery whose body can be read go on,
	// marked by the header "Webhook-Verified: false" if it did not verify, and only counts what
	// enforcing would have stopped. Default: enforce.
	Mode string `json:"mode,omitempty"`

	// PublicURL is where senders reach this gateway, such as "https://hooks.example.com". It is
	// needed for a provider that signs the URL.
	PublicURL string `json:"public_url,omitempty"`

	// VerifyToken is a placeholder, as in Secrets, for what the provider shows in its handshake: the verify
	// token of Meta, without which a handshake of Meta's is refused; the verification token of Feishu.
	VerifyToken string `json:"verify_token,omitempty"`

	// EncryptKey is a placeholder for the EncodingAESKey of WeCom, without which a handshake of WeCom's is
	// refused, or of DingTalk, without which the app has to answer DingTalk itself.
	EncryptKey string `json:"encrypt_key,omitempty"`

	// ReceiverID is whom encrypted handshakes are for, which is no secret: WeCom's corpid or suiteid, for which
	// alone they are answered then; DingTalk's AppKey, corpId or SuiteKey, which EncryptKey needs there.
	ReceiverID string `json:"receiver_id,omitempty"`

	// Position is where a Caddyfile has the directive, for error messages.
	Position string `json:"position,omitempty"`

	gateway   *Gateway
	scheme    verifiers.Scheme
	fetches   bool // keys
	keys      *keyring
	window    time.Duration
	allow     string   // for 405
	asks      []string // the methods of the provider's handshake that aren't among Methods
	confirmer *confirmer
	reporter  *reporter
	now       func() time.Time
}

// The defaults of Verify.
const (
	defaultMaxBody      = 25 << 20
	defaultReplayWindow = 24 * time.Hour
)

// maxMaxBody is the largest max_body.
const maxMaxBody = math.MaxInt32

// maxTolerance bounds the tolerance: what is older than that is no longer news to anybody.
const maxTolerance = caddy.Duration(24 * time.Hour)

// clockGrace is how much longer than two tolerances a claim is kept: between the last check of a
// delivery's time and its claim the clock may be stepped, and a shared store has a clock of its own.
const clockGrace = time.Minute

// CaddyModule returns the Caddy module information.
func (*Verify) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.webhook_verify",
		New: func() caddy.Module { return new(Verify) },
	}
}

// Provision compiles the scheme and resolves the secrets.
func (v *Verify) Provision(ctx caddy.Context) error {
	return at(v.Position, v.provision(ctx))
}

func (v *Verify) provision(ctx caddy.Context) error {
	config, err := json.Marshal(v)
	if err != nil {
		return err
	}
	v.now, v.confirmer = time.Now, new(confirmer)
	v.setDefaults()
	if err := v.check(); err != nil {
		return err
	}
	app, err := ctx.App("webhook_gateway")
	if err != nil {
		return err
	}
	v.gateway = app.(*Gateway)
	if err := v.gateway.claimName(v.Name, v.Position, config); err != nil {
		return err
	}
	if v.reporter, err = newReporter(ctx, v.Name, v.Provider); err != nil {
		return err
	}
	if v.scheme, err = schemeOf("provider", v.Provider, v.Scheme); err != nil {
		return err
	}
	v.fetches = v.scheme.Fetches()
	if len(v.Secrets) == 0 {
		return errNoSecret
	}
	if err := checkTimes(v.Secrets); err != nil {
		return err
	}
	v.keys = &keyring{compile: v.compile, logger: v.reporter.logger, who: zap.String("route", v.Name)}
	if err := v.gateway.openKeyring(v.keys, append(placeholdersOf(v.Secrets), v.VerifyToken, v.EncryptKey)); err != nil {
		return err
	}
	v.reporter.metrics.expectKeys(v.Secrets)
	verifier := v.keys.current.Load()
	if err := v.setWindow(verifier.Tolerance()); err != nil {
		return err
	}
	v.setMethods(verifier.Handshake())
	if verifier.Handshake().BringsSecret() {
		v.gateway.greeters[v.Name] = v.Provider
	}
	warnOfPause(v.reporter.logger, v.Secrets, v.now(), "every delivery is refused then", zap.String("route", v.Name))
	v.warn()
	if v.Mode == "monitor" {
		v.reporter.logger.Warn("deliveries that don't verify are let through: mode monitor", zap.String("route", v.Name))
	}
	return nil
}

// warn says what the provider's signatures don't do.
func (v *Verify) warn() {
	scheme := v.scheme
	route := zap.String("route", v.Name)
	if !scheme.CoversBody() {
		v.reporter.logger.Warn("the provider's signature does not cover the body: whoever has one delivery can send others", route, zap.String("provider", v.Provider))
	}
	if scheme.Weak() {
		v.reporter.logger.Warn("the provider's signatures rest on SHA-1: allow_weak", route, zap.String("provider", v.Provider))
	}
	if scheme.Alike && v.ReplayOff {
		v.reporter.logger.Info("copies are let through: different deliveries of the provider may have the same bytes", route, zap.String("provider", v.Provider))
	}
}

func (v *Verify) setDefaults() {
	if v.Name == "" {
		v.Name = v.Provider
	}
	if v.MaxBody == 0 {
		v.MaxBody = defaultMaxBody
	}
	if len(v.Methods) == 0 {
		v.Methods = []string{http.MethodPost}
	}
	if v.OnDuplicate == 0 {
		v.OnDuplicate = http.StatusOK
	}
}

// check finds the settings that make no sense.
func (v *Verify) check() error {
	switch {
	case v.Provider == "":
		return errNoProvider
	case v.Mode != "" && v.Mode != "enforce" && v.Mode != "monitor":
		return fmt.Errorf("mode %q: use enforce or monitor", v.Mode)
	case v.OnDuplicate < 200 || v.OnDuplicate > 599:
		return fmt.Errorf("on_duplicate %d: use a status from 200 to 599", v.OnDuplicate)
	case v.MaxBody < 0 || v.MaxBody > maxMaxBody:
		return fmt.Errorf("max_body %d: must lie between 1 byte and 2 GiB", v.MaxBody)
	case v.Tolerance > maxTolerance:
		return fmt.Errorf("tolerance %s: use at most %s", shortDuration(time.Duration(v.Tolerance)), shortDuration(time.Duration(maxTolerance)))
	case v.ReplayOff && v.ReplayWindow != 0:
		return errors.New("replay_window and replay off exclude each other: leave one of them out")
	case v.ReplayWindow < 0:
		return errors.New("replay_window: must be above zero")
	}
	for _, method := range v.Methods {
		if method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
			return fmt.Errorf("methods %q: write a method in capital letters, such as POST", method)
		}
	}
	return nil
}

// compile makes the verifier, of what the placeholders stand for now.
func (v *Verify) compile() (*verifiers.Verifier, error) {
	handshake, err := v.handshake(caddy.NewReplacer())
	if err != nil {
		return nil, err
	}
	verifier, err := newVerifier(v.scheme, v.Secrets, verifiers.Options{
		Now:        func() time.Time { return v.now() },
		Tolerance:  time.Duration(v.Tolerance),
		AllowShort: v.AllowShort,
		AllowWeak:  v.AllowWeak,
		PublicURL:  v.PublicURL,
		Keys:       processKeys(),
		Space:      v.gateway.lend,
		Handshake:  handshake,
	})
	if err == nil {
		err = v.gateway.fits(v.MaxBody, verifier)
	}
	return verifier, err
}

var errNoProvider = errors.New("webhook_verify needs a provider: " + presetList + ", or use a name of your own with custom { … }")

// setWindow works out how long claims are kept.
func (v *Verify) setWindow(tolerance time.Duration) error {
	least := time.Duration(0)
	if tolerance > 0 {
		least = 2*tolerance + clockGrace
	}
	if v.scheme.Alike && v.ReplayWindow == 0 {
		v.ReplayOff = true
	}
	switch v.window = time.Duration(v.ReplayWindow); {
	case v.window == 0 && least > 0:
		v.window = least
	case v.window == 0:
		v.window = defaultReplayWindow
	case v.window < least:
		return fmt.Errorf("replay_window %s is shorter than a copy is accepted: make it at least %s (two tolerances and a minute), or leave it out",
			shortDuration(v.window), shortDuration(least))
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Verify)(nil)
	_ caddyhttp.MiddlewareHandler = (*Verify)(nil)
)
