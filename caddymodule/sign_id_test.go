package caddymodule

import "testing"

func TestAnIDVariesIfItHasAPlaceholderOfTheRequest(t *testing.T) {
	for text, want := range map[string]bool{
		"{http.webhook.id}":                  true,
		"order-{http.vars.order}":            true,
		"{env.SITE}{http.request.uuid}":      true,
		"{order_of_a_map}":                   true,
		"order":                              false,
		"{}":                                 false,
		"{order":                             false,
		`\{http.webhook.id\}`:                false,
		"{env.ORDER}":                        false,
		"{file./run/order}{system.hostname}": false,
	} {
		if got := varies(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
