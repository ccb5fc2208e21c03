package verifiers

import (
	"crypto"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"regexp"
	"strconv"
	"strings"
)

// paypal verifies PayPal's webhooks. The signature is over a text of four parts: the id and the time of the
// transmission, the id of the webhook, and the CRC-32 of the body. A checksum is no hash: to any body four
// bytes can be found that give it another's. So the signature says that PayPal sent something
// then and there, and not what.
//
// The secrets are the ids of the webhooks that are accepted. They aren't secret, but the signature has them: so
// what PayPal signed for others, as it does for everybody, isn't taken for ours.
//
// Source: https://developer.paypal.com/api/rest/webhooks/rest/
type paypal struct {
	keys     *KeySource
	webhooks []paypalWebhook
}

// paypalWebhook is one secret.
type paypalWebhook struct {
	*keyed
	id string
}

// paypalCertificates are where PayPal has its certificates. The host decides which of its two systems a
// delivery is from; that it is the right one follows from the webhook's id, which stands in one of them only.
var paypalCertificates = certificateRules{
	where: regexp.MustCompile(`^https://(api|api-m)(\.sandbox)?\.paypal\.com/v1/notifications/certs/CERT-[0-9A-Za-z-]{1,128}$`),
}

// paypalID is what the id of a webhook may be:
// https://developer.paypal.com/api/webhooks/v1/definitions/verify_webhook_signature
var paypalID = regexp.MustCompile(`^[A-Za-z0-9_]{1,50}$`)

func openPayPal(s setup) (engine, error) {
	e := paypal{keys: s.keySource()}
	for i, secret := range s.secrets {
		if !paypalID.Match(secret.secret) {
			return nil, fmt.Errorf("secret %d: %w: expected the id of a webhook, such as 1JE4291016473214C", i+1, ErrSecretForm)
		}
		e.webhooks = append(e.webhooks, paypalWebhook{secret, string(secret.secret)})
	}
	return e, nil
}

// The header fields besides the signature's and the time's.
const (
	paypalTransmissionID = "Paypal-Transmission-Id"
	paypalCertURL        = "Paypal-Cert-Url"
)

// paypalHead is what head leaves for verify.
type paypalHead struct {
	id        string
	query     keyQuery
	signature []byte
}

func (e paypal) head(c *Check) error {
	if err := c.readSignatures(nil); err != nil {
		return err
	}
	if err := c.readTime(nil); err != nil {
		return err
	}
	id, err := coveredValue(c.request.Header, paypalTransmissionID)
	switch {
	case err != nil:
		return err
	case id == "":
		return ErrFieldMissing
	case strings.Contains(id, "|"):
		return ErrFieldAmbiguous
	}
	url, err := coveredValue(c.request.Header, paypalCertURL)
	if err != nil {
		return err
	}
	query, err := paypalCertificates.query(e.keys, url)
	if err != nil {
		return err
	}
	c.state = paypalHead{id, query, c.signatures[0].long}
	return nil
}

func (e paypal) verify(c *Check, body []byte) (Delivery, error) {
	if err := c.fresh(c.signed); err != nil {
		return Delivery{}, err
	}
	head := c.state.(paypalHead)
	now := c.verifier.now()
	for _, webhook := range e.webhooks {
		if !webhook.usedAt(now) {
			continue
		}
		text := append(c.text[:0], head.id...)
		text = append(append(append(text, '|'), c.stamp...), '|')
		text = append(append(text, webhook.id...), '|')
		text = strconv.AppendUint(text, uint64(crc32.ChecksumIEEE(body)), 10)
		c.text = text
		switch err := verifyFetched(c, e.keys, head.query, crypto.SHA256, text, head.signature); err {
		case nil:
			d := Delivery{Timestamp: c.signed, Key: webhook.label}
			sum := sha256.Sum256(text)
			d.identify(tagContent, sum[:])
			return d, nil
		case ErrSignatureMismatch:
		default:
			return Delivery{}, err
		}
	}
	return Delivery{}, ErrSignatureMismatch
}
