package caddymodule

import (
	"cmp"
	"io"
	"strconv"

	"github.com/spf13/cobra"
)

// messagesCommand is "hookseal webhook messages".
func messagesCommand() *cobra.Command {
	q := new(adminQuestion)
	cmd := &cobra.Command{
		Use:   "messages [--failed] [--endpoint ID]",
		Short: "Lists what was published, and what became of it",
		Long: `Lists what was published, the newest first, and what became of it at each endpoint. Payloads are not
shown.

With --failed it lists the dead letters: what an endpoint did not accept in the whole schedule, and
what isn't tried again unless somebody asks, with "webhook resend".`,
		Example: `  hookseal webhook messages
  hookseal webhook messages --failed --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return listMessages(cmd.OutOrStdout(), q) },
	}
	q.pageFlags(cmd)
	q.filter(cmd, "endpoint", "", "The `id` or uid of an endpoint")
	return cmd
}

func listMessages(stdout io.Writer, q *adminQuestion) error {
	var answer struct {
		Messages []listedMessage
		Iterator string
	}
	if printed, err := q.get(stdout, "messages", &answer); printed || err != nil {
		return err
	}
	var rows [][]string
	for _, m := range answer.Messages {
		row := []string{m.ID, m.Event, m.Application, clock(m.Accepted)}
		if len(m.Deliveries) == 0 {
			rows = append(rows, append(row, "", "", "", ""))
		}
		for _, d := range m.Deliveries {
			rows = append(rows, append(row[:len(row):len(row)], cmp.Or(d.UID, d.Endpoint), d.Status, strconv.Itoa(d.Attempts), clock(d.Next)))
		}
	}
	return table(stdout, []string{"MESSAGE", "EVENT", "APPLICATION", "ACCEPTED", "ENDPOINT", "STATUS", "ATTEMPTS", "NEXT"}, rows, answer.Iterator)
}
