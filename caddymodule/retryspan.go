package caddymodule

import "time"

// retrySpans are how long providers go on to send a delivery again, where their pages say so. A copy that
// comes within that time, though the app accepted the first, is known only if the claim is still kept.
var retrySpans = map[string]time.Duration{
	// https://docs.stripe.com/webhooks#retries: up to three days.
	"stripe": 72 * time.Hour,
	// https://docs.svix.com/retries: the sum of its schedule.
	"svix": 27*time.Hour + 35*time.Minute + 5*time.Second,
	// https://shopify.dev/docs/apps/build/webhooks/troubleshooting-webhooks: eight times in four hours.
	"shopify": 4 * time.Hour,
}
