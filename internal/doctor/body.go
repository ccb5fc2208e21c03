package doctor

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/url"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// bodyChange is a way in which a body gets changed between the sender and the verifier.
type bodyChange struct {
	name, text string
	change     func([]byte) []byte // nil if there is nothing to change
}

const asSent = ": verify the bytes as they arrived"

// maxUnpacked bounds what a compressed body is decompressed to.
const maxUnpacked = 64 << 20

var bodyChanges = []bodyChange{
	{"newline_added", "the body ends in a line break that wasn't sent: an editor or echo added it" + asSent, func(b []byte) []byte {
		return cut(bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r")), b)
	}},
	{"newline_removed", "the body was sent with a line break at its end, which is missing" + asSent, func(b []byte) []byte { return join(b, "\n") }},
	{"newline_removed", "the body was sent with a line break at its end, which is missing" + asSent, func(b []byte) []byte { return join(b, "\r\n") }},
	{"blanks", "there are blanks or line breaks around the body that weren't sent" + asSent, func(b []byte) []byte { return cut(bytes.TrimSpace(b), b) }},
	{"crlf", "the body's line ends are CR LF, and LF was sent: something changed them (git, an editor, a copy from a terminal)" + asSent, toLF},
	{"crlf_newline", "the body's line ends are CR LF, and LF was sent, without one at the end" + asSent, func(b []byte) []byte {
		return bytes.TrimSuffix(toLF(b), []byte("\n"))
	}},
	{"lf", "the body's line ends are LF, and CR LF was sent: something changed them" + asSent, toCRLF},
	{"lf_newline", "the body's line ends are LF, and CR LF was sent, also at the end" + asSent, func(b []byte) []byte {
		return join(toCRLF(b), "\r\n")
	}},
	{"bom", "the body begins with a byte order mark that wasn't sent: an editor added it" + asSent, func(b []byte) []byte { return cut(bytes.TrimPrefix(b, []byte(bom)), b) }},
	{"bom_removed", "the body was sent with a byte order mark, which is missing" + asSent, func(b []byte) []byte { return append([]byte(bom), b...) }},
	{"gzip_not_decoded", "the body is compressed, and the sender signed it before compressing: something compressed it on its way", func(b []byte) []byte {
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil
		}
		plain, err := io.ReadAll(io.LimitReader(r, maxUnpacked))
		if err != nil {
			return nil
		}
		return plain
	}},
	{"base64", "the body is in base64, as some platforms hand it over (isBase64Encoded): decode it first", func(b []byte) []byte {
		plain, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(b)))
		if err != nil {
			return nil
		}
		return plain
	}},
	{"quoted", "the body is a JSON string that holds what was sent: something quoted it", func(b []byte) []byte {
		var text string
		if json.Unmarshal(b, &text) != nil {
			return nil
		}
		return []byte(text)
	}},
	{"utf8_as_latin1", "the body's letters outside of ASCII were read as Latin-1 and written as UTF-8: read the body as bytes, not as text", func(b []byte) []byte {
		out := make([]byte, 0, len(b))
		for _, r := range string(b) {
			if r > 0xff {
				return nil
			}
			out = append(out, byte(r))
		}
		return cut(out, b)
	}},
	{"latin1_as_utf8", "the body was sent in UTF-8 and is in Latin-1 here: read the body as bytes, not as text", func(b []byte) []byte {
		if utf8.Valid(b) {
			return nil
		}
		var out []byte
		for _, c := range b {
			out = utf8.AppendRune(out, rune(c))
		}
		return out
	}},
	{"form_decoded", "the body is a form that was decoded, and was sent percent-encoded" + asSent, func(b []byte) []byte {
		name, value, ok := bytes.Cut(b, []byte("="))
		if !ok || bytes.ContainsAny(name, "{[\"") {
			return nil
		}
		return []byte(string(name) + "=" + url.QueryEscape(string(value)))
	}},
	{"form_encoded", "the body is percent-encoded, and what was signed is the text in it", func(b []byte) []byte {
		text, err := url.QueryUnescape(string(b))
		if err != nil {
			return nil
		}
		return cut([]byte(text), b)
	}},
	{"utf16", "the body is in UTF-16, and was sent in UTF-8: an editor or PowerShell wrote it so", func(b []byte) []byte {
		var text []rune
		switch {
		case bytes.HasPrefix(b, []byte("\xff\xfe")):
			text = fromUTF16(b[2:], binary.LittleEndian)
		case bytes.HasPrefix(b, []byte("\xfe\xff")):
			text = fromUTF16(b[2:], binary.BigEndian)
		default:
			return nil
		}
		return []byte(string(text))
	}},
	{"dropped", "the sender signed no body, and one arrived", func(b []byte) []byte { return cut([]byte{}, b) }},
}

const bom = "\ufeff"

func fromUTF16(b []byte, order binary.ByteOrder) []rune {
	var units []uint16
	for ; len(b) > 1; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return utf16.Decode(units)
}

// cut returns the changed body, or nil if it is what it was.
func cut(changed, b []byte) []byte {
	if bytes.Equal(changed, b) {
		return nil
	}
	return changed
}

// join returns a body with something behind it.
func join(b []byte, end string) []byte {
	if b == nil {
		return nil
	}
	return append(bytes.Clone(b), end...)
}

func toLF(b []byte) []byte {
	return cut(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), b)
}

func toCRLF(b []byte) []byte {
	if bytes.Contains(b, []byte("\r\n")) {
		return nil
	}
	return cut(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")), b)
}

// ofBody changes the body.
func ofBody(c Case) []variation {
	var all []variation
	add := func(name, text string, change func([]byte) []byte) {
		all = append(all, variation{Change{OfBody, name, text}, func(c *Case) bool {
			body := change(c.Body)
			c.Body = body
			return body != nil
		}})
	}
	if length, err := strconv.Atoi(c.Header.Get("Content-Length")); err == nil && length >= 0 {
		add("longer", "more stands behind the body than Content-Length announces: leave it out", func(b []byte) []byte {
			return cut(b[:min(length, len(b))], b)
		})
	}
	for _, change := range bodyChanges {
		add(change.name, change.text, change.change)
	}
	if level := c.Header.Get("Content-Encoding"); level == "gzip" || level == "x-gzip" {
		for level := gzip.HuffmanOnly; level <= gzip.BestCompression; level++ {
			add("gzip_decoded", "the body was sent compressed and signed so, and is decompressed here: verify before anything decodes it", func(b []byte) []byte { return compressed(b, level) })
		}
	}
	var minified []byte
	if len(c.Body) < maxUnpacked {
		minified = minify(c.Body)
	}
	if minified == nil {
		return all
	}
	for _, strings := range stringStyles {
		for _, blanks := range blankStyles {
			for _, end := range []string{"", "\n"} {
				name, text := blanks.name, "the body was parsed and written anew: it was sent "+withOrWithout(blanks)
				if strings.name != "" {
					name += "_" + strings.name
					text += " and with " + strings.text
				}
				if end != "" {
					name += "_newline"
					text += " and a line break at its end"
				}
				add("json_"+name, text+asSent, func(b []byte) []byte {
					return cut(append(bytes.Clone(strings.write(blanks.write(minified))), end...), b)
				})
			}
		}
	}
	return all
}

func withOrWithout(blanks style) string {
	if blanks.name == "minified" {
		return "without blanks"
	}
	return "with " + blanks.text
}

func compressed(b []byte, level int) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		return nil
	}
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}
