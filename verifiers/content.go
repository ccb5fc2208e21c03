package verifiers

import (
	"fmt"
	"slices"
	"strings"
)

// content is a compiled template of the signed text: what comes before the body, and what after.
type content struct {
	before, after []part
	hasBody       bool
	byCode        bool // there is no template: the scheme has code
	hasSecret     bool
	secretBehind  bool // the body
	// usesURL and fromJSON tell what besides the headers the text needs.
	usesURL, fromJSON bool
	// covers has the places that stand in it, and whether they are fixed: whether the signed text
	// alone tells where their values begin and end.
	covers     map[placeKey]bool
	coversTime bool
}

// partKind tells what a part of the template stands for.
type partKind uint8

const (
	literalPart partKind = iota
	timestampPart
	methodPart
	urlPart
	secretPart
	placePart
)

// part is a piece of the template other than the body.
type part struct {
	kind    partKind
	literal string  // of literalPart
	place   place   // of placePart
	divider divider // of placePart and methodPart
}

// divider is the literal text between a value and what stands on the side of the body. The value
// must not contain it: "a.b" + "." + "c" would also be "a" + "." + "b.c". It is empty where
// nothing can move over to the other side, or where no literal text stands.
type divider struct {
	text     string
	precedes bool // the value, because the value stands after the body
}

// crosses reports whether a value holds the divider, or would with the divider next to it: with
// "--" between them, "a-" and "b" are also "a" and "-b".
func (d divider) crosses(value string) bool {
	if d.text == "" {
		return false
	}
	for n := 1; n < len(d.text); n++ {
		// Where the divider looks the same moved by n bytes, the value may complete it.
		if d.text[n:] != d.text[:len(d.text)-n] {
			continue
		}
		if d.precedes && strings.HasPrefix(value, d.text[len(d.text)-n:]) || !d.precedes && strings.HasSuffix(value, d.text[:n]) {
			return true
		}
	}
	return strings.Contains(value, d.text)
}

// contentOf compiles the template of a scheme with an algorithm.
func contentOf(template string, a algorithm) (*content, error) {
	if a.kind == tokenKind {
		if template != "" {
			return nil, fmt.Errorf("content %q: nothing is signed where the secret itself is sent: leave it out", template)
		}
		return new(content), nil
	}
	template = orDefault(template, "{body}")
	c, err := parseContent(template)
	if err == nil && a.kind == digestKind && !c.hasSecret {
		return nil, fmt.Errorf("content %q: anybody can compute a plain hash of it: put {secret} in, or use an HMAC", template)
	}
	return c, err
}

// parseContent compiles a template.
func parseContent(template string) (*content, error) {
	c := &content{covers: make(map[placeKey]bool)}
	parts := &c.before
	rest := template
	for rest != "" {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			open = len(rest)
		}
		if open > 0 {
			*parts = append(*parts, part{kind: literalPart, literal: rest[:open]})
			rest = rest[open:]
			continue
		}
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			return nil, fmt.Errorf("content %q: a placeholder isn't closed: end it with }", template)
		}
		name := rest[1:end]
		rest = rest[end+1:]
		switch name {
		case "body":
			if c.hasBody {
				return nil, fmt.Errorf("content %q: {body} stands twice: write it once", template)
			}
			c.hasBody = true
			parts = &c.after
		case "timestamp":
			c.coversTime = true
			*parts = append(*parts, part{kind: timestampPart})
		case "secret":
			if c.hasSecret {
				return nil, fmt.Errorf("content %q: {secret} stands twice: write it once", template)
			}
			c.hasSecret, c.secretBehind = true, c.hasBody
			*parts = append(*parts, part{kind: secretPart})
		case "http_method":
			*parts = append(*parts, part{kind: methodPart})
		case "url":
			c.usesURL = true
			*parts = append(*parts, part{kind: urlPart})
		default:
			kind, _, _ := strings.Cut(name, ":")
			p, err := parsePlace(name, inHeader, inQuery, inJSON)
			switch {
			case err != nil && placeKinds[kind] != 0:
				return nil, fmt.Errorf("content %q: %w", template, err)
			case err != nil:
				return nil, fmt.Errorf("content %q: {%s} is not a placeholder: use {body}, {timestamp}, {http_method}, {url}, {secret}, {header:NAME}, {query:NAME} or {json:PATH}", template, name)
			}
			c.fromJSON = c.fromJSON || p.kind == inJSON
			*parts = append(*parts, part{kind: placePart, place: p})
		}
	}
	c.divide(c.before, 1)
	c.divide(c.after, -1)
	if !c.hasBody && !c.fromJSON && len(c.covers) == 0 && !c.coversTime {
		return nil, fmt.Errorf("content %q: covers nothing of the delivery: add {body}", template)
	}
	return c, nil
}

// divide finds the dividers of the parts on one side of the body and which places are fixed. The
// parts are read as whoever takes the signed text apart has to: from its outer end towards the
// body. That is forwards before the body and backwards after it.
func (c *content) divide(parts []part, step int) {
	fixed := true
	first := 0
	if step < 0 {
		first = len(parts) - 1
	}
	for i := first; i >= 0 && i < len(parts); i += step {
		p := &parts[i]
		next := i + step
		last := next < 0 || next == len(parts)
		switch {
		case p.kind == literalPart || p.kind == timestampPart || p.kind == secretPart:
			continue // a timestamp within tolerance has a certain length: see Unit.parse; and nobody knows the secret
		case p.kind == urlPart:
			fixed = false // dividers are too common in URLs to be refused there: see jsonMarks
		case last:
			fixed = fixed && !c.hasBody
		case parts[next].kind == literalPart:
			p.divider = divider{text: parts[next].literal, precedes: step < 0}
		case parts[next].kind != timestampPart && parts[next].kind != secretPart:
			fixed = false
		}
		if p.kind == placePart {
			c.covers[p.place.key()] = c.covers[p.place.key()] || fixed
		}
	}
}

// bounds reports whether the number at p, the timestamp's place, ends where something other than a
// digit stands in the template, on either side.
func (c *content) bounds(p place) bool {
	parts := slices.Clone(c.before)
	if c.hasBody {
		parts = append(parts, part{}) // no literal text
	}
	parts = append(parts, c.after...)
	isDigit := func(c byte) bool { return c >= '0' && c <= '9' }
	for i, here := range parts {
		if here.kind != timestampPart && (here.kind != placePart || here.place.key() != p.key()) {
			continue
		}
		if i > 0 {
			if text := parts[i-1].literal; text == "" || isDigit(text[len(text)-1]) {
				return false
			}
		}
		if i < len(parts)-1 {
			if text := parts[i+1].literal; text == "" || isDigit(text[0]) {
				return false
			}
		}
	}
	return true
}

// coversPlace reports whether the signature covers what stands at p.
func (c *content) coversPlace(p place) bool {
	_, covered := c.covers[p.key()]
	return covered || p.inBody() && c.hasBody
}

// signedHeaders returns the header fields in the signed text.
func (c *content) signedHeaders() (all []*place) {
	for _, parts := range [][]part{c.before, c.after} {
		for i := range parts {
			if parts[i].kind == placePart && parts[i].place.kind == inHeader {
				all = append(all, &parts[i].place)
			}
		}
	}
	return all
}

// fixesPlace reports whether the signature covers what stands at p, and nobody can move a part of
// it to the body or to another place without breaking the signature.
func (c *content) fixesPlace(p place) bool {
	return c.covers[p.key()] || p.inBody() && c.hasBody
}

// URLForm is how a scheme that signs the URL writes it.
type URLForm string

// The forms of a URL.
const (
	// URLAsSent is the public URL and the target as it arrived.
	URLAsSent URLForm = ""
	// URLDecoded has these escapes, and no others, replaced by what they stand for: those of : / ? @ ! $ ' ( ) *
	// , and ;
	// Source: https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests
	URLDecoded URLForm = "decoded"
)

// reservedEscapes replaces the escapes of URLDecoded, in either case.
var reservedEscapes = func() *strings.Replacer {
	var pairs []string
	for _, c := range ":/?@!$'()*,;" {
		pairs = append(pairs, fmt.Sprintf("%%%02X", c), string(c), fmt.Sprintf("%%%02x", c), string(c))
	}
	return strings.NewReplacer(pairs...)
}()

func decodeReserved(url string) string { return reservedEscapes.Replace(url) }

// jsonMarks are those that no URL may have and every JSON object has near either end. A target with one of
// them may have a part of a body in it that stood beside it in the signed text.
const jsonMarks = "\"{"

// appendParts appends the text of parts to dst.
func appendParts(dst []byte, parts []part, c *Check, body []byte) ([]byte, error) {
	for i := range parts {
		p := &parts[i]
		var text string
		var err error
		switch p.kind {
		case literalPart:
			text = p.literal
		case secretPart:
			c.secretAt = len(dst)
			continue
		case timestampPart:
			text = c.stamp
		case methodPart:
			text = c.request.Method
		case urlPart:
			dst = append(dst, c.verifier.publicURL...)
			if text = c.request.Target; strings.ContainsAny(text, jsonMarks) && c.hasBody {
				return nil, ErrFieldAmbiguous
			}
			if c.rules.decodeURL {
				text = decodeReserved(text)
			}
		case placePart:
			text, err = p.place.read(c.request, body)
		}
		switch {
		case err != nil:
			return nil, err
		case text == "":
			return nil, ErrFieldMissing
		case p.divider.crosses(text):
			return nil, ErrFieldAmbiguous
		}
		dst = append(dst, text...)
	}
	return dst, nil
}
