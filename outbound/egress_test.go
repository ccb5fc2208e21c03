package outbound

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// notPublic are networks that attempts must not reach, with their first and last addresses: IANA's
// registries of special-purpose addresses, and what lies in nobody's hands.
var notPublic = []string{
	"0.0.0.0-0.255.255.255", "10.0.0.0-10.255.255.255", "100.64.0.0-100.127.255.255",
	"127.0.0.0-127.255.255.255", "169.254.0.0-169.254.255.255", "172.16.0.0-172.31.255.255",
	"192.0.0.0-192.0.0.255", "192.0.2.0-192.0.2.255", "192.88.99.0-192.88.99.255",
	"192.168.0.0-192.168.255.255", "198.18.0.0-198.19.255.255", "198.51.100.0-198.51.100.255",
	"203.0.113.0-203.0.113.255", "224.0.0.0-239.255.255.255", "240.0.0.0-255.255.255.255",
	"168.63.129.16-168.63.129.16",
	"::-::1", "::7f00:1-::7f00:1", "100::-100::ffff:ffff:ffff:ffff", "64:ff9b:1::-64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
	"2001::-2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
	"3fff::-3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "5f00::-5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"fec0::-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff00::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"4000::-fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fd00:ec2::254-fd00:ec2::254",
	"169.254.169.254-169.254.169.254", "100.100.100.200-100.100.100.200", "192.0.0.192-192.0.0.192",
}

// inIPv6 returns an IPv4 address and the addresses of IPv6 that lead to it.
func inIPv6(v4 netip.Addr) []netip.Addr {
	b := v4.As4()
	tail := func(head ...byte) netip.Addr {
		var bytes [16]byte
		copy(bytes[:], head)
		copy(bytes[12:], b[:])
		return netip.AddrFrom16(bytes)
	}
	return []netip.Addr{
		v4,
		tail(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff),
		tail(0, 0x64, 0xff, 0x9b),
		netip.AddrFrom16([16]byte{0x20, 0x02, b[0], b[1], b[2], b[3], 15: 1}),
	}
}

func TestAddressesOutsideThePublicInternetAreRefused(t *testing.T) {
	for _, network := range notPublic {
		first, last, _ := strings.Cut(network, "-")
		for _, text := range []string{first, last} {
			addrs := []netip.Addr{netip.MustParseAddr(text)}
			if addrs[0].Is4() {
				addrs = inIPv6(addrs[0])
			} else {
				addrs = append(addrs, addrs[0].WithZone("eth0"))
			}
			for _, addr := range addrs {
				if (Egress{}).allows(addr) {
					t.Errorf("allows %s of %s", addr, network)
				}
			}
		}
	}
	for _, addr := range []netip.Addr{{}, netip.MustParseAddr("2606:4700::1%eth0")} {
		if (Egress{}).allows(addr) {
			t.Errorf("allows %s", addr)
		}
	}
}

func TestAddressesOfThePublicInternetAreAllowed(t *testing.T) {
	for _, text := range []string{
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
		"128.0.0.0", "168.63.129.15", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
		"192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
		"223.255.255.255",
	} {
		for _, addr := range inIPv6(netip.MustParseAddr(text)) {
			if !(Egress{}).allows(addr) {
				t.Errorf("refuses %s", addr)
			}
		}
	}
	for _, text := range []string{"2000::1", "2001:200::", "2001:4860:4860::8888", "2606:4700::1111", "2a00::1", "3ffe::1"} {
		if !(Egress{}).allows(netip.MustParseAddr(text)) {
			t.Errorf("refuses %s", text)
		}
	}
}

func TestAllowedNetworksAreAllowedAndNothingElse(t *testing.T) {
	for _, tt := range []struct {
		network string
		in, out []string
	}{
		{"10.1.0.0/16", []string{"10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3"}, []string{"10.2.0.1", "127.0.0.1", "::1"}},
		{"::ffff:10.1.0.0/112", []string{"10.1.2.3", "::ffff:10.1.2.3"}, []string{"10.2.0.1"}},
		{"127.0.0.1/32", []string{"127.0.0.1"}, []string{"127.0.0.2", "::1"}},
		{"::1/128", []string{"::1"}, []string{"127.0.0.1", "::"}},
		{"fe80::/10", []string{"fe80::1", "fe80::1%eth0"}, []string{"fec0::1%eth0"}},
		{"::/0", []string{"::1", "fd00::1"}, []string{"127.0.0.1", "::ffff:127.0.0.1"}},
		{"0.0.0.0/0", []string{"127.0.0.1", "::ffff:127.0.0.1"}, []string{"::1", "fd00::1"}},
	} {
		e := Egress{AllowNets: prefixes(tt.network)}
		for _, text := range tt.in {
			if !e.allows(netip.MustParseAddr(text)) {
				t.Errorf("%s refuses %s", tt.network, text)
			}
		}
		for _, text := range tt.out {
			if e.allows(netip.MustParseAddr(text)) {
				t.Errorf("%s allows %s", tt.network, text)
			}
		}
	}
}

func TestURLsThatAttemptsMayGoTo(t *testing.T) {
	for _, text := range []string{
		"https://example.com", "HTTPS://EXAMPLE.com/", "https://example.com:8443/a/b?c=d&e=%20", "https://1.1.1.1/",
		"https://[2606:4700::1111]:443/", "https://a-b.c_d.example.", "https://xn--bcher-kva.example/",
		"https://1password.com/", "https://0x7f.example/", "https://0xyz/", "https://example.com/" + strings.Repeat("a", 2028),
	} {
		if err := (Egress{}).CheckURL(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	open := Egress{AllowHTTP: true, AllowNets: prefixes("127.0.0.0/8", "::1/128")}
	for _, text := range []string{"http://example.com/", "http://127.0.0.1:8080/x", "https://[::1]/", "http://localhost:1/"} {
		if err := open.CheckURL(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// notURLs are URLs that attempts must not go to.
var notURLs = []string{
	"", "/", "//example.com/", "example.com", "example.com/x", "https:", "https:/", "https://", "https:///x", "https:example.com",
	"http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "unix:/run/x", "javascript:alert(1)",
	"https://user@example.com/", "https://user:password@example.com/", "https://@example.com/", "https://:@example.com/",
	"https://example.com/#x", "https://example.com/#", "https://example.com/?#",
	"https://example.com:/", "https://example.com:0/", "https://example.com:65536/", "https://example.com:-1/", "https://example.com:x/",
	"https://example.com/\r\nX: y", "https://example.com/\x00", "https://exam\nple.com/", "https://example.com/a b", " https://example.com/", "https://example.com/\x7f",
	"https://example.com/%zz", "https://%31%32%37.0.0.1/", "https://exa mple.com/", "https://example..com/", "https://.example.com/", "https://./",
	"https://" + strings.Repeat("a", 64) + ".example/", "https://" + strings.Repeat("a.", 127) + "example/", "https://example.com/" + strings.Repeat("a", 2029),
	"https://example.com\\@127.0.0.1/", "https://example.com\\.evil.example/", "https://bücher.example/", "https://example.com/ü", "https://１２７.0.0.1/",
	// Not public, in whatever spelling.
	"https://127.0.0.1/", "https://127.0.0.1:8443/", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://0.0.0.0/", "https://255.255.255.255/",
	"https://127.1/", "https://127.0.1/", "https://2130706433/", "https://017700000001/", "https://0x7f.1/", "https://0x7f000001/", "https://0X7F.0.0.1/", "https://127.0.0.0x1/", "https://0177.0.0.1/", "https://127.0.0.01/",
	"https://127.0.0.1./", "https://127.1./", "https://1.1.1.1./", "https://1.1.1.1.1/", "https://1.1.1.256/", "https://example.1/", "https://0x/", "https://a.0x/",
	"https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[0:0:0:0:0:ffff:7f00:0001]/", "https://[::127.0.0.1]/",
	"https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[fe80::1%25eth0]/", "https://[2606:4700::1111%25eth0]/", "https://[fd00:ec2::254]/", "https://[::1/", "https://::1/", "https://[]/", "https://[v1.x]/", "https://[example.com]/",
}

func TestURLsThatAttemptsMayNotGoTo(t *testing.T) {
	for _, text := range notURLs {
		err := (Egress{}).CheckURL(text)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Field != "URL" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestErrorsOfURLsHoldNothingOfThem: they are logged, and a URL's query may hold a token.
func TestErrorsOfURLsHoldNothingOfThem(t *testing.T) {
	for _, text := range []string{
		"http://example.com/%s", "https://%s@example.com/", "https://example.com/#%s", "https://example.com:0/?%s", "://%s", "https://%s", "https://127.0.0.1/?%s", "%s",
		"https://example.com:%s/",
	} {
		text = strings.ReplaceAll(text, "%s", "hunter2%")
		if err := (Egress{}).CheckURL(text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzAcceptedURLsArePublic(f *testing.F) {
	for _, text := range notURLs {
		f.Add(text)
	}
	f.Add("https://example.com:8443/a?b=c")
	f.Add("https://[2606:4700::1111]/")
	f.Fuzz(func(t *testing.T, text string) {
		if (Egress{}).CheckURL(text) != nil {
			return
		}
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Fragment != "" || u.Opaque != "" || u.Hostname() == "" {
			t.Fatalf("accepted %q: %v, %v", text, u, err)
		}
		if slices.ContainsFunc([]byte(text), func(c byte) bool { return c <= ' ' || c > '~' }) {
			t.Errorf("accepted %q", text)
		}
		host := strings.TrimSuffix(u.Hostname(), ".")
		if addr, err := netip.ParseAddr(host); err == nil && !(Egress{}).allows(addr) {
			t.Errorf("accepted %q", text)
		}
		// What is sent is what was checked.
		if again, err := url.Parse(u.String()); err != nil || again.Host != u.Host {
			t.Errorf("%q became %v, %v", text, again, err)
		}
	})
}
