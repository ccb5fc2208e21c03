package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/outbound/jetstream"
)

func init() {
	caddy.RegisterModule(new(NATSJournal))
}

// NATSJournal keeps what is published in NATS JetStream: in a server inside this process, which
// writes to a folder and listens nowhere, or in a cluster.
type NATSJournal struct {
	// Dir is the folder of the server inside this process. It excludes what is about a cluster.
	// Default: hookseal/outbound in Caddy's data directory.
	Dir string `json:"dir,omitempty"`

	// URLs are the servers of a cluster, such as "nats://nats-1:4222", without a user or password.
	URLs []string `json:"urls,omitempty"`

	// Replicas is how many servers of the cluster keep each record: 1, 3 or 5. It takes 3 for what is to
	// outlive one of them. Default: 1.
	Replicas int `json:"replicas,omitempty"`

	// User and Password, or Token, are placeholders for what the cluster asks for.
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	Token    string `json:"token,omitempty"`

	// Credentials is the path of a file with a user's JWT and seed, instead of those.
	Credentials string `json:"credentials,omitempty"`

	// TLSCA is the path of a PEM file with the certificates that the cluster's may be signed by.
	// Default: those of the system.
	TLSCA string `json:"tls_ca,omitempty"`

	// Prefix begins the names of the streams, so that several gateways can use one cluster for
	// different things. Default: hookseal.
	Prefix string `json:"prefix,omitempty"`

	// Position is where a Caddyfile has the journal, for error messages.
	Position string `json:"position,omitempty"`

	journal  outbound.Journal
	identity string
}

// CaddyModule returns the Caddy module information.
func (*NATSJournal) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "webhook_gateway.journal.nats",
		New: func() caddy.Module { return new(NATSJournal) },
	}
}

// Provision resolves the placeholders. It opens nothing.
func (j *NATSJournal) Provision(caddy.Context) error {
	return at(j.Position, j.provision())
}

func (j *NATSJournal) provision() error {
	if err := j.check(); err != nil {
		return err
	}
	if len(j.URLs) == 0 {
		return j.embed()
	}
	return j.connect(caddy.NewReplacer())
}

// embed makes the journal of a server inside this process.
func (j *NATSJournal) embed() error {
	dir, err := filepath.Abs(cmp.Or(j.Dir, filepath.Join(caddy.AppDataDir(), "hookseal", "outbound")))
	if err != nil {
		return fmt.Errorf("dir: %w", err)
	}
	j.identity = "nats dir " + dir
	j.journal = &jetstream.Embedded{Dir: dir, Warn: warnOfJournal}
	return nil
}

// warnOfJournal logs what a journal's server or the connection to it suffers from. The journal may
// outlive the configuration, and with it the logger that it had.
func warnOfJournal(message string) {
	caddy.Log().Named(string(outboundLogger{}.CaddyModule().ID)).Warn("journal's server", zap.String("message", message))
}

// connect makes the journal of a cluster.
func (j *NATSJournal) connect(replacer *caddy.Replacer) error {
	cluster := &jetstream.Cluster{
		URLs:            j.URLs,
		Prefix:          cmp.Or(j.Prefix, jetstream.DefaultPrefix),
		Replicas:        j.Replicas,
		CredentialsFile: j.Credentials,
		CAFile:          j.TLSCA,
		Warn:            warnOfJournal,
	}
	for _, secret := range []struct {
		name, placeholder string
		target            *string
	}{
		{"user", j.User, &cluster.User},
		{"password", j.Password, &cluster.Password},
		{"token", j.Token, &cluster.Token},
	} {
		if secret.placeholder == "" {
			continue
		}
		var err error
		if *secret.target, err = resolvePlaceholder(replacer, secret.placeholder); err != nil {
			return fmt.Errorf("%s: %w", secret.name, err)
		}
	}
	j.journal = cluster
	j.identity = "nats prefix " + cluster.Prefix + " of " + strings.Join(slices.Sorted(slices.Values(j.URLs)), " ")
	return nil
}

// streamPrefix is what NATS allows in the name of a stream, and what can be part of a subject.
var streamPrefix = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// check finds the settings that make no sense.
func (j *NATSJournal) check() error {
	for name, placeholder := range map[string]string{"user": j.User, "password": j.Password, "token": j.Token} {
		if placeholder == "" {
			continue
		}
		if err := checkPlaceholder(placeholder); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	cluster := j.Replicas != 0 || j.User != "" || j.Password != "" || j.Token != "" || j.Credentials != "" || j.TLSCA != "" || j.Prefix != ""
	ways := 0
	for _, way := range []string{j.User, j.Token, j.Credentials} {
		if way != "" {
			ways++
		}
	}
	switch {
	case j.Dir != "" && len(j.URLs) > 0:
		return errors.New("dir and url exclude each other: keep dir for the server inside this process, or url for a cluster")
	case len(j.URLs) == 0 && cluster:
		return errors.New("replicas, user, password, token, credentials, tls_ca and prefix are about a cluster: add its url, or leave them out")
	case (j.User == "") != (j.Password == ""):
		return errors.New("user and password go together: add the one that is missing")
	case ways > 1:
		return errors.New("user, token and credentials exclude each other: keep one of them")
	case j.Replicas != 0 && !slices.Contains([]int{1, 3, 5}, j.Replicas):
		return fmt.Errorf("replicas %d: use 1, 3 or 5", j.Replicas)
	case j.Prefix != "" && !streamPrefix.MatchString(j.Prefix):
		return fmt.Errorf("prefix %q: use up to 32 letters, digits, hyphens and underscores", j.Prefix)
	}
	for _, text := range j.URLs {
		if err := checkNATS(text); err != nil {
			return err
		}
	}
	return nil
}

// checkNATS checks the URL of a server. The errors don't repeat it, because it may hold a password.
func checkNATS(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls"}, u.Scheme):
		return errors.New("url: must begin with nats:// or tls:// and a host, such as nats://nats-1:4222")
	case u.User != nil:
		return errors.New("url: a user, password or token may not stand in it: use the options user, token or credentials, with placeholders")
	}
	return nil
}

// Journal returns the journal, and by what it is known.
func (j *NATSJournal) Journal() (outbound.Journal, string) { return j.journal, j.identity }

// UnmarshalCaddyfile reads the journal's block:
//
//	journal nats {
//		dir          <path>                                      # for a server inside this process
//		url          <url...>                                    # or for a cluster, with what follows
//		replicas     1|3|5
//		user         <placeholder> password <placeholder>
//		token        <placeholder>
//		credentials  <file>
//		tls_ca       <file>
//		prefix       <name>
//	}
func (j *NATSJournal) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the journal's name
	start := *d
	j.Position = position(d)
	o := newOptions(d)
	for o.next() {
		switch o.Val() {
		case "dir":
			o.text(&j.Dir)
		case "url":
			j.URLs = trimEmpty(o.args(1, 16))
			for _, text := range j.URLs {
				if err := checkNATS(text); err != nil {
					o.fail("%v", err)
				}
			}
		case "replicas":
			o.number(&j.Replicas, 1, 5)
		case "user":
			args := o.args(3, 3)
			if args[1] != "password" {
				o.fail("user: write \"user <placeholder> password <placeholder>\"")
			}
			o.placeholder("user", &j.User, args[0])
			o.placeholder("password", &j.Password, args[2])
		case "token":
			o.placeholder("token", &j.Token, o.args(1, 1)[0])
		case "credentials":
			o.text(&j.Credentials)
		case "tls_ca":
			o.text(&j.TLSCA)
		case "prefix":
			o.text(&j.Prefix)
		default:
			o.unknown("dir", "url", "replicas", "user", "token", "credentials", "tls_ca", "prefix")
		}
	}
	if o.err != nil {
		return o.err
	}
	if err := j.check(); err != nil {
		return start.WrapErr(err)
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*NATSJournal)(nil)
	_ caddyfile.Unmarshaler = (*NATSJournal)(nil)
	_ journal               = (*NATSJournal)(nil)
)
