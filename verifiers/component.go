package verifiers

import (
	"errors"
	"net/textproto"
	"net/url"
	"strings"
)

// origin is the public URL, taken apart: what senders see of the gateway.
type origin struct {
	scheme    string
	authority string // in lower case, without the port of the scheme
	prefix    string // of the path, without a slash at its end
}

func parseOrigin(publicURL string) (origin, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Host == "" {
		return origin{}, errors.New("the public URL can't be read")
	}
	o := origin{scheme: strings.ToLower(u.Scheme), authority: strings.ToLower(u.Host), prefix: strings.TrimSuffix(u.EscapedPath(), "/")}
	switch {
	case o.scheme == "https":
		o.authority = strings.TrimSuffix(o.authority, ":443")
	case o.scheme == "http":
		o.authority = strings.TrimSuffix(o.authority, ":80")
	}
	return o, nil
}

// derived are the components of RFC 9421 that a request has besides its fields, and that are known by their
// names alone.
var derived = []string{"@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query"}

// queryParameter is the component that has a parameter: the name of one of the query.
const queryParameter = "@query-param"

// isComponent reports whether a signature may have to cover a name.
func isComponent(name string) bool {
	for _, d := range derived {
		if name == d {
			return true
		}
	}
	return isLowerName(name)
}

// component returns the value of a component of a request, by section 2 of RFC 9421. Parameters that would have
// a field read in another way than as it was sent are refused.
func (o *origin) component(r Request, item *fieldItem) (string, error) {
	if item.kind != '"' {
		return "", ErrSignatureMalformed
	}
	if item.value == queryParameter {
		name, ok := item.parameter("name")
		if !ok || name.kind != '"' || len(item.parameters) != 1 {
			return "", ErrSignatureMalformed
		}
		return queryValue(r.query(), name.value)
	}
	if len(item.parameters) > 0 || !isComponent(item.value) {
		return "", ErrSignatureMalformed
	}
	target := o.prefix + r.Target
	path, query, _ := strings.Cut(target, "?")
	switch item.value {
	case "@method":
		return r.Method, nil
	case "@target-uri":
		return o.scheme + "://" + o.authority + target, nil
	case "@authority", "host":
		// Servers keep the field Host apart from the others, and whoever sends a request chooses it.
		return o.authority, nil
	case "@scheme":
		return o.scheme, nil
	case "@request-target":
		return target, nil
	case "@path":
		if path == "" {
			path = "/"
		}
		return path, nil
	case "@query":
		return "?" + query, nil
	}
	values := r.Header[textproto.CanonicalMIMEHeaderKey(item.value)]
	if len(values) == 0 {
		return "", ErrFieldMissing
	}
	var trimmed []string
	for _, value := range values {
		if strings.ContainsAny(value, "\r\n") {
			return "", ErrFieldAmbiguous
		}
		trimmed = append(trimmed, strings.Trim(value, " \t"))
	}
	return strings.Join(trimmed, ", "), nil
}

// queryValue returns a parameter of a query as it is signed: decoded and encoded again. One that stands twice
// can't be signed.
func queryValue(query, name string) (value string, err error) {
	name, err = url.PathUnescape(name)
	if err != nil {
		return "", ErrSignatureMalformed
	}
	found := false
	for parameter := range strings.SplitSeq(query, "&") {
		key, text, _ := strings.Cut(parameter, "=")
		if key, err := url.QueryUnescape(key); err != nil || key != name || parameter == "" {
			continue
		}
		if found {
			return "", ErrFieldRepeated
		}
		found = true
		if value, err = url.QueryUnescape(text); err != nil {
			return "", ErrFieldMissing
		}
	}
	if !found {
		return "", ErrFieldMissing
	}
	return escapeBytes(value, "*-._"), nil
}
