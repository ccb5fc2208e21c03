package caddymodule

import (
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/hookseal/hookseal/verifiers"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("webhook_verify", parseVerify)
	httpcaddyfile.RegisterHandlerDirective("webhook_sign", parseSign)
	httpcaddyfile.RegisterHandlerDirective("webhook_route", parseRoute)
	httpcaddyfile.RegisterHandlerDirective("webhook_publish", parsePublish)
	// Verification comes after everything that may rewrite the request. What it lets on is signed,
	// and then routed to the handlers that send it away. Publishing stands before all that could answer
	// its paths.
	for _, directive := range []string{"webhook_verify", "webhook_sign", "webhook_route", "webhook_publish"} {
		httpcaddyfile.RegisterDirectiveOrder(directive, httpcaddyfile.Before, "invoke")
	}
}

// parseVerify reads the directive and makes sure that its name is the only one of its kind.
func parseVerify(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	v := new(Verify)
	if err := v.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	const stateKey = "webhook_verify names"
	names, _ := h.State[stateKey].(map[string]string)
	if names == nil {
		names = make(map[string]string)
		h.State[stateKey] = names
	}
	name := v.Name
	if name == "" {
		name = v.Provider
	}
	if other, taken := names[name]; taken {
		h.Reset()
		h.Next() // the directive's name, whose line the error is to have
		return nil, h.Errf(`%s has a webhook_verify named %q already: give each a name of its own, such as "name %s-2", so that they keep their claims apart`, other, name, name)
	}
	names[name] = v.Position
	return v, nil
}

// UnmarshalCaddyfile reads the directive:
//
//	webhook_verify <provider> {
//		secret         <placeholder> [<label>] { # at least one; ARNs of SNS and ids of PayPal may stand as they are
//			not_before <time>                    # RFC 3339
//			not_after  <time>
//		}
//		name           <name>                    # default: the provider
//		tolerance      <duration>
//		replay_window  <duration>
//		replay         off
//		max_body       <size>
//		methods        <method...>
//		on_duplicate   <status>
//		mode           enforce|monitor
//		public_url     <url>
//		verify_token   <placeholder>             # of Meta and Feishu
//		encrypt_key    <placeholder>             # of WeCom and DingTalk
//		receiver_id    <id>                      # of WeCom and DingTalk
//		allow_short
//		allow_weak
//		custom {
//			signature  <place> [repeated]
//			list       <separator> <assign> <key> [<ed25519 key>]
//			encoding   hex|base64|base64url|base64-escaped|plain
//			algorithm  hmac-sha256|hmac-sha384|hmac-sha512|hmac-sha1|sha256|sha1|ed25519|ecdsa-p256-sha256|
//			           rsa-sha256|rsa-sha1|rsa-pss-sha256|rsa-pss-sha512|equal
//			key        utf8|hex|base64|whsec|whsec-or-utf8|whpk|spki|pem
//			key_id     <place>
//			content    <template>
//			url_form   decoded
//			timestamp  <place> [s|ms|auto|rfc3339]
//			id         <place...>
//			event      <place...>
//			challenge  <name>
//		}
//	}
func (v *Verify) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	start := *d
	v.Position = position(d)
	if !d.NextArg() {
		return d.Err(errNoProvider.Error())
	}
	v.Provider = d.Val()
	preset, _ := verifiers.Preset(v.Provider)
	o := newOptions(d)
	for o.next("secret") {
		switch o.Val() {
		case "secret":
			v.Secrets = append(v.Secrets, o.timedSecret(preset.NamesReceiver()))
		case "name":
			o.text(&v.Name)
		case "tolerance":
			o.duration(&v.Tolerance)
		case "replay_window":
			o.duration(&v.ReplayWindow)
		case "replay":
			var off string
			o.oneOf(&off, "off")
			v.ReplayOff = true
		case "max_body":
			o.size(&v.MaxBody, 1, maxMaxBody)
		case "methods":
			v.Methods = trimEmpty(o.args(1, 16))
		case "on_duplicate":
			o.number(&v.OnDuplicate, 200, 599)
		case "mode":
			o.oneOf(&v.Mode, "enforce", "monitor")
		case "public_url":
			o.text(&v.PublicURL)
		case "verify_token":
			o.placeholder("verify_token", &v.VerifyToken, o.args(1, 1)[0])
		case "encrypt_key":
			o.placeholder("encrypt_key", &v.EncryptKey, o.args(1, 1)[0])
		case "receiver_id":
			o.text(&v.ReceiverID)
		case "allow_short":
			o.flag(&v.AllowShort)
		case "allow_weak":
			o.flag(&v.AllowWeak)
		case "custom":
			v.Scheme = o.scheme()
		default:
			o.unknown("secret", "name", "tolerance", "replay_window", "replay", "max_body", "methods", "on_duplicate", "mode", "public_url", "verify_token", "encrypt_key", "receiver_id", "allow_short", "allow_weak", "custom")
		}
	}
	if o.err != nil {
		return o.err
	}
	if err := v.dryRun(); err != nil {
		return start.WrapErr(err)
	}
	return nil
}

// dryRun finds what is wrong with the options together while the line is known. Only the secrets
// have to wait: the machine that adapts a Caddyfile need not have them.
func (v *Verify) dryRun() error {
	dry := *v
	dry.setDefaults()
	err := dry.check()
	if err == nil {
		dry.scheme, err = schemeOf("provider", v.Provider, v.Scheme)
	}
	var verifier *verifiers.Verifier
	if err == nil {
		verifier, err = dryVerifier(dry.scheme, verifiers.Options{
			Tolerance: time.Duration(dry.Tolerance), AllowWeak: dry.AllowWeak, PublicURL: dry.PublicURL, Handshake: dry.sampleHandshake(),
		}, dry.names()...)
	}
	if err == nil {
		err = dry.setWindow(verifier.Tolerance())
	}
	if err == nil && len(v.Secrets) == 0 {
		err = errNoSecret
	}
	return err
}

// names returns the secrets that are none, and so are known already.
func (v *Verify) names() (all []verifiers.Secret) {
	for _, source := range v.Secrets {
		if v.scheme.NamesReceiver() && source.isName() {
			all = append(all, verifiers.NewSecret("", source.Value))
		}
	}
	return all
}

// dryVerifier compiles a scheme before its secrets are known, or with those that are.
func dryVerifier(scheme verifiers.Scheme, options verifiers.Options, known ...verifiers.Secret) (*verifiers.Verifier, error) {
	if len(known) == 0 {
		known = []verifiers.Secret{verifiers.NewSecret("", scheme.SampleSecret())}
	}
	v, err := verifiers.New(scheme, known, options)
	return v, withRemedy(err)
}

// trimEmpty drops the empty texts at the end.
func trimEmpty(texts []string) []string {
	for len(texts) > 0 && texts[len(texts)-1] == "" {
		texts = texts[:len(texts)-1]
	}
	return texts
}

// scheme reads the block of custom.
func (o *options) scheme() *verifiers.Scheme {
	s := new(verifiers.Scheme)
	inner := newOptions(o.Dispenser)
	for inner.next() {
		switch inner.Val() {
		case "signature":
			args := inner.args(1, 2)
			s.Signature.From = args[0]
			if s.Signature.Repeated = args[1] == "repeated"; args[1] != "" && !s.Signature.Repeated {
				inner.fail("signature: %q is not an option: use repeated or nothing", args[1])
			}
		case "list":
			args := inner.args(3, 4)
			s.Signature.List = &verifiers.List{Separator: args[0], Assign: args[1], Key: args[2], Ed25519: args[3]}
		case "encoding":
			inner.text((*string)(&s.Signature.Encoding))
		case "algorithm":
			inner.text((*string)(&s.Algorithm))
		case "key":
			inner.text((*string)(&s.Key))
		case "key_id":
			inner.text(&s.KeyID)
		case "content":
			inner.text(&s.Content)
		case "url_form":
			inner.text((*string)(&s.URLForm))
		case "timestamp":
			args := inner.args(1, 2)
			s.Timestamp = &verifiers.Timestamp{From: args[0], Unit: verifiers.Unit(args[1])}
		case "id":
			s.ID = trimEmpty(inner.args(1, 8))
		case "event":
			s.Event = trimEmpty(inner.args(1, 8))
		case "challenge":
			inner.text(&s.Challenge)
		default:
			inner.unknown("signature", "list", "encoding", "algorithm", "key", "key_id", "content", "url_form", "timestamp", "id", "event", "challenge")
		}
	}
	if inner.err != nil && o.err == nil {
		o.err = inner.err
	}
	return s
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Verify)(nil)
