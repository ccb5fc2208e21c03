package caddymodule

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/hookseal/hookseal/internal/eventpattern"
)

// outbound reads the option's block:
//
//	outbound {
//		journal        <journal> { … }                # default: nats
//		schedule       <delay...>                     # or: retries <number> delay <duration>
//		timeout        <duration>
//		concurrency    <number>
//		max_attempts   <number>
//		disable_after  <duration>
//		retain_for     <duration>
//		retain_bytes   <size>
//		allow_http
//		allow_net      <network...>
//		proxy          <url>|<placeholder>
//		subscriptions  <file>
//		endpoint <url> {
//			secret       <placeholder>                # at least one
//			events       <pattern...>
//			scheme       <preset>
//			header       <name> <value>|<placeholder>
//			name         <uid>
//			rate         <number>
//			channels     <channel...>
//			description  <text>
//		}
//	}
func (o *options) outbound() *Outbound {
	out := &Outbound{Position: position(o.Dispenser)}
	var places []caddyfile.Dispenser // of the endpoints
	inner := newOptions(o.Dispenser)
	for inner.next("allow_net", "endpoint") {
		switch inner.Val() {
		case "journal":
			out.JournalRaw = inner.module(journalNamespace, "journal")
		case "schedule":
			inner.schedule(&out.Schedule)
		case "retries":
			inner.retries(&out.Schedule)
		case "timeout":
			inner.durationUpTo(&out.Timeout, maxTimeout)
		case "concurrency":
			inner.number(&out.Concurrency, 1, maxConcurrency)
		case "max_attempts":
			inner.number(&out.MaxAttempts, 1, maxMaxAttempts)
		case "disable_after":
			inner.duration(&out.DisableAfter)
		case "retain_for":
			inner.duration(&out.RetainFor)
		case "retain_bytes":
			inner.size(&out.RetainBytes, minRetainBytes, maxRetainBytes)
		case "allow_http":
			inner.flag(&out.AllowHTTP)
		case "allow_net":
			for _, text := range trimEmpty(inner.args(1, 64)) {
				if _, err := parseNet(text); err != nil {
					inner.fail("%v", err)
				}
				out.AllowNets = append(out.AllowNets, text)
			}
		case "proxy":
			inner.text(&out.Proxy)
			if err := checkProxy(out.Proxy); err != nil {
				inner.fail("%v", err)
			}
		case "subscriptions":
			inner.text(&out.Subscriptions)
			if !filepath.IsAbs(out.Subscriptions) {
				inner.fail("%v", errRelative)
			}
		case "endpoint":
			places = append(places, *inner.Dispenser)
			out.Endpoints = append(out.Endpoints, inner.endpoint())
		default:
			inner.unknown("journal", "schedule", "retries", "timeout", "concurrency", "max_attempts", "disable_after", "retain_for",
				"retain_bytes", "allow_http", "allow_net", "proxy", "subscriptions", "endpoint")
		}
	}
	// What an endpoint may be depends on options that may stand behind it.
	egress, _ := out.egress()
	for i := range out.Endpoints {
		if err := out.checkEndpoint(i, egress); err != nil && inner.err == nil {
			inner.err = places[i].WrapErr(err)
		}
	}
	if o.err == nil {
		o.err = inner.err
	}
	return out
}

// module reads the name of a guest module of a namespace, and its block.
func (o *options) module(namespace, inlineKey string) json.RawMessage {
	option := o.Val()
	var names []string
	for _, module := range caddy.GetModules(namespace) {
		names = append(names, module.ID.Name())
	}
	if !o.NextArg() {
		o.fail("%s needs the name of a %s: use %s", option, inlineKey, either(names))
		return nil
	}
	name := o.Val()
	if !slices.Contains(names, name) {
		known := inlineKey
		if option != inlineKey {
			known = option + " " + inlineKey
		}
		o.fail("%s %q is unknown: use %s", known, name, either(names))
		return nil
	}
	module, err := caddyfile.UnmarshalModule(o.Dispenser, namespace+"."+name)
	if err != nil {
		if o.err == nil {
			o.err = err
		}
		return nil
	}
	return caddyconfig.JSONModuleObject(module, inlineKey, name, nil)
}

// schedule reads the delays of a schedule.
func (o *options) schedule(target *[]caddy.Duration) {
	texts := trimEmpty(o.args(1, maxSchedule))
	if *target != nil {
		o.fail("schedule and retries exclude each other: keep one of them")
	}
	for _, text := range texts {
		delay, err := caddy.ParseDuration(text)
		if err != nil || delay < 0 || caddy.Duration(delay) > maxDelay {
			o.fail("schedule %q: write delays from 0s to 30d, such as \"schedule 0s 5s 5m\"", text)
		}
		*target = append(*target, caddy.Duration(delay))
	}
}

// retries reads the short form of a schedule.
func (o *options) retries(target *[]caddy.Duration) {
	args := o.args(3, 3)
	if *target != nil {
		o.fail("schedule and retries exclude each other: keep one of them")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 0 || n >= maxSchedule {
		o.fail("retries %q: write a whole number from 0 to %d", args[0], maxSchedule-1)
		return
	}
	delay, err := caddy.ParseDuration(args[2])
	if args[1] != "delay" || err != nil || delay < 0 || caddy.Duration(delay) > maxDelay {
		o.fail("retries: write \"retries <number> delay <duration>\", with a delay from 0s to 30d")
		return
	}
	*target = append(*target, 0)
	for range n {
		*target = append(*target, caddy.Duration(delay))
	}
}

// durationUpTo reads an option with a duration above zero that lies in a bound.
func (o *options) durationUpTo(target *caddy.Duration, most caddy.Duration) {
	name := o.Val()
	o.duration(target)
	if *target > most {
		o.fail("%s: use at most %s", name, shortDuration(time.Duration(most)))
	}
}

// placeholder takes an argument that must be one placeholder.
func (o *options) placeholder(name string, target *string, text string) {
	if err := checkPlaceholder(text); err != nil {
		// The text may be the secret, so the error doesn't repeat it.
		o.fail("%s: %v", name, err)
	}
	*target = text
}

// endpoint reads one endpoint.
func (o *options) endpoint() Endpoint {
	e := Endpoint{Position: position(o.Dispenser)}
	if !o.NextArg() {
		o.fail("endpoint needs a URL, such as \"endpoint https://subscriber.example.com/hooks\"")
		return e
	}
	e.URL = o.Val()
	start := *o.Dispenser
	inner := newOptions(o.Dispenser)
	for inner.next("secret", "header") {
		switch inner.Val() {
		case "secret":
			e.Secrets = append(e.Secrets, inner.secret(false))
		case "events":
			e.Events = trimEmpty(inner.args(1, 256))
			for _, pattern := range e.Events {
				if _, err := eventpattern.Parse(pattern); err != nil {
					inner.fail("events: %v", err)
				}
			}
		case "scheme":
			inner.text(&e.Scheme)
		case "header":
			args := inner.args(2, 2)
			name := http.CanonicalHeaderKey(args[0])
			if err := checkHeader(name, args[1]); err != nil {
				inner.fail("%v", err)
			}
			if _, twice := e.Headers[name]; twice {
				inner.fail("header %s stands twice: write it once", name)
			}
			if e.Headers == nil {
				e.Headers = make(map[string]string)
			}
			e.Headers[name] = args[1]
		case "name":
			inner.text(&e.Name)
		case "rate":
			inner.number(&e.Rate, 1, maxRate)
		case "channels":
			e.Channels = trimEmpty(inner.args(1, 10))
		case "description":
			inner.text(&e.Description)
		default:
			inner.unknown("secret", "events", "scheme", "header", "name", "rate", "channels", "description")
		}
	}
	if inner.err == nil && len(e.Secrets) == 0 {
		inner.err = start.WrapErr(errNoSecret)
	}
	if o.err == nil {
		o.err = inner.err
	}
	return e
}
