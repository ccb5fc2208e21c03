package caddymodule

import (
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// endpointsCommand is "hookseal webhook endpoints".
func endpointsCommand() *cobra.Command {
	q := new(adminQuestion)
	cmd := &cobra.Command{
		Use:   "endpoints",
		Short: "Lists who subscribes, and how much waits for them",
		Long: `Lists the endpoints of the configuration and those that were made through the API, what they subscribe
to, whether they are disabled, and how many messages wait for them. Secrets, headers and the queries
of URLs are not shown.`,
		Example: "  hookseal webhook endpoints",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return listEndpoints(cmd.OutOrStdout(), q) },
	}
	q.listFlags(cmd)
	return cmd
}

func listEndpoints(stdout io.Writer, q *adminQuestion) error {
	var answer struct{ Endpoints []listedEndpoint }
	if printed, err := q.get(stdout, "endpoints", &answer); printed || err != nil {
		return err
	}
	var rows [][]string
	for _, e := range answer.Endpoints {
		state := "enabled"
		switch {
		case e.DisabledFor != "":
			state = "disabled: " + e.DisabledFor
		case e.Disabled:
			state = "disabled"
		}
		events := "all"
		if len(e.Events) > 0 {
			events = strings.Join(e.Events, " ")
		}
		rows = append(rows, []string{e.ID, e.UID, e.Application, e.URL, events, state, strconv.Itoa(e.Waiting)})
	}
	return table(stdout, []string{"ENDPOINT", "UID", "APPLICATION", "URL", "EVENTS", "STATE", "WAITING"}, rows, "")
}
