package caddymodule

import (
	"slices"

	"github.com/hookseal/hookseal/verifiers"
)

// handshakeOption is an option of handshakes, with a sample by which a scheme is asked whether it has a use for it.
type handshakeOption struct {
	sample func(*verifiers.HandshakeOptions)
	text   string
	line   func(verifiers.Scheme) string // in a Caddyfile
}

var handshakeOptions = []handshakeOption{
	{
		func(o *verifiers.HandshakeOptions) { o.VerifyToken = verifiers.NewSecret("", "sample") },
		"What the provider shows when the URL is registered with it.",
		func(s verifiers.Scheme) string { return "verify_token {env." + variableOfScheme(s) + "_VERIFY_TOKEN}" },
	},
	{
		func(o *verifiers.HandshakeOptions) {
			o.EncryptKey, o.ReceiverID = verifiers.NewSecret("", sampleEncryptKey), sampleReceiver
		},
		"What the provider encrypts with when the URL is registered with it, and for whom. The latter is no secret: put yours here.",
		func(s verifiers.Scheme) string {
			return "encrypt_key {env." + variableOfScheme(s) + "_ENCRYPT_KEY}\nreceiver_id " + sampleReceiver
		},
	},
}

const sampleReceiver = "my-corpid"

// sampleURL stands for a public_url.
const sampleURL = "https://localhost"

// handshakeOptionsOf returns the options that the handshake of a scheme has a use for.
func handshakeOptionsOf(scheme verifiers.Scheme) []handshakeOption {
	return slices.DeleteFunc(slices.Clone(handshakeOptions), func(o handshakeOption) bool {
		options := new(verifiers.HandshakeOptions)
		o.sample(options)
		_, err := dryVerifier(scheme, verifiers.Options{AllowWeak: true, PublicURL: sampleURL, Handshake: options})
		return err != nil
	})
}

// bringsSecret reports whether the handshake of a scheme brings the secret for its deliveries.
func bringsSecret(scheme verifiers.Scheme) bool {
	v, err := dryVerifier(scheme, verifiers.Options{AllowWeak: true, PublicURL: sampleURL, Handshake: new(verifiers.HandshakeOptions)})
	return err == nil && v.Handshake().BringsSecret()
}

// isChallenge reports whether a request is one by which the provider tries a URL, and no delivery, whatever it should
// be answered.
func isChallenge(scheme verifiers.Scheme, secrets []verifiers.Secret, request verifiers.Request, body []byte) bool {
	all := new(verifiers.HandshakeOptions)
	for _, o := range handshakeOptionsOf(scheme) {
		o.sample(all)
	}
	v, err := verifiers.New(scheme, secrets, verifiers.Options{AllowWeak: true, AllowShort: true, PublicURL: sampleURL, Handshake: all})
	if err != nil {
		return false
	}
	_, err = v.Handshake().Head(request)
	if err == verifiers.ErrNoChallenge && v.Handshake().MaxBody() > 0 {
		_, err = v.Handshake().Body(body)
	}
	return err != verifiers.ErrNoChallenge
}
