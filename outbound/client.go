package outbound

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
	"unicode/utf8"
)

// The bounds of a client, besides those of Settings.
const (
	maxAnswerHeader = 64 << 10 // bytes
	maxAnswer       = 64 << 10 // bytes of the body that are read at all
	idleTimeout     = 90 * time.Second
)

// client posts over HTTP.
type client struct {
	egress    Egress
	transport *http.Transport
	now       func() time.Time
}

// NewSender returns a Sender that posts over HTTP/1.1 and HTTP/2, with TLS 1.2 or later, to addresses
// that the settings allow. It follows no redirect and keeps no cookie, and it takes no proxy from the
// environment. Of an answer it reads 64 KiB and keeps MaxResponse bytes; the connection of a longer one is
// closed. Its method Close closes the connections that no attempt is using.
func NewSender(s Settings) Sender { return newClient(s, nil, nil) }

// newClient returns a client. A nil resolver and nil roots are the system's.
func newClient(s Settings, resolver *net.Resolver, roots *x509.CertPool) *client {
	dialer := &net.Dialer{
		Timeout:  cmp.Or(s.Timeout, DefaultTimeout),
		Resolver: resolver,
	}
	c := &client{egress: s.Egress, now: time.Now}
	// A connection is put back before its answer is handed on, and net/http loses the answer of one that
	// others push out in between. So there is room for all that can be in use, and as many besides.
	attempts := cmp.Or(s.MaxAttempts, DefaultMaxAttempts)
	c.transport = &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    dialer.Timeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           2 * attempts,
		MaxIdleConnsPerHost:    attempts, // a host can have many endpoints
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxAnswerHeader,
		// An answer that unpacks itself on the way can be far longer than what was read.
		DisableCompression: true,
		// All attempts to a host share one connection of HTTP/2. When a router forgets it they all time
		// out, until somebody asks.
		HTTP2: &http.HTTP2Config{SendPingTimeout: idleTimeout / 3, PingTimeout: dialer.Timeout},
	}
	if proxy := s.Egress.Proxy; proxy != nil {
		// Everything goes to the proxy then, so its address is the only one that is seen here, and
		// whoever set it meant it.
		c.transport.Proxy = http.ProxyURL(proxy)
		c.transport.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
			if response.StatusCode != http.StatusOK {
				return errForbidden
			}
			return nil
		}
	} else {
		dialer.Control = c.control
	}
	return c
}

// control refuses to connect to what isn't allowed. It is called with the very address that is about to
// be connected to: one that was checked before it was looked up could be another by now, because the
// subscriber's name server says what it likes.
func (c *client) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !c.egress.allows(to.Addr()) {
		return errAddress
	}
	return nil
}

// Send posts a body to a URL once.
//
// The body may be sent twice all the same, if the connection is an old one that turns out to be closed:
// net/http sends it again on another when nothing of it was written, and also when something was, if the
// endpoint's headers have an Idempotency-Key. That is the same message under the same id, and delivery
// is at least once anyway. In every other case the attempt has failed, and the schedule has the next.
func (c *client) Send(ctx context.Context, to string, header http.Header, body []byte) Answer {
	// It was checked when the endpoint was made, maybe under other settings.
	if err := c.egress.CheckURL(to); err != nil {
		return Answer{Problem: problemURL}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return Answer{Problem: problemURL}
	}
	maps.Copy(request.Header, header)
	// Not an http.Client, which follows redirects and puts the URL into its errors.
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return Answer{Problem: problem(ctx, err)}
	}
	return c.read(response)
}

// Close closes the connections that are not in use, and those in use when their attempt is over.
func (c *client) Close() { c.transport.CloseIdleConnections() }

// read reads an answer. Its status is what counts: when the rest of the body fails to come, the
// subscriber has said all the same what became of the message.
func (c *client) read(response *http.Response) Answer {
	// Before the end of the body it closes the connection.
	defer response.Body.Close()
	answer := Answer{Code: response.StatusCode}
	switch {
	case answer.Code < 100:
		return Answer{Problem: problemAnswer}
	case answer.Code == http.StatusSwitchingProtocols:
		// Nobody asked for another protocol. What would be read is the bare connection, which the
		// context doesn't end.
		return answer
	case answer.Code/100 != 2:
		answer.RetryAfter = retryAfter(response.Header["Retry-After"], c.now())
	}
	body := io.LimitReader(response.Body, maxAnswer)
	begin, _ := io.ReadAll(io.LimitReader(body, MaxResponse+utf8.UTFMax))
	_, _ = io.Copy(io.Discard, body) // so that the connection can be used again, if that is all
	answer.Body = beginOf(begin, MaxResponse)
	return answer
}

// beginOf returns the beginning of a text, in whole characters. What isn't UTF-8 is replaced.
func beginOf(text []byte, size int) []byte {
	text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	if len(text) <= size {
		return text
	}
	for !utf8.RuneStart(text[size]) {
		size--
	}
	return text[:size]
}
