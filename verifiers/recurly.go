package verifiers

import "strings"

// recurly verifies Recurly's notifications: the signature's header is a list without keys, of the time and then
// as many signatures as secrets are in force.
//
// Source: https://github.com/recurly/recurly-client-ruby/blob/v3-v2021-02-25/lib/recurly/webhooks.rb
type recurly struct{}

func openRecurly(setup) (engine, error) { return recurly{}, nil }

func (recurly) head(c *Check) error {
	value, err := c.rules.signature.fromHead(c.request)
	if err != nil {
		return err
	}
	stamp, signatures, _ := strings.Cut(value, ",")
	c.signatures = c.signatures[:0]
	if err := c.addSignatures([]string{signatures}); err != nil {
		return err
	}
	c.stamp = stamp
	if c.signed, err = c.rules.unit.parse(stamp); err != nil {
		return err
	}
	c.setText([]byte(stamp+"."), nil, true)
	return c.fresh(c.signed)
}

func (recurly) verify(c *Check, body []byte) (Delivery, error) {
	if err := c.fresh(c.signed); err != nil {
		return Delivery{}, err
	}
	return c.match(body)
}

// sign signs with every secret that is in force.
func (recurly) sign(c *Check, m Message) error {
	c.stamp = c.rules.unit.text(m.Time)
	c.setText([]byte(c.stamp+"."), nil, true)
	entries := []string{c.stamp}
	for _, key := range c.verifier.valid() {
		entries = append(entries, c.rules.encoding.encode(c.sumUnder(key, m.Body)))
	}
	if len(entries) == 1 {
		return ErrNoSecretNow
	}
	c.request.Header.Set(c.rules.signature.name, strings.Join(entries, ","))
	return nil
}
