package verifiers

// presets are the schemes that ship, by name. To add a provider, add a literal here and its
// vectors to testdata/vectors.
var presets = []Scheme{
	{
		Name:      "generic",
		Title:     "Generic (X-Webhook-Signature)",
		Reference: "https://github.com/hookseal/hookseal#providers",
		Note:      "The convention of many in-house senders. No time is signed, so a copy is known by its MAC only.",
		Signature: Signature{From: "header:X-Webhook-Signature", List: &List{Assign: "=", Key: "sha256"}},
		Content:   "{body}",
		Event:     []string{"json:event", "json:type"},
	},
	{
		Name:      "github",
		Title:     "GitHub",
		Reference: "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
		Note:      "Event and id are headers that the signature does not cover; no time is signed. A redelivery has the same bytes.",
		Signature: Signature{From: "header:X-Hub-Signature-256", List: &List{Assign: "=", Key: "sha256"}},
		Content:   "{body}",
		ID:        []string{"header:X-GitHub-Delivery"},
		Event:     []string{"header:X-GitHub-Event"},
	},
	{
		Name:      "gstable",
		Title:     "GStable",
		Reference: "https://docs.gstable.io/docs/guides/webhook",
		Note:      "The key is the whole wkk_ text. The time is sent in milliseconds; a number up to 1e11 is taken as seconds. The digest printed on the vendor's verifier page is not the HMAC of the inputs beside it.",
		Signature: Signature{From: "header:X-GStable-Signature"},
		Content:   "{timestamp}:{body}",
		Timestamp: &Timestamp{From: "header:X-GStable-Timestamp", Unit: AutoUnit},
		ID:        []string{"json:eventId"},
		Event:     []string{"json:eventType"},
	},
	{
		Name:      "slack",
		Title:     "Slack",
		Reference: "https://docs.slack.dev/authentication/verifying-requests-from-slack",
		Note:      "Slash commands and interactivity send forms, which have no id or event: they are known by their MAC.",
		Signature: Signature{From: "header:X-Slack-Signature", List: &List{Assign: "=", Key: "v0"}},
		Content:   "v0:{timestamp}:{body}",
		Timestamp: &Timestamp{From: "header:X-Slack-Request-Timestamp"},
		ID:        []string{"json:event_id"},
		Event:     []string{"json:event.type", "json:type"},
	},
	standardWebhooks(),
	{
		Name:      "stripe",
		Title:     "Stripe",
		Reference: "https://docs.stripe.com/webhooks/signature",
		Note:      "The key is the whole whsec_ text, not decoded. Entries other than v1 are ignored. A retry is signed anew and keeps its id.",
		Signature: Signature{From: "header:Stripe-Signature", List: &List{Separator: ",", Assign: "=", Key: "v1"}},
		Content:   "{timestamp}.{body}",
		Timestamp: &Timestamp{From: "list:t"},
		ID:        []string{"json:id"},
		Event:     []string{"json:type"},
	},
}

// standardWebhooks is the Standard Webhooks scheme with its own header names and, where those
// are absent, the names that Svix used before there was a standard.
func standardWebhooks() Scheme {
	named := func(prefix string) Scheme {
		return Scheme{
			Name:      "standard",
			Title:     "Standard Webhooks, Svix",
			Reference: "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
			Note:      "A secret that begins with whpk_ or whsk_ is an Ed25519 key (v1a); any other is symmetric (v1). An id with a dot is refused, because it would make the signed text ambiguous. A retry is signed anew and keeps its id.",
			Signature: Signature{From: "header:" + prefix + "-Signature", List: &List{Separator: " ", Assign: ",", Key: "v1", Ed25519: "v1a"}, Encoding: Base64},
			Key:       Whsec,
			Content:   "{header:" + prefix + "-Id}.{timestamp}.{body}",
			Timestamp: &Timestamp{From: "header:" + prefix + "-Timestamp"},
			ID:        []string{"header:" + prefix + "-Id"},
			Event:     []string{"json:type"},
		}
	}
	scheme, svix := named("Webhook"), named("Svix")
	scheme.Alternative = &svix
	return scheme
}

// Presets returns the schemes that ship, in the order of their names.
func Presets() []Scheme {
	all := make([]Scheme, len(presets))
	for i, s := range presets {
		all[i] = s.clone()
	}
	return all
}

// Preset returns the scheme of that name.
func Preset(name string) (Scheme, bool) {
	for _, s := range presets {
		if s.Name == name {
			return s.clone(), true
		}
	}
	return Scheme{}, false
}
