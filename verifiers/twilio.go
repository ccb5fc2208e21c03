package verifiers

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// twilio verifies what Twilio signs: the URL and, of a form, its fields behind it, sorted, without
// anything between them, and each pair of name and value once. Of any other body it signs the URL alone,
// which then has the body's SHA-256 in the parameter bodySHA256.
//
// The text is the same whether the auth token signs it, with SHA-1, or a shared key with SHA-256.
//
// Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security and
// https://github.com/twilio/twilio-node/blob/main/examples/WebhookSignatureValidation.md
type twilio struct {
	// origins are the public URL as it is configured, and with the port of its scheme where it names none or
	// without the port that it names. Twilio signs one or the other, depending on the product.
	origins []string
}

// twilioDigest is the parameter that has the hash of a body that isn't a form.
const twilioDigest = "bodySHA256"

func openTwilio(s setup) (engine, error) {
	u, err := url.Parse(s.publicURL)
	if err != nil {
		return nil, errors.New("the public URL can't be read")
	}
	other := *u
	switch {
	case u.Port() != "":
		other.Host = strings.TrimSuffix(u.Host, ":"+u.Port())
	case u.Scheme == "http":
		other.Host += ":80"
	default:
		other.Host += ":443"
	}
	return twilio{[]string{s.publicURL, other.String()}}, nil
}

func (e twilio) head(c *Check) error {
	if err := c.readSignatures(nil); err != nil {
		return err
	}
	_, _, err := twilioDigestIn(c.request.query())
	return err
}

func (e twilio) verify(c *Check, body []byte) (Delivery, error) {
	fields, err := twilioFields(c.request, body)
	if err != nil {
		return Delivery{}, err
	}
	for _, origin := range e.origins {
		e.write(c, origin, fields)
		d, err := c.match(nil)
		if err != ErrSignatureMismatch {
			return d, err
		}
	}
	return Delivery{}, ErrSignatureMismatch
}

// write sets the signed text.
func (e twilio) write(c *Check, origin string, fields []formField) {
	c.setText(urlAndForm(origin, c.request.Target, fields), nil, false)
}

// sign signs for the public URL as it is configured.
func (e twilio) sign(c *Check, m Message) error {
	fields, err := twilioFields(c.request, m.Body)
	if err != nil {
		return errors.New("the body is no form: put its SHA-256 into the target, as the parameter " + twilioDigest)
	}
	e.write(c, e.origins[0], fields)
	values, err := c.signatureValues(c.verifier.valid(), nil)
	c.request.Header[c.rules.signature.name] = values
	return err
}

// twilioFields returns what of the body stands in the signed text: the fields of a form. It has nothing to
// add to a URL with the body's hash, which must be right.
func twilioFields(r Request, body []byte) ([]formField, error) {
	digest, has, err := twilioDigestIn(r.query())
	if err != nil {
		return nil, err
	}
	if has {
		sum := sha256.Sum256(body)
		if subtle.ConstantTimeCompare(sum[:], digest) != 1 {
			return nil, ErrSignatureMismatch
		}
		return nil, nil
	}
	fields, ok := readForm(body)
	if !ok {
		return nil, ErrFieldMissing
	}
	sortForm(fields)
	return slices.Compact(fields), nil
}

// twilioDigestIn returns the hash of the body in a query, and whether there is one. With two of them
// somebody might take the other one for right.
func twilioDigestIn(query string) (digest []byte, has bool, err error) {
	for parameter := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		if name, err := url.QueryUnescape(name); err != nil || name != twilioDigest {
			continue
		}
		if has {
			return nil, false, ErrFieldRepeated
		}
		has = true
		if len(value) != hex.EncodedLen(sha256.Size) {
			return nil, false, ErrSignatureMalformed
		}
		if digest, err = hex.DecodeString(value); err != nil {
			return nil, false, ErrSignatureMalformed
		}
	}
	return digest, has, nil
}
