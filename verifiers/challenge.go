package verifiers

import (
	"maps"
	"net/http"
	"slices"
)

// challenge is what a provider asks, and what it wants to read.
type challenge struct {
	// about says in half a sentence what is asked and answered, for documents.
	about string

	// methods are those with which head is asked, besides the method of deliveries.
	methods []string

	// head, body and verified answer: see Handshake. Nil never answers.
	head     func(*Handshake, Request) (Answer, error)
	body     func(*Handshake, []byte) (Answer, error)
	verified func(*Handshake, *Check, []byte) (Answer, error)

	// acknowledgement is how a delivery is accepted, where any 2xx won't do. acknowledge makes it of a delivery
	// that has verified.
	acknowledgement *Acknowledgement
	acknowledge     func(*Handshake, *Check) *Acknowledgement

	// label says what the label of a secret has to be so that it is answered. Empty means that it may be any.
	label string

	// brings says that it brings the secret for deliveries to come.
	brings bool

	// of reports whether a scheme can have it, and ofWhat says which can. Nil means that any can.
	of     func(Scheme) bool
	ofWhat string

	// uses names the options: "verify_token", "encrypt_key" or "receiver_id". headNeeds names the one without
	// which head isn't asked; needsReceiver says that encrypt_key is of no use without receiver_id.
	uses          []string
	headNeeds     string
	needsReceiver bool
}

// get and head are the methods of challenges that are no deliveries.
var (
	get  = []string{http.MethodGet}
	head = []string{http.MethodHead}
)

// signsWithHMAC is of challenges whose answer is an HMAC under the key of deliveries. Under other keys there is
// none, or it would be a hash that anybody can compute.
func signsWithHMAC(s Scheme) bool {
	return algorithms[orDefault(s.Algorithm, HMACSHA256)].kind == hmacKind
}

const hmacOnly = "schemes whose algorithm is HMAC"

// challenges are those of all providers, by the name that schemes call them.
var challenges = map[string]*challenge{
	// Any 2xx accepts now; older systems read the body.
	// https://docs.adyen.com/development-resources/webhooks/handle-webhook-events/
	"adyen": {
		about:           "a delivery is acknowledged with `[accepted]`",
		acknowledgement: &Acknowledgement{Body: "[accepted]"},
	},

	// Seven letters, or Alipay sends it again for a day.
	// https://opendocs.alipay.com/open/270/105902
	"alipay": {
		about:           "a delivery is acknowledged with `success`",
		acknowledgement: &Acknowledgement{Status: http.StatusOK, Body: "success"},
	},

	// The secret of a new webhook, to be sent back. https://developers.asana.com/docs/webhooks-guide
	"asana": {
		about:  "a POST with `X-Hook-Secret`, the secret of a new webhook, is answered while an operator waits for it",
		head:   asanaSecret,
		brings: true,
	},

	// https://github.com/braintree/braintree_node/blob/master/lib/braintree/webhook_notification_gateway.js
	"braintree": {
		about:   "a GET with `bt_challenge` is answered with its HMAC, if a secret has the public key for its label",
		methods: get,
		head:    braintreeChallenge,
		label:   "the public key",
		of:      func(s Scheme) bool { return s.code != nil },
		ofWhat:  "braintree alone, which tells its deliveries from what is signed for whoever asks",
	},

	// https://github.com/open-dingtalk/DingTalk-Callback-Crypto
	"dingtalk": {
		about:         "with the route's `encrypt_key` and `receiver_id`, a signed `check_url` is answered and a delivery acknowledged with `success`, encrypted",
		verified:      dingTalkURL,
		acknowledge:   dingTalkAcknowledgement,
		uses:          []string{"encrypt_key", "receiver_id"},
		needsReceiver: true,
	},

	// Two kinds of ping, and forgeries that must be refused.
	// https://docs.discord.com/developers/interactions/overview and
	// https://docs.discord.com/developers/events/webhook-events
	"discord": {
		about:    "a signed ping is answered, of interactions and of webhook events",
		verified: discordPing,
	},

	// https://www.dropbox.com/developers/reference/webhooks
	"dropbox": {
		about:   "a GET with `challenge` is answered with its text",
		methods: get,
		head:    echoParameter("challenge"),
	},

	// https://open.feishu.cn/document/server-docs/event-subscription-guide/event-subscription-configure-/request-url-configuration-case
	"feishu": {
		about:    "`url_verification`, encrypted or plain, is answered with its text",
		body:     feishuURL,
		verified: feishuSigned,
		uses:     []string{"verify_token"},
	},

	// https://dev.frontapp.com/docs/application-webhooks
	"front": {
		about:    "a signed `sync` with `X-Front-Challenge` is answered with its text",
		verified: frontSync,
	},

	// https://docs.github.com/en/webhooks/webhook-events-and-payloads#ping
	"github": {
		about:    "the signed `ping` of a new webhook is answered",
		verified: githubPing,
	},

	// Somebody is there. https://developers.intercom.com/docs/webhooks/setting-up-webhooks
	"intercom": {
		about:   "HEAD is answered",
		methods: head,
		head:    reachable,
	},

	// https://learn.microsoft.com/en-us/linkedin/shared/api-guide/webhook-validation
	"linkedin": {
		about:   "a GET with `challengeCode` is answered with its HMAC, under the secret whose label is `applicationId` if there is one",
		methods: get,
		head:    linkedinCode,
		// As xCheck, which signs more than UUIDs.
		verified: xDelivery,
		of:       signsWithHMAC,
		ofWhat:   hmacOnly,
	},

	// Somebody is there.
	// https://mandrill.zendesk.com/hc/en-us/articles/360038740014-Why-can-t-my-webhook-or-inbound-route-URL-be-verified
	"mandrill": {
		about:   "HEAD is answered",
		methods: head,
		head:    reachable,
	},

	// https://developers.facebook.com/docs/graph-api/webhooks/getting-started
	"meta": {
		about:     "a GET with `hub.challenge` is answered with its text if `hub.verify_token` is the route's `verify_token`",
		methods:   get,
		head:      metaSubscribe,
		uses:      []string{"verify_token"},
		headNeeds: "verify_token",
	},

	// https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks
	"ms-graph": {
		about: "a POST with `validationToken` is answered with its text",
		head:  graphValidation,
	},

	// The secret of a new subscription. https://developers.notion.com/reference/webhooks
	"notion": {
		about:  "a POST with `verification_token`, the secret of a new subscription, is answered while an operator waits for it",
		body:   notionToken,
		brings: true,
	},

	// https://developer.nylas.com/docs/v3/notifications/
	"nylas": {
		about:   "a GET with `challenge` is answered with its text",
		methods: get,
		head:    echoParameter("challenge"),
	},

	// https://developer.okta.com/docs/concepts/event-hooks/
	"okta": {
		about:   "a GET with `X-Okta-Verification-Challenge` is answered with its text",
		methods: get,
		head:    oktaVerification,
	},

	// https://docs.onfleet.com/reference/create-webhook
	"onfleet": {
		about:   "a GET with `check` is answered with its text",
		methods: get,
		head:    echoParameter("check"),
	},

	// https://docs.slack.dev/reference/events/url_verification
	"slack": {
		about:    "a signed `url_verification` is answered with its text",
		verified: slackURL,
	},

	// https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html
	"sns": {
		about:    "a signed `SubscriptionConfirmation` of a topic that is accepted is confirmed at Amazon",
		of:       func(s Scheme) bool { return s.code != nil },
		ofWhat:   "aws-sns alone, whose secrets are the topics",
		verified: confirmSubscription,
	},

	// Somebody is there. https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/
	"trello": {
		about:   "HEAD is answered",
		methods: head,
		head:    reachable,
	},

	// https://dev.twitch.tv/docs/eventsub/handling-webhook-events/#responding-to-a-challenge-request
	"twitch": {
		about:    "a signed `webhook_callback_verification` is answered with its text",
		verified: twitchCallback,
	},

	// https://developers.weixin.qq.com/doc/offiaccount/en/Basic_Information/Access_Overview.html
	"wechat": {
		about:   "a GET with `echostr` and its signature is answered with the text",
		methods: get,
		head:    wechatEcho,
	},

	// 200 and 204 accept. https://pay.weixin.qq.com/doc/v3/merchant/4012071382
	"wechatpay": {
		about:           "a delivery is acknowledged with 204",
		acknowledgement: &Acknowledgement{Status: http.StatusNoContent},
	},

	// https://developer.work.weixin.qq.com/document/path/90930
	"wecom": {
		about:     "a GET with an encrypted, signed `echostr` is answered with its text, if the route has its `encrypt_key`; with `receiver_id`, only one for that receiver",
		methods:   get,
		head:      wecomEcho,
		uses:      []string{"encrypt_key", "receiver_id"},
		headNeeds: "encrypt_key",
	},

	// A form without signature, when a webhook is saved; any other status than 200 is shown as an error.
	// https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/class-wc-webhook.php
	"woocommerce": {
		about: "an unsigned form with the number of a webhook, `webhook_id`, is answered",
		body:  wooPing,
	},

	// https://docs.x.com/x-api/webhooks/quickstart
	"x": {
		about:    "a GET with `crc_token` is answered with its HMAC",
		of:       signsWithHMAC,
		ofWhat:   hmacOnly,
		methods:  get,
		head:     xCheck,
		verified: xDelivery,
	},

	// Four deliveries, of which three are forged, and no word in the answer.
	// https://developer.xero.com/documentation/guides/webhooks/configuring-your-server/
	"xero": {
		about:           "a delivery is acknowledged with an empty 200, and a forgery with 401",
		acknowledgement: &Acknowledgement{Status: http.StatusOK},
	},

	// https://developers.zoom.us/docs/api/webhooks/
	"zoom": {
		about:    "a signed `endpoint.url_validation` is answered with its HMAC",
		of:       signsWithHMAC,
		ofWhat:   hmacOnly,
		verified: zoomURL,
	},
}

// Challenges returns the names of all challenges.
func Challenges() []string { return slices.Sorted(maps.Keys(challenges)) }

// ChallengeAbout says in half a sentence what a challenge of that name is and how it is answered, and "" where
// there is none.
func ChallengeAbout(name string) string {
	if c := challenges[name]; c != nil {
		return c.about
	}
	return ""
}

// ChallengeLabel says what the label of a secret has to be so that a challenge of that name is answered, and "" where
// it may be any.
func ChallengeLabel(name string) string {
	if c := challenges[name]; c != nil {
		return c.label
	}
	return ""
}
