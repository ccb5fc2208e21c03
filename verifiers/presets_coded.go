package verifiers

import "time"

// codedPresets are those whose signed text no template describes: see code.go. Each has its engine in a file of
// its name.
var codedPresets = []Scheme{
	{
		Name:      "adyen",
		Title:     "Adyen (payments)",
		Reference: "https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures",
		Note:      "Every item of the body has a signature of its own, and all of them must be right. Of an item it covers pspReference, originalReference, merchantAccountCode, merchantReference, amount.value, amount.currency, eventCode and success, and nothing else: neither reason nor date nor additionalData. Whoever has a delivery of several items can send some of them as another one. The key is hexadecimal. No time is signed.",
		Signature: Signature{From: "json:notificationItems.*.NotificationRequestItem.additionalData.hmacSignature", Encoding: Base64},
		Key:       HexKey,
		Content:   "pspReference:originalReference:merchantAccountCode:merchantReference:amount.value:amount.currency:eventCode:success of each item",
		ID:        []string{"json:notificationItems.*.NotificationRequestItem.pspReference"},
		Event:     []string{"json:notificationItems.*.NotificationRequestItem.eventCode"},
		code:      &code{open: openAdyen, replayKey: "MAC, or hash of the signed content of all items"},
	},
	{
		Name:      "coinbase-cdp",
		Title:     "Coinbase Developer Platform",
		Reference: "https://docs.cdp.coinbase.com/webhooks/verify-signatures",
		Note:      "Signs as Hook0 does; the signature v0, which is sent beside v1, is ignored. A body that isn't a JSON object is refused, and so is a signed header field with a brace in it, because nothing else tells where the body begins. A retry is signed anew and keeps its eventId.",
		Signature: Signature{From: "header:X-Hook0-Signature", List: &List{Separator: ",", Assign: "=", Key: "v1"}},
		Content:   "{timestamp}.{the names in h}.{their values, with points between them}.{body}",
		Timestamp: &Timestamp{From: "list:t"},
		ID:        []string{"json:eventId", "header:X-Event-Id"},
		Event:     []string{"json:eventType", "header:X-Event-Type"},
		code:      &code{open: openCoinbaseCDP, coversBody: true},
	},
	{
		Name:      "contentful",
		Title:     "Contentful",
		Reference: "https://www.contentful.com/developers/docs/extensibility/webhooks/request-verification/",
		Note:      "Covers the path and the query but not the host, and those header fields that X-Contentful-Signed-Headers lists. A request is good for 30 seconds, as in the vendor's toolkit. Set the public URL if a proxy in front cuts a part of the path off.",
		Signature: Signature{From: "header:X-Contentful-Signature"},
		Content:   "{http_method}\n{path and query, escaped once more}\n{the listed header fields, sorted, as name:value with ; between them}\n{body}",
		Timestamp: &Timestamp{From: "header:X-Contentful-Timestamp", Unit: Milliseconds, Tolerance: 30 * time.Second},
		ID:        []string{"header:X-Contentful-Idempotency-Key"},
		Event:     []string{"header:X-Contentful-Topic"},
		code:      &code{open: openContentful, coversBody: true, replayKey: "header:X-Contentful-Idempotency-Key if it is listed, else MAC", headers: []string{contentfulList}},
	},
	{
		Name:      "hook0",
		Title:     "Hook0",
		Reference: "https://documentation.hook0.com/tutorials/webhook-authentication",
		Note:      "The signature v1 covers the header fields that it lists in h and the body; v0, of older versions, the body alone, and is read only where there is no v1. Points part the signed values, which may have points in them: who has a delivery can move a part of one into the next. A retry is signed anew, so it counts as another delivery.",
		Signature: Signature{From: "header:X-Hook0-Signature", List: &List{Separator: ",", Assign: "=", Key: "v1"}},
		Content:   "{timestamp}.{the names in h}.{their values, with points between them}.{body}",
		Timestamp: &Timestamp{From: "list:t"},
		ID:        []string{"header:X-Event-Id"},
		Event:     []string{"header:X-Event-Type"},
		code:      &code{open: openHook0, coversBody: true},
	},
	{
		Name:      "twilio",
		Title:     "Twilio",
		Reference: "https://www.twilio.com/docs/usage/webhooks/webhooks-security",
		Note:      "SHA-1. The secret is the auth token. Covers the URL, with or without its port, and every field of a form, or the body by its hash in bodySHA256. No marks part URL, names and values in the signed text, so who has a delivery can move characters between them. No time is signed, and two calls may send the same bytes. The header I-Twilio-Idempotency-Token isn't signed.",
		Signature: Signature{From: "header:X-Twilio-Signature", Encoding: Base64},
		Algorithm: HMACSHA1,
		Content:   "{url}{the names and values of the form, sorted and joined}",
		ID:        []string{"header:I-Twilio-Idempotency-Token"},
		Event:     []string{"form:MessageStatus", "form:CallStatus"},
		Alike:     true,
		code:      &code{open: openTwilio, coversBody: true, coversURL: true},
	},
}
