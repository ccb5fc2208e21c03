package caddymodule

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/hookseal/hookseal/verifiers"
)

// lintedSecret is one secret that could be read.
type lintedSecret struct {
	text, position, route string
	name                  string // "secret 1"
	internal              bool   // the gateway's own, and no sender's
	short                 bool
}

// key is what a secret is compared by: the same one may be written with and without what it begins with, and with a
// line break.
func (s lintedSecret) key() string { return strings.TrimPrefix(strings.TrimSpace(s.text), "whsec_") }

// readSecrets returns the secrets that are set here. A Caddyfile may be checked where they aren't.
func (l *linter) readSecrets() (all []lintedSecret) {
	replacer := caddy.NewReplacer()
	read := func(sources []SecretSource, what, position, route string, internal bool, scheme verifiers.Scheme) {
		for i, source := range sources {
			if isMissing(source.Value) {
				continue
			}
			text, err := source.read(replacer, false)
			if err != nil || text == "" {
				continue
			}
			_, err = verifiers.New(scheme, []verifiers.Secret{verifiers.NewSecret("", text)}, verifiers.Options{AllowWeak: true, PublicURL: "https://example.com"})
			all = append(all, lintedSecret{text, position, route, fmt.Sprintf("%s %d", what, i+1), internal, errors.Is(err, verifiers.ErrSecretShort)})
		}
	}
	for _, v := range l.verifies {
		if !v.scheme.NamesReceiver() && !hasPublicKeys(v.scheme) {
			read(v.Secrets, "secret", v.Position, v.Name, false, v.scheme)
		}
	}
	for _, s := range l.signs {
		scheme, err := schemeOf("scheme", s.Scheme, s.Custom)
		if err == nil && !hasPublicKeys(scheme) {
			read(s.Secrets, "secret", s.Position, "", true, scheme)
		}
	}
	generic, _ := verifiers.Preset("generic")
	for _, p := range l.publish {
		read(p.Tokens, "token", p.Position, "", true, generic)
	}
	return all
}

// isMissing reports whether a placeholder is a file that can't be read, which Caddy logs as an error.
func isMissing(placeholder string) bool {
	path, ok := strings.CutPrefix(placeholder, "{file.")
	if !ok {
		return false
	}
	info, err := os.Stat(strings.TrimSuffix(path, "}"))
	return err != nil || !info.Mode().IsRegular()
}

// compareSecrets finds secrets that are weak, or the same in several places.
func (l *linter) compareSecrets() {
	all := l.readSecrets()
	for i, secret := range all {
		if why := secret.guessable(); why != "" {
			l.add(severityWarning, secret.position, "secret_weak", secret.name+" "+why, `make another, as "hookseal webhook keygen" does`)
		}
		for _, other := range all[:i] {
			if other.key() != secret.key() || secret.internal && other.internal {
				continue
			}
			switch {
			case secret.internal != other.internal:
				l.add(severityError, secret.position, "secret_equal", fmt.Sprintf("%s is also that of the webhook_verify at %s: the sender could sign as the gateway does", secret.name, other.position), `make one of its own, as "hookseal webhook keygen" does`)
			case secret.position == other.position:
				l.add(severityWarning, secret.position, "secret_equal", fmt.Sprintf("%s is the same as %s", secret.name, other.name), "take one out")
			default:
				l.add(severityWarning, secret.position, "secret_equal", fmt.Sprintf("%s is also that of the route %s at %s: who has one can sign for both, and a delivery of one may be sent to the other", secret.name, other.route, other.position), "have the provider make one for each")
			}
			break
		}
	}
}

// hasPublicKeys reports whether what a scheme calls its secrets are public keys. Opaque ones may be anything: those of
// a scheme that fetches its keys are what it fetches them with.
func hasPublicKeys(s verifiers.Scheme) bool {
	algorithm := string(s.Algorithm)
	return s.Key != verifiers.Opaque && (algorithm == string(verifiers.Ed25519) || strings.HasPrefix(algorithm, "ecdsa-") || strings.HasPrefix(algorithm, "rsa-"))
}

// usualSecrets are words that are in secrets which nobody made for the purpose.
var usualSecrets = []string{"secret", "password", "changeme", "change-me", "test", "example", "123456", "qwerty", "hunter2"}

// guessable says why a secret may be guessed, or "".
func (s lintedSecret) guessable() string {
	text, lower := s.text, strings.ToLower(s.text)
	letters := make(map[rune]bool)
	for _, r := range text {
		letters[r] = true
	}
	switch {
	case s.short:
		return fmt.Sprintf("is shorter than %d bytes", verifiers.MinSecretBytes)
	case len(letters) < 8:
		return "has few different characters"
	case len(text) < 32 && slices.ContainsFunc(usualSecrets, func(word string) bool { return strings.Contains(lower, word) }):
		return "looks like a word and not like chance"
	}
	return ""
}
