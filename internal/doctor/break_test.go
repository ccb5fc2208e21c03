package doctor

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hookseal/hookseal/verifiers"
)

// breakage is one thing that people get wrong.
type breakage struct {
	name string
	// by does it to a genuine case, and returns false where it can't be done.
	by func(*Case) bool
	// kind and names are those of the change that explains it.
	kind  Kind
	names []string
	// least is how many presets it must break for the test to have shown something.
	least int
}

func ofText(change func(string) string) func(*Case) bool {
	return func(c *Case) bool {
		text := change(c.Secret())
		c.Secret = func() string { return text }
		return text != ""
	}
}

func ofBytes(change func([]byte) []byte) func(*Case) bool {
	return func(c *Case) bool {
		c.Body = change(bytes.Clone(c.Body))
		return c.Body != nil
	}
}

// signatureField returns the name of the field that has the signature, if there is one.
func signatureField(c *Case) string {
	name, ok := strings.CutPrefix(c.Scheme.Signature.From, "header:")
	name = http.CanonicalHeaderKey(strings.Replace(name, "*", "1", 1))
	if !ok || len(c.Header[name]) != 1 {
		return ""
	}
	return name
}

// ofSignature changes the value of the signature's field.
func ofSignature(change func(string) string) func(*Case) bool {
	return func(c *Case) bool {
		name := signatureField(c)
		if name == "" {
			return false
		}
		c.Header = c.Header.Clone()
		c.Header[name] = []string{change(c.Header[name][0])}
		return true
	}
}

// remarshal writes JSON anew, with its keys in the order that they have: the test bodies' are sorted.
func remarshal(indent string) func([]byte) []byte {
	return func(b []byte) []byte {
		var out bytes.Buffer
		if json.Indent(&out, b, "", indent) != nil {
			return nil
		}
		return out.Bytes()
	}
}

// ofJSON changes the blanks of the bodies in which it shows what is found: those that some program has
// written in one style throughout.
func ofJSON(change func([]byte) []byte) func(*Case) bool {
	return func(c *Case) bool {
		body := string(c.Body)
		return (body == linedBody || body == string(minify(c.Body))) && ofBytes(change)(c)
	}
}

func isASCII(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c >= utf8.RuneSelf })
}

// atOther moves a signed case to another URL.
func atOther(public, target func(string) string) func(*Case) bool {
	return func(c *Case) bool {
		if !isSignedHere(c) {
			return false
		}
		c.PublicURL, c.Target = public(c.PublicURL), target(c.Target)
		return true
	}
}

// signedFor signs a case for another URL than the one that it arrived at.
func signedFor(public, target func(string) string) func(*Case) bool {
	return func(c *Case) bool {
		if !isSignedHere(c) {
			return false
		}
		other := *c
		other.PublicURL, other.Target = public(c.PublicURL), target(c.Target)
		header, err := signature(other, c.Secret())
		c.Header = header
		return err == nil
	}
}

// isSignedHere reports whether a delivery is none of the vectors, some of which have the signatures of
// several providers.
func isSignedHere(c *Case) bool { return string(c.Body) == richBody || string(c.Body) == linedBody }

func same(s string) string { return s }

var breakages = []breakage{
	// The secret.
	{"newline", ofText(func(s string) string { return s + "\n" }), OfSecret, []string{"newline"}, 60},
	{"crlf", ofText(func(s string) string { return s + "\r\n" }), OfSecret, []string{"newline"}, 60},
	{"blank", ofText(func(s string) string { return " " + s + " " }), OfSecret, []string{"blank"}, 60},
	{"quotes", ofText(func(s string) string { return `"` + s + `"` }), OfSecret, []string{"quotes"}, 60},
	{"name", ofText(func(s string) string { return "WEBHOOK_SECRET=" + s }), OfSecret, []string{"name"}, 60},
	{"base64", ofText(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }), OfSecret, []string{"base64_encoded", "prefix_missing"}, 60},
	{"behind a prefix", func(c *Case) bool {
		return c.Scheme.Key == "" && ofText(func(s string) string { return symmetric + base64.StdEncoding.EncodeToString([]byte(s)) })(c)
	}, OfSecret, []string{"behind_prefix_decoded"}, 40},
	{"hex", ofText(func(s string) string { return hex.EncodeToString([]byte(s)) }), OfSecret, []string{"hex_encoded", "prefix_missing"}, 60},
	{"base64 decoded", func(c *Case) bool {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(c.Secret(), symmetric))
		return err == nil && ofText(func(string) string { return string(raw) })(c)
	}, OfSecret, []string{"base64_decoded", "hex_decoded", "key_not_decoded"}, 4},
	{"hex decoded", func(c *Case) bool {
		raw, err := hex.DecodeString(c.Secret())
		return err == nil && ofText(func(string) string { return string(raw) })(c)
	}, OfSecret, []string{"hex_decoded", "key_not_decoded"}, 3},
	{"prefix cut", func(c *Case) bool {
		for _, p := range prefixes {
			if rest, ok := strings.CutPrefix(c.Secret(), p); ok {
				return ofText(func(string) string { return rest })(c)
			}
		}
		return false
	}, OfSecret, []string{"prefix_missing"}, 1},
	{"prefix", ofText(func(s string) string { return "v1," + symmetric + strings.TrimPrefix(s, symmetric) }), OfSecret, []string{"prefix"}, 60},
	{"alphabet", func(c *Case) bool {
		prefix, rest := "", c.Secret()
		if strings.HasPrefix(rest, symmetric) {
			prefix, rest = symmetric, rest[len(symmetric):]
		}
		raw, err := base64.StdEncoding.DecodeString(rest)
		return err == nil && c.Scheme.Key != "" && ofText(func(string) string { return prefix + base64.RawURLEncoding.EncodeToString(raw) })(c)
	}, OfSecret, []string{"base64_alphabet"}, 1},

	// The body.
	{"newline added", ofBytes(func(b []byte) []byte { return append(b, '\n') }), OfBody, []string{"newline_added"}, 60},
	{"newline removed", ofBytes(func(b []byte) []byte { return cut(bytes.TrimSuffix(b, []byte("\n")), b) }), OfBody, []string{"newline_removed"}, 50},
	{"crlf", ofBytes(func(b []byte) []byte { return toCRLF(b) }), OfBody, []string{"crlf"}, 50},
	{"bom", ofBytes(func(b []byte) []byte { return append([]byte(bom), b...) }), OfBody, []string{"bom"}, 60},
	{"indent 2", ofJSON(remarshal("  ")), OfBody, []string{"json_minified", "json_spaced", "newline_removed"}, 50},
	{"indent 4", ofJSON(remarshal("    ")), OfBody, []string{"json_minified", "json_spaced", "json_indent_2_newline", "newline_removed"}, 50},
	{"minified", ofJSON(func(b []byte) []byte { return cut(minify(b), b) }), OfBody, []string{"json_indent_2_newline", "json_indent_2", "json_spaced", "json_indent_tab"}, 50},
	{"spaced", ofJSON(func(b []byte) []byte {
		if b = minify(b); b == nil {
			return nil
		}
		return spaced(b)
	}), OfBody, []string{"json_minified", "json_indent_2_newline", "json_indent_2", "json_indent_tab"}, 50},
	{"spaced and in ASCII, as Python writes it", func(c *Case) bool {
		return string(c.Body) == richBody && ofBytes(func(b []byte) []byte { return restring(escapeUnicode)(spaced(b)) })(c)
	}, OfBody, []string{"json_minified_unicode"}, 50},
	{"slashes escaped, as PHP writes them", func(c *Case) bool {
		return string(c.Body) == richBody && ofBytes(restring(escapeSlashes))(c)
	}, OfBody, []string{"json_minified_plain_slashes"}, 50},
	{"HTML escaped, as Go writes it", func(c *Case) bool {
		return string(c.Body) == richBody && ofBytes(restring(escapeHTML))(c)
	}, OfBody, []string{"json_minified_unicode"}, 50},
	{"latin1 read as UTF-8", func(c *Case) bool {
		return !isASCII(c.Body) && utf8.Valid(c.Body) && ofBytes(func(b []byte) []byte {
			var out []byte
			for _, c := range b {
				out = utf8.AppendRune(out, rune(c))
			}
			return out
		})(c)
	}, OfBody, []string{"utf8_as_latin1"}, 50},
	{"written as latin1", func(c *Case) bool {
		return string(c.Body) == richBody && ofBytes(func(b []byte) []byte {
			var out []byte
			for _, r := range string(b) {
				out = append(out, byte(r))
			}
			return out
		})(c)
	}, OfBody, []string{"latin1_as_utf8"}, 50},
	{"compressed", ofBytes(func(b []byte) []byte { return compressed(b, gzip.DefaultCompression) }), OfBody, []string{"gzip_not_decoded"}, 60},
	{"UTF-16", ofBytes(func(b []byte) []byte {
		out := []byte{0xff, 0xfe}
		for _, unit := range utf16.Encode([]rune(string(b))) {
			out = append(out, byte(unit), byte(unit>>8))
		}
		return out
	}), OfBody, []string{"utf16"}, 50},
	{"an answer behind it", func(c *Case) bool {
		c.Header = c.Header.Clone()
		c.Header.Set("Content-Length", fmt.Sprint(len(c.Body)))
		return ofBytes(func(b []byte) []byte { return append(b, "HTTP/1.1 200 OK\r\n\r\nok"...) })(c)
	}, OfBody, []string{"longer"}, 60},
	{"base64", ofBytes(func(b []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(b)) }), OfBody, []string{"base64"}, 50},

	// The URL.
	{"http", atOther(func(string) string { return "http://hooks.example.com" }, same), OfURL, []string{"scheme"}, 4},
	{"port", atOther(func(string) string { return "https://hooks.example.com:8443" }, same), OfURL, []string{"without_port"}, 4},
	{"http and port", atOther(func(string) string { return "http://hooks.example.com:8080" }, same), OfURL, []string{"scheme_without_port"}, 4},
	{"slash", atOther(same, func(string) string { return "/hooks/in/?a=b" }), OfURL, []string{"without_slash"}, 4},
	{"slash and http", atOther(func(string) string { return "http://hooks.example.com" }, func(string) string { return "/hooks/in/?a=b" }), OfURL, []string{"scheme_without_slash", "without_slash"}, 4},
	{"prefix", atOther(same, func(s string) string { return "/v1" + s }), OfURL, []string{"without_prefix"}, 4},

	{"signed for http", signedFor(func(string) string { return "http://hooks.example.com" }, same), OfURL, []string{"scheme"}, 4},
	{"signed with the port", signedFor(func(string) string { return "https://hooks.example.com:443" }, same), OfURL, []string{"with_port"}, 4},
	{"signed with another port", signedFor(func(string) string { return "https://hooks.example.com:8443" }, same), OfURL, []string{"with_port"}, 4},
	{"signed with a slash", signedFor(same, func(string) string { return "/hooks/in/?a=b" }), OfURL, []string{"with_slash"}, 4},
	{"signed without the query", signedFor(same, func(string) string { return "/hooks/in" }), OfURL, []string{"without_query"}, 4},
	{"signed without the path of public_url", func(c *Case) bool {
		c.PublicURL += "/v1"
		return isSignedHere(c)
	}, OfURL, []string{"without_base_path"}, 4},
	{"host in capital letters", atOther(strings.ToUpper, same), OfURL, []string{"host_case", "scheme"}, 4},
	{"the path decoded", func(c *Case) bool {
		c.Target = "/hooks/a%20b?a=b"
		header, err := signature(*c, c.Secret())
		c.Target, c.Header = "/hooks/a b?a=b", header
		return err == nil && isSignedHere(c)
	}, OfURL, []string{"escaped"}, 3},

	// The header.
	{"underscores", func(c *Case) bool {
		header := make(http.Header)
		for name, values := range c.Header {
			header[strings.ToUpper("HTTP_"+strings.ReplaceAll(name, "-", "_"))] = values
		}
		c.Header = header
		return true
	}, OfHeader, []string{"spelling"}, 70},
	{"folded", ofSignature(func(s string) string { return s[:len(s)/2] + "\r\n " + s[len(s)/2:] }), OfHeader, []string{"folded"}, 60},
	{"quoted", ofSignature(func(s string) string { return `"` + s + `"` }), OfHeader, []string{"quoted"}, 60},
	{"renamed", func(c *Case) bool {
		name := signatureField(c)
		if name == "" || !isSignedHere(c) {
			return false
		}
		c.Header = c.Header.Clone()
		c.Header["X-Moved"] = c.Header[name]
		delete(c.Header, name)
		return true
	}, OfHeader, []string{"renamed"}, 60},
	{"prefix cut", func(c *Case) bool {
		list := c.Scheme.Signature.List
		return list != nil && list.Separator == "" && list.Key != "*" && ofSignature(func(s string) string { return strings.TrimPrefix(s, list.Key+list.Assign) })(c)
	}, OfHeader, []string{"prefix_missing"}, 3},
	{"upper case prefix", func(c *Case) bool {
		list := c.Scheme.Signature.List
		return list != nil && list.Separator == "" && c.Scheme.Signature.Encoding == "" && ofSignature(strings.ToUpper)(c)
	}, OfHeader, []string{"case"}, 3},
	{"split", func(c *Case) bool {
		name := http.CanonicalHeaderKey(strings.TrimPrefix(c.Scheme.Signature.From, "header:"))
		if list := c.Scheme.Signature.List; list == nil || list.Separator != "," || len(c.Header[name]) != 1 {
			return false
		}
		c.Header = c.Header.Clone()
		c.Header[name] = strings.Split(c.Header[name][0], ",")
		return len(c.Header[name]) > 1
	}, OfHeader, []string{"split"}, 2},

	// The time.
	{"an hour later", func(c *Case) bool { c.Now = c.Now.Add(3 * time.Hour); return true }, OfTime, []string{"too_old"}, 15},
	{"an hour before", func(c *Case) bool { c.Now = c.Now.Add(-3 * time.Hour); return true }, OfTime, []string{"too_new"}, 15},
	{"another unit", func(c *Case) bool {
		t := c.Scheme.Timestamp
		if t == nil || t.Unit == verifiers.AutoUnit {
			return false
		}
		right := c.Scheme
		c.Scheme = edited(right, func(s *verifiers.Scheme) {
			other := *s.Timestamp
			if other.Unit = verifiers.Milliseconds; t.Unit == verifiers.Milliseconds {
				other.Unit = verifiers.Seconds
			}
			s.Timestamp = &other
		})
		header, err := signature(*c, c.Secret())
		c.Scheme, c.Header = right, header
		return err == nil
	}, OfTime, []string{"unit_ms", "unit_s"}, 8},

	// The scheme.
	{"another encoding", func(c *Case) bool {
		right := c.Scheme
		c.Scheme = edited(right, func(s *verifiers.Scheme) {
			if s.Signature.Encoding = verifiers.Base64; right.Signature.Encoding == verifiers.Base64 || right.Signature.Encoding == verifiers.Base64Escaped {
				s.Signature.Encoding = verifiers.Hex
			}
		})
		header, err := signature(*c, c.Secret())
		c.Scheme, c.Header = right, header
		return err == nil && right.Algorithm != verifiers.Equal
	}, OfScheme, []string{"encoding_hex", "encoding_base64"}, 50},
	{"key not decoded", func(c *Case) bool {
		right := c.Scheme
		if right.Key == "" || right.Key == verifiers.UTF8 {
			return false
		}
		c.Scheme = edited(right, func(s *verifiers.Scheme) {
			s.Key = verifiers.UTF8
			if s.Signature.List != nil {
				list := *s.Signature.List
				list.Ed25519 = ""
				s.Signature.List = &list
			}
		})
		header, err := signature(*c, c.Secret())
		c.Scheme, c.Header = right, header
		return err == nil
	}, OfScheme, []string{"key_not_decoded"}, 4},
}

// TestWhatIsBrokenIsNamed: whatever people do to a genuine delivery of any preset is what the first
// explanation says.
func TestWhatIsBrokenIsNamed(t *testing.T) {
	for _, b := range breakages {
		t.Run(string(b.kind)+" "+b.name, func(t *testing.T) {
			t.Parallel()
			presets := make(map[string]bool)
			for _, scheme := range verifiers.Presets() {
				for i, c := range genuine(t, scheme) {
					if scheme.Name == "rfc9421" && b.kind == OfHeader {
						continue // its header is a dictionary, of which that makes another one
					}
					if b.kind != OfBody && string(c.Body) == linedBody || !b.by(&c) {
						continue
					}
					r := Examine(c)
					if r.Genuine {
						continue // the scheme doesn't mind
					}
					presets[scheme.Name] = true
					if len(r.Causes) == 0 || len(r.Causes[0]) != 1 || !b.explainedBy(r.Causes[0][0]) {
						t.Errorf("%s %d: got %s, %s", scheme.Name, i, r.Reason, namesOf(r.Causes))
					}
				}
			}
			if len(presets) < b.least {
				t.Errorf("broke only %d presets", len(presets))
			}
		})
	}
}

func namesOf(causes [][]Change) string {
	var all []string
	for _, cause := range causes {
		var names []string
		for _, change := range cause {
			names = append(names, fmt.Sprintf("%s/%s", change.Kind, change.Name))
		}
		all = append(all, strings.Join(names, "+"))
	}
	return strings.Join(all, ", ")
}

// explainedBy reports whether a change is what was done. A key that wasn't decoded and one that was
// decoded before can't be told apart.
func (b breakage) explainedBy(c Change) bool {
	return slices.Contains(b.names, c.Name) && (c.Kind == b.kind || c.Name == "key_not_decoded")
}
