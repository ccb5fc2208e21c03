package verifiers

import (
	"bytes"
	"slices"
	"strings"
)

// alipay verifies Alipay's asynchronous notifications: forms with a field sign, over the decoded values of all
// other fields but sign_type, which some products sign too. The text has no marks that its values couldn't
// have, so whatever tells deliveries apart is read from the text and not from the form, which may be cut in
// other ways.
//
// Source: https://opendocs.alipay.com/open/270/105902 and checkNotifySignV2 of alipay-sdk
type alipay struct{}

// The fields that don't stand in the text.
const (
	alipaySign = "sign"
	alipayType = "sign_type"
)

// alipayAlgorithm is what sign_type says of SHA-256. No other is accepted: the message doesn't choose.
const alipayAlgorithm = "RSA2"

func openAlipay(setup) (engine, error) { return alipay{}, nil }

func (alipay) head(*Check) error { return nil }

func (alipay) verify(c *Check, body []byte) (Delivery, error) {
	fields, ok := readForm(body)
	if !ok {
		return Delivery{}, ErrSignatureMissing
	}
	sign, err := formValue(fields, alipaySign)
	if err != nil {
		return Delivery{}, err
	}
	c.signatures = c.signatures[:0]
	if err := c.addSignatures([]string{sign}); err != nil {
		return Delivery{}, err
	}
	kind, err := formValue(fields, alipayType)
	if err != nil {
		return Delivery{}, err
	}
	if kind != "" && kind != alipayAlgorithm {
		return Delivery{}, ErrSignatureMalformed
	}
	slices.SortFunc(fields, func(a, b formField) int { return strings.Compare(a.name, b.name) })
	for i, field := range fields {
		switch {
		case i > 0 && field.name == fields[i-1].name:
			return Delivery{}, ErrFieldRepeated
		case strings.ContainsAny(field.name, "&="):
			return Delivery{}, ErrFieldAmbiguous // the marks of the text
		}
	}
	for _, withType := range []bool{false, true} {
		text := alipayText(fields, withType)
		c.setText(text, nil, false)
		d, err := c.match(nil)
		if err == ErrSignatureMismatch {
			continue
		}
		if err == nil {
			d.ID, d.IDSigned = alipayID(text)
			if d.ID != "" && !isName(d.ID) {
				return Delivery{}, ErrFieldAmbiguous
			}
		}
		return d, err
	}
	return Delivery{}, ErrSignatureMismatch
}

// alipayText returns the signed text of sorted fields.
func alipayText(fields []formField, withType bool) []byte {
	var text bytes.Buffer
	for _, field := range fields {
		if field.value == "" || field.name == alipaySign || field.name == alipayType && !withType {
			continue
		}
		if text.Len() > 0 {
			text.WriteByte('&')
		}
		text.WriteString(field.name + "=" + field.value)
	}
	return text.Bytes()
}

// alipayID returns the id in a signed text, which a retry keeps, and whether it is certain that it is the id:
// that the text has only one.
func alipayID(text []byte) (id string, certain bool) {
	_, rest, found := strings.Cut("&"+string(text), "&notify_id=")
	if !found {
		return "", false
	}
	id, _, _ = strings.Cut(rest, "&")
	return id, !strings.Contains(rest, "&notify_id=")
}
