package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

// resendCommand is "hookseal webhook resend".
func resendCommand() *cobra.Command {
	q := new(adminQuestion)
	var since time.Duration
	cmd := &cobra.Command{
		Use:   "resend (MESSAGE | --since DURATION) --endpoint ID",
		Short: "Sends an endpoint something again",
		Long: `Sends an endpoint a message again, now, and as the schedule says if that fails. It doesn't matter
whether the endpoint has accepted it before.

With --since it sends the endpoint all that failed of what was accepted in that time until now.`,
		Example: `  hookseal webhook resend msg_… --endpoint billing
  hookseal webhook resend --since 24h --endpoint billing`,
		Args: cobra.MaximumNArgs(1),
	}
	q.flags(cmd)
	q.filter(cmd, "endpoint", "", "The `id` or uid of the endpoint")
	cmd.Flags().DurationVar(&since, "since", 0, "How far back to look for what failed")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return resend(cmd.OutOrStdout(), q, args, since, time.Now())
	}
	return cmd
}

func resend(stdout io.Writer, q *adminQuestion, messages []string, since time.Duration, now time.Time) error {
	endpoint := q.query.Get("endpoint")
	switch {
	case endpoint == "":
		return errors.New("name the endpoint with --endpoint")
	case (len(messages) == 0) == (since == 0):
		return errors.New("name a message, or say with --since how far back to look for what failed")
	case since < 0:
		return errors.New("--since: give a time above zero, such as 24h")
	}
	operation, ask := "resend", map[string]string{"endpoint": endpoint}
	if since > 0 {
		operation, ask["since"] = "recover", now.Add(-since).UTC().Format(time.RFC3339Nano)
	} else {
		ask["message"] = messages[0]
	}
	var answer struct{ Messages int }
	if err := q.post(operation, ask, &answer); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "messages that are sent again: %d\n", answer.Messages)
	return err
}
