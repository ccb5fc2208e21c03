package caddymodule

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/hookseal/hookseal/replay"
)

// forgetCommand is "hookseal webhook forget".
func forgetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "forget KEY [--address ADDRESS]",
		Short: "Gives back a kept claim",
		Long: `Gives back the claim of a delivery that was accepted, so that the same delivery comes
through when it is sent again, for example by the Redeliver button of GitHub.

The key is the text behind "claim" in the log line of the delivery: in the access log of the
delivery itself, or in the line that says that its copy was a duplicate.`,
		Example: "  hookseal webhook forget 5b4e…",
		Args:    cobra.ExactArgs(1),

		DisableFlagsInUseLine: true,
	}
	address := cmd.Flags().String("address", "", "The `address` of the admin API, if it is not the default")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		key, err := replay.ParseKey(args[0])
		if err != nil {
			return fmt.Errorf("%w: the key is the text behind \"claim\" in the delivery's log line", err)
		}
		admin := *address
		if admin == "" {
			admin = caddy.DefaultAdminListen
		}
		resp, err := caddycmd.AdminAPIRequest(admin, http.MethodDelete, claimsPath+key.String(), nil, nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		fmt.Fprintln(cmd.OutOrStdout(), "forgotten: the delivery comes through when it is sent again")
		return nil
	}
	return cmd
}
