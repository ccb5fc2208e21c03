package verifiers

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
)

// hook0 verifies the signatures of Hook0, and of those who send with it. The signature's header is a list:
// the time t, the names h of the header fields that are signed, the signature v1 over the time, those names,
// their values and the body, and the older signature v0 over the time and the body. Points stand between all
// of them, and in some.
//
// Source: https://documentation.hook0.com/tutorials/webhook-authentication
type hook0 struct {
	// old accepts v0 from whoever doesn't send v1.
	old bool

	// object says that every body is a JSON object. Then it is certain where the body begins, because no
	// signed header field may have a bracket in it.
	object bool
}

func openHook0(setup) (engine, error)       { return hook0{old: true}, nil }
func openCoinbaseCDP(setup) (engine, error) { return hook0{object: true}, nil }

// hook0List is the signature's header, taken apart.
type hook0List struct{ time, names, v0, v1 string }

// readHook0 reads the signature's header. A key that stands twice is refused: libraries disagree on which one
// counts. Keys that aren't known are other versions.
func readHook0(value string) (list hook0List, err error) {
	keys := map[string]*string{"t": &list.time, "h": &list.names, "v0": &list.v0, "v1": &list.v1}
	for entry := range strings.SplitSeq(value, ",") {
		key, text, _ := strings.Cut(strings.TrimSpace(entry), "=")
		at, known := keys[key]
		if !known {
			continue
		}
		if at == nil {
			return hook0List{}, ErrFieldRepeated
		}
		*at, keys[key] = text, nil
	}
	return list, nil
}

func (e hook0) head(c *Check) error {
	value, err := c.rules.signature.fromHead(c.request)
	if err != nil {
		return err
	}
	list, err := readHook0(value)
	if err != nil {
		return err
	}
	signature := list.v1
	if signature == "" && e.old {
		signature = list.v0
	}
	if signature == "" {
		return ErrSignatureMissing
	}
	c.signatures = c.signatures[:0]
	c.addSignature(signature, false)
	if len(c.signatures) == 0 {
		return ErrSignatureMalformed
	}
	c.stamp = list.time
	if c.signed, err = c.rules.unit.parse(list.time); err != nil {
		return err
	}
	if err := c.fresh(c.signed); err != nil {
		return err
	}
	c.state = list.v1 == ""
	if list.v1 == "" {
		c.setText([]byte(list.time+"."), nil, true)
		return nil
	}
	names, err := parseCovered(list.names, " ")
	if err != nil {
		return err
	}
	return e.write(c, names)
}

// write writes the signed text of v1. The libraries leave out a listed field that isn't there; it is refused
// here, because then a part of the body could stand in its place. So is a value with a bracket, which may have
// the beginning of a JSON body in it.
func (e hook0) write(c *Check, names []string) error {
	parts := []string{c.stamp, strings.Join(names, " ")}
	for _, name := range names {
		value, err := coveredValue(c.request.Header, name)
		if err != nil {
			return err
		}
		if strings.ContainsAny(value, "{[") {
			return ErrFieldAmbiguous
		}
		parts = append(parts, value)
	}
	c.setText([]byte(strings.Join(parts, ".")+"."), nil, true)
	return nil
}

func (e hook0) verify(c *Check, body []byte) (Delivery, error) {
	if err := c.fresh(c.signed); err != nil {
		return Delivery{}, err
	}
	if e.object && (len(body) == 0 || body[0] != '{') || c.state.(bool) && beginsAsV1(string(body)) {
		return Delivery{}, ErrFieldAmbiguous
	}
	d, err := c.match(body)
	if err != nil {
		return Delivery{}, err
	}
	// Both versions of one delivery are the same delivery, so that who has it can't send it again with v1
	// left out.
	sum := sha256.New()
	sum.Write([]byte(c.stamp + "."))
	sum.Write(body)
	d.identify(tagContent, sum.Sum(nil))
	return d, nil
}

// beginsAsV1 reports whether a body that v0 signs may be the names, values and body that v1 signs: both have
// nothing before it but the time. JSON never is.
func beginsAsV1(body string) bool {
	list, values, _ := strings.Cut(body, ".")
	names, err := parseCovered(list, " ")
	return err == nil && strings.Count(values, ".") >= len(names)
}

// sign signs the id and the event, and v0 where a message has neither.
func (e hook0) sign(c *Check, m Message) error {
	header := c.request.Header
	var names []string
	for name := range header {
		names = append(names, strings.ToLower(name))
	}
	slices.Sort(names)
	c.stamp = c.rules.unit.text(m.Time)
	version := "v0"
	switch {
	case len(names) > 0:
		if err := e.write(c, names); err != nil {
			return err
		}
		version = "h=" + strings.Join(names, " ") + ",v1"
	case e.old:
		c.setText([]byte(c.stamp+"."), nil, true)
	default:
		return errors.New("the signature needs a header field to cover: give the message an id or an event")
	}
	keys := c.verifier.valid()
	if len(keys) == 0 {
		return ErrNoSecretNow
	}
	sum := c.sumUnder(keys[0], m.Body)
	header.Set(c.rules.signature.name, "t="+c.stamp+","+version+"="+c.rules.encoding.encode(sum))
	return nil
}
