package caddymodule

import "time"

// svixSpan is the sum of the schedule of Svix, which others have with it.
const svixSpan = 27*time.Hour + 35*time.Minute + 5*time.Second

// retrySpans are how long providers go on to send a delivery again, where their own pages say so. A copy that
// comes within that time, though the app accepted the first, is known only if the claim is still kept.
var retrySpans = map[string]time.Duration{
	// https://www.airwallex.com/docs/developer-tools/webhooks/webhooks-overview: three days or so.
	"airwallex": 72 * time.Hour,
	// https://developer.paypal.com/braintree/docs/guides/webhooks/parse: every hour for a day.
	"braintree": 24 * time.Hour,
	// https://docs.customer.io/api/webhooks/
	"customer-io": 7 * 24 * time.Hour,
	// https://developers.dwolla.com/docs/api-reference/webhook-subscriptions: eight times in three days.
	"dwolla": 72 * time.Hour,
	// https://devcenter.heroku.com/changelog-items/1966
	"heroku": 72 * time.Hour,
	// https://developers.hubspot.com/docs/api-reference/legacy/webhooks/guide: ten times in a day.
	"hubspot-v1": 24 * time.Hour, "hubspot-v2": 24 * time.Hour, "hubspot-v3": 24 * time.Hour,
	// https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-retries
	"mailgun": 8 * time.Hour,
	// https://developers.facebook.com/docs/graph-api/webhooks/getting-started/
	"meta": 36 * time.Hour,
	// https://docs.onfleet.com/reference/retry: every half hour for a day.
	"onfleet": 24 * time.Hour,
	// https://platform.openai.com/docs/guides/webhooks
	"openai": 72 * time.Hour,
	// https://developer.paddle.com/webhooks/about/respond-to-webhooks: sixty times in three days.
	"paddle": 72 * time.Hour,
	// https://developer.paypal.com/api/rest/webhooks/rest/: 25 times in three days.
	"paypal": 72 * time.Hour,
	// https://razorpay.com/docs/webhooks/best-practices
	"razorpay": 24 * time.Hour,
	// https://resend.com/docs/webhooks/retries-and-replays
	"resend": svixSpan,
	// https://shopify.dev/changelog/updates-to-webhook-retry-mechanism: eight times in four hours.
	"shopify": 4 * time.Hour,
	// https://developers.squarespace.com/commerce-apis/webhooks/notification-delivery
	"squarespace": 48 * time.Hour,
	// https://docs.stripe.com/webhooks#automatic-retries: up to three days.
	"stripe": 72 * time.Hour,
	// https://docs.svix.com/retries
	"svix": svixSpan,
	// https://docs.wise.com/webhooks-notifications: after 1, 2, 4 to 1024 minutes, and then once a day for two weeks.
	"wise": 2047*time.Minute + 14*24*time.Hour,
	// https://developer.xero.com/documentation/webhooks/configuring-your-server
	"xero": 24 * time.Hour,
	// https://developers.zoom.us/blog/webhook-delays: after 5, 20 and 60 minutes.
	"zoom": 85 * time.Minute,
}
