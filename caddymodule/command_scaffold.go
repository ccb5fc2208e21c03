package caddymodule

import (
	"fmt"
	"io"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/spf13/cobra"

	"github.com/hookseal/hookseal/verifiers"
)

// sampleHost stands for the host that senders know.
const sampleHost = "hooks.example.com"

// scaffold is one "hookseal webhook scaffold".
type scaffold struct{ host, upstream string }

// scaffoldCommand is "hookseal webhook scaffold".
func scaffoldCommand() *cobra.Command {
	s := new(scaffold)
	cmd := &cobra.Command{
		Use:   "scaffold PROVIDER [--host HOST] [--upstream ADDRESS]",
		Short: "Prints a Caddyfile for a provider",
		Long: `Prints a Caddyfile that receives a provider's webhooks: with the options that its scheme needs, a
placeholder for the secret, a route to begin with, and what to know of the signature. For several providers
at one host, put the handle blocks into one site.`,
		Example: `  hookseal webhook scaffold github >>Caddyfile
  hookseal webhook scaffold square --host hooks.acme.com --upstream billing:3000`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.run(cmd.OutOrStdout(), args[0])
		},

		DisableFlagsInUseLine: true,
	}
	cmd.Flags().StringVar(&s.host, "host", sampleHost, "The `host` that the provider sends to")
	cmd.Flags().StringVar(&s.upstream, "upstream", "localhost:3000", "The `address` of the app")
	return cmd
}

func (s *scaffold) run(stdout io.Writer, provider string) error {
	scheme, ok := verifiers.Preset(provider)
	if !ok {
		return fmt.Errorf("provider %q is unknown: %s", provider, presetHint(provider))
	}
	for _, word := range []string{s.host, s.upstream} {
		if word == "" || strings.ContainsAny(word, " \t\r\n{}\"`#") {
			return fmt.Errorf("%q can't stand in a Caddyfile as a host or an address", word)
		}
	}
	_, err := stdout.Write(caddyfile.Format([]byte(s.caddyfile(scheme))))
	return err
}

// publicURL returns where senders reach the host, as far as its address says that.
func (s *scaffold) publicURL() string {
	switch {
	case strings.Contains(s.host, "://"):
		return s.host
	case strings.HasPrefix(s.host, ":"): // a port of every host
		return "https://" + sampleHost
	}
	return "https://" + s.host
}

// caddyfile writes the site, without indentation.
func (s *scaffold) caddyfile(scheme verifiers.Scheme) string {
	var b strings.Builder
	comment := func(text string) {
		for _, line := range wrapped(text, 96) {
			b.WriteString("# " + line + "\n")
		}
	}
	comment(scheme.Title + ": " + scheme.Reference)
	comment(scheme.Note)
	if scheme.Evidence == verifiers.Unconfirmed {
		comment("Unconfirmed: the vendor was not found to describe the scheme. Try it with a delivery first.")
	}
	if !scheme.CoversBody() {
		comment("The signature does not cover the body: keep these requests out of logs.")
	}
	fmt.Fprintf(&b, "%s {\nhandle /%s {\nwebhook_verify %s {\n", s.host, scheme.Name, scheme.Name)
	switch {
	case scheme.NamesReceiver():
		comment("Put yours here. It is no secret.")
	case bringsSecret(scheme):
		comment("The provider makes it with the webhook, and sends it: \"hookseal webhook handshake " + scheme.Name +
			" --open 10m\" lets it in, and the same without --open shows it, once. Until then the file needs some other secret, as \"hookseal webhook keygen\" makes them.")
	case scheme.Key != verifiers.PEM:
		comment("Or, from a file: {file./run/secrets/" + scheme.Name + "}")
	}
	b.WriteString("secret " + secretValueOf(scheme))
	label := verifiers.ChallengeLabel(scheme.Challenge)
	switch {
	case scheme.KeyID != "":
		b.WriteString(" key-id\n")
		comment("The label, key-id, is what " + strings.TrimPrefix(scheme.KeyID, "header:") + " calls the key.")
	case label != "":
		b.WriteString(" label\n")
		comment("Write " + label + " for the label: without it the provider is not answered when the URL is registered.")
	default:
		b.WriteByte('\n')
	}
	// The scheme is asked what it needs, so that nobody has to list it.
	if _, err := dryVerifier(scheme, verifiers.Options{AllowWeak: true}); err != nil {
		comment("As the provider was given it: the signature covers the URL.")
		b.WriteString("public_url " + s.publicURL() + "\n")
	}
	for _, option := range handshakeOptionsOf(scheme) {
		comment(option.text)
		b.WriteString(option.line(scheme) + "\n")
	}
	if scheme.Weak() {
		comment("The scheme rests on SHA-1.")
		b.WriteString("allow_weak\n")
	}
	b.WriteString("}\nwebhook_route {\n")
	if len(scheme.Event) > 0 {
		comment("event order.created { … } is for events of that name,")
	}
	comment("when `body.status == \"paid\"` { … } for what an expression is true of. The first that matches counts.")
	fmt.Fprintf(&b, "otherwise {\nreverse_proxy %s\n}\n}\n}\n}\n", s.upstream)
	return b.String()
}

// variableOfScheme returns what the names of a scheme's environment variables begin with.
func variableOfScheme(scheme verifiers.Scheme) string {
	return strings.ToUpper(strings.ReplaceAll(scheme.Name, "-", "_"))
}

// secretValueOf returns a placeholder for the secret of a scheme, or what may stand in its place. A secret that has
// several lines stands in a file, and so does one that comes later, because a file is read again when it changes.
func secretValueOf(scheme verifiers.Scheme) string {
	switch {
	case scheme.NamesReceiver():
		return scheme.SampleSecret()
	case scheme.Key == verifiers.PEM, bringsSecret(scheme):
		return "{file./run/secrets/" + scheme.Name + "}"
	}
	return "{env." + variableOfScheme(scheme) + "_WEBHOOK_SECRET}"
}

// wrapped breaks a text into lines of at most so many letters, if its words allow that.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line == "" {
		return lines
	}
	return append(lines, line)
}
