package caddymodule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/hookseal/hookseal/verifiers"
)

// sending is one "hookseal webhook send".
type sending struct {
	provider                     string
	secret                       secretFlag
	body, contentType, event, id string
	timeout                      time.Duration
}

// sendCommand is "hookseal webhook send".
func sendCommand() *cobra.Command {
	s := new(sending)
	cmd := &cobra.Command{
		Use:   "send URL --provider NAME (--secret-env NAME | --secret-file PATH)",
		Short: "Signs a body as a provider does, and sends it",
		Long: `Signs a body as a provider does, sends it to the URL, and prints what was sent and what was
answered. It fails unless the answer is 2xx.

The secret comes from an environment variable or a file, never from an argument: arguments can
be seen by everybody on the machine.`,
		Example: `  GITHUB_WEBHOOK_SECRET=… hookseal webhook send http://localhost:8080/github \
      --provider github --secret-env GITHUB_WEBHOOK_SECRET --event push --body payload.json

  echo '{"type":"invoice.paid","id":"evt_1"}' | hookseal webhook send https://hooks.example.com/stripe \
      --provider stripe --secret-file stripe.secret`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.run(cmd.InOrStdin(), cmd.OutOrStdout(), args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&s.provider, "provider", "", "The `name` of the provider whose scheme signs: see \"webhook providers\"")
	s.secret.add(flags)
	flags.StringVar(&s.body, "body", "-", "The `path` of the file that holds the body; - is standard input")
	flags.StringVar(&s.contentType, "content-type", "application/json", "The `type` of the body")
	flags.StringVar(&s.event, "event", "", "The `name` of the event, for providers that have it in a header")
	flags.StringVar(&s.id, "id", "", "The delivery's `id`, for providers that have it in a header (default: a new one)")
	flags.DurationVar(&s.timeout, "timeout", 30*time.Second, "How long to wait for the answer")
	return cmd
}

func (s *sending) run(stdin io.Reader, stdout io.Writer, target string) error {
	scheme, ok := verifiers.Preset(s.provider)
	if !ok {
		return fmt.Errorf("--provider %q is unknown: %s", s.provider, presetHint(s.provider))
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("the URL to send to must begin with http:// or https:// and a host")
	}
	secret, err := s.secret.text()
	if err != nil {
		return err
	}
	body, err := s.readBody(stdin)
	if err != nil {
		return err
	}
	signer, err := verifiers.New(scheme, []verifiers.Secret{verifiers.NewSecret("", secret)}, verifiers.Options{
		AllowShort: true,
		AllowWeak:  true,
		PublicURL:  u.Scheme + "://" + u.Host,
	})
	if err != nil {
		return err
	}
	if s.id == "" {
		s.id = uuid.NewString()
	}
	header, err := signer.Sign(verifiers.Message{ID: s.id, Event: s.event, Body: body, Method: http.MethodPost, Target: u.RequestURI()})
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = header
	req.Header.Set("Content-Type", s.contentType)
	req.Header.Set("User-Agent", "hookseal")

	fmt.Fprintf(stdout, "> POST %s\n", u.Redacted())
	shown := req.Header.Clone()
	if field, ok := strings.CutPrefix(scheme.Signature.From, "header:"); ok && scheme.Algorithm == verifiers.Equal {
		shown.Set(field, "[redacted]") // it is the secret
	}
	printHeader(stdout, "> ", shown)
	fmt.Fprintf(stdout, "> (%d bytes)\n\n", len(body))
	client := &http.Client{
		Timeout: s.timeout,
		// A redirect would be followed with the signature on.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "< %s %s\n", resp.Proto, resp.Status)
	printHeader(stdout, "< ", resp.Header)
	if len(answer) > 0 {
		fmt.Fprintf(stdout, "\n%s\n", bytes.TrimRight(answer, "\n"))
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("answered %s", resp.Status)
	}
	return nil
}

func (s *sending) readBody(stdin io.Reader) ([]byte, error) {
	if s.body == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(s.body)
}

// printHeader prints a header in the order of its names.
func printHeader(w io.Writer, prefix string, header http.Header) {
	var names []string
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range header[name] {
			fmt.Fprintf(w, "%s%s: %s\n", prefix, name, value)
		}
	}
}
