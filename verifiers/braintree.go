package verifiers

import (
	"crypto/hmac"
	"crypto/sha1"
	"hash"
	"net/http"
	"regexp"
	"strings"
)

// braintree verifies Braintree's notifications: forms with two fields, of which one is a document in base64 and
// the other an HMAC of it for each of the merchant's keys, behind the public key's name. The key of the HMAC is the
// SHA-1 of the private key.
//
// Source: https://github.com/braintree/braintree_node/blob/master/lib/braintree/webhook_notification_gateway.js
type braintree struct{}

// The fields of a notification.
const (
	braintreeSignature = "bt_signature"
	braintreePayload   = "bt_payload"
)

var (
	braintreeText = regexp.MustCompile(`^[A-Za-z0-9+=/\n]+$`)
	// braintreeCode is what is signed for whoever asks. No document in base64 looks like it.
	braintreeCode = regexp.MustCompile(`^[a-f0-9]{20,32}$`)
)

func openBraintree(s setup) (engine, error) {
	for _, secret := range s.secrets {
		key := sha1.Sum(secret.secret)
		secret.states.New = func() any { return hash.Hash(hmac.New(sha1.New, key[:])) }
	}
	return braintree{}, nil
}

func (braintree) head(*Check) error { return nil }

func (braintree) verify(c *Check, body []byte) (Delivery, error) {
	fields, ok := readForm(body)
	if !ok {
		return Delivery{}, ErrSignatureMissing
	}
	sign, err := formValue(fields, braintreeSignature)
	if err != nil {
		return Delivery{}, err
	}
	c.signatures = c.signatures[:0]
	if err := c.addSignatures([]string{sign}); err != nil {
		return Delivery{}, err
	}
	payload, err := formValue(fields, braintreePayload)
	switch {
	case err != nil:
		return Delivery{}, err
	case payload == "":
		return Delivery{}, ErrFieldMissing
	case len(fields) != 2 || !braintreeText.MatchString(payload):
		return Delivery{}, ErrFieldAmbiguous // nobody has signed what else stands there
	case braintreeCode.MatchString(payload):
		return Delivery{}, ErrChallengeText
	}
	// The line feed at the end is signed, and got lost on some ways.
	for _, text := range []string{payload, payload + "\n"} {
		c.setText([]byte(text), nil, false)
		if d, err := c.match(nil); err != ErrSignatureMismatch {
			return d, err
		}
	}
	return Delivery{}, ErrSignatureMismatch
}

// braintreeChallenge signs a text for whoever asks, as the vendor wants it, with the key of deliveries. Its
// alphabet is one that no delivery has. The answer names the public key, which is the label of the secret.
func braintreeChallenge(h *Handshake, r Request) (Answer, error) {
	if r.Method != http.MethodGet {
		return Answer{}, ErrNoChallenge
	}
	code, present, err := parameter(r, "bt_challenge")
	switch {
	case err != nil:
		return Answer{}, err
	case !present:
		return Answer{}, ErrNoChallenge
	case !braintreeCode.MatchString(code):
		return Answer{}, ErrChallengeMalformed
	}
	for _, key := range h.verifier.valid() {
		if isToken(key.label) && !strings.Contains(key.label, "=") {
			return plainText(key.label + "|" + Hex.encode(key.sum(nil, []byte(code)))), nil
		}
	}
	return Answer{}, ErrChallengeRefused
}
