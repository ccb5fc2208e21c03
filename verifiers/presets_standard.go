package verifiers

// standardPresets are Standard Webhooks, those who send them, and the generic scheme.
var standardPresets = []Scheme{
	like(svix(), Scheme{
		Name:      "clerk",
		Title:     "Clerk",
		Reference: "https://clerk.com/docs/guides/development/webhooks/overview",
		Note:      "Sent by Svix. A retry is signed anew and keeps its id.",
	}),
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
		Name:      "gitlab-signing",
		Title:     "GitLab (signing token)",
		Reference: "https://docs.gitlab.com/user/project/integrations/webhooks/",
		Note:      "Of hooks with a signing token; those with a secret token are gitlab-token. The event is a header that the signature does not cover, and object_kind in the body that it does. A retry keeps its id.",
		Signature: Signature{From: "header:Webhook-Signature", List: &List{Separator: " ", Assign: ",", Key: "v1"}, Encoding: Base64},
		Key:       Whsec,
		Content:   "{header:Webhook-Id}.{timestamp}.{body}",
		Timestamp: &Timestamp{From: "header:Webhook-Timestamp"},
		ID:        []string{"header:Webhook-Id"},
		Event:     []string{"header:X-Gitlab-Event", "json:object_kind"},
	},
	like(webhooks(), Scheme{
		Name:      "openai",
		Title:     "OpenAI",
		Reference: "https://platform.openai.com/docs/guides/webhooks",
		Note:      "The vendor's library takes a secret without whsec_ as it is, and so do we.",
		Key:       WhsecOrUTF8,
	}),
	like(webhooks(), Scheme{
		Name:      "polar",
		Title:     "Polar",
		Reference: "https://polar.sh/docs/integrate/webhooks/delivery",
		Note:      "The key is the whole text of the secret, polar_whs_ included and not decoded.",
		Key:       UTF8,
	}),
	like(webhooks(), Scheme{
		Name:      "replicate",
		Title:     "Replicate",
		Reference: "https://replicate.com/docs/topics/webhooks/verify-webhook",
		Note:      "A retry is signed anew and keeps its id. The body is the prediction and names no event.",
	}),
	like(svix(), Scheme{
		Name:      "resend",
		Title:     "Resend",
		Reference: "https://resend.com/docs/dashboard/webhooks/verify-webhooks-requests",
		Note:      "Sent by Svix. A retry is signed anew and keeps its id.",
	}),
	standardWebhooks(),
	{
		Name:      "standard-webhooks-v1a",
		Title:     "Standard Webhooks, asymmetric only",
		Reference: "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
		Note:      "Takes Ed25519 signatures (v1a) and nothing else; standard takes both kinds.",
		Signature: Signature{From: "header:Webhook-Signature", List: &List{Separator: " ", Assign: ",", Key: "v1a"}, Encoding: Base64},
		Algorithm: Ed25519,
		Key:       Whpk,
		Content:   "{header:Webhook-Id}.{timestamp}.{body}",
		Timestamp: &Timestamp{From: "header:Webhook-Timestamp"},
		ID:        []string{"header:Webhook-Id"},
		Event:     []string{"json:type"},
	},
	svix(),
}

// standardWebhooks is the Standard Webhooks scheme with its own header names and, where those are absent,
// the names that Svix used before there was a standard.
func standardWebhooks() Scheme {
	scheme, old := webhooks(), named("Svix")
	scheme.Signature.List.Ed25519, old.Signature.List.Ed25519 = "v1a", "v1a"
	scheme.Name, old.Name = "standard", "standard"
	scheme.Title = "Standard Webhooks, Svix"
	scheme.Note = "Found as standard-webhooks, too. A secret that begins with whpk_ or whsk_ is an Ed25519 key (v1a); any other is symmetric (v1). An id with a dot is refused, because it would make the signed text ambiguous. A retry is signed anew and keeps its id."
	scheme.Alternative = &old
	return scheme
}

// webhooks is Standard Webhooks with symmetric keys.
func webhooks() Scheme { return named("Webhook") }

// svix is what Svix sends for others: its own header names, and on newer endpoints those of the standard.
func svix() Scheme {
	scheme, standard := named("Svix"), webhooks()
	scheme.Name, standard.Name = "svix", "svix"
	scheme.Title = "Svix"
	scheme.Reference = "https://docs.svix.com/receiving/verifying-payloads/how-manual"
	scheme.Note = "Newer endpoints send the header names of Standard Webhooks instead. A retry is signed anew and keeps its id."
	scheme.Alternative = &standard
	return scheme
}

// named is Standard Webhooks with the header names of a prefix.
func named(prefix string) Scheme {
	return Scheme{
		Reference: "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
		Signature: Signature{From: "header:" + prefix + "-Signature", List: &List{Separator: " ", Assign: ",", Key: "v1"}, Encoding: Base64},
		Key:       Whsec,
		Content:   "{header:" + prefix + "-Id}.{timestamp}.{body}",
		Timestamp: &Timestamp{From: "header:" + prefix + "-Timestamp"},
		ID:        []string{"header:" + prefix + "-Id"},
		Event:     []string{"json:type"},
	}
}

// like returns a provider that signs as a scheme says, with a name, a page and a note of its own, and a
// key form if it has one.
func like(scheme, own Scheme) Scheme {
	scheme.Name, scheme.Title, scheme.Reference, scheme.Note = own.Name, own.Title, own.Reference, own.Note
	scheme.Key = orDefault(own.Key, scheme.Key)
	return scheme
}
