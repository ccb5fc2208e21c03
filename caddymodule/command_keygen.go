package caddymodule

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// keygenBytes is the size of a symmetric secret: as much as HMAC-SHA256 can make use of, and within
// the 24 to 64 bytes of Standard Webhooks.
const keygenBytes = 32

// keygenCommand is "hookseal webhook keygen".
func keygenCommand() *cobra.Command {
	asymmetric := false
	cmd := &cobra.Command{
		Use:   "keygen [--asymmetric]",
		Short: "Makes a secret to sign and verify with",
		Long: `Makes a secret for the scheme of Standard Webhooks and prints it.

Without a flag it is one that sender and receiver share, whsec_…. With --asymmetric it is a pair:
whsk_… on the first line signs and stays with the sender, whpk_… on the second only verifies.

The random bytes are the operating system's.`,
		Example: `  hookseal webhook keygen >internal-webhook-secret
  hookseal webhook keygen --asymmetric`,
		Args: cobra.NoArgs,

		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return keygen(cmd.OutOrStdout(), asymmetric)
		},
	}
	cmd.Flags().BoolVar(&asymmetric, "asymmetric", false, "Make a pair of Ed25519 keys")
	return cmd
}

func keygen(stdout io.Writer, asymmetric bool) error {
	encode := base64.StdEncoding.EncodeToString
	if !asymmetric {
		secret := make([]byte, keygenBytes)
		_, _ = rand.Read(secret) // ends the program where there is no randomness
		_, err := fmt.Fprintln(stdout, "whsec_"+encode(secret))
		return err
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "whsk_%s\nwhpk_%s\n", encode(private), encode(public))
	return err
}
