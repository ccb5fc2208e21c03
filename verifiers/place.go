package verifiers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// Request is what a check reads of an HTTP request besides its body.
type Request struct {
	// Method is the request's method.
	Method string
	// Header holds the header fields, with canonical names.
	Header http.Header
	// Target is the path and query as they arrived, before anything rewrote them.
	Target string
	// Context ends the wait for a key that the scheme has to fetch, as when the sender hangs up. Default: one
	// that never ends, so that only the fetch's own bound of five seconds does.
	Context context.Context
	// Peer tells who sent the request from others, such as an address. Of what a scheme has to fetch no peer may
	// ask for so much that nothing is left for the others. Default: all are one.
	Peer string
}

// context returns the context.
func (r Request) context() context.Context {
	if r.Context == nil {
		return context.Background()
	}
	return r.Context
}

// query returns the undecoded query of the target.
func (r Request) query() string {
	_, query, _ := strings.Cut(r.Target, "?")
	return query
}

// placeKind tells where a place is.
type placeKind uint8

const (
	inHeader placeKind = iota + 1
	inQuery
	inJSON
	inList
	inNumbered // several header fields, told apart by a number at their end
	inEach     // several values in the body
	inForm     // a field of a form in the body
)

var placeKinds = map[string]placeKind{"header": inHeader, "query": inQuery, "json": inJSON, "list": inList, "form": inForm}

// place is one compiled "kind:name" of a scheme.
type place struct {
	text string // as the scheme writes it
	kind placeKind
	name string
	path jsonpath.Path    // of inJSON
	each jsonpath.Pattern // of inEach
}

// placeKey is equal for two places exactly when they are the same.
type placeKey struct {
	kind placeKind
	name string
}

func (p *place) key() placeKey { return placeKey{p.kind, p.name} }

// inBody reports whether the place is in the body.
func (p *place) inBody() bool { return p.kind == inJSON || p.kind == inEach || p.kind == inForm }

// parsePlace reads "kind:name", where the kind is one of the allowed ones.
func parsePlace(text string, allowed ...placeKind) (place, error) {
	kind, name, _ := strings.Cut(text, ":")
	p := place{text: text, kind: placeKinds[kind], name: name}
	switch {
	case p.kind == inHeader && strings.HasSuffix(name, "-*"):
		p.kind, p.name = inNumbered, strings.TrimSuffix(name, "*")
	case p.kind == inJSON && jsonpath.IsPattern(name):
		p.kind = inEach
	}
	ok := false
	for _, k := range allowed {
		ok = ok || k == p.kind
	}
	if !ok || name == "" {
		var forms []string
		for _, form := range []string{"header:NAME", "query:NAME", "json:PATH", "form:NAME", "list:KEY"} {
			for _, k := range allowed {
				if kind, _, _ := strings.Cut(form, ":"); placeKinds[kind] == k {
					forms = append(forms, form)
				}
			}
		}
		return place{}, fmt.Errorf("place %q: write it as %s", text, strings.Join(forms, " or "))
	}
	switch p.kind {
	case inHeader, inNumbered:
		p.name = textproto.CanonicalMIMEHeaderKey(p.name)
	case inEach:
		var err error
		if p.each, err = jsonpath.ParsePattern(name); err != nil {
			return place{}, fmt.Errorf("place %q: %v", text, err)
		}
	case inJSON:
		var err error
		if p.path, err = jsonpath.ParsePath(name); err != nil {
			return place{}, fmt.Errorf("place %q: %v", text, err)
		}
	}
	return p, nil
}

// read returns the value of a place wherever it is.
func (p *place) read(r Request, body []byte) (string, error) {
	if p.kind == inJSON {
		return p.fromBody(body)
	}
	return p.fromHead(r)
}

// fromHead returns the value of a place in the header or the query. A place that isn't there is
// "" without an error; one that stands twice is an error, because whoever reads the request after
// us may take the other one.
func (p *place) fromHead(r Request) (string, error) {
	if p.kind == inHeader {
		switch values := r.Header[p.name]; len(values) {
		case 0:
			return "", nil
		case 1:
			return values[0], nil
		}
		return "", ErrFieldRepeated
	}
	query, err := url.ParseQuery(r.query())
	if err != nil {
		return "", ErrFieldMissing
	}
	values, php := query[p.name], inPHP(p.name)
	for name := range query {
		if len(values) > 0 && name != p.name && inPHP(name) == php {
			return "", ErrFieldRepeated
		}
	}
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", ErrFieldRepeated
}

// inPHP returns the name by which a server in PHP finds a parameter: data.id and data_id are one to it, and the
// last of them counts.
func inPHP(name string) string { return unusedInPHP.Replace(strings.TrimLeft(name, " ")) }

var unusedInPHP = strings.NewReplacer(".", "_", " ", "_", "[", "_")

// numbered returns the values of the header fields whose names are that of the place and a number.
// Their order doesn't matter: whichever matches counts.
func (p *place) numbered(h http.Header) (all []string, err error) {
	for name, values := range h {
		number, ok := strings.CutPrefix(name, p.name)
		if !ok || number == "" || strings.Trim(number, "0123456789") != "" {
			continue
		}
		if len(values) > 1 {
			return nil, ErrFieldRepeated
		}
		all = append(all, values...)
	}
	return all, nil
}

// common returns the one value that a place has everywhere in the body, and "" where the values differ or
// one of them is missing.
func (p *place) common(body []byte) string {
	first := ""
	err := p.each.Each(body, func(v jsonpath.Value) error {
		text, err := v.Scalar()
		if first == "" {
			first = text
		}
		if err != nil || text != first || text == "" {
			return jsonpath.ErrAmbiguous
		}
		return nil
	})
	if err != nil {
		return ""
	}
	return first
}

// fromBody returns the value of a place in the body. A body that isn't JSON, or no form, has no values.
func (p *place) fromBody(body []byte) (string, error) {
	if p.kind == inForm {
		fields, _ := readForm(body)
		return formValue(fields, p.name)
	}
	value, err := p.path.Find(body)
	return scalar(jsonpath.Found{Value: value, Err: err})
}

// scalar returns the value that a place in the body leads to.
func scalar(found jsonpath.Found) (string, error) {
	switch {
	case errors.Is(found.Err, jsonpath.ErrAmbiguous):
		return "", ErrFieldRepeated
	case found.Err != nil:
		return "", nil
	}
	text, err := found.Value.Scalar()
	if err != nil {
		return "", nil
	}
	return text, nil
}
