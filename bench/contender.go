package main

import (
	"fmt"
	"slices"
	"strings"
)

// contender is one gateway of the comparison: a binary, its configuration, and the event that
// its deliveries name.
type contender struct {
	// name is what selects it on the command line.
	name string
	// title is its row in the report.
	title string
	// binary is the package that is built.
	binary string
	// event goes into X-GitHub-Event.
	event string
	// ownGC leaves GOGC out of its environment, so that the binary's own choice counts.
	ownGC bool
	// handlers are the directives of its site; UPSTREAM stands for the upstream's address.
	handlers string
}

const (
	plainCaddy = "./bench/plaincaddy"
	hookseal   = "./cmd/hookseal"

	plainName = "plain"

	plainHandlers = `
	reverse_proxy UPSTREAM
`
	bufferedHandlers = `
	reverse_proxy UPSTREAM {
		request_buffers 32MiB
	}
`
	hooksealHandlers = `
	webhook_verify github {
		secret {env.BENCH_SECRET}
	}
	webhook_route {
		event push {
			reverse_proxy UPSTREAM
		}
		when ` + "`" + `event == "pull_request" && body.action in ["opened", "reopened"]` + "`" + ` {
			reverse_proxy UPSTREAM
		}
		otherwise {
			respond 204
		}
	}
`
)

// contenders are all that can be compared. Every one gets the same bodies and, but for the event
// that chooses Hookseal's rule, the same headers.
var contenders = []contender{
	{name: plainName, title: "plain Caddy", binary: plainCaddy, event: "push", handlers: plainHandlers},
	{name: "twin", title: "plain Caddy again", binary: plainCaddy, event: "push", handlers: plainHandlers},
	{name: "buffered", title: "Caddy, `request_buffers`", binary: plainCaddy, event: "push", handlers: bufferedHandlers},
	{name: "event", title: "Hookseal, event rule", binary: hookseal, event: "push", handlers: hooksealHandlers},
	{name: "body", title: "Hookseal, body rule", binary: hookseal, event: "pull_request", handlers: hooksealHandlers},
	{name: "owngc", title: "Hookseal, event rule, its own GC setting", binary: hookseal, event: "push", ownGC: true, handlers: hooksealHandlers},
}

func contenderNames() []string {
	var names []string
	for _, c := range contenders {
		names = append(names, c.name)
	}
	return names
}

// parseContenders reads a list of names. Plain Caddy is always among the result, and first:
// everything is compared with it.
func parseContenders(list string) ([]contender, error) {
	chosen := []contender{contenders[0]}
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(contenders, func(c contender) bool { return c.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no contender %q, only %s", name, strings.Join(contenderNames(), ", "))
		}
		if !slices.ContainsFunc(chosen, func(c contender) bool { return c.name == name }) {
			chosen = append(chosen, contenders[i])
		}
	}
	return chosen, nil
}

// caddyfile is the contender's configuration for a gateway that listens at address. Without an
// admin address the admin endpoint is off.
func (c contender) caddyfile(address, upstream, admin string) string {
	host, port, _ := strings.Cut(address, ":")
	if admin == "" {
		admin = "off"
	}
	return fmt.Sprintf(`{
	admin %s
	persist_config off
	auto_https off
	log {
		output discard
	}
}

:%s {
	bind %s
%s}
`, admin, port, host, strings.ReplaceAll(strings.TrimPrefix(c.handlers, "\n"), "UPSTREAM", upstream))
}
