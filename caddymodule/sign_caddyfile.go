package caddymodule

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/hookseal/hookseal/verifiers"
)

func parseSign(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	s := new(Sign)
	return s, s.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile reads the directive:
//
//	webhook_sign <scheme> {
//		secret      <placeholder> [<label>] { # at least one
//			…                                 # as in webhook_verify
//		}
//		id          <placeholder>
//		standalone
//		max_body    <size>
//		public_url  <url>
//		allow_short
//		allow_weak
//		custom {
//			…                                 # as in webhook_verify
//		}
//	}
func (s *Sign) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	start := *d
	s.Position = position(d)
	if !d.NextArg() {
		return d.Err(errNoScheme.Error())
	}
	s.Scheme = d.Val()
	o := newOptions(d)
	for o.next("secret") {
		switch o.Val() {
		case "secret":
			s.Secrets = append(s.Secrets, o.timedSecret(false))
		case "id":
			o.text(&s.ID)
		case "standalone":
			o.flag(&s.Standalone)
		case "max_body":
			o.size(&s.MaxBody, 1, maxMaxBody)
		case "public_url":
			o.text(&s.PublicURL)
		case "allow_short":
			o.flag(&s.AllowShort)
		case "allow_weak":
			o.flag(&s.AllowWeak)
		case "custom":
			s.Custom = o.scheme()
		default:
			o.unknown("secret", "id", "standalone", "max_body", "public_url", "allow_short", "allow_weak", "custom")
		}
	}
	if o.err != nil {
		return o.err
	}
	if err := s.dryRun(); err != nil {
		return start.WrapErr(err)
	}
	return nil
}

// dryRun finds what is wrong with the options together while the line is known, without the secrets.
func (s *Sign) dryRun() error {
	scheme, err := s.check()
	if err != nil {
		return err
	}
	signer, err := dryVerifier(scheme, verifiers.Options{AllowWeak: s.AllowWeak, PublicURL: s.PublicURL})
	if err != nil {
		return err
	}
	if err := canSign(signer); err != nil {
		return err
	}
	if len(s.Secrets) == 0 {
		return errNoSecret
	}
	return nil
}

// secret reads an option with a secret, or a name where there may be one, and its label.
func (o *options) secret(names bool) SecretSource {
	name := o.Val()
	args := o.args(1, 2)
	source := SecretSource{Value: args[0], Label: args[1]}
	if err := source.check(names); err != nil {
		// The text may be the secret, so the error doesn't repeat it.
		o.fail("%s: %v", name, err)
	}
	return source
}

// timedSecret is secret, and reads the block with its time.
func (o *options) timedSecret(names bool) SecretSource {
	source := o.secret(names)
	inner := newOptions(o.Dispenser)
	for inner.next() {
		switch inner.Val() {
		case "not_before":
			inner.time(&source.NotBefore)
		case "not_after":
			inner.time(&source.NotAfter)
		default:
			inner.unknown("not_before", "not_after")
		}
	}
	if inner.err == nil {
		if err := checkTime(source); err != nil {
			inner.fail("secret: %v", err)
		}
	}
	if inner.err != nil && o.err == nil {
		o.err = inner.err
	}
	return source
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Sign)(nil)
