package verifiers

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// MinSecretBytes is the length under which a key is refused, unless Options.AllowShort is set:
// 128 bits is what RFC 2104's advice comes to for any key that must not be guessed.
const MinSecretBytes = 16

// Errors of secrets, for callers that word their own.
var (
	// ErrSecretEmpty means that a secret has no bytes. No option allows that: anybody can sign
	// with an empty key.
	ErrSecretEmpty = errors.New("secret is empty")
	// ErrSecretShort means that a key has fewer than MinSecretBytes bytes.
	ErrSecretShort = fmt.Errorf("secret is shorter than %d bytes", MinSecretBytes)
	// ErrSecretForm means that a secret isn't written as the scheme's keys are.
	ErrSecretForm = errors.New("secret is not written as the scheme's keys are")
	// ErrNoSecretNow means that nothing can be signed: every secret's time is over, or still to come.
	ErrNoSecretNow = errors.New("no secret is in use at this time")
	// ErrSecretNeverUsed means that a secret's time ends before it begins.
	ErrSecretNeverUsed = errors.New("secret is never used: not_after must lie behind not_before")
)

// redacted is what a secret prints as.
const redacted = "[redacted]"

// Secret is one key of a scheme, as its provider shows it, with a label that may be logged. It
// prints and marshals as "[redacted]", however it is formatted.
type Secret struct {
	// Label names the secret in logs and to the app behind. It may be empty.
	Label string

	// NotBefore and NotAfter bound the time in which the secret is used, to verify and to sign, by the
	// verifier's clock. Zero means no bound.
	NotBefore, NotAfter time.Time

	// text is a function, so that nothing that prints a value by reflection can reach it.
	text func() string
}

// NewSecret returns the secret that text is.
func NewSecret(label, text string) Secret {
	return Secret{Label: label, text: func() string { return text }}
}

// bounded reports whether there are times at which the secret isn't used.
func (s Secret) bounded() bool { return !s.NotBefore.IsZero() || !s.NotAfter.IsZero() }

// neverUsed reports whether there is no time at which it is used.
func (s Secret) neverUsed() bool { return !s.NotAfter.IsZero() && !s.NotBefore.Before(s.NotAfter) }

// validAt reports whether the secret is used at a time.
func (s Secret) validAt(now time.Time) bool {
	return !now.Before(s.NotBefore) && (s.NotAfter.IsZero() || now.Before(s.NotAfter))
}

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// Format writes "[redacted]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// KeyForm is how a secret's text becomes the bytes of a key.
type KeyForm string

// The key forms.
const (
	// UTF8 takes the text as it is.
	UTF8 KeyForm = "utf8"
	// HexKey decodes hexadecimal digits.
	HexKey KeyForm = "hex"
	// Base64Key decodes standard base64 with padding.
	Base64Key KeyForm = "base64"
	// Whsec decodes standard base64 after an optional "whsec_". Where the scheme has Ed25519
	// signatures, "whpk_" or "whsk_" in its place says that the key is an Ed25519 key.
	Whsec KeyForm = "whsec"
	// WhsecOrUTF8 is Whsec of a text that begins with "whsec_", and UTF8 of any other.
	WhsecOrUTF8 KeyForm = "whsec-or-utf8"

	// Of public keys. HexKey and Base64Key are the 32 bytes of an Ed25519 key. To sign, the private key
	// is written in the same form: its 64 bytes, or PKCS #8.

	// Whpk is an Ed25519 key in base64 after "whpk_", or a private one after "whsk_".
	Whpk KeyForm = "whpk"
	// SPKI is a public key in DER (a SubjectPublicKeyInfo), in base64 on one line.
	SPKI KeyForm = "spki"
	// PEM is one block between -----BEGIN and -----END: a public key or a certificate, of which only
	// the key counts.
	PEM KeyForm = "pem"

	// Opaque is for schemes in code that read the text themselves. It may be short: it need not be a key.
	Opaque KeyForm = "opaque"
)

// symmetricPrefix is what a secret of Standard Webhooks begins with.
const symmetricPrefix = "whsec_"

// keyForms are those that an algorithm of a kind may have.
var keyForms = map[algorithmKind][]KeyForm{
	hmacKind:   {UTF8, HexKey, Base64Key, Whsec, WhsecOrUTF8},
	digestKind: {UTF8, HexKey, Base64Key},
	tokenKind:  {UTF8},
	publicKind: {SPKI, PEM},
}

// keyFormsOf returns the key forms of an algorithm.
func keyFormsOf(name Algorithm) []KeyForm {
	if name == Ed25519 {
		return []KeyForm{HexKey, Base64Key, Whpk, SPKI, PEM}
	}
	return keyForms[algorithms[name].kind]
}

// keyed returns the secret as a key of a scheme.
func (s Secret) keyed(scheme *Scheme, allowShort bool) (*keyed, error) {
	algorithm, form := orDefault(scheme.Algorithm, HMACSHA256), orDefault(scheme.Key, UTF8)
	if algorithms[algorithm].kind == publicKind && form != Opaque {
		return s.publicKeyed(algorithm, form)
	}
	if list := scheme.Signature.List; list != nil && list.Ed25519 != "" && s.text != nil {
		if strings.HasPrefix(s.text(), publicPrefix) || strings.HasPrefix(s.text(), privatePrefix) {
			return s.publicKeyed(Ed25519, Whpk)
		}
	}
	key, err := s.key(form, allowShort)
	if err != nil {
		return nil, err
	}
	return newKeyed(s.Label, algorithm, key), nil
}

// key returns the bytes of the secret under a key form.
func (s Secret) key(form KeyForm, allowShort bool) ([]byte, error) {
	if s.text == nil || s.text() == "" {
		return nil, ErrSecretEmpty
	}
	text := s.text()
	var key []byte
	var err error
	switch form {
	case HexKey:
		key, err = hex.DecodeString(text)
	case Base64Key:
		key, err = base64.StdEncoding.DecodeString(text)
	case Whsec:
		key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(text, symmetricPrefix))
	case WhsecOrUTF8:
		if encoded, ok := strings.CutPrefix(text, symmetricPrefix); ok {
			key, err = base64.StdEncoding.DecodeString(encoded)
		} else {
			key = []byte(text)
		}
	default:
		key = []byte(text)
	}
	switch {
	case err != nil:
		// The decoder's error quotes a byte of the secret.
		if form == Whsec || form == WhsecOrUTF8 {
			return nil, fmt.Errorf("%w: expected %s and base64", ErrSecretForm, symmetricPrefix)
		}
		return nil, fmt.Errorf("%w: expected %s", ErrSecretForm, form)
	case len(key) == 0:
		return nil, ErrSecretEmpty
	case len(key) < MinSecretBytes && !allowShort && form != Opaque:
		return nil, ErrSecretShort
	}
	return key, nil
}
