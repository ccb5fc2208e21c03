package doctor

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/hookseal/hookseal/verifiers"
)

// maxFields is how many fields of a header are tried under another name.
const maxFields = 64

func equalHeader(a, b http.Header) bool {
	return maps.EqualFunc(a, b, func(a, b []string) bool { return slices.Equal(a, b) })
}

// fieldsOf returns the names of the header fields that the scheme reads, that of the signature first.
func fieldsOf(s verifiers.Scheme) []string {
	v, err := verifiers.New(s, []verifiers.Secret{verifiers.NewSecret("", s.SampleSecret())}, verifiers.Options{AllowWeak: true, PublicURL: "https://example.com"})
	if err != nil {
		return nil
	}
	return v.HeaderNames()
}

// folded returns the letters and digits of a field's name, by which its spellings are one.
func folded(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
	return strings.TrimPrefix(name, "http") // as CGI writes it: HTTP_X_SIGNATURE
}

// fold is a line break inside a field's value, with what stands in front of the value's rest.
var fold = regexp.MustCompile(`\r?\n[ \t]?`)

// Unfolded returns a captured header as a server reads it, which puts one blank in the place of each break.
func Unfolded(header http.Header) http.Header {
	isFolded := func(value string) bool { return strings.Contains(value, "\n") }
	for _, values := range header {
		if !slices.ContainsFunc(values, isFolded) {
			continue
		}
		all := make(http.Header)
		for name, values := range header {
			all[name] = eachValue(func(s string) string { return strings.Trim(breaks.ReplaceAllString(s, " "), " \t") })(values)
		}
		return all
	}
	return header
}

var breaks = regexp.MustCompile(`[ \t]*\r?\n[ \t]*`)

// ofHeader mends fields that the scheme reads: their spelling and their values.
func ofHeader(c Case) []variation {
	fields := fieldsOf(c.Scheme)
	all := []variation{{
		Change{OfHeader, "spelling", "header fields of the scheme are spelled otherwise (with underscores, or HTTP_ in front as CGI does): pass on the fields as they were sent"},
		func(c *Case) bool { return respell(c, fields) },
	}}
	list := c.Scheme.Signature.List
	separator := ","
	if list != nil && list.Separator != "" {
		separator = list.Separator
	}
	values := []struct {
		name, text string
		change     func([]string) []string
	}{
		{"folded", "header fields have blanks or line breaks inside: something folded long lines; pass them on as one", eachValue(func(s string) string {
			return strings.Join(strings.Fields(s), "")
		})},
		{"folded", "header fields have line breaks inside: something folded long lines; pass them on as one", eachValue(func(s string) string {
			return fold.ReplaceAllString(s, "")
		})},
		{"quoted", "header fields have quotes around their values: pass them on without", eachValue(func(s string) string { return strings.Trim(strings.TrimSpace(s), `"'`) })},
		{"case", "the signature's letters are in another case than they were sent in: something changed the case of header values", eachValue(strings.ToLower)},
		{"escaped", "header fields are percent-encoded: something encoded them on their way", eachValue(func(s string) string {
			if text, err := url.PathUnescape(s); err == nil {
				return text
			}
			return s
		})},
		{"split", "one header field arrived as several: something split it at its commas", func(values []string) []string {
			if len(values) < 2 {
				return values
			}
			return []string{strings.Join(values, separator)}
		}},
		{"repeated", "a header field stands several times with one value: something added a copy", func(values []string) []string { return slices.Compact(slices.Sorted(slices.Values(values))) }},
		{"joined", "a header field has several values joined by commas: something joined copies of it", eachValue(func(s string) string {
			first, _, _ := strings.Cut(s, ",")
			return strings.TrimSpace(first)
		})},
	}
	if list != nil && list.Key != "*" {
		values = append(values, struct {
			name, text string
			change     func([]string) []string
		}{"prefix_missing", fmt.Sprintf("the signature has no %q in front, which the scheme has: something cut it off", list.Key+list.Assign), eachValue(func(s string) string {
			return list.Key + list.Assign + s
		})})
	}
	if list == nil {
		values = append(values, struct {
			name, text string
			change     func([]string) []string
		}{"prefix", `the signature has something like "sha256=" in front, which the scheme doesn't have`, eachValue(func(s string) string {
			if _, rest, ok := strings.Cut(s, "="); ok && strings.Trim(rest, "=") != "" {
				return rest
			}
			return s
		})})
	}
	for _, value := range values {
		names := fields
		if strings.HasPrefix(value.name, "prefix") || value.name == "case" {
			names = fields[:min(1, len(fields))] // the signature alone
		}
		all = append(all, variation{Change{OfHeader, value.name, value.text}, func(c *Case) bool {
			return rewrite(c, names, value.change)
		}})
	}
	return all
}

// eachValue applies a change to every value of a field.
func eachValue(change func(string) string) func([]string) []string {
	return func(values []string) []string {
		all := make([]string, len(values))
		for i, value := range values {
			all[i] = change(value)
		}
		return all
	}
}

// rewrite changes the values of fields, and reports whether any was changed.
func rewrite(c *Case, names []string, change func([]string) []string) bool {
	header := c.Header.Clone()
	for _, name := range names {
		if values, ok := header[name]; ok {
			header[name] = change(values)
		}
	}
	changed := !equalHeader(header, c.Header)
	c.Header = header
	return changed
}

// respell gives fields that are missing the values of those that are spelled alike.
func respell(c *Case, names []string) bool {
	header := c.Header.Clone()
	for _, missing := range names {
		if len(header[missing]) > 0 {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(c.Header)) {
			if name != missing && folded(name) == folded(missing) {
				header[missing] = c.Header[name]
			}
		}
	}
	changed := !equalHeader(header, c.Header)
	c.Header = header
	return changed
}

// ofRenaming takes any other field for one of the scheme's that is missing.
func ofRenaming(c Case) []variation {
	fields := fieldsOf(c.Scheme)
	names := slices.Sorted(maps.Keys(c.Header))
	names = names[:min(len(names), maxFields)]
	var all []variation
	for _, missing := range fields {
		if len(c.Header[missing]) > 0 {
			continue
		}
		for _, name := range names {
			if slices.Contains(fields, name) || folded(name) == folded(missing) {
				continue
			}
			all = append(all, variation{
				Change{OfHeader, "renamed", fmt.Sprintf("the header field %s has the value that belongs into %s: something renamed it", cmp.Or(printable(name), "?"), missing)},
				func(c *Case) bool {
					c.Header = c.Header.Clone()
					c.Header[missing] = c.Header[name]
					return true
				},
			})
		}
	}
	return all
}

// printable returns a field's name if it may be shown: what a capture calls a name may be anything.
func printable(name string) string {
	const longest = 100
	for _, r := range name {
		if r <= ' ' || r > '~' {
			return ""
		}
	}
	if len(name) > longest {
		return ""
	}
	return name
}
