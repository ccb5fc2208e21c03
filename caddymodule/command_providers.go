package caddymodule

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hookseal/hookseal/verifiers"
)

// providersCommand is "hookseal webhook providers".
func providersCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "providers",
		Short: "Lists the providers that webhook_verify knows",
		Long: `Lists the providers that webhook_verify knows: where the signature is, the algorithm, the unit of
the signed time and how far it may lie from now, whether the signature covers the body, and whether the
vendor was found to say so. docs/providers.md has the rest.`,
		Example: "  hookseal webhook providers",
		Args:    cobra.NoArgs,

		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "PROVIDER\tSIGNATURE\tALGORITHM\tTIME\tBODY\tEVIDENCE")
			for _, s := range verifiers.Presets() {
				fmt.Fprintln(table, strings.Join(providerRow(s), "\t"))
			}
			return table.Flush()
		},
	}
}

// providerRow describes a scheme in one line.
func providerRow(s verifiers.Scheme) []string {
	signature := s.Signature.From
	if s.Alternative != nil {
		signature += " or " + s.Alternative.Signature.From
	}
	algorithm := string(cmp.Or(s.Algorithm, verifiers.HMACSHA256))
	if s.Weak() {
		algorithm += " (weak)"
	}
	signed := "-"
	if s.Timestamp != nil {
		signed = string(cmp.Or(s.Timestamp.Unit, verifiers.Seconds)) + ", " + shortDuration(cmp.Or(s.Timestamp.Tolerance, verifiers.DefaultTolerance))
	}
	body := "covered"
	if !s.CoversBody() {
		body = "not covered"
	}
	return []string{s.Name, signature, algorithm, signed, body, cmp.Or(string(s.Evidence), "confirmed")}
}
