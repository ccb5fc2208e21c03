package verifiers

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// name is one of the places where a scheme's id or event may be.
type name struct {
	place
	signed bool // the signature covers it
	path   int  // its path's index among those of the rules, of inJSON
}

// headName is the first of several names that stands in the header or the query: its text and
// its index, which is len(names) where none does.
type headName struct {
	text string
	at   int
}

// inHead reads the names of the header and the query. All of them must be single: whoever reads
// the request after us may prefer another one.
func inHead(names []name, r Request) (headName, error) {
	first := headName{at: len(names)}
	for i := range names {
		if names[i].inBody() {
			continue
		}
		text, err := names[i].fromHead(r)
		if err != nil {
			return first, err
		}
		if first.at == len(names) && isName(text) {
			first = headName{text, i}
		}
	}
	return first, nil
}

// needsBody reports whether a name in the body would count before the head's.
func (h headName) needsBody(names []name) bool {
	return slices.ContainsFunc(names[:h.at], func(n name) bool { return n.inBody() })
}

// first returns the first name that is there, given the head's, the body and what the paths found in it,
// and whether the signature covers it.
func (h headName) first(names []name, found []jsonpath.Found, body []byte) (string, bool) {
	for i := range names {
		if i == h.at {
			return h.text, names[i].signed
		}
		if names[i].kind == inEach {
			if text := names[i].common(body); isName(text) {
				return text, names[i].signed
			}
			continue
		}
		if names[i].kind == inForm {
			if text, err := names[i].fromBody(body); err == nil && isName(text) {
				return text, names[i].signed
			}
			continue
		}
		if names[i].kind != inJSON {
			continue
		}
		// A name that stands twice in the body is none.
		if text, err := scalar(found[names[i].path]); err == nil && isName(text) {
			return text, names[i].signed
		}
	}
	return "", false
}

// maxName bounds ids and event names; the longest that providers send are under 200 bytes.
const maxName = 512

// isName reports whether an id or event may be passed on: it becomes a header field and part of
// log lines.
func isName(text string) bool {
	if text == "" || len(text) > maxName {
		return false
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' {
			return isForeignName(text)
		}
	}
	return text[0] != ' ' && text[len(text)-1] != ' '
}

// isVisible reports whether an id may be signed. Servers that take the bytes of a header for Latin-1, as
// Node's and those of WSGI do, would have the signature of another id checked.
func isVisible(text string) bool {
	if len(text) > maxName {
		return false
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// isForeignName is isName of a text that isn't all ASCII, which few are.
func isForeignName(text string) bool {
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return utf8.ValidString(text) && text == strings.TrimSpace(text)
}
