package caddymodule

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/hookseal/hookseal/verifiers"
)

// SecretSource says where a secret is.
type SecretSource struct {
	// Value is one placeholder that stands for the secret, {env.NAME} or {file./absolute/path},
	// and nothing else. Neither the secret nor a part of it may stand here, because the
	// configuration can be read through the admin API. Only what isn't secret may: the ARN of an
	// Amazon SNS topic, the id of a PayPal webhook.
	Value string `json:"value"`

	// Label names the secret in logs and to the app.
	Label string `json:"label,omitempty"`

	// NotBefore and NotAfter bound the time in which the secret is used, to verify and to sign, so that a
	// new one can be laid out beforehand and an old one ends by itself. Default: no bound. Tokens of
	// webhook_publish and secrets of endpoints have none.
	NotBefore time.Time `json:"not_before,omitzero"`
	NotAfter  time.Time `json:"not_after,omitzero"`
}

// maxLabel bounds the label of a secret, which becomes a header field.
const maxLabel = 64

// resolve reads the secret. names says that it may be a name in place of a secret: see
// verifiers.Scheme.NamesReceiver. Errors name the placeholder, never what it stands for.
func (s SecretSource) resolve(replacer *caddy.Replacer, names bool) (verifiers.Secret, error) {
	text, err := s.read(replacer, names)
	if err != nil {
		return verifiers.Secret{}, err
	}
	secret := verifiers.NewSecret(s.Label, text)
	secret.NotBefore, secret.NotAfter = s.NotBefore, s.NotAfter
	return secret, nil
}

// read returns the secret itself, or the name in its place.
func (s SecretSource) read(replacer *caddy.Replacer, names bool) (string, error) {
	if err := s.check(names); err != nil {
		return "", err
	}
	if names && s.isName() {
		return s.Value, nil
	}
	return resolvePlaceholder(replacer, s.Value)
}

// text returns the secret itself, for those who don't look at its time.
func (s SecretSource) text(replacer *caddy.Replacer) (string, error) {
	if !s.NotBefore.IsZero() || !s.NotAfter.IsZero() {
		return "", errors.New("not_before and not_after: only secrets of webhook_verify and webhook_sign have them: leave them out")
	}
	return s.read(replacer, false)
}

// resolvePlaceholder returns what a placeholder stands for, which must be something.
func resolvePlaceholder(replacer *caddy.Replacer, placeholder string) (string, error) {
	path, isFile := pathOf(placeholder)
	if isFile {
		if err := checkRegular(path); errors.Is(err, errIrregular) {
			return "", err
		}
	}
	text, err := replacer.ReplaceOrErr(placeholder, true, true)
	switch {
	case err == nil:
		return text, nil
	case isFile:
		return "", fmt.Errorf("%s can't be read or is empty", placeholder)
	}
	return "", fmt.Errorf("%s is not set or empty", placeholder)
}

// placeholdersOf returns the placeholders of secrets.
func placeholdersOf(secrets []SecretSource) []string {
	var all []string
	for _, s := range secrets {
		all = append(all, s.Value)
	}
	return all
}

var errNoSecret = errors.New(`no secret: add one, such as "secret {env.WEBHOOK_SECRET}"`)

// newVerifier resolves the secrets and compiles the scheme with them.
func newVerifier(scheme verifiers.Scheme, sources []SecretSource, options verifiers.Options) (*verifiers.Verifier, error) {
	if len(sources) == 0 {
		return nil, errNoSecret
	}
	replacer := caddy.NewReplacer()
	var secrets []verifiers.Secret
	for i, source := range sources {
		secret, err := source.resolve(replacer, scheme.NamesReceiver())
		if err != nil {
			return nil, fmt.Errorf("secret %d: %w", i+1, err)
		}
		secrets = append(secrets, secret)
	}
	verifier, err := verifiers.New(scheme, secrets, options)
	switch {
	case errors.Is(err, verifiers.ErrSecretEmpty):
		return nil, fmt.Errorf("%w: set what its placeholder stands for", err)
	case errors.Is(err, verifiers.ErrSecretShort):
		return nil, fmt.Errorf("%w: use a longer one, or write allow_short if the provider's are", err)
	}
	return verifier, withRemedy(err)
}

// withRemedy adds to an error of the scheme what can be done about it.
func withRemedy(err error) error {
	if errors.Is(err, verifiers.ErrWeak) {
		return fmt.Errorf("%w: use another scheme of the provider's, or write allow_weak if there is none", err)
	}
	return err
}

// secretPlaceholder is what may stand for a secret: what Caddy knows without a request.
var secretPlaceholder = regexp.MustCompile(`^\{(env|file)\.[^{}]+\}$`)

// isName reports whether the value is the text itself, where that may be.
func (s SecretSource) isName() bool { return s.Value != "" && !strings.ContainsAny(s.Value, "{}") }

// check finds a secret that stands in the configuration itself, in whole or in part. The errors
// don't repeat the text, because it may be the secret.
func (s SecretSource) check(names bool) error {
	for _, c := range s.Label {
		if c < ' ' || c > '~' || len(s.Label) > maxLabel {
			return fmt.Errorf("label: it goes into a header: use at most %d printable ASCII characters", maxLabel)
		}
	}
	if names && s.isName() {
		return nil
	}
	return checkPlaceholder(s.Value)
}

// checkPlaceholder finds what isn't one placeholder of the process or of a file.
func checkPlaceholder(text string) error {
	switch {
	case secretPlaceholder.MatchString(text):
		return nil
	case strings.HasPrefix(text, "{http."):
		return errors.New("a placeholder of the request can't be a secret: use {env.NAME} or {file./absolute/path} ({file.NAME} without a slash is Caddy's short form for a part of the request's path)")
	}
	return errors.New("must be one placeholder and nothing else, such as {env.WEBHOOK_SECRET} or {file./run/secrets/webhook}: whatever stands in the configuration can be read through the admin API, and {$WEBHOOK_SECRET} puts the secret there")
}
