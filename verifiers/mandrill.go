package verifiers

import "errors"

// mandrill verifies what Mandrill signs: the URL as it was registered and the fields of the form behind it,
// sorted, without anything between them.
//
// Source: https://mandrill.zendesk.com/hc/en-us/articles/360039232513-How-to-Authenticate-Webhook-Requests
type mandrill struct{ origin string }

func openMandrill(s setup) (engine, error) { return mandrill{s.publicURL}, nil }

func (e mandrill) head(c *Check) error { return c.readSignatures(nil) }

func (e mandrill) verify(c *Check, body []byte) (Delivery, error) {
	if !e.write(c, body) {
		return Delivery{}, ErrFieldMissing
	}
	return c.match(nil)
}

// write sets the signed text and reports whether the body is a form.
func (e mandrill) write(c *Check, body []byte) bool {
	fields, ok := readForm(body)
	sortForm(fields)
	c.setText(urlAndForm(e.origin, c.request.Target, fields), nil, false)
	return ok
}

func (e mandrill) sign(c *Check, m Message) error {
	if !e.write(c, m.Body) {
		return errors.New("the body is no form")
	}
	values, err := c.signatureValues(c.verifier.valid(), nil)
	c.request.Header[c.rules.signature.name] = values
	return err
}
