package outbound

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

// defaultScheme signs the attempts of an endpoint that names no scheme.
const defaultScheme = "standard"

// userAgent is sent unless an endpoint's headers have another.
const userAgent = "Hookseal"

// fieldID tells a subscriber the id of the message where the scheme has no header field for it. Delivery
// is at least once, so everybody needs it; it isn't signed there.
const fieldID = "Webhook-Id"

// signer makes the header of attempts to one endpoint.
type signer struct {
	verifier *verifiers.Verifier
	fields   []string // those of the scheme, folded
	sendsID  bool     // whether one of them is the message's id
}

// newSigner returns a signer of a preset of package verifiers; "" stands for standard. Where the scheme
// has room for several signatures there is one for each secret, otherwise one for the first. So while
// an old secret is still good, it is given behind the new one. The error is an *InvalidError about Scheme
// or Secret.
func newSigner(scheme string, secrets []string, now func() time.Time) (*signer, error) {
	preset, err := signingPreset(scheme)
	if err != nil {
		return nil, err
	}
	keys := make([]verifiers.Secret, len(secrets))
	for i, secret := range secrets {
		keys[i] = verifiers.NewSecret("", secret)
	}
	v, err := verifiers.New(preset, keys, verifiers.Options{Now: now})
	if err == nil {
		_, err = v.Sign(trialMessage) // a public key is a secret that can only verify
	}
	if err != nil {
		return nil, &InvalidError{"Secret", secretProblem(preset, err)}
	}
	return &signer{
		verifier: v,
		fields:   foldAll(v.HeaderNames()),
		sendsID:  slices.ContainsFunc(preset.ID, func(place string) bool { return strings.HasPrefix(place, "header:") }),
	}, nil
}

// header returns the whole header of an attempt that begins at a time. The scheme's own fields replace
// whatever the endpoint or the message has under a name that may be taken for one of them.
func (s *signer) header(e Endpoint, m Message, at time.Time) (http.Header, error) {
	signed, err := s.verifier.Sign(verifiers.Message{ID: m.ID, Event: m.EventType, Time: at, Body: m.Payload})
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	for name, value := range m.Headers {
		header.Set(name, value)
	}
	for name, value := range e.Headers {
		header.Set(name, value)
	}
	for name := range header {
		if folded := fold(name); slices.Contains(s.fields, folded) || folded == fold(fieldID) {
			delete(header, name)
		}
	}
	header.Set("Content-Type", orDefault(m.ContentType, "application/json"))
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", userAgent)
	}
	if !s.sendsID {
		header.Set(fieldID, m.ID)
	}
	maps.Copy(header, signed)
	return header, nil
}

// NewSecret returns a new secret for the scheme of Standard Webhooks, which the others take as well:
// "whsec_" and 32 random bytes in base64.
func NewSecret() string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // ends the program where there is no randomness
	return "whsec_" + base64.StdEncoding.EncodeToString(secret)
}

// maxSecret is how long the text of a secret may be, in bytes.
const maxSecret = 512

// checkSecret returns an *InvalidError about Secret, or about Scheme, unless the secret can sign under
// the scheme.
func checkSecret(scheme, secret string) error {
	if len(secret) > maxSecret {
		return &InvalidError{"Secret", fmt.Sprintf("is longer than %d bytes: leave it out to have one made", maxSecret)}
	}
	_, err := newSigner(scheme, []string{secret}, time.Now)
	return err
}

// secretProblem words what is wrong with secrets, without any of them.
func secretProblem(preset verifiers.Scheme, err error) string {
	switch {
	case errors.Is(err, verifiers.ErrSecretEmpty):
		return "is empty: give one, or leave it out to have one made"
	case errors.Is(err, verifiers.ErrSecretShort):
		return fmt.Sprintf("is shorter than %d bytes: leave it out to have one made", verifiers.MinSecretBytes)
	case errors.Is(err, verifiers.ErrSecretForm) && preset.Key == verifiers.Whsec:
		return `is not written as the scheme's keys are: give "whsec_" or "whsk_" and base64, or leave it out to have one made`
	}
	return err.Error()
}

// trialSecret is a key in every form in which keys are written. It signs nothing that is sent.
var trialSecret = verifiers.NewSecret("", strings.Repeat("0123456789abcdef", 4))

// trialMessage has all that a message has to have to be signed.
var trialMessage = verifiers.Message{ID: "msg_trial", Event: "trial", Time: time.Unix(0, 0)}

// Schemes are those that an endpoint can have: what apps here and there verify already. Other presets of
// package verifiers are one vendor's, and say who is calling.
var Schemes = []string{"generic", "github", "gstable", "slack", "standard", "stripe"}

// signingPreset returns the scheme of that name, or an *InvalidError that lists those there are.
func signingPreset(name string) (verifiers.Scheme, error) {
	name = orDefault(name, defaultScheme)
	if preset, ok := verifiers.Preset(name); ok && slices.Contains(Schemes, name) {
		return preset, nil
	}
	return verifiers.Scheme{}, &InvalidError{"Scheme", "is not a scheme that can sign: use one of " + strings.Join(Schemes, ", ")}
}

// schemeFields returns the header fields of a scheme, folded.
func schemeFields(name string) ([]string, error) {
	preset, err := signingPreset(name)
	if err != nil {
		return nil, err
	}
	v, err := verifiers.New(preset, []verifiers.Secret{trialSecret}, verifiers.Options{})
	if err != nil {
		return nil, err
	}
	return foldAll(v.HeaderNames()), nil
}
