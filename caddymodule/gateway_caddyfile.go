package caddymodule

import (
	"encoding/json"
	"slices"

	"github.com/caddyserver/caddy/v2"
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
//	}
func (g *Gateway) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the option's name
	o := newOptions(d)
	for o.next() {
		switch o.Val() {
		case "replay":
			g.ReplayRaw = o.replayStore()
		case "on_replay_outage":
			o.oneOf(&g.OnReplayOutage, "closed", "open")
		case "max_in_flight":
			o.size(&g.MaxInFlight, smallestBuffer, maxMaxInFlight)
		case "body_timeout":
			o.duration(&g.BodyTimeout)
		case "forward_timeout":
			o.duration(&g.ForwardTimeout)
		default:
			o.unknown("replay", "on_replay_outage", "max_in_flight", "body_timeout", "forward_timeout")
		}
	}
	return o.err
}

// replayStore reads the store's name and its block.
func (o *options) replayStore() json.RawMessage {
	var stores []string
	for _, module := range caddy.GetModules(replayNamespace) {
		stores = append(stores, module.ID.Name())
	}
	if !o.NextArg() {
		o.fail("replay needs the name of a store: use %s", either(stores))
		return nil
	}
	name := o.Val()
	if !slices.Contains(stores, name) {
		o.fail("replay store %q is unknown: use %s", name, either(stores))
		return nil
	}
	store, err := caddyfile.UnmarshalModule(o.Dispenser, replayNamespace+"."+name)
	if err != nil {
		if o.err == nil {
			o.err = err
		}
		return nil
	}
	return caddyconfig.JSONModuleObject(store, "store", name, nil)
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Gateway)(nil)
