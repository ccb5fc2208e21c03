package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
)

// The problems that an Answer can have. They are all there are, because the errors they are made of can
// quote the URL, and with it what secrets its query holds.
const (
	problemTimeout     = "timeout"
	problemStopped     = "stopped before the answer"
	problemURL         = "URL not allowed"
	problemAddress     = "address not allowed"
	problemName        = "name not found"
	problemResolver    = "name could not be looked up"
	problemRefused     = "connection refused"
	problemReset       = "connection reset"
	problemUnreachable = "host not reachable"
	problemClosed      = "connection closed without an answer"
	problemProxy       = "proxy not reachable"
	problemForbidden   = "refused by the proxy"
	problemAnswer      = "no valid answer"

	problemCertificate = "TLS: certificate not trusted"
	problemOtherName   = "TLS: certificate of another name"
	problemExpired     = "TLS: certificate expired or not valid yet"
	problemNoTLS       = "TLS: not spoken there"
	problemHandshake   = "TLS: handshake failed"
)

// Problems lists all that can stand for an answer in an Attempt whose Code is 0.
func Problems() []string {
	return []string{
		problemTimeout, problemStopped, problemURL, problemAddress, problemName, problemResolver, problemRefused,
		problemReset, problemUnreachable, problemClosed, problemProxy, problemForbidden, problemAnswer,
		problemCertificate, problemOtherName, problemExpired, problemNoTLS, problemHandshake,
		problemUnsigned, problemPayload,
	}
}

// What goes wrong in the middle of making a connection.
var (
	errAddress   = errors.New(problemAddress)
	errForbidden = errors.New(problemForbidden)
)

// problem says in words of ours why there is no answer.
func problem(ctx context.Context, err error) string {
	var (
		name        *net.DNSError
		op          *net.OpError
		timeout     net.Error
		otherName   x509.HostnameError
		invalid     x509.CertificateInvalidError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	isOp := errors.As(err, &op)
	switch {
	case errors.Is(err, errAddress):
		return problemAddress
	case errors.Is(err, errForbidden):
		return problemForbidden
	case errors.Is(ctx.Err(), context.Canceled):
		return problemStopped
	case ctx.Err() != nil:
		return problemTimeout
	case isOp && (op.Op == "proxyconnect" || op.Op == "socks connect"):
		return problemProxy
	case errors.As(err, &name) && name.IsNotFound:
		return problemName
	case errors.As(err, &timeout) && timeout.Timeout():
		return problemTimeout
	case errors.As(err, &name):
		return problemResolver
	case errors.As(err, &otherName):
		return problemOtherName
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return problemExpired
	case errors.As(err, &certificate):
		return problemCertificate
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return problemNoTLS
	case isOp && op.Op == "remote error":
		return problemHandshake
	case errors.Is(err, syscall.ECONNREFUSED):
		return problemRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return problemReset
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return problemUnreachable
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return problemClosed
	}
	return problemAnswer
}
