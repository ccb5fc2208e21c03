package outbound

import (
	"net/netip"
	"net/url"
	"slices"
	"time"
)

// Settings are what a hub goes by. They can be changed while it runs.
type Settings struct {
	// Schedule is when a message is tried. Default: DefaultSchedule.
	Schedule Schedule

	// Timeout is how long one attempt may take. Default: 15s.
	Timeout time.Duration

	// Concurrency is how many attempts to one endpoint are in flight at the most, so that a slow
	// subscriber delays no other. It is 2 at the most while the last one failed, and while half of
	// MaxAttempts is in flight. Default: 8.
	Concurrency int

	// MaxAttempts is how many attempts are in flight at the most, to all endpoints together.
	// Default: 1024.
	MaxAttempts int

	// DisableAfter is how long all attempts to an endpoint must have failed for it to be disabled: five at
	// the least, and no quarter of that time without one. Default: 5 days.
	DisableAfter time.Duration

	// RetainFor is how long messages and their attempts are kept. What still waits is kept longer.
	// Default: 30 days.
	RetainFor time.Duration

	// RetainBytes is how much they may take on disk. Over it the oldest go first, but none that still
	// wait: if there is no other, new messages are refused with ErrFull. Default: 10 GiB.
	RetainBytes uint64

	// Drain is how long attempts in flight may take to end when the hub stops. What is cut off then is
	// made again at the next start. Default: Timeout and DrainMargin.
	Drain time.Duration

	// Egress says which addresses may be reached.
	Egress Egress

	// Endpoints are those of the configuration, which belong to DefaultApplication. Their UID is
	// required.
	Endpoints []ConfiguredEndpoint
}

// ConfiguredEndpoint is an endpoint of the configuration with its secrets, the newest first.
type ConfiguredEndpoint struct {
	Endpoint
	Secrets []string
}

// Egress says which addresses attempts may reach. The zero value allows public addresses over HTTPS.
type Egress struct {
	// AllowHTTP allows URLs without TLS.
	AllowHTTP bool

	// AllowNets are networks that may be reached although they are private, loopback, link-local,
	// shared (CGNAT), of a cloud's metadata service or otherwise no part of the public internet.
	AllowNets []netip.Prefix

	// Proxy is the URL of a forward proxy for all attempts. Its address may be any; that of the
	// subscriber is then the proxy's to check, because only the proxy sees it. Default: none, and
	// none from the environment.
	Proxy *url.URL
}

// The defaults of Settings.
const (
	DefaultTimeout      = 15 * time.Second
	DefaultConcurrency  = 8
	DefaultMaxAttempts  = 1024
	DefaultDisableAfter = 5 * 24 * time.Hour
	DefaultRetainFor    = 30 * 24 * time.Hour
	DefaultRetainBytes  = 10 << 30
)

// DrainMargin is how much longer than an attempt may take a hub has to wait for one that has only just
// begun: until that has run out of its time, and says so.
const DrainMargin = time.Second

// longest is the longest time that anything waits between two attempts.
func (s *Settings) longest() time.Duration {
	return max(slices.Max(s.Schedule)*11/10, maxPutOff)
}

// quiet is the time without an attempt after which failures are counted anew.
func (s *Settings) quiet() time.Duration { return max(s.DisableAfter/4, s.longest()) }
