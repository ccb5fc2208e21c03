package doctor

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/hookseal/hookseal/verifiers"
)

// secretChange is a way in which a secret gets lost between the provider's page and a verifier.
type secretChange struct {
	name, text string
	change     func(string) []string
}

// prefixes are what secrets of known providers begin with.
var prefixes = []string{"whsec_", "whsk_", "whpk_", "v1,whsec_", "v1,", "sk_", "base64:"}

var secretChanges = []secretChange{
	{"newline", "the secret ends in a line break that isn't part of it: write it without one (printf, not echo)", func(s string) []string {
		return only(strings.TrimRight(s, "\r\n"))
	}},
	{"blank", "there are blanks around the secret that aren't part of it: remove them", func(s string) []string {
		if trimmed := strings.TrimSpace(s); trimmed != strings.TrimRight(s, "\r\n") {
			return only(trimmed)
		}
		return nil
	}},
	{"quotes", "the secret stands in quotes that aren't part of it: remove them", func(s string) []string {
		t := strings.TrimSpace(s)
		if len(t) > 1 && t[0] == t[len(t)-1] && strings.ContainsRune("\"'`", rune(t[0])) {
			return only(t[1 : len(t)-1])
		}
		return nil
	}},
	{"newline_missing", "the secret at the sender ends in a line break, which is missing here: it was set with one by mistake; set it anew without", func(s string) []string {
		return []string{s + "\n", s + "\r\n"}
	}},
	{"name", "the secret has its name in front (NAME=…): give only what stands behind it", func(s string) []string {
		if name, value, ok := strings.Cut(s, "="); ok && strings.Trim(value, "=") != "" && isName(strings.TrimPrefix(name, "export ")) {
			return only(strings.Trim(value, "\"'"))
		}
		return nil
	}},
	{"prefix_missing", "the secret was given without the prefix that it begins with: copy all of it", func(s string) []string {
		var all []string
		for _, p := range prefixes {
			if !strings.HasPrefix(s, p) {
				all = append(all, p+s)
			}
		}
		return all
	}},
	{"prefix", "the secret was given with a prefix that isn't part of the key: leave it out", func(s string) []string {
		var all []string
		for _, p := range prefixes {
			if rest, ok := strings.CutPrefix(s, p); ok && rest != "" {
				all = append(all, rest)
			}
		}
		return append(all, only(strings.TrimPrefix(strings.TrimPrefix(s, "Bearer "), "sha256="))...)
	}},
	{"base64_encoded", "the secret is base64 of the one that signed: decode it first (Kubernetes shows secrets in base64)", func(s string) []string {
		return decoded(s)
	}},
	{"behind_prefix_decoded", "what signed is the base64 behind the secret's prefix, decoded, and the scheme takes the secret as it is: the sender has to sign with all of its text, or the scheme is another one", func(s string) []string {
		if rest, ok := strings.CutPrefix(s, symmetric); ok {
			return decoded(rest)
		}
		return nil
	}},
	{"base64_decoded", "the secret was decoded from base64 already: give it as the provider shows it", func(s string) []string {
		return []string{base64.StdEncoding.EncodeToString([]byte(s)), symmetric + base64.StdEncoding.EncodeToString([]byte(s))}
	}},
	{"hex_encoded", "the secret is hex of the one that signed: decode it first", func(s string) []string {
		if raw, err := hex.DecodeString(s); err == nil {
			return only(string(raw))
		}
		return nil
	}},
	{"hex_decoded", "the secret was decoded from hex already: give it as the provider shows it", func(s string) []string {
		return []string{hex.EncodeToString([]byte(s))}
	}},
	{"hex_for_base64", "the secret is written in hex, and the provider writes it in base64", func(s string) []string {
		if raw, err := hex.DecodeString(s); err == nil {
			return []string{base64.StdEncoding.EncodeToString(raw)}
		}
		return nil
	}},
	{"base64_for_hex", "the secret is written in base64, and the provider writes it in hex", func(s string) []string {
		var all []string
		for _, raw := range decoded(s) {
			all = append(all, hex.EncodeToString([]byte(raw)))
		}
		return all
	}},
	{"base64_alphabet", "the secret is in the base64 of URLs or without its padding, which the provider's is not: copy it again", func(s string) []string {
		prefix, rest := "", s
		if strings.HasPrefix(s, symmetric) {
			prefix, rest = symmetric, s[len(symmetric):]
		}
		var all []string
		for _, raw := range decoded(rest) {
			all = append(all, prefix+base64.StdEncoding.EncodeToString([]byte(raw)))
		}
		return all
	}},
	{"escaped", "the secret is percent-encoded: decode it first", func(s string) []string {
		if text, err := url.PathUnescape(s); err == nil {
			return only(text)
		}
		return nil
	}},
	{"backslashes", "the secret has \\n in place of its line breaks: write real ones", func(s string) []string {
		return only(strings.ReplaceAll(s, `\n`, "\n"))
	}},
	{"case", "the letters of the secret are in another case than those of the one that signed: copy it again", func(s string) []string {
		return []string{strings.ToLower(s), strings.ToUpper(s)}
	}},
}

const symmetric = "whsec_"

// only returns a secret as a list.
func only(s string) []string { return []string{s} }

// decoded returns what a text stands for in the alphabets of base64.
func decoded(s string) []string {
	s = strings.TrimRight(strings.TrimSpace(s), "=")
	for _, codec := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if raw, err := codec.DecodeString(s); err == nil && len(raw) > 0 {
			return only(string(raw))
		}
	}
	return nil
}

// isName reports whether a text can be the name of an environment variable.
func isName(s string) bool {
	for _, r := range s {
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return s != ""
}

// ofSecret changes the secret.
func ofSecret(c Case) []variation {
	var all []variation
	is := c.Secret()
	_, err := verifiers.New(c.Scheme, []verifiers.Secret{verifiers.NewSecret("", is)}, verifiers.Options{AllowWeak: true, AllowShort: true, PublicURL: "https://example.com"})
	form := cmp.Or(c.Scheme.Key, verifiers.UTF8)
	asText := form == verifiers.UTF8 || form == verifiers.WhsecOrUTF8 && !strings.HasPrefix(is, symmetric)
	wellFormed := err == nil && !asText
	if !c.NotBefore.IsZero() || !c.NotAfter.IsZero() {
		all = append(all, variation{
			Change{OfSecret, "out_of_use", "the secret is the right one, and not in use at the time of judging: see its not_before and not_after"},
			func(c *Case) bool {
				c.NotBefore, c.NotAfter = time.Time{}, time.Time{}
				return true
			},
		})
	}
	for _, change := range secretChanges {
		if wellFormed && strings.HasSuffix(change.name, "_decoded") {
			continue // it would be no key any more: the sender's is another one
		}
		if change.name == "behind_prefix_decoded" && !asText {
			continue // that is how the scheme reads it
		}
		for _, text := range change.change(is) {
			if text == is || text == "" {
				continue
			}
			all = append(all, variation{Change{OfSecret, change.name, change.text}, func(c *Case) bool {
				c.Secret = func() string { return text }
				return true
			}})
		}
	}
	return all
}
