// Package hookseal is Hookseal, a webhook gateway, as a plugin for Caddy: importing it registers
// the modules of caddymodule. That is all there is here, so that
//
//	xcaddy build --with github.com/hookseal/hookseal
//
// builds a Caddy with it inside.
package hookseal

import _ "github.com/hookseal/hookseal/caddymodule"
