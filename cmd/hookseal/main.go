// Command hookseal is Caddy with its standard modules and Hookseal.
package main

import (
	"os"
	"runtime/debug"
	_ "time/tzdata"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/hookseal/hookseal/caddymodule"
)

// gcPercent is how much the heap may grow before it is collected, unless GOGC says otherwise. A
// gateway's heap is small and short-lived, and at Go's default of 100 the collector costs more
// than verifying small deliveries does. Caddy sets a memory limit, above which the collector
// runs as often as it needs to.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	caddycmd.Main()
}
