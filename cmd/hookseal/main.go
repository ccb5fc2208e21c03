// Command hookseal is Caddy with its standard modules and Hookseal.
package main

import (
	"os"
	_ "time/tzdata"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/hookseal/hookseal/caddymodule"
)

func main() {
	if os.Getenv("GOGC") == "" {
		boundGrowth()
	}
	caddycmd.Main()
}
