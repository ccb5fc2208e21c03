package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// adminQuestion is what a command asks the admin API about what is published.
type adminQuestion struct {
	address string
	json    bool
	query   url.Values
	limit   int
}

// flags adds the flags that all such commands have.
func (q *adminQuestion) flags(cmd *cobra.Command) {
	q.query = make(url.Values)
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().StringVar(&q.address, "address", "", "The `address` of the admin API, if it is not the default")
	q.filter(cmd, "application", "", "The `id` or uid of an application (default: all)")
}

// listFlags adds those of commands that list something.
func (q *adminQuestion) listFlags(cmd *cobra.Command) {
	q.flags(cmd)
	cmd.Flags().BoolVar(&q.json, "json", false, "Print JSON instead of a table")
}

// pageFlags adds those of commands whose lists may be long.
func (q *adminQuestion) pageFlags(cmd *cobra.Command) {
	q.listFlags(cmd)
	cmd.Flags().IntVar(&q.limit, "limit", defaultLimit, "How many to list, the newest first")
	q.filter(cmd, "iterator", "", "Where to go on: the `text` that the page before ended with")
	cmd.Flags().BoolFunc("failed", "Only what failed, and isn't tried again by itself", func(text string) error {
		failed, err := strconv.ParseBool(text)
		if err != nil {
			return err
		}
		q.query.Del("status")
		if failed {
			q.query.Set("status", "fail")
		}
		return nil
	})
}

// filter adds a flag that narrows the list.
func (q *adminQuestion) filter(cmd *cobra.Command, name, shorthand, usage string) {
	cmd.Flags().FuncP(name, shorthand, usage, func(text string) error {
		q.query.Set(name, text)
		return nil
	})
}

// get asks for a list. With --json it prints the answer, and otherwise it decodes it.
func (q *adminQuestion) get(stdout io.Writer, list string, answer any) (printed bool, err error) {
	if q.limit != 0 {
		q.query.Set("limit", strconv.Itoa(q.limit))
	}
	text, err := q.ask(http.MethodGet, list+"?"+q.query.Encode(), nil)
	if err != nil {
		return false, err
	}
	if q.json {
		_, err := stdout.Write(text)
		return true, err
	}
	return false, json.Unmarshal(text, answer)
}

// post asks for something to be done, and decodes the answer.
func (q *adminQuestion) post(operation string, ask map[string]string, answer any) error {
	if app := q.query.Get("application"); app != "" {
		ask["application"] = app
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	text, err := q.ask(http.MethodPost, operation, bytes.NewReader(body))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

func (q *adminQuestion) ask(method, path string, body io.Reader) ([]byte, error) {
	address := q.address
	if address == "" {
		address = caddy.DefaultAdminListen
	}
	resp, err := caddycmd.AdminAPIRequest(address, method, outboundPath+path, nil, body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// table prints rows under a head, and how the next page is asked for.
func table(stdout io.Writer, head []string, rows [][]string, iterator string) error {
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			if row[i] = printable(cell); row[i] == "" {
				row[i] = "-"
			}
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	if err := t.Flush(); err != nil || iterator == "" {
		return err
	}
	_, err := fmt.Fprintf(stdout, "\nmore: --iterator %s\n", iterator)
	return err
}

// printable replaces what a terminal might obey, in texts that publishers gave.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if !strconv.IsPrint(c) {
			return '?'
		}
		return c
	}, text)
}

// clock writes a time for a table, and the zero time as "".
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}
