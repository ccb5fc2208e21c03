package outbound

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxURL is how long an endpoint's URL may be, in bytes. Many servers take no more.
const maxURL = 2048

// CheckURL returns an *InvalidError about URL unless attempts may go there: it is absolute, of https
// (or of http, if that is allowed), at most 2048 characters of ASCII, and has neither user info nor a
// fragment. An IP address in it must be one that is allowed. What a host's name leads to is not looked up:
// that can change at any time, so the address that is connected to is checked at every attempt.
func (e Egress) CheckURL(text string) error {
	wrong := func(format string, args ...any) error {
		return &InvalidError{"URL", fmt.Sprintf(format, args...)}
	}
	if len(text) > maxURL {
		return wrong("is longer than %d characters: give a shorter one", maxURL)
	}
	// An international name becomes ASCII in ways that differ between readers; in some of them
	// full-width digits become an address.
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return wrong("has a blank, a control character or one beyond ASCII: write those as %%XX, and a host's name in punycode")
	}
	u, err := url.Parse(text)
	if err != nil { // which quotes the URL, and with it what secrets its query may hold
		return wrong("is not a URL: write it as https://host/path")
	}
	switch {
	case u.Scheme != "https" && !(u.Scheme == "http" && e.AllowHTTP):
		return wrong("is not of https: give one that begins with https://")
	case u.Hostname() == "":
		return wrong("has no host: write it as https://host/path")
	case u.User != nil:
		return wrong("has a user name or password, which would show wherever the URL does: use a header for it")
	case strings.Contains(text, "#"):
		return wrong("has a fragment, which is not sent: leave out the # and what follows")
	case !isPort(u):
		return wrong("has a port that is not from 1 to 65535: mend it or leave out the colon")
	}
	host := u.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil {
		if !e.allows(addr) {
			return wrong("has the address %s, which is not of the public internet: give another, or allow its network in the configuration", addr)
		}
		return nil
	}
	if !isHostName(host) {
		return wrong("has a host that is neither a name nor an IP address: mend it; an IPv4 address is four decimal numbers")
	}
	return nil
}

func isPort(u *url.URL) bool {
	text := u.Port()
	if text == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// isHostName reports whether a text is a name and no other spelling of an IPv4 address. There are
// many of those (127.1, 0x7f.0.0.1, 2130706433), which some resolvers read as addresses. All end in a
// number, as no name does.
func isHostName(host string) bool {
	host = strings.TrimSuffix(host, ".")
	if len(host) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(host, ".") {
		wrong := func(r rune) bool { return !isLetterOrDigit(r) && r != '-' && r != '_' }
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, wrong) {
			return false
		}
		last = strings.ToLower(label)
	}
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") != ""
	}
	return strings.Trim(last, "0123456789") != ""
}

// allows reports whether an address may be connected to: one of the public internet, or of a network
// that is allowed.
func (e Egress) allows(addr netip.Addr) bool {
	addr = addr.Unmap()
	for _, allowed := range e.AllowNets {
		if contains(allowed, addr) {
			return true
		}
	}
	switch {
	case !addr.IsValid() || addr.Zone() != "":
		return false
	case addr.Is4():
		return !isAnyOf(specialV4, addr)
	case nat64.Contains(addr):
		bytes := addr.As16()
		return e.allows(netip.AddrFrom4([4]byte(bytes[12:])))
	case sixToFour.Contains(addr):
		bytes := addr.As16()
		return e.allows(netip.AddrFrom4([4]byte(bytes[2:])))
	}
	return publicV6.Contains(addr) && !isAnyOf(specialV6, addr)
}

// contains reports whether a network contains an address, whether the network is written as one of IPv4
// or as one of IPv4 in IPv6, and through whatever interface the address is reached.
func contains(network netip.Prefix, addr netip.Addr) bool {
	if first := network.Addr(); first.Is4In6() && network.Bits() >= 96 {
		network = netip.PrefixFrom(first.Unmap(), network.Bits()-96)
	}
	return network.Contains(addr.WithZone(""))
}

func isAnyOf(networks []netip.Prefix, addr netip.Addr) bool {
	for _, network := range networks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

func prefixes(texts ...string) []netip.Prefix {
	networks := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		networks[i] = netip.MustParsePrefix(text)
	}
	return networks
}

// specialV4 are the networks that aren't of the public internet, after IANA's registry
// (https://www.iana.org/assignments/iana-ipv4-special-registry), with multicast and the one public
// address at which a cloud's host answers.
var specialV4 = prefixes(
	"0.0.0.0/8",        // this network
	"10.0.0.0/8",       // private
	"100.64.0.0/10",    // shared (CGNAT); a cloud's metadata is at 100.100.100.200
	"127.0.0.0/8",      // loopback
	"168.63.129.16/32", // Azure's host, as seen by its guests
	"169.254.0.0/16",   // link-local; the clouds' metadata is at 169.254.169.254
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments; a cloud's metadata is at 192.0.0.192
	"192.0.2.0/24",     // documentation
	"192.88.99.0/24",   // 6to4 relays
	"192.168.0.0/16",   // private
	"198.18.0.0/15",    // benchmarks
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, and broadcast
)

// Of IPv6 only publicV6 is given out as public unicast, so that everything else is refused, whether it
// is loopback, private, link-local, multicast or not thought of yet. specialV6 are the networks in it
// that aren't public (https://www.iana.org/assignments/iana-ipv6-special-registry).
var (
	publicV6  = netip.MustParsePrefix("2000::/3")
	specialV6 = prefixes(
		"2001::/23",     // protocol assignments, Teredo among them
		"2001:db8::/32", // documentation
		"3fff::/20",     // documentation
	)
)

// Addresses of these networks lead to the IPv4 address in them, and are judged as that one is.
// 64:ff9b:1::/48 would too, but only the network's operator knows where.
var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
)
