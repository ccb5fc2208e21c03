package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/hookseal/hookseal/verifiers"
)

func init() {
	caddy.RegisterModule(new(Sign))
}

// Sign is the handler webhook_sign. It signs the request that goes on to the next handler: behind
// webhook_verify, so that an app has one scheme to check instead of its senders' many; or, standing
// alone, what an app sends to a partner through this proxy. Header fields of the scheme that the
// request already has are removed.
type Sign struct {
	// Scheme is the name of a preset, or any name for a Custom scheme.
	Scheme string `json:"scheme"`

	// Custom describes how to sign, if Scheme is no preset.
	Custom *verifiers.Scheme `json:"custom,omitempty"`

	// Secrets are the keys. Where the scheme allows several signatures there is one of each, so
	// that a receiver can change from one to the other without a gap; otherwise the first signs.
	Secrets []SecretSource `json:"secrets"`

	// AllowShort accepts secrets under 16 bytes.
	AllowShort bool `json:"allow_short,omitempty"`

	// AllowWeak accepts a scheme whose signatures rest on SHA-1.
	AllowWeak bool `json:"allow_weak,omitempty"`

	// ID is a placeholder for the message's id, such as {http.request.header.X-Order-Id}, or
	// {http.webhook.id} for the id that a delivery's sender gave it. Default, also where that is empty:
	// of a verified delivery, "msg_" and the key of its claim, which every copy of it has and no
	// delivery of another route; of another request, what the scheme's own field for the id says, or
	// else a new UUID. Of a verified delivery the default also stands in for an id that the scheme can't
	// sign; another request with such an id is answered 500.
	ID string `json:"id,omitempty"`

	// PublicURL is where the receiver is, such as "https://partner.example.com". It is needed for a
	// scheme that signs the URL.
	PublicURL string `json:"public_url,omitempty"`

	// Standalone also signs requests that no webhook_verify let on. Default: they are answered 403.
	Standalone bool `json:"standalone,omitempty"`

	// MaxBody is the size in bytes over which the body of such a request is refused. Default: 25 MiB.
	MaxBody int64 `json:"max_body,omitempty"`

	// Position is where a Caddyfile has the directive, for error messages.
	Position string `json:"position,omitempty"`

	gateway  *Gateway
	keys     *keyring
	fields   []string // the header fields of the scheme
	reporter *reporter
	now      func() time.Time
}

// CaddyModule returns the Caddy module information.
func (*Sign) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.webhook_sign",
		New: func() caddy.Module { return new(Sign) },
	}
}

// Provision compiles the scheme and resolves the secrets.
func (s *Sign) Provision(ctx caddy.Context) error {
	return at(s.Position, s.provision(ctx))
}

func (s *Sign) provision(ctx caddy.Context) error {
	s.now = time.Now
	if s.MaxBody == 0 {
		s.MaxBody = defaultMaxBody
	}
	scheme, err := s.check()
	if err != nil {
		return err
	}
	app, err := ctx.App("webhook_gateway")
	if err != nil {
		return err
	}
	s.gateway = app.(*Gateway)
	if s.reporter, err = newReporter(ctx, "", ""); err != nil {
		return err
	}
	if len(s.Secrets) == 0 {
		return errNoSecret
	}
	if err := checkTimes(s.Secrets); err != nil {
		return err
	}
	s.keys = &keyring{logger: s.reporter.logger, who: zap.String("scheme", s.Scheme)}
	s.keys.compile = func() (*verifiers.Verifier, error) { return s.compile(scheme) }
	if err := s.gateway.openKeyring(s.keys, placeholdersOf(s.Secrets)); err != nil {
		return err
	}
	s.fields = s.keys.current.Load().HeaderNames()
	warnOfPause(s.reporter.logger, s.Secrets, s.now(), "nothing can be signed then", zap.String("scheme", s.Scheme))
	return nil
}

// compile makes the signer, of what the placeholders stand for now.
func (s *Sign) compile(scheme verifiers.Scheme) (*verifiers.Verifier, error) {
	signer, err := newVerifier(scheme, s.Secrets, s.options())
	if err == nil {
		err = s.gateway.fits(s.MaxBody, signer)
	}
	if err == nil {
		err = canSign(signer)
	}
	return signer, err
}

func (s *Sign) options() verifiers.Options {
	return verifiers.Options{AllowShort: s.AllowShort, AllowWeak: s.AllowWeak, PublicURL: s.PublicURL, Space: s.gateway.lend, Now: func() time.Time { return s.now() }}
}

// check finds the settings that make no sense and returns the scheme.
func (s *Sign) check() (verifiers.Scheme, error) {
	switch {
	case s.Scheme == "":
		return verifiers.Scheme{}, errNoScheme
	case s.MaxBody < 0 || s.MaxBody > maxMaxBody:
		return verifiers.Scheme{}, fmt.Errorf("max_body %d: must lie between 1 byte and 2 GiB", s.MaxBody)
	case s.ID != "" && !varies(s.ID):
		return verifiers.Scheme{}, fmt.Errorf("id %q: is the same for every message, so that receivers would take all but the first for copies: use a placeholder of the request, such as {http.request.header.X-Order-Id}, or leave it out", s.ID)
	}
	return schemeOf("scheme", s.Scheme, s.Custom)
}

var errNoScheme = errors.New("webhook_sign needs a scheme: " + presetList + ", or use a name of your own with custom { … }")

var placeholder = regexp.MustCompile(`\{([^{}]+)\}`)

// varies reports whether a text has a placeholder that isn't the same for every request.
func varies(text string) bool {
	text = strings.ReplaceAll(text, `\{`, "") // no placeholder begins there
	for _, found := range placeholder.FindAllStringSubmatch(text, -1) {
		kind, _, _ := strings.Cut(found[1], ".")
		if !slices.Contains([]string{"env", "file", "system"}, kind) {
			return true
		}
	}
	return false
}

// canSign signs something, to find out now what would make every signature fail.
func canSign(signer *verifiers.Verifier) error {
	_, err := signer.Sign(verifiers.Message{ID: "id", Event: "event", Method: http.MethodPost, Target: "/"})
	if errors.Is(err, verifiers.ErrNoSecretNow) {
		return nil // in time it can
	}
	return err
}

// ServeHTTP signs the request.
func (s *Sign) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	d := deliveryOf(r)
	switch {
	case d == nil && !s.Standalone:
		return newDelivery(s.reporter).reject(w, r, reasonNoDelivery)
	case d == nil:
		return s.signAlone(w, r, next)
	case d.verdict == unverified:
		// Of "mode monitor". It goes on, but not as if it were genuine.
		s.strip(r.Header)
		return next.ServeHTTP(w, r)
	case !d.body.attachedTo(r):
		s.reporter.logger.Error("not signed: what is behind webhook_verify has replaced the body", zap.Object("webhook", d))
		return caddyhttp.Error(http.StatusInternalServerError, errUnsigned)
	}
	// The sender's own id is unique for that sender only, and may not be signed: whoever asks for it
	// with {http.webhook.id} knows both.
	own := d.key().String()
	if d.route.scheme.Alike && !d.IDSigned {
		// Different deliveries have the same bytes, and so the same key.
		unique, err := uuid.NewV7()
		if err != nil {
			return err
		}
		own = unique.String()
	}
	return s.pass(w, r, next, d, []string{s.givenID(r), "msg_" + own})
}

// signAlone signs a request that was not verified here.
func (s *Sign) signAlone(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	d := newDelivery(s.reporter)
	ownHeader(r.Header)
	if r.ContentLength > s.MaxBody {
		return d.reject(w, r, reasonBodyTooLarge)
	}
	body := buffer{limit: s.gateway.MaxInFlight}
	defer body.free()
	if reason := d.read(&body, w, r, s.gateway, s.MaxBody); reason != "" {
		return d.reject(w, r, reason)
	}
	d.body.bytes = body.bytes
	defer d.body.release()

	var id string
	id, d.Event = s.keys.current.Load().Names(verifiers.Request{Method: r.Method, Header: r.Header, Target: r.URL.RequestURI()}, body.bytes)
	switch given := s.givenID(r); {
	case given != "":
		id = given
	case id == "":
		unique, err := uuid.NewV7()
		if err != nil {
			return err
		}
		id = unique.String()
	}
	r = r.WithContext(d.body.follow(r.Context()))
	d.body.attach(r)
	return s.pass(w, r, next, d, []string{id})
}

// givenID returns the id that the configuration says where to find.
func (s *Sign) givenID(r *http.Request) string {
	if s.ID == "" {
		return ""
	}
	replacer := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	return replacer.ReplaceAll(s.ID, "")
}

// errUnsigned is all that {err.message} can say of a request that could not be signed.
var errUnsigned = errors.New("the request could not be signed")

// pass signs the request of a delivery, with the first of the ids that the scheme can sign, and calls
// the next handler.
func (s *Sign) pass(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, d *delivery, ids []string) error {
	message := verifiers.Message{Event: d.Event, Time: s.now(), Body: d.body.bytes, Method: r.Method, Target: r.URL.RequestURI()}
	signer := s.keys.current.Load()
	var signed http.Header
	err := errUnsigned
	for _, message.ID = range ids {
		if message.ID == "" {
			continue
		}
		if signed, err = signer.Sign(message); err == nil || errors.Is(err, errOverloaded) || errors.Is(err, verifiers.ErrNoSecretNow) {
			break // another id would find the room that this one did not, and be another message's
		}
	}
	switch {
	case errors.Is(err, errOverloaded):
		s.reporter.logger.Error("not signed: no room for the copy of the body that the signature needs", zap.String("scheme", s.Scheme), zap.Error(err))
		setRetryAfter(w)
		return caddyhttp.Error(http.StatusServiceUnavailable, errUnsigned)
	case errors.Is(err, verifiers.ErrNoSecretNow):
		s.reporter.logger.Error("not signed: the time of every secret is over or still to come", zap.String("scheme", s.Scheme))
		setRetryAfter(w)
		return caddyhttp.Error(http.StatusServiceUnavailable, errUnsigned)
	case err != nil:
		s.reporter.logger.Error("could not sign: the id or the event can't stand in the scheme", zap.String("scheme", s.Scheme), zap.Error(err))
		return caddyhttp.Error(http.StatusInternalServerError, errUnsigned)
	}
	s.strip(r.Header)
	maps.Copy(r.Header, signed)
	ctx, cancel := s.age(r.Context(), &d.body, message.Time)
	defer cancel()
	err = next.ServeHTTP(w, r.WithContext(ctx))
	if err != nil {
		s.strip(r.Header) // error handlers don't get the body
	}
	return err
}

// strip removes the fields of the scheme, which only the signer is to set, under every spelling that
// may become the same in an app.
func (s *Sign) strip(header http.Header) {
	for name := range header {
		if slices.ContainsFunc(s.fields, func(field string) bool { return sameField(name, field) }) {
			delete(header, name)
		}
	}
}

// errAged means that a signature has become too old to be sent again.
var errAged = errors.New("the signature is too old to be sent again")

// age returns a context for the tries to send what was signed at a time. A proxy that tries again
// sends the signature that it was given, which is sound for as long as receivers take it. The
// context ends when a try begins after half of that time, or has waited for its connection until then,
// so that the rest is left for the way there and for clocks that differ.
func (s *Sign) age(ctx context.Context, body *verifiedBody, signed time.Time) (context.Context, context.CancelFunc) {
	limit := s.keys.current.Load().Tolerance() / 2
	if limit == 0 {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	check := func() {
		if s.now().Sub(signed) > limit {
			// A transport that has a connection writes before it looks at the context. Without the
			// body what it writes is no request.
			body.refuse(errAged)
			cancel(errAged)
		}
	}
	trace := &httptrace.ClientTrace{
		GetConn: func(string) { check() },
		GotConn: func(httptrace.GotConnInfo) { check() },
	}
	return httptrace.WithClientTrace(ctx, trace), func() { cancel(nil) }
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Sign)(nil)
	_ caddyhttp.MiddlewareHandler = (*Sign)(nil)
)
