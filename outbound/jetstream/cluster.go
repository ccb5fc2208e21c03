package jetstream

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/hookseal/hookseal/outbound"
)

// Cluster is an [outbound.Journal] in a NATS server or cluster with JetStream, of version 2.11 or
// later. Several gateways' journals can share one, each with a Prefix of its own.
//
// An acknowledged write is on the disks of a majority of the replicas as far as the servers sync:
// that is for their configuration to say ("sync_interval: always").
//
// One process at a time has the journal, by a lease of 20 seconds that it renews every 3. Others
// wait in Open, and take over when the lease is given back or runs out. The lease only keeps writers
// out of each other's way: that none writes behind another's back is seen to by the streams, since
// each record says which one it follows.
type Cluster struct {
	// URLs are the servers', nats:// or tls://, one or several of the same cluster. At least one is
	// required. They may hold no user or password.
	URLs []string

	// Prefix begins the names of all streams and subjects: letters, digits, "-" and "_".
	// Default: "hookseal".
	Prefix string

	// Replicas is on how many servers each record is stored: 1 to 5; 3 for what should outlive one
	// of them. Default: 1.
	Replicas int

	// MaxBytes is the most that each stream may take, in bytes, after which writes get
	// [outbound.ErrFull]. Default: as much as the account may have.
	MaxBytes int64

	// Holder names this gateway, the same whenever it starts and no other's, so that one that was
	// killed takes up its own lease again at once. Default: a new name each time, which waits until
	// the lease has run out.
	Holder string

	// At most one of these ways to log in: User with Password, Token, NKeySeed (the seed itself,
	// "SU…") or CredentialsFile (a file as "nsc generate creds" makes it). Default: none.
	User, Password, Token, NKeySeed, CredentialsFile string

	// CAFile is a file of PEM certificates that the servers' must be signed by, with which nats://
	// is TLS as well. Default: those that the system trusts.
	CAFile string

	// Warn gets what the connection is suffering from, one line each, without a time. It may be
	// called from many goroutines. Default: it is dropped.
	Warn func(message string)

	times leaseTimes // defaultLease unless a test is in a hurry
}

var clusterPrefix = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Open implements [outbound.Journal].
func (c *Cluster) Open(ctx context.Context) (_ *outbound.Books, err error) {
	options, err := c.options()
	if err != nil {
		return nil, err
	}
	conn, err := c.connect(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("journal in a cluster: %w", err)
	}
	b, err := newBooks(conn, true, func(uint64, uint64) error { return nil })
	if err != nil {
		conn.Close()
		return nil, err
	}
	opened, held, err := c.take(ctx, b)
	if err != nil {
		b.end()
		conn.Close()
		return nil, fmt.Errorf("journal in a cluster: %w", err)
	}
	var renewing sync.WaitGroup
	renewing.Go(func() { held.renew(b) })
	opened.Close = sync.OnceValue(func() error {
		b.end()
		renewing.Wait()
		held.giveBack()
		conn.Close()
		return nil
	})
	return opened, nil
}

// take waits for the lease and opens the streams under it.
func (c *Cluster) take(ctx context.Context, b *books) (*outbound.Books, *lease, error) {
	l := layout{
		prefix:   cmp.Or(c.Prefix, DefaultPrefix),
		replicas: max(c.Replicas, 1),
		maxBytes: c.MaxBytes,
	}
	held, err := b.lease(ctx, l, cmp.Or(c.Holder, rand.Text()), cmp.Or(c.times, defaultLease))
	if err != nil {
		return nil, nil, err
	}
	// The streams' ends are read after the lease is there, and so after its last holder's time.
	opened, err := b.open(ctx, l)
	if err != nil {
		held.giveBack()
		return nil, nil, err
	}
	return opened, held, nil
}

// options checks what was configured and returns what it means to the client.
func (c *Cluster) options() ([]nats.Option, error) {
	if len(c.URLs) == 0 {
		return nil, errors.New("the cluster has no URLs")
	}
	for i, text := range c.URLs {
		// The text stays out of the error, because of what somebody may have put into it.
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "nats" && u.Scheme != "tls" || u.Host == "" {
			return nil, fmt.Errorf("url %d of the cluster is not like nats://host:4222 or tls://host:4222", i+1)
		}
		if u.User != nil {
			return nil, fmt.Errorf("url %d of the cluster holds a user: user and password are options of their own", i+1)
		}
	}
	if c.Prefix != "" && !clusterPrefix.MatchString(c.Prefix) {
		return nil, fmt.Errorf("prefix %q is not 1 to 64 letters, digits, - or _", c.Prefix)
	}
	if c.Replicas < 0 || c.Replicas > 5 {
		return nil, fmt.Errorf("%d replicas are not 1 to 5", c.Replicas)
	}
	if c.MaxBytes < 0 {
		return nil, fmt.Errorf("%d bytes at most are below zero", c.MaxBytes)
	}
	options := []nats.Option{
		nats.Name("hookseal"),
		nats.MaxReconnects(-1),
		// A request that is kept until there is a connection again would be one that nobody waits for.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				c.warn("the connection to the cluster broke: " + err.Error())
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			c.warn("the cluster refuses: " + err.Error())
		}),
	}
	ways := 0
	if c.User != "" || c.Password != "" {
		ways++
		options = append(options, nats.UserInfo(c.User, c.Password))
	}
	if c.Token != "" {
		ways++
		options = append(options, nats.Token(c.Token))
	}
	if c.NKeySeed != "" {
		ways++
		pair, err := nkeys.FromSeed([]byte(c.NKeySeed))
		if err != nil {
			return nil, errors.New("the NKey's seed is not like SU…")
		}
		public, err := pair.PublicKey()
		if err != nil {
			return nil, errors.New("the NKey's seed is not like SU…")
		}
		options = append(options, nats.Nkey(public, pair.Sign))
	}
	if c.CredentialsFile != "" {
		ways++
		if _, err := os.Stat(c.CredentialsFile); err != nil {
			return nil, err
		}
		options = append(options, nats.UserCredentials(c.CredentialsFile))
	}
	if ways > 1 {
		return nil, errors.New("the cluster has more than one way to log in")
	}
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, err
		}
		if !x509.NewCertPool().AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate", c.CAFile)
		}
		options = append(options, nats.RootCAs(c.CAFile))
	}
	return options, nil
}

// connect waits until some server of the cluster can be reached. One that doesn't let us in, or
// isn't who it should be, is an error.
func (c *Cluster) connect(ctx context.Context, options []nats.Option) (*nats.Conn, error) {
	var last error
	for ; ; wait(ctx, pause) {
		if err := ctx.Err(); err != nil {
			if last != nil {
				return nil, fmt.Errorf("%w (%v)", err, last)
			}
			return nil, err
		}
		conn, err := nats.Connect(strings.Join(c.URLs, ","), options...)
		if err == nil {
			if err := oldServer(conn.ConnectedServerVersion()); err != nil {
				conn.Close()
				return nil, err
			}
			return conn, nil
		}
		if !unreachable(err) {
			return nil, err
		}
		if last == nil {
			c.warn("the cluster can't be reached yet: " + err.Error())
		}
		last = err
	}
}

// unreachable reports whether an error of connecting is that of a server that isn't there, or not
// yet ready.
func unreachable(err error) bool {
	var network net.Error
	return errors.Is(err, nats.ErrNoServers) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, io.EOF) ||
		errors.Is(err, nats.ErrConnectionClosed) || errors.As(err, &network)
}

// oldServer returns an error for a server that is too old. Reading records in batches, and records
// that end by themselves, came with 2.11.
func oldServer(version string) error {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil || major < 2 || major == 2 && minor < 11 {
		return fmt.Errorf("the server is of version %q, and 2.11 is needed", version)
	}
	return nil
}

func (c *Cluster) warn(message string) {
	if c.Warn != nil {
		c.Warn(message)
	}
}

var _ outbound.Journal = (*Cluster)(nil)
