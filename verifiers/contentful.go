package verifiers

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
)

// contentful verifies what Contentful signs: the method, the path and query, encoded once more, the header
// fields that the delivery lists, and the body. The list itself and the time are always among them.
//
// Source: https://www.contentful.com/developers/docs/extensibility/app-framework/request-verification/ and
// signRequest of @contentful/node-apps-toolkit
type contentful struct {
	// prefix is the path of the public URL, where a proxy in front of the gateway cuts one off.
	prefix string
}

// The header fields that the signature always covers, as the list names them.
const (
	contentfulList = "x-contentful-signed-headers"
	contentfulTime = "x-contentful-timestamp"
)

func openContentful(s setup) (engine, error) {
	u, err := url.Parse(s.options.PublicURL)
	if err != nil {
		return contentful{}, nil
	}
	return contentful{strings.TrimSuffix(u.EscapedPath(), "/")}, nil
}

func (e contentful) head(c *Check) error {
	if err := c.readSignatures(nil); err != nil {
		return err
	}
	if err := c.readTime(nil); err != nil {
		return err
	}
	names, err := coveredNames(c.request.Header, contentfulList, ",")
	if err != nil {
		return err
	}
	if !slices.Contains(names, contentfulList) || !slices.Contains(names, contentfulTime) {
		return ErrFieldMissing
	}
	return e.write(c, names)
}

func (e contentful) verify(c *Check, body []byte) (Delivery, error) {
	if err := c.fresh(c.signed); err != nil {
		return Delivery{}, err
	}
	d, err := c.match(body)
	if err != nil {
		return d, err
	}
	// The id is signed if its header is on the list, which is signed. What counts is the text that is signed:
	// with a blank behind it a copy would have another id, or none.
	for i := range c.rules.ids {
		name := strings.ToLower(c.rules.ids[i].name)
		names, _ := coveredNames(c.request.Header, contentfulList, ",")
		if text, err := coveredValue(c.request.Header, name); err == nil && isName(text) && slices.Contains(names, name) {
			d.ID, d.IDSigned = text, true
			break
		}
	}
	return d, nil
}

// write writes the signed text of a request with the named header fields.
func (e contentful) write(c *Check, names []string) error {
	target, err := contentfulPath(e.prefix + c.request.Target)
	if err != nil {
		return err
	}
	slices.Sort(names)
	text := bytes.NewBufferString(c.request.Method + "\n" + target + "\n")
	for i, name := range names {
		value, err := coveredValue(c.request.Header, name)
		if err != nil {
			return err
		}
		if name == contentfulList {
			value = strings.Join(names, ",")
		}
		// With the name of another field in it, the value could be two.
		for _, other := range names {
			if strings.Contains(value, ";"+other+":") {
				return ErrFieldAmbiguous
			}
		}
		if i > 0 {
			text.WriteByte(';')
		}
		text.WriteString(name + ":" + value)
	}
	text.WriteByte('\n')
	c.setText(text.Bytes(), nil, true)
	return nil
}

func (e contentful) sign(c *Check, m Message) error {
	header := c.request.Header
	names := []string{contentfulList, contentfulTime}
	for name := range header {
		names = append(names, strings.ToLower(name)) // the id and the event
	}
	slices.Sort(names)
	c.stamp = c.rules.unit.text(m.Time)
	header.Set(contentfulTime, c.stamp)
	header.Set(contentfulList, strings.Join(names, ","))
	if err := e.write(c, names); err != nil {
		return err
	}
	values, err := c.signatureValues(c.verifier.valid(), m.Body)
	header[c.rules.signature.name] = values
	return err
}

// contentfulPath returns the path and query as they are signed: the query as JavaScript's
// querystring.escape writes it, and then both as encodeURI does, so that a percent sign is escaped
// wherever it stands. Of a target with a second question mark the toolkit drops what follows that;
// it is refused, because anything could stand there.
func contentfulPath(target string) (string, error) {
	path, query, _ := strings.Cut(target, "?")
	if strings.Contains(query, "?") {
		return "", ErrFieldAmbiguous
	}
	text := escapeBytes(path, "-_.!~*'();/?:@&=+$,#")
	if query != "" {
		text += "?" + strings.ReplaceAll(escapeBytes(query, "-_.!~*'()"), "%", "%25")
	}
	return text, nil
}
