// Command plaincaddy is Caddy with its standard modules and nothing else: what the gateway under
// measurement is compared with.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

func main() { caddycmd.Main() }
