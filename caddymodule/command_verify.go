package caddymodule

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookseal/hookseal/internal/doctor"
)

// verifying is one "hookseal webhook verify".
type verifying struct {
	criteria criteriaFlags
	capture  captureArg
	json     bool
}

// verifyCommand is "hookseal webhook verify".
func verifyCommand() *cobra.Command {
	v := new(verifying)
	cmd := &cobra.Command{
		Use:   "verify [CAPTURE] (--provider NAME (--secret-env NAME | --secret-file PATH) | --config CADDYFILE [--route NAME])",
		Short: "Verifies a delivery that was captured, and says why it fails",
		Long: `Verifies a delivery that was captured. If it fails, what people get wrong is tried until it verifies: a
secret with a line break, or decoded once too often or too rarely; another provider; a body that was
parsed and written anew; line ends; a body that was compressed or decompressed on its way; seconds and
milliseconds; the clock; the URL's port, slash and scheme; header fields that were renamed, folded or cut.
What had to be changed is what is wrong.

` + captureHelp + `

With --config it is judged as the gateway would, by a route of a Caddyfile: by a scheme of your own,
public_url, tolerance and all of the secrets. Nothing of the delivery is sent anywhere. The keys of aws-sns,
paypal and plaid are fetched from them, as the gateway does; --key-file has one instead.

It succeeds if the delivery verifies. The secret, the expected signature and the body are never printed.`,
		Example: `  hookseal webhook verify delivery.http --provider github --secret-env GITHUB_WEBHOOK_SECRET
  hookseal webhook verify hooks.har --entry 3 --provider stripe --secret-file stripe.secret
  hookseal webhook verify delivery.http --config Caddyfile --route acme
  hookseal webhook verify --provider slack --secret-env SLACK_SECRET --now 2026-01-02T15:04:05Z \
      --header 'X-Slack-Signature: v0=…' --header 'X-Slack-Request-Timestamp: 1767366245' --body body.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return v.run(cmd.InOrStdin(), cmd.OutOrStdout(), args)
		},

		DisableFlagsInUseLine: true,
	}
	flags := cmd.Flags()
	v.criteria.add(flags)
	v.capture.add(flags)
	flags.BoolVar(&v.json, "json", false, "Print JSON")
	return cmd
}

func (v *verifying) run(stdin io.Reader, stdout io.Writer, args []string) error {
	if err := v.criteria.check(); err != nil { // before anybody types a capture
		return err
	}
	request, err := v.capture.read(stdin, args)
	if err != nil {
		return err
	}
	now, clock, err := v.capture.clock(request)
	if err != nil {
		return err
	}
	c, err := v.criteria.criteria(request)
	if err != nil {
		return err
	}
	report, number := c.examine(request, now)
	if report.Genuine {
		report.Reason, report.Text = c.refuses(request, now)
		report.Genuine = report.Reason == ""
	}
	a := newAnswer(c.scheme.Name, report, now, clock)
	a.Notes = c.notes(request, report, number)
	if v.json {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(a)
	} else {
		err = a.print(stdout)
	}
	if err == nil && !report.Genuine {
		err = fmt.Errorf("the delivery does not verify: %s", report.Reason)
	}
	return err
}

// answer is what verify says, in the form of its JSON.
type answer struct {
	Verdict  string `json:"verdict"` // pass or fail
	Provider string `json:"provider"`
	Reason   string `json:"reason,omitempty"`
	Text     string `json:"text,omitempty"`

	Event  string     `json:"event,omitempty"`
	ID     string     `json:"id,omitempty"`
	Signed *time.Time `json:"signed_at,omitempty"`

	JudgedAt time.Time `json:"judged_at"`
	Clock    string    `json:"clock"` // where that time is from

	Causes   [][]doctor.Change `json:"causes,omitempty"`
	Hints    []doctor.Change   `json:"hints,omitempty"`
	Notes    []string          `json:"notes,omitempty"`
	Tried    int               `json:"tried"`
	Complete bool              `json:"complete"`
}

func newAnswer(provider string, r doctor.Report, now time.Time, clock string) answer {
	a := answer{
		Verdict: "pass", Provider: provider, Reason: r.Reason, Text: r.Text, Event: r.Delivery.Event, ID: r.Delivery.ID,
		JudgedAt: now.UTC(), Clock: clock, Causes: r.Causes, Hints: r.Hints, Tried: r.Tried, Complete: r.Complete,
	}
	if !r.Genuine {
		a.Verdict = "fail"
	}
	if !r.Signed.IsZero() {
		signed := r.Signed.UTC()
		a.Signed = &signed
	}
	return a
}

// print writes the answer for people.
func (a answer) print(w io.Writer) error {
	if a.Verdict == "pass" {
		fmt.Fprintf(w, "pass: a genuine delivery of %s\n", a.Provider)
	} else {
		fmt.Fprintf(w, "fail: %s (%s)\n", a.Reason, a.Text)
	}
	for _, known := range []struct{ name, value string }{{"event", a.Event}, {"id", a.ID}} {
		if known.value != "" {
			fmt.Fprintf(w, "  %s %q\n", known.name, known.value)
		}
	}
	if a.Signed != nil {
		fmt.Fprintf(w, "  signed at %s\n", a.Signed.Format(time.RFC3339))
	}
	fmt.Fprintf(w, "  judged at %s (%s)\n", a.JudgedAt.Format(time.RFC3339), a.Clock)
	for i, cause := range a.Causes {
		fmt.Fprintln(w, map[bool]string{true: "\nbecause", false: "\nor because"}[i == 0])
		for _, change := range cause {
			fmt.Fprintf(w, "  - %s\n", change.Text)
		}
	}
	if len(a.Hints)+len(a.Notes) > 0 {
		fmt.Fprintln(w, "\nnote")
	}
	for _, note := range a.Notes {
		fmt.Fprintf(w, "  - %s\n", note)
	}
	for _, hint := range a.Hints {
		fmt.Fprintf(w, "  - %s\n", hint.Text)
	}
	if !a.Complete {
		fmt.Fprintf(w, "\nThe body is large: not everything was tried.\n")
	}
	return nil
}
