package verifiers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Message is what Sign signs.
type Message struct {
	// ID is the delivery's id, in visible ASCII. It is needed where the signature covers it.
	ID string

	// Event is the name of the event. It is sent where the scheme has a header for it.
	Event string

	// Time is the time of signing. Default: the verifier's clock.
	Time time.Time

	// Body is the exact body.
	Body []byte

	// Header has the fields that the scheme signs besides id, event and time, such as a nonce. No other
	// field counts.
	Header http.Header

	// Method and Target are those of the request, for schemes that sign them.
	Method, Target string
}

// Sign returns the header fields that make a request with the message's body a genuine delivery.
// Where the scheme allows several signatures there is one for every secret, otherwise one for
// the first. A public key among the secrets can't sign and is an error, and so is what Options.Space
// says.
func (v *Verifier) Sign(m Message) (http.Header, error) {
	r := v.rules
	engine, can := v.engine.(signing)
	if v.engine != nil && !can {
		return nil, fmt.Errorf("scheme %s: its deliveries can be verified only", r.name)
	}
	inHead := r.signature.kind == inHeader || r.signature.kind == inNumbered
	if v.engine == nil && (!inHead || r.hasTime && r.time.kind != inHeader && r.time.kind != inList) {
		return nil, fmt.Errorf("scheme %s: signatures outside the headers can be verified only", r.name)
	}
	keys := v.valid()
	if len(keys) == 0 {
		return nil, fmt.Errorf("scheme %s: %w", r.name, ErrNoSecretNow)
	}
	if m.Time.IsZero() {
		m.Time = v.now()
	}
	if r.hasTime && m.Time.Unix() < 0 {
		return nil, fmt.Errorf("scheme %s: the time lies before 1970", r.name)
	}
	header := make(http.Header)
	if at := firstHeader(r.ids); at != "" && m.ID != "" {
		if !isVisible(m.ID) {
			return nil, fmt.Errorf("scheme %s: id is over %d bytes or not in visible ASCII, which is all that every receiver reads as it was signed", r.name, maxName)
		}
		header.Set(at, m.ID)
	}
	if at := firstHeader(r.events); at != "" && m.Event != "" {
		if !isName(m.Event) {
			return nil, fmt.Errorf("scheme %s: event has characters that a header can't carry", r.name)
		}
		header.Set(at, m.Event)
	}
	c := v.checks.Get().(*Check)
	defer c.Close()
	c.rules, c.hasBody = r, r.content.hasBody
	c.request = Request{Method: m.Method, Header: header, Target: m.Target}
	if engine != nil {
		if err := engine.sign(c, m); errors.Is(err, ErrNotGenuine) {
			return nil, fmt.Errorf("scheme %s: %v", r.name, err) // not %w, as below
		} else if err != nil {
			return nil, fmt.Errorf("scheme %s: %w", r.name, err)
		}
		return header, nil
	}
	for _, p := range r.content.signedHeaders() {
		if _, set := header[p.name]; !set && len(m.Header[p.name]) > 0 {
			header[p.name] = m.Header[p.name]
		}
	}
	if r.hasKeyID && r.keyID.kind == inHeader && keys[0].label != "" {
		header.Set(r.keyID.name, keys[0].label)
	}
	if r.hasTime {
		c.stamp = r.unit.text(m.Time)
		if r.time.kind == inHeader {
			header.Set(r.time.name, c.stamp)
		}
	}
	if err := c.writeText(m.Body); err != nil {
		if errors.Is(err, ErrFieldMissing) {
			return nil, fmt.Errorf("scheme %s: signs a field that the message doesn't have, such as its id", r.name)
		}
		// Not %w: ErrNotGenuine is said of what was received.
		return nil, fmt.Errorf("scheme %s: %v", r.name, err)
	}
	values, err := c.signatureValues(keys, m.Body)
	if err != nil {
		return nil, fmt.Errorf("scheme %s: %w", r.name, err)
	}
	if r.signature.kind == inHeader {
		header[r.signature.name] = values
		return header, nil
	}
	for i, value := range values {
		header.Set(r.signature.name+strconv.Itoa(i+1), value)
	}
	return header, nil
}

// signatureValues returns the values of the signature's header fields, by the secrets that are used now. To
// ask for those again would be to ask at another time.
func (c *Check) signatureValues(keys []*keyed, body []byte) ([]string, error) {
	if len(keys) == 0 {
		return nil, ErrNoSecretNow
	}
	r := c.rules
	var entries []string
	var message []byte
	if c.verifier.public > 0 {
		text, release, err := c.message(body)
		if err != nil {
			return nil, err
		}
		defer release()
		message = text
	}
	for i, key := range keys {
		prefix := ""
		if r.list != nil {
			switch prefix = r.list.Key + r.list.Assign; {
			case prefix == "*":
				prefix = "" // entries without keys
			case r.list.Key == "*":
				prefix = orDefault(key.label, "1") + r.list.Assign
			}
			if key.public != nil && r.algorithm.kind != publicKind {
				prefix = r.list.Ed25519 + r.list.Assign
			}
		}
		var sum []byte
		switch {
		case r.algorithm.kind == tokenKind:
			sum = key.secret
		case key.private != nil:
			var err error
			if sum, err = key.signMessage(message); err != nil {
				return nil, err
			}
		case key.public != nil:
			return nil, fmt.Errorf("secret %d is a public key, which can't sign: use the private key", i+1)
		default:
			sum = c.sumUnder(key, body)
		}
		entries = append(entries, prefix+r.encoding.encode(sum))
		if !r.several {
			break
		}
	}
	if r.list == nil || r.list.Separator == "" {
		return entries, nil
	}
	if r.time.kind == inList {
		entries = slices.Insert(entries, 0, r.time.name+r.list.Assign+c.stamp)
	}
	return []string{strings.Join(entries, r.list.Separator)}, nil
}

// HeaderNames returns the names of the header fields that belong to the scheme: those that Sign
// sets, and those of its alternative. Whoever signs a request removes them from it first.
func (v *Verifier) HeaderNames() []string {
	var names []string
	add := func(p *place) {
		for i := 1; p.kind == inNumbered && i <= MaxSignatures; i++ {
			names = append(names, p.name+strconv.Itoa(i))
		}
		if p.kind == inHeader && !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	for r := v.rules; r != nil; r = r.alternative {
		add(&r.signature)
		if r.hasTime {
			add(&r.time)
		}
		if r.hasKeyID {
			add(&r.keyID)
		}
		for _, p := range r.content.signedHeaders() {
			add(p)
		}
		for _, places := range [][]name{r.ids, r.events} {
			for i := range places {
				add(&places[i].place)
			}
		}
		names = append(names, r.headers...)
	}
	return names
}

// firstHeader returns the name of the first place that is a header, or "".
func firstHeader(places []name) string {
	for i := range places {
		if places[i].kind == inHeader {
			return places[i].name
		}
	}
	return ""
}
