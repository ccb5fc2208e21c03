// Command providerpage writes docs/providers.md, the page of all presets, to standard output. Everything
// on it is in the table of schemes in package verifiers, so that the two can't differ:
//
//	go run ./internal/providerpage >docs/providers.md
package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

func main() { write(os.Stdout, verifiers.Presets()) }

// write writes the page.
func write(w io.Writer, presets []verifiers.Scheme) {
	fmt.Fprint(w, `# Providers

<!-- Written by "go run ./internal/providerpage" from the table in verifiers/. Change it there. -->

What Hookseal knows of each provider's signatures. `+"`webhook_verify`"+` takes the names, and `+"`hookseal webhook providers`"+`
lists them. A provider that isn't here can be described with `+"`custom { … }`"+`.

`)
	lists := []struct {
		text string
		has  func(verifiers.Scheme) bool
	}{
		{"These do not cover the body: whoever has one delivery, or sees the token in it, can send others. A warning says so when the configuration loads.", func(s verifiers.Scheme) bool { return !s.CoversBody() }},
		{"These rest on SHA-1, so that their routes need the word `allow_weak`.", verifiers.Scheme.Weak},
		{"Of these the keys are fetched from the vendor when a delivery names one: the gateway must be able to reach it, and without the key answers 503.", verifiers.Scheme.Fetches},
		{"These are unconfirmed: they are described as others describe them, and the vendor was not found to say so.", func(s verifiers.Scheme) bool { return s.Evidence == verifiers.Unconfirmed }},
		{"Of these different deliveries may have the same bytes, so that copies are let through unless the route has a `replay_window`.", func(s verifiers.Scheme) bool { return s.Alike }},
	}
	for _, list := range lists {
		var names []string
		for _, s := range presets {
			if list.has(s) {
				names = append(names, link(s))
			}
		}
		fmt.Fprintf(w, "- %s\n  %s.\n", list.text, cmp.Or(strings.Join(names, ", "), "None"))
	}
	fmt.Fprint(w, "\n| provider | signature | algorithm | time | covers the body |\n|---|---|---|---|---|\n")
	for _, s := range presets {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", link(s), places([]string{s.Signature.From}), algorithm(s), signedTime(s), yes(s.CoversBody()))
	}
	for _, s := range presets {
		writeScheme(w, s)
	}
}

// writeScheme writes what is known of one provider.
func writeScheme(w io.Writer, s verifiers.Scheme) {
	fmt.Fprintf(w, "\n## %s\n\n%s. %s\n\n", s.Name, s.Title, s.Note)
	row := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "- **%s**: %s\n", name, text)
		}
	}
	signature := places([]string{s.Signature.From})
	if s.Alternative != nil {
		signature += ", or else the headers of " + places([]string{s.Alternative.Signature.From})
	}
	if s.Signature.Repeated {
		signature += ", which may stand several times"
	}
	row("signature", signature+shape(s.Signature.List))
	row("encoding", encoding(s))
	row("algorithm", algorithm(s))
	row("secret", keyForms[cmp.Or(s.Key, verifiers.UTF8)])
	if s.KeyID != "" {
		row("key id", places([]string{s.KeyID})+": the label of the secret")
	}
	row("signed content", content(s))
	row("time", signedTime(s))
	row("id", places(s.ID))
	row("event", places(s.Event))
	row("handshake", verifiers.ChallengeAbout(s.Challenge))
	row("a copy is known by", s.ReplayKey())
	row("not covered", uncovered(s))
	row("evidence", string(cmp.Or(s.Evidence, "confirmed")))
	row("source", "<"+s.Reference+">")
}

// link returns the name of a provider as a link to what is known of it.
func link(s verifiers.Scheme) string { return "[`" + s.Name + "`](#" + s.Name + ")" }

// places writes places as code.
func places(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return "`" + strings.Join(all, "`, else `") + "`"
}

// shape describes a list.
func shape(l *verifiers.List) string {
	if l == nil {
		return ""
	}
	entry := l.Key + l.Assign + "…"
	if l.Key == "*" && l.Assign == "" {
		entry = "…" // entries without keys
	}
	if l.Separator == "" {
		return ", as `" + entry + "`"
	}
	entries := entry + strings.TrimRight(l.Separator, " ") + " " + entry
	if l.Ed25519 != "" {
		entries += strings.TrimRight(l.Separator, " ") + " " + l.Ed25519 + l.Assign + "…"
	}
	return ", a list such as `" + entries + "`"
}

func algorithm(s verifiers.Scheme) string {
	if s.Key == verifiers.Opaque && s.Algorithm == "" {
		return "by the secret"
	}
	text := string(cmp.Or(s.Algorithm, verifiers.HMACSHA256))
	if s.Signature.List != nil && s.Signature.List.Ed25519 != "" {
		text += " or ed25519, by the secret"
	}
	if s.Weak() {
		text += " (weak)"
	}
	return text
}

func encoding(s verifiers.Scheme) string {
	if s.Algorithm == verifiers.Equal {
		return string(cmp.Or(s.Signature.Encoding, verifiers.Plain))
	}
	return string(cmp.Or(s.Signature.Encoding, verifiers.Hex))
}

// keyForms say how a secret is written.
var keyForms = map[verifiers.KeyForm]string{
	verifiers.UTF8:        "the text as it is",
	verifiers.HexKey:      "hexadecimal digits",
	verifiers.Base64Key:   "base64",
	verifiers.Whsec:       "base64 after `whsec_`",
	verifiers.WhsecOrUTF8: "base64 after `whsec_`, any other text as it is",
	verifiers.Whpk:        "an Ed25519 key after `whpk_`",
	verifiers.SPKI:        "a public key (SubjectPublicKeyInfo) in base64, on one line",
	verifiers.PEM:         "a public key or a certificate in PEM",
	verifiers.Opaque:      "see the note",
}

func content(s verifiers.Scheme) string {
	switch {
	case s.Algorithm == verifiers.Equal:
		return "nothing: the secret itself is sent"
	case strings.Contains(s.Content, "{url}") && s.URLForm == verifiers.URLDecoded:
		return code(s.Content) + ", with some escapes of the URL decoded"
	}
	return code(cmp.Or(s.Content, "{body}"))
}

// code writes a template as code, with its line breaks spelt out.
func code(text string) string { return "`" + strings.ReplaceAll(text, "\n", `\n`) + "`" }

func signedTime(s verifiers.Scheme) string {
	if s.Timestamp == nil {
		return "none"
	}
	return fmt.Sprintf("%s, `%s`, %s", places([]string{s.Timestamp.From}), cmp.Or(s.Timestamp.Unit, verifiers.Seconds),
		span(cmp.Or(s.Timestamp.Tolerance, verifiers.DefaultTolerance)))
}

// span writes a duration without empty units.
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// uncovered names what the signature leaves out.
func uncovered(s verifiers.Scheme) string {
	words := map[string]string{"body": "the body", "time": "a time", "id": "the id where it is unsigned", "event": "the event where it is unsigned"}
	var all []string
	for _, word := range s.Uncovered() {
		all = append(all, words[word])
	}
	method := strings.Contains(s.Content, "{http_method}") || strings.Contains(s.Content, `"@method"`)
	switch url := s.CoversURL() || strings.Contains(s.Content, "{path and query"); {
	case !method && !url:
		all = append(all, "method and URL")
	case !method:
		all = append(all, "the method")
	case !url:
		all = append(all, "the URL")
	}
	return strings.Join(all, ", ")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "**no**"
}
