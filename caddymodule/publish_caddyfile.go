package caddymodule

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func parsePublish(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	p := new(Publish)
	return p, p.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile reads the directive:
//
//	webhook_publish {
//		token     <placeholder> [<label>]   # at least one
//		max_body  <size>
//	}
func (p *Publish) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	start := *d
	p.Position = position(d)
	o := newOptions(d)
	for o.next("token") {
		switch o.Val() {
		case "token":
			p.Tokens = append(p.Tokens, o.secret(false))
		case "max_body":
			o.size(&p.MaxBody, 1, maxPublishBody)
		default:
			o.unknown("token", "max_body")
		}
	}
	if o.err != nil {
		return o.err
	}
	if err := p.check(); err != nil {
		return start.WrapErr(err)
	}
	return nil
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Publish)(nil)
