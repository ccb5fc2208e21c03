package doctor

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// style is how a program writes JSON.
type style struct {
	name, text string
	write      func(minified []byte) []byte
}

// The styles of blanks. Keys stay in their order and numbers as they are: what a program changes in those
// can't be found out.
var blankStyles = []style{
	{"minified", "blanks", func(b []byte) []byte { return b }},
	{"indent_2", "an indentation of two blanks", indent("  ")},
	{"indent_4", "an indentation of four blanks", indent("    ")},
	{"indent_tab", "an indentation by tabs", indent("\t")},
	{"spaced", "a blank behind each comma and colon, as Python writes it", spaced},
}

// The styles of strings.
var stringStyles = []style{
	{"", "", func(b []byte) []byte { return b }},
	{"ascii", "letters outside of ASCII as \\u…", restring(escapeUnicode)},
	{"unicode", "letters outside of ASCII as they are", restring(unescapeUnicode)},
	{"slashes", `slashes as \/, as PHP does`, restring(escapeSlashes)},
	{"plain_slashes", "slashes without backslashes", restring(unescapeSlashes)},
	{"html", "<, > and & as \\u…, as Go does", restring(escapeHTML)},
	{"php", `letters outside of ASCII as \u… and slashes as \/, as PHP does`, restring(func(s []byte) []byte { return escapeSlashes(escapeUnicode(s)) })},
}

func indent(by string) func([]byte) []byte {
	return func(minified []byte) []byte {
		var b bytes.Buffer
		if json.Indent(&b, minified, "", by) != nil {
			return nil
		}
		return b.Bytes()
	}
}

// minify returns JSON without blanks, and nil if a text isn't JSON.
func minify(body []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, body) != nil {
		return nil
	}
	return b.Bytes()
}

// spaced writes a blank behind each comma and colon.
func spaced(minified []byte) []byte {
	out := make([]byte, 0, len(minified)+len(minified)/8)
	inString := false
	for i := 0; i < len(minified); i++ {
		c := minified[i]
		out = append(out, c)
		switch {
		case inString && c == '\\':
			if i++; i < len(minified) {
				out = append(out, minified[i])
			}
		case c == '"':
			inString = !inString
		case !inString && (c == ',' || c == ':'):
			out = append(out, ' ')
		}
	}
	return out
}

// restring applies a change to the inside of each string of a JSON text.
func restring(change func([]byte) []byte) func([]byte) []byte {
	return func(text []byte) []byte {
		out := make([]byte, 0, len(text))
		for i := 0; i < len(text); {
			if text[i] != '"' {
				out = append(out, text[i])
				i++
				continue
			}
			end := i + 1
			for end < len(text) && text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end, len(text))
			out = append(append(out, '"'), change(text[i+1:end])...)
			if end < len(text) {
				out = append(out, '"')
			}
			i = end + 1
		}
		return out
	}
}

func escapeUnicode(s []byte) []byte {
	var out []byte
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		switch {
		case r < utf8.RuneSelf || r == utf8.RuneError && n == 1:
			out = append(out, s[:n]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = appendEscape(appendEscape(out, high), low)
		default:
			out = appendEscape(out, r)
		}
		s = s[n:]
	}
	return out
}

func appendEscape(out []byte, r rune) []byte {
	digits := strconv.FormatInt(int64(r), 16)
	return append(append(out, `\u0000`[:6-len(digits)]...), digits...)
}

// unescapeUnicode writes escaped characters outside of ASCII, and those that Go escapes for HTML, as
// themselves.
func unescapeUnicode(s []byte) []byte {
	var out []byte
	for len(s) > 0 {
		if s[0] != '\\' || len(s) < 2 {
			out, s = append(out, s[0]), s[1:]
			continue
		}
		r, n := escaped(s)
		if utf16.IsSurrogate(r) {
			low, m := escaped(s[n:])
			r, n = utf16.DecodeRune(r, low), n+m
		}
		if n > 0 && r != utf8.RuneError && (r >= utf8.RuneSelf || r == '<' || r == '>' || r == '&') {
			out, s = utf8.AppendRune(out, r), s[n:]
			continue
		}
		out, s = append(out, s[:2]...), s[2:]
	}
	return out
}

// escaped reads \uXXXX, and 0, 0 if there is none.
func escaped(s []byte) (rune, int) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, 0
	}
	n, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	if err != nil {
		return 0, 0
	}
	return rune(n), 6
}

func escapeSlashes(s []byte) []byte {
	return bytes.ReplaceAll(unescapeSlashes(s), []byte("/"), []byte(`\/`))
}

func unescapeSlashes(s []byte) []byte {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if s[i+1] != '/' {
				out = append(out, s[i])
			}
			i++
		}
		out = append(out, s[i])
	}
	return out
}

func escapeHTML(s []byte) []byte {
	var out []byte
	for _, c := range s {
		if c == '<' || c == '>' || c == '&' {
			out = appendEscape(out, rune(c))
			continue
		}
		out = append(out, c)
	}
	return out
}
