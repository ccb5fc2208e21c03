package caddymodule

import (
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

func init() { httpcaddyfile.RegisterGlobalOption("webhook_gateway", parseGateway) }

// parseGateway reads the global option, which may stand once.
func parseGateway(d *caddyfile.Dispenser, earlier any) (any, error) {
	g := new(Gateway)
	if err := g.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	if earlier != nil {
		d.Reset()
		d.Next() // the option's name, whose line the error is to have
		return nil, d.Err("webhook_gateway stands twice: write it once")
	}
	return httpcaddyfile.App{Name: "webhook_gateway", Value: caddyconfig.JSON(g, nil)}, nil
}

// UnmarshalCaddyfile reads the global option:
//
//	webhook_gateway {
//		replay            <store> { … }      # default: memory
//		on_replay_outage  closed|open
//		max_in_flight     <size>
//		body_timeout      <duration>
//		forward_timeout   <duration>
//		outbound          { … }              # see options.outbound
//	}
func (g *Gateway) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the option's name
	o := newOptions(d)
	for o.next() {
		switch o.Val() {
		case "replay":
			g.ReplayRaw = o.module(replayNamespace, "store")
		case "on_replay_outage":
			o.oneOf(&g.OnReplayOutage, "closed", "open")
		case "max_in_flight":
			o.size(&g.MaxInFlight, smallestBuffer, maxMaxInFlight)
		case "body_timeout":
			o.duration(&g.BodyTimeout)
		case "forward_timeout":
			o.duration(&g.ForwardTimeout)
		case "outbound":
			g.Outbound = o.outbound()
		default:
			o.unknown("replay", "on_replay_outage", "max_in_flight", "body_timeout", "forward_timeout", "outbound")
		}
	}
	return o.err
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Gateway)(nil)
