package verifiers

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
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
)

// redacted is what a secret prints as.
const redacted = "[redacted]"

// Secret is one key of a scheme, as its provider shows it, with a label that may be logged. It
// prints and marshals as "[redacted]", however it is formatted.
type Secret struct {
	// Label names the secret in logs and to the app behind. It may be empty.
	Label string

	// text is a function, so that nothing that prints a value by reflection can reach it.
	text func() string
}

// NewSecret returns the secret that text is.
func NewSecret(label, text string) Secret {
	return Secret{Label: label, text: func() string { return text }}
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
)

// known reports whether f is one of the key forms.
func (f KeyForm) known() bool { return f == UTF8 || f == HexKey || f == Base64Key || f == Whsec }

// keyed returns the secret as a key of a scheme.
func (s Secret) keyed(scheme *Scheme, allowShort bool) (*keyed, error) {
	if list := scheme.Signature.List; list != nil && list.Ed25519 != "" && s.text != nil {
		if text, ok := strings.CutPrefix(s.text(), publicPrefix); ok {
			return ed25519Key(s.Label, text, ed25519.PublicKeySize)
		}
		if text, ok := strings.CutPrefix(s.text(), privatePrefix); ok {
			return ed25519Key(s.Label, text, ed25519.PrivateKeySize)
		}
	}
	key, err := s.key(orDefault(scheme.Key, UTF8), allowShort)
	if err != nil {
		return nil, err
	}
	return newKeyed(s.Label, orDefault(scheme.Algorithm, HMACSHA256), key), nil
}

// What an Ed25519 key begins with.
const (
	publicPrefix  = "whpk_"
	privatePrefix = "whsk_"
)

// ed25519Key decodes a public or a private key, which are told apart by their size.
func ed25519Key(label, text string, size int) (*keyed, error) {
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(bytes) != size {
		return nil, fmt.Errorf("%w: expected %d bytes in base64 behind its prefix", ErrSecretForm, size)
	}
	if size == ed25519.PublicKeySize {
		if isForgeable(bytes) {
			return nil, fmt.Errorf("%w: the public key is one that no private key has: copy it from its sender again", ErrSecretForm)
		}
		return &keyed{label: label, public: bytes}, nil
	}
	// The second half of a private key is its public one. With another one there, two signatures
	// of one text would give the private key away.
	private := ed25519.NewKeyFromSeed(bytes[:ed25519.SeedSize])
	if !private.Equal(ed25519.PrivateKey(bytes)) {
		return nil, fmt.Errorf("%w: the halves of the private key don't belong together", ErrSecretForm)
	}
	return &keyed{label: label, public: private.Public().(ed25519.PublicKey), private: private}, nil
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
		key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	default:
		key = []byte(text)
	}
	switch {
	case err != nil:
		// The decoder's error quotes a byte of the secret.
		return nil, fmt.Errorf("%w: expected %s", ErrSecretForm, form)
	case len(key) == 0:
		return nil, ErrSecretEmpty
	case len(key) < MinSecretBytes && !allowShort:
		return nil, ErrSecretShort
	}
	return key, nil
}
