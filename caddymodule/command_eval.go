package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/spf13/cobra"

	"github.com/hookseal/hookseal/internal/capture"
	"github.com/hookseal/hookseal/internal/doctor"
	"github.com/hookseal/hookseal/policy"
	"github.com/hookseal/hookseal/verifiers"
)

// evaluating is one "hookseal webhook eval".
type evaluating struct {
	config, path string
	event        string
	client       string
	capture      captureArg
	json         bool
}

// evalCommand is "hookseal webhook eval".
func evalCommand() *cobra.Command {
	e := new(evaluating)
	cmd := &cobra.Command{
		Use:   "eval [CAPTURE] [--config CADDYFILE] [--path PATH]",
		Short: "Runs a Caddyfile's rules over a delivery that was captured",
		Long: `Runs the rules of the webhook_route that a path leads to over a delivery that was captured, and shows what
each came to, what it reads, what it cost, and where it could not be evaluated. All of them are evaluated,
also those that the gateway would not get to.

` + captureHelp + `

The delivery is verified if the secrets of the route are there; otherwise the rules see the event and id that
it claims to have. Nothing of it is sent anywhere. It fails if the delivery would be refused, by the rules or
before them.`,
		Example: `  hookseal webhook eval delivery.http --config Caddyfile --path /github
  hookseal webhook eval hooks.har --entry 2 --json | jq '.[].rules[] | select(.error)'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.run(cmd.InOrStdin(), cmd.OutOrStdout(), args)
		},

		DisableFlagsInUseLine: true,
	}
	flags := cmd.Flags()
	flags.StringVar(&e.config, "config", "Caddyfile", "The `path` of the Caddyfile")
	flags.StringVar(&e.path, "path", "", "The `path` of the request (default: the delivery's)")
	flags.StringVar(&e.event, "event", "", "Another `name` of the event than the delivery's")
	flags.StringVar(&e.client, "client", "", "The `address` of the client, for rules that ask for it with cidr")
	e.capture.add(flags)
	flags.BoolVar(&e.json, "json", false, "Print JSON")
	return cmd
}

// outcome is what eval says of one webhook_route, in the form of its JSON.
type outcome struct {
	Position string     `json:"position,omitempty"`
	Provider string     `json:"provider,omitempty"`
	Verified string     `json:"verified"` // yes, or why not
	Event    string     `json:"event,omitempty"`
	ID       string     `json:"id,omitempty"`
	Decision string     `json:"decision"`
	Rules    []ruleLine `json:"rules"`
	Notes    []string   `json:"notes,omitempty"`
	refused  bool
}

// ruleLine is what became of one requirement or rule.
type ruleLine struct {
	Rule    string   `json:"rule"` // "require 1", "rule 2"
	At      string   `json:"position,omitempty"`
	Source  string   `json:"source"`
	Event   *bool    `json:"event_matches,omitempty"`
	Holds   *bool    `json:"holds,omitempty"`
	Error   string   `json:"error,omitempty"`
	Class   string   `json:"class,omitempty"`
	Cost    uint64   `json:"cost"`
	Stepped int      `json:"stepped_over"`
	Reads   []string `json:"reads,omitempty"`
}

func (e *evaluating) run(stdin io.Reader, stdout io.Writer, args []string) error {
	text, err := os.ReadFile(e.config)
	if err != nil {
		return err
	}
	request, err := e.capture.read(stdin, args)
	if err != nil {
		return err
	}
	target, err := url.ParseRequestURI(request.Target)
	if err != nil {
		return errors.New("capture: the path can't be read") // not %w: it may quote the query
	}
	if e.path != "" {
		target.Path = e.path
	}
	var client netip.Addr
	if e.client != "" {
		if client, err = netip.ParseAddr(e.client); err != nil {
			return errors.New("--client: write an IP address, such as 192.0.2.1")
		}
	}
	path := caddyhttp.CleanPath(target.Path, true)
	finder, err := rulesFor(e.config, text, path, hostname(request))
	if err != nil {
		return err
	}
	request.Header = doctor.Unfolded(request.Header)
	now, _, err := e.capture.clock(request)
	if err != nil {
		return err
	}
	lines := new(linter) // which knows where rules stand
	lines.tokenize(e.config, text)
	var outcomes []outcome
	refused := false
	for _, found := range finder.found {
		subject := &policy.Delivery{
			Method: request.Method, Path: path, RawQuery: target.RawQuery, Header: request.Header, Body: request.Body, Now: now, Client: client,
		}
		o := outcome{Position: found.route.Position, Notes: request.Notes}
		if finder.guessed {
			o.Notes = append(o.Notes, "matchers of other things than host and path were taken to match")
		}
		if err := found.identify(subject, request, now, &o); err != nil {
			return err
		}
		if e.event != "" {
			subject.Event = e.event
		}
		o.Event, o.ID = subject.Event, subject.ID
		if err := found.decide(subject, &o, lines.ruleLines(o.Position)); err != nil {
			return err
		}
		outcomes = append(outcomes, o)
		refused = refused || o.refused
	}
	if err := printOutcomes(stdout, outcomes, e.json); err != nil {
		return err
	}
	if refused {
		return errors.New("the delivery would be refused")
	}
	return nil
}

// identify fills in what the webhook_verify before the rules says of the delivery.
func (f foundRoute) identify(subject *policy.Delivery, request capture.Request, now time.Time, o *outcome) error {
	if f.verify == nil {
		o.Verified = "no webhook_verify stands before the rules"
		o.refused = !f.route.Standalone
		return nil
	}
	v := *f.verify
	v.setDefaults()
	scheme, err := schemeOf("provider", v.Provider, v.Scheme)
	if err != nil {
		return err
	}
	o.Provider, subject.Provider = scheme.Name, scheme.Name
	options := verifiers.Options{Now: func() time.Time { return now }, Tolerance: time.Duration(v.Tolerance), AllowShort: v.AllowShort, AllowWeak: v.AllowWeak, PublicURL: v.PublicURL}
	asked := verifiers.Request{Method: request.Method, Header: request.Header, Target: request.Target}
	verifier, err := newVerifier(scheme, v.Secrets, options)
	if err != nil {
		o.Verified = err.Error()
		if verifier, err = dryVerifier(scheme, options); err != nil {
			return err
		}
		subject.ID, subject.Event = verifier.Names(asked, request.Body)
		return nil
	}
	check, err := verifier.Check(asked)
	var d verifiers.Delivery
	if err == nil {
		defer check.Close()
		d, err = check.Verify(request.Body)
	}
	if err != nil {
		o.Verified = err.Error()
		o.refused = f.verify.Mode != "monitor"
		subject.ID, subject.Event = verifier.Names(asked, request.Body)
		return nil
	}
	o.Verified = "yes"
	subject.Event, subject.ID, subject.Key, subject.Timestamp = d.Event, d.ID, d.Key, d.Timestamp
	return nil
}

// decide evaluates every requirement and rule, and says what the gateway would do.
func (f foundRoute) decide(subject *policy.Delivery, o *outcome, lines []string) error {
	before := o.refused
	rules, err := f.route.compile()
	if err != nil {
		return err
	}
	for i, source := range f.route.Require {
		line := ruleLine{Rule: fmt.Sprintf("require %d", i+1), Source: source}
		if err := line.explain(source, subject); err != nil {
			return err
		}
		o.Rules = append(o.Rules, line)
	}
	for i, rule := range f.route.Rules {
		line := ruleLine{Rule: fmt.Sprintf("rule %d", i+1), Source: rule.When}
		if i < len(lines) {
			line.At = lines[i]
		}
		if len(rule.Event) > 0 {
			matches := false
			for _, text := range rule.Event {
				pattern, err := policy.ParsePattern(text)
				if err != nil {
					return err
				}
				matches = matches || pattern.Match(subject.Event)
			}
			line.Event = &matches
			line.Source = strings.TrimSuffix("event "+strings.Join(rule.Event, " ")+" and "+rule.When, " and ")
		}
		if rule.When != "" {
			if err := line.explain(rule.When, subject); err != nil {
				return err
			}
		}
		o.Rules = append(o.Rules, line)
	}
	switch decision := rules.Decide(context.Background(), subject); {
	case decision.DeniedBy >= 0:
		o.Decision, o.refused = fmt.Sprintf("refused by require %d", decision.DeniedBy+1), true
	case decision.Rule >= 0:
		o.Decision = fmt.Sprintf("rule %d", decision.Rule+1)
		if decision.Rule < len(lines) {
			o.Decision += " at " + lines[decision.Rule]
		}
	case f.route.Otherwise == nil:
		o.Decision = "no rule: it goes on to the next handler"
	case f.route.Otherwise.Reject:
		o.Decision, o.refused = "no rule: otherwise reject", true
	default:
		o.Decision = "no rule: otherwise"
	}
	if before {
		o.Decision = "refused before the rules, which would come to: " + o.Decision
	}
	return nil
}

// explain evaluates an expression.
func (l *ruleLine) explain(source string, subject *policy.Delivery) error {
	expression, err := policy.Compile(source)
	if err != nil {
		return err
	}
	// Each is shown as if it were the only one: what an earlier one has read would be read for nothing.
	fresh := policy.Delivery{
		Provider: subject.Provider, Event: subject.Event, ID: subject.ID, Key: subject.Key, Timestamp: subject.Timestamp, Now: subject.Now,
		Method: subject.Method, Path: subject.Path, RawQuery: subject.RawQuery, Header: subject.Header, Body: subject.Body, Client: subject.Client,
	}
	x, err := expression.Explain(context.Background(), &fresh)
	if err != nil {
		return err
	}
	l.Holds, l.Cost, l.Stepped, l.Reads = &x.Holds, x.Cost, x.Stepped, x.Reads
	if x.Err != nil {
		l.Holds, l.Error, l.Class = nil, x.Err.Error(), string(x.Err.Class)
	}
	return nil
}

func printOutcomes(w io.Writer, outcomes []outcome, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(outcomes)
	}
	for i, o := range outcomes {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "webhook_route at %s\n", o.Position)
		fmt.Fprintf(w, "  provider %q, event %q, id %q, verified: %s\n", o.Provider, o.Event, o.ID, o.Verified)
		for _, l := range o.Rules {
			fmt.Fprintf(w, "  %-10s %s\n", l.Rule, l.Source)
			if l.Event != nil {
				fmt.Fprintf(w, "  %-10s event matches: %t\n", "", *l.Event)
			}
			switch {
			case l.Error != "":
				fmt.Fprintf(w, "  %-10s can't be evaluated, at %s (%s)", "", l.Error, l.Class)
			case l.Holds != nil:
				fmt.Fprintf(w, "  %-10s is %t", "", *l.Holds)
			default:
				continue
			}
			fmt.Fprintf(w, "; cost %d, %d bytes stepped over", l.Cost, l.Stepped)
			if len(l.Reads) > 0 {
				fmt.Fprintf(w, "; reads %s", strings.Join(l.Reads, ", "))
			}
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "  => %s\n", o.Decision)
		for _, note := range o.Notes {
			fmt.Fprintf(w, "  note: %s\n", note)
		}
	}
	return nil
}
