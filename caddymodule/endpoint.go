package caddymodule

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/verifiers"
)

// Endpoint is a subscriber that the configuration names: it gets the events of the default
// application.
type Endpoint struct {
	// URL is where events are posted to.
	URL string `json:"url"`

	// Events are patterns of event types, such as "order.created", "order.*" or "order.**". Default:
	// all.
	Events []string `json:"events,omitempty"`

	// Secrets are the keys, the newest first. Where the scheme allows several signatures there is one
	// of each, so that the subscriber can change from one to the other without a gap; otherwise the
	// first signs. At least one is needed.
	Secrets []SecretSource `json:"secrets"`

	// Scheme is the name of the preset that signs. Default: standard.
	Scheme string `json:"scheme,omitempty"`

	// Headers are sent along. A value may be one placeholder, and has to be one where the field is for
	// credentials.
	Headers map[string]string `json:"headers,omitempty"`

	// Name is the endpoint's uid: by it the endpoint is known from one configuration to the next, with
	// all that waits for it. Default: "url-" and the beginning of a hash of the URL, so that another URL
	// makes it another endpoint.
	Name string `json:"name,omitempty"`

	// Rate is how many attempts are begun in a second at the most. Default: no limit.
	Rate int `json:"rate,omitempty"`

	// Channels narrow what it gets to messages without channels, or with one of these. Default: all.
	Channels []string `json:"channels,omitempty"`

	// Description is for people.
	Description string `json:"description,omitempty"`

	// Position is where a Caddyfile has the endpoint, for error messages.
	Position string `json:"position,omitempty"`
}

// maxRate is the largest rate, in attempts a second.
const maxRate = 1<<16 - 1

// uid returns the name, or the one that follows from the URL.
func (e *Endpoint) uid() string {
	if e.Name != "" {
		return e.Name
	}
	sum := sha256.Sum256([]byte(e.URL))
	return "url-" + hex.EncodeToString(sum[:6])
}

// check finds what makes no sense, but for the secrets and what placeholders stand for.
func (e *Endpoint) check(egress outbound.Egress) error {
	scheme, err := e.preset()
	if err != nil {
		return err
	}
	headers := make(map[string]string)
	for name, value := range e.Headers {
		if err := checkHeader(name, value); err != nil {
			return err
		}
		headers[name] = value
	}
	_, err = e.configured([]string{scheme.SampleSecret()}, headers, egress)
	return err
}

// preset returns the scheme.
func (e *Endpoint) preset() (verifiers.Scheme, error) {
	name := cmp.Or(e.Scheme, "standard")
	scheme, ok := verifiers.Preset(name)
	ok = ok && slices.Contains(outbound.Schemes, name)
	if !ok {
		return scheme, fmt.Errorf("scheme %q is none that endpoints have: use %s", name, either(outbound.Schemes))
	}
	return scheme, nil
}

// resolve reads the secrets and the placeholders of headers, and returns the endpoint for the hub.
func (e *Endpoint) resolve(replacer *caddy.Replacer, egress outbound.Egress) (outbound.ConfiguredEndpoint, error) {
	var none outbound.ConfiguredEndpoint
	if len(e.Secrets) == 0 {
		return none, errNoSecret
	}
	var secrets []string
	for i, source := range e.Secrets {
		text, err := source.text(replacer)
		if err != nil {
			return none, fmt.Errorf("secret %d: %w", i+1, err)
		}
		secrets = append(secrets, text)
	}
	headers := make(map[string]string)
	for name, value := range e.Headers {
		if err := checkHeader(name, value); err != nil {
			return none, err
		}
		if secretPlaceholder.MatchString(value) {
			text, err := resolvePlaceholder(replacer, value)
			if err != nil {
				return none, fmt.Errorf("header %s: %w", name, err)
			}
			value = text
		}
		headers[name] = value
	}
	return e.configured(secrets, headers, egress)
}

// configured returns the endpoint for the hub, and what is wrong with it.
func (e *Endpoint) configured(secrets []string, headers map[string]string, egress outbound.Egress) (outbound.ConfiguredEndpoint, error) {
	c := outbound.ConfiguredEndpoint{
		Endpoint: outbound.Endpoint{
			UID:         e.uid(),
			URL:         e.URL,
			Description: e.Description,
			Events:      e.Events,
			Channels:    e.Channels,
			RateLimit:   e.Rate,
			Headers:     headers,
			Scheme:      e.Scheme,
		},
		Secrets: secrets,
	}
	if err := e.checkSecrets(secrets); err != nil {
		return c, err
	}
	if strings.HasPrefix(e.URL, "http://") && !egress.AllowHTTP {
		return c, errors.New("url: begins with http://: use https://, or write allow_http into outbound")
	}
	err := outbound.Settings{Egress: egress, Endpoints: []outbound.ConfiguredEndpoint{c}}.Check()
	if invalid, ok := errors.AsType[*outbound.InvalidError](err); ok {
		err = fmt.Errorf("%s: %s", endpointOptions[invalid.Field], invalid.Problem)
	}
	return c, err
}

// endpointOptions are the options by the fields that the hub knows them by.
var endpointOptions = map[string]string{
	"URL": "url", "UID": "name", "Description": "description", "Events": "events", "Channels": "channels",
	"RateLimit": "rate", "Headers": "header", "Scheme": "scheme", "Secret": "secret",
}

// checkSecrets checks that all secrets can sign.
func (e *Endpoint) checkSecrets(secrets []string) error {
	scheme, err := e.preset()
	if err != nil {
		return err
	}
	var keys []verifiers.Secret
	for _, text := range secrets {
		keys = append(keys, verifiers.NewSecret("", text))
	}
	signer, err := verifiers.New(scheme, keys, verifiers.Options{})
	switch {
	case errors.Is(err, verifiers.ErrSecretShort):
		return fmt.Errorf("%w: use a longer one, such as \"hookseal webhook keygen\" makes", err)
	case err != nil:
		return err
	}
	return canSign(signer)
}

// telling are parts of the names of header fields whose values are credentials: those whose values the
// publish API doesn't show either.
var telling = []string{"auth", "cookie", "credential", "key", "pass", "secret", "session", "signature", "token"}

// checkHeader finds a credential that stands in the configuration itself. The error doesn't repeat it.
func checkHeader(name, value string) error {
	if secretPlaceholder.MatchString(value) {
		return nil
	}
	if strings.ContainsAny(value, "{}") {
		return fmt.Errorf("header %s: a placeholder must be the whole value, and {env.NAME} or {file./absolute/path}", name)
	}
	lower := strings.ToLower(name)
	if slices.ContainsFunc(telling, func(part string) bool { return strings.Contains(lower, part) }) {
		return fmt.Errorf("header %s: its value may not stand here, because the configuration can be read through the admin API: put all of it into a variable or a file, and write {env.NAME} or {file./absolute/path}", http.CanonicalHeaderKey(name))
	}
	return nil
}
