package verifiers

import (
	"errors"
	"strings"
)

// mandrill verifies what Mandrill signs: the URL as it was registered and the fields of the form behind it,
// sorted, without anything between them. The form may be as large as any body: it has up to a thousand events, or
// mails with all that is attached to them.
//
// Source: https://mandrill.zendesk.com/hc/en-us/articles/360039232513-How-to-Authenticate-Webhook-Requests and
// https://mandrill.zendesk.com/hc/en-us/articles/360038740594-Webhook-Format
type mandrill struct{ origin string }

func openMandrill(s setup) (engine, error) { return mandrill{s.publicURL}, nil }

func (e mandrill) head(c *Check) error {
	if strings.ContainsAny(c.request.Target, jsonMarks) {
		return ErrFieldAmbiguous // the events may have moved there from the body
	}
	return c.readSignatures(nil)
}

func (e mandrill) verify(c *Check, body []byte) (Delivery, error) {
	form, release, err := e.write(c, body)
	if err != nil {
		return Delivery{}, err
	}
	defer release()
	return c.match(form)
}

// write sets the signed text, in which the form that it returns stands for the body until it is released.
func (e mandrill) write(c *Check, body []byte) (form []byte, release func(), err error) {
	space, release, err := c.verifier.space(len(body))
	if err != nil {
		return nil, nil, err
	}
	if form, err = appendForm(space[:0], body); err != nil {
		release()
		return nil, nil, err
	}
	c.setText([]byte(e.origin+c.request.Target), nil, true)
	return form, release, nil
}

func (e mandrill) sign(c *Check, m Message) error {
	form, release, err := e.write(c, m.Body)
	switch {
	case errors.Is(err, ErrNotGenuine):
		return errors.New("the body is no form")
	case err != nil:
		return err
	}
	defer release()
	values, err := c.signatureValues(c.verifier.valid(), form)
	c.request.Header[c.rules.signature.name] = values
	return err
}
