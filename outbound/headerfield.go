package outbound

import (
	"fmt"
	"slices"
	"strings"
)

// The bounds of the header fields that an endpoint or a message may have.
const (
	maxFields     = 50
	maxFieldName  = 256
	maxFieldValue = 4 << 10
)

// ownFields, folded, say where a request's body begins and ends, what it is and whom it goes to, or
// belong to one connection. Nobody else may set them.
var ownFields = []string{
	"connection", "content-encoding", "content-length", "content-type", "expect", "host", "keep-alive",
	"te", "trailer", "trailers", "transfer-encoding", "upgrade",
}

// ownPrefixes, folded, are what fields begin with that belong to a proxy, or by which a subscriber tells
// what is signed. They count under every scheme, so that an endpoint's scheme can be changed.
var ownPrefixes = []string{"proxy-", "svix-", "webhook-"}

// checkFields returns an *InvalidError about Headers unless they can be sent with an attempt. The fields
// of a scheme, folded, can't.
func checkFields(fields map[string]string, scheme []string) error {
	wrong := func(format string, args ...any) error {
		return &InvalidError{"Headers", fmt.Sprintf(format, args...)}
	}
	if len(fields) > maxFields {
		return wrong("are more than %d: leave some out", maxFields)
	}
	seen := make(map[string]bool, len(fields))
	for name, value := range fields {
		if !isToken(name) || len(name) > maxFieldName {
			return wrong("have a name that is empty, longer than %d or has characters that no header's name has", maxFieldName)
		}
		folded := fold(name)
		switch {
		case slices.Contains(ownFields, folded), slices.ContainsFunc(ownPrefixes, func(prefix string) bool { return strings.HasPrefix(folded, prefix) }):
			return wrong("have %s, which is set here or belongs to the connection: leave it out", name)
		case slices.Contains(scheme, folded):
			return wrong("have %s, which belongs to the endpoint's scheme: leave it out", name)
		case seen[folded]:
			return wrong("have %s twice, in two spellings: leave one out", name)
		case len(value) > maxFieldValue:
			return wrong("have a value of %s that is longer than %d bytes: shorten it", name, maxFieldValue)
		case !isFieldValue(value):
			return wrong("have a value of %s with a control character, or a blank at an end: leave that out", name)
		}
		seen[folded] = true
	}
	return nil
}

// fold returns the name of a header field as an app behind another server may see it: whatever its
// case, and whatever stands for the hyphen, because some servers make an underscore of everything else.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z':
			return r
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		}
		return '-'
	}, name)
}

func foldAll(names []string) []string {
	folded := make([]string, len(names))
	for i, name := range names {
		folded[i] = fold(name)
	}
	return folded
}

// isToken reports whether a text can be the name of a header field (RFC 9110, section 5.6.2).
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return !isLetterOrDigit(r) && (r > '~' || !strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}

// isFieldValue reports whether a text arrives as it is in a header field: nothing in it ends the field,
// and nothing is cut off it.
func isFieldValue(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return strings.Trim(text, " \t") == text
}

func isLetterOrDigit(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
