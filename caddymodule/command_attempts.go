package caddymodule

import (
	"cmp"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// attemptsCommand is "hookseal webhook attempts".
func attemptsCommand() *cobra.Command {
	q := new(adminQuestion)
	cmd := &cobra.Command{
		Use:   "attempts (--message ID | --endpoint ID)",
		Short: "Lists the attempts to deliver something",
		Long: `Lists the attempts to deliver a message, or those to an endpoint, the newest first: what was answered,
or why nothing was, how long it took, and when the next one is due.`,
		Example: `  hookseal webhook attempts --message msg_…
  hookseal webhook attempts --endpoint billing --failed`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return listAttempts(cmd.OutOrStdout(), q) },
	}
	q.pageFlags(cmd)
	q.filter(cmd, "message", "", "The `id` or event id of a message")
	q.filter(cmd, "endpoint", "", "The `id` or uid of an endpoint")
	return cmd
}

func listAttempts(stdout io.Writer, q *adminQuestion) error {
	if q.query.Get("message") == "" && q.query.Get("endpoint") == "" {
		return errors.New("name what was attempted with --message, --endpoint or both")
	}
	var answer struct {
		Attempts []listedAttempt
		Iterator string
	}
	if printed, err := q.get(stdout, "attempts", &answer); printed || err != nil {
		return err
	}
	var rows [][]string
	for _, a := range answer.Attempts {
		came := a.Problem
		if a.Code != 0 {
			came = strconv.Itoa(a.Code)
		}
		took := time.Duration(a.Took * float64(time.Second)).Round(time.Millisecond)
		rows = append(rows, []string{a.Message, a.Endpoint, clock(a.Time), strconv.Itoa(a.Attempt), a.Status, cmp.Or(came, "no answer"), took.String(), clock(a.Next)})
	}
	return table(stdout, []string{"MESSAGE", "ENDPOINT", "TIME", "ATTEMPT", "STATUS", "ANSWER", "TOOK", "NEXT"}, rows, answer.Iterator)
}
