package caddymodule

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// routeConfig is what is read of a Caddy route.
type routeConfig struct {
	Group    string            `json:"group"`
	Match    json.RawMessage   `json:"match"`
	Handle   []json.RawMessage `json:"handle"`
	Terminal bool              `json:"terminal"`
}

// serverConfig is what is read of a Caddy server.
type serverConfig struct {
	Routes []routeConfig          `json:"routes"`
	Named  map[string]routeConfig `json:"named_routes"`
	Errors *struct {
		Routes []routeConfig `json:"routes"`
	} `json:"errors"`
}

// handlerConfig is what is read of a handler that isn't ours.
type handlerConfig struct {
	Name   string        `json:"handler"`
	Routes []routeConfig `json:"routes"` // of a subroute
	Invoke string        `json:"name"`   // the named route that invoke calls

	StripPathPrefix string `json:"strip_path_prefix"` // of rewrite
}

// adapted is what a Caddyfile comes to.
type adapted struct {
	text    []byte
	servers []serverConfig
}

// adaptFile adapts a Caddyfile. It provisions nothing, so that no secret has to be there.
func adaptFile(name string, text []byte) (*adapted, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": name})
	if err != nil {
		return nil, err
	}
	var parsed struct {
		Apps struct {
			HTTP struct {
				Servers map[string]serverConfig `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(config, &parsed); err != nil {
		return nil, err
	}
	a := &adapted{text: config}
	for _, name := range slices.Sorted(maps.Keys(parsed.Apps.HTTP.Servers)) {
		a.servers = append(a.servers, parsed.Apps.HTTP.Servers[name])
	}
	return a, nil
}

// verifies returns every webhook_verify, wherever it stands, with its defaults, in the order of their lines.
func (a *adapted) verifies() (all []*Verify) {
	var walk func(value json.RawMessage)
	walk = func(value json.RawMessage) {
		var list []json.RawMessage
		var object map[string]json.RawMessage
		switch {
		case json.Unmarshal(value, &list) == nil:
			for _, item := range list {
				walk(item)
			}
		case json.Unmarshal(value, &object) == nil:
			v := new(Verify)
			if string(object["handler"]) == `"webhook_verify"` && json.Unmarshal(value, v) == nil {
				v.setDefaults()
				// A site with several addresses has its handlers several times.
				if !slices.ContainsFunc(all, func(other *Verify) bool { return other.Name == v.Name }) {
					all = append(all, v)
				}
				return
			}
			for _, key := range slices.Sorted(maps.Keys(object)) {
				walk(object[key])
			}
		}
	}
	walk(a.text)
	// Caddy puts longer paths first.
	slices.SortStableFunc(all, func(a, b *Verify) int { return cmp.Compare(lineOf(a.Position), lineOf(b.Position)) })
	return all
}
