package caddymodule

import (
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
		Long: `Lists the providers that webhook_verify knows: where the signature is, what it covers, where
the delivery's id and event are, what two copies of a delivery are known by, and the vendor's page.`,
		Example: "  hookseal webhook providers",
		Args:    cobra.NoArgs,

		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "PROVIDER\tSIGNATURE\tCONTENT\tID\tEVENT\tREPLAY KEY\tSOURCE")
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
	return []string{s.Name, signature, s.Content, orDash(s.ID), orDash(s.Event), s.ReplayKey(), s.Reference}
}

func orDash(places []string) string {
	if len(places) == 0 {
		return "-"
	}
	return strings.Join(places, ", ")
}
