package caddymodule

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "webhook",
		Usage: "send|verify|eval|lint|scaffold|providers|keygen|forget|handshake|messages|endpoints|attempts|resend",
		Short: "Sends and verifies webhooks, lists providers, makes secrets and fetches those of providers, gives back claims, shows what is published",
		Long: `Tools for webhooks:

  send       signs a body as a provider does, and sends it
  verify     verifies a delivery that was captured, and says why it fails
  eval       runs a Caddyfile's rules over a delivery that was captured
  lint       finds mistakes in a Caddyfile
  scaffold   prints a Caddyfile for a provider
  providers  lists the providers that webhook_verify knows
  keygen     makes a secret to sign and verify with
  forget     gives back a kept claim, so that a redelivery comes through
  handshake  fetches the secret that a provider sends when a webhook is made
  messages   lists what was published, and what became of it
  endpoints  lists who subscribes, and how much waits for them
  attempts   lists the attempts to deliver something
  resend     sends an endpoint something again`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(sendCommand(), verifyCommand(), evalCommand(), lintCommand(), scaffoldCommand(), providersCommand(),
				keygenCommand(), forgetCommand(), handshakeCommand(),
				messagesCommand(), endpointsCommand(), attemptsCommand(), resendCommand())
			cmd.SetHelpFunc(help)
			// A command that can't be run shows its help for any word behind it, and succeeds.
			cmd.Args = cobra.NoArgs
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			cmd.DisableFlagsInUseLine = true
		},
	})
}

// help shows the help of a command under the name by which the program was started. Caddy's is
// always caddy.
func help(cmd *cobra.Command, args []string) {
	cmd.Root().Use = filepath.Base(os.Args[0])
	new(cobra.Command).HelpFunc()(cmd, args)
}
