package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// handshakeCommand is "hookseal webhook handshake".
func handshakeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "handshake ROUTE [--open DURATION] [--address ADDRESS]",
		Short: "Fetches the secret that a provider sends when a webhook is made",
		Long: `Asana and Notion send the secret of a new webhook to its URL. First open the route, for as long as
it takes to make the webhook there; the first handshake that comes is taken, and no other one. Then
fetch the secret, which is shown once, and put it where the route's secret comes from. If that is a
file, it is in use a few seconds later.

Handshakes are not signed. Use the secret only if the provider shows the same one, or says that the
webhook was made: if somebody else was faster, it says that the handshake failed.`,
		Example: `  hookseal webhook handshake asana --open 10m
  hookseal webhook handshake asana >asana.new && mv asana.new /run/secrets/asana`,
		Args: cobra.ExactArgs(1),

		DisableFlagsInUseLine: true,
	}
	address := cmd.Flags().String("address", "", "The `address` of the admin API, if it is not the default")
	open := cmd.Flags().Duration("open", 0, "Take the next handshake that comes within this `duration`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		admin := *address
		if admin == "" {
			admin = caddy.DefaultAdminListen
		}
		method, path := http.MethodGet, handshakesPath+url.PathEscape(args[0])
		if cmd.Flags().Changed("open") {
			method, path = http.MethodPost, path+"?for="+open.String()
		}
		resp, err := caddycmd.AdminAPIRequest(admin, method, path, nil, nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var state handshakeState
		if err := json.NewDecoder(resp.Body).Decode(&state); err != nil {
			return err
		}
		switch {
		case method == http.MethodPost:
			fmt.Fprintf(cmd.OutOrStdout(), "open until %s: make the webhook now\n", state.Until.Local().Format(time.TimeOnly))
		case state.Secret == "":
			return errors.New(errNoneYet.Error() + ": make the webhook at the provider, then ask again")
		default:
			fmt.Fprintf(cmd.ErrOrStderr(), "came from %s at %s\n", state.From, state.At.Local().Format(time.TimeOnly))
			if state.Refused > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%d more came after it and were refused: make sure that this is the one of the webhook that you made\n", state.Refused)
			}
			fmt.Fprintln(cmd.OutOrStdout(), state.Secret)
		}
		return nil
	}
	return cmd
}
