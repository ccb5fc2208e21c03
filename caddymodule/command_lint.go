package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// lintCommand is "hookseal webhook lint".
func lintCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "lint [CADDYFILE] [--json]",
		Short: "Finds mistakes in a Caddyfile",
		Long: `Finds what a Caddyfile that loads may still have wrong: rules and routes that nothing gets to, webhook_route
and webhook_sign behind no webhook_verify, secrets that stand in the configuration, are weak or are used
twice, replay windows shorter than a provider's retries, schemes that don't cover the body.

Secrets are looked at where their variables and files are there, and never printed. It fails if there are
errors; warnings and notes alone are no failure.`,
		Example: `  hookseal webhook lint Caddyfile
  hookseal webhook lint --json Caddyfile | jq '.[] | select(.severity == "error")'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "Caddyfile"
			if len(args) > 0 {
				name = args[0]
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			return printFindings(cmd.OutOrStdout(), lint(name, text), asJSON)
		},

		DisableFlagsInUseLine: true,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print JSON")
	return cmd
}

var errOneFinding = errors.New("there is 1 error")

// printFindings prints what was found, and returns an error if there are errors in it.
func printFindings(w io.Writer, findings []finding, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		if findings == nil {
			findings = []finding{} // an empty list, not null
		}
		if err := encoder.Encode(findings); err != nil {
			return err
		}
	}
	count := 0
	for _, f := range findings {
		if f.Severity == severityError {
			count++
		}
		if !asJSON {
			fmt.Fprintln(w, f)
		}
	}
	switch {
	case count == 1:
		return errOneFinding
	case count > 1:
		return fmt.Errorf("there are %d errors", count)
	}
	return nil
}
