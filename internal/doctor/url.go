package doctor

import (
	"net"
	"net/url"
	"strings"
)

// signsURL reports whether the scheme's signature covers the URL.
func (c Case) signsURL() bool {
	for s := &c.Scheme; s != nil; s = s.Alternative {
		if s.CoversURL() {
			return true
		}
	}
	return false
}

// ofURL changes the public URL and the target: what the sender was told is signed, and not what arrived.
func ofURL(c Case) []variation {
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" {
		return nil
	}
	var all []variation
	add := func(name, text, public, target string) {
		if public == c.PublicURL && target == c.Target {
			return
		}
		all = append(all, variation{Change{OfURL, name, text}, func(c *Case) bool {
			c.PublicURL, c.Target = public, target
			return true
		}})
	}
	bases := basesOf(u)
	targets := targetsOf(c.Target)
	for _, t := range targets {
		add(t.name, t.text, c.PublicURL, t.value)
	}
	for _, b := range bases {
		add(b.name, b.text, b.value, c.Target)
	}
	if !c.signsURL() {
		return all // at most a part of it counts
	}
	for _, b := range bases {
		for _, t := range targets {
			add(b.name+"_"+t.name, b.text+"; and "+t.text, b.value, t.value)
		}
	}
	return all
}

// urlChange is a part of the URL, written in another way.
type urlChange struct{ name, text, value string }

// basesOf returns other ways to write scheme and host.
func basesOf(u *url.URL) (all []urlChange) {
	other := *u
	if other.Scheme = "http"; u.Scheme == "http" {
		other.Scheme = "https"
	}
	hostname := u.Hostname()
	if strings.Contains(hostname, ":") {
		hostname = "[" + hostname + "]"
	}
	if u.Port() != "" {
		without, swapped := *u, other
		without.Host, swapped.Host = hostname, hostname
		all = append(all,
			urlChange{"without_port", "the sender signed the URL without the port: leave the port out of public_url", without.String()},
			urlChange{"scheme_without_port", "the sender signed " + other.Scheme + ":// without the port: change public_url", swapped.String()})
	} else {
		port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
		for _, port := range []string{port, "8443", "8080"} {
			with := *u
			with.Host = net.JoinHostPort(u.Hostname(), port)
			all = append(all, urlChange{"with_port", "the sender signed the URL with a port: add :" + port + " to public_url", with.String()})
		}
	}
	all = append(all, urlChange{"scheme", "the sender signed " + other.Scheme + "://, not " + u.Scheme + "://: change public_url to what the provider was given", other.String()})
	if lower := strings.ToLower(u.Host); lower != u.Host {
		folded := *u
		folded.Host = lower
		all = append(all, urlChange{"host_case", "the sender signed the host in lower case: change public_url", folded.String()})
	}
	if u.Path != "" && u.Path != "/" {
		bare := *u
		bare.Path, bare.RawPath = "", ""
		all = append(all, urlChange{"without_base_path", "the sender signed the URL without the path of public_url: leave that out", bare.String()})
	}
	return all
}

// targetsOf returns other ways to write path and query.
func targetsOf(target string) (all []urlChange) {
	path, query, asked := strings.Cut(target, "?")
	behind := ""
	if asked {
		behind = "?" + query
	}
	if trimmed, ok := strings.CutSuffix(path, "/"); ok {
		all = append(all, urlChange{"without_slash", "the sender signed the URL without the slash at its end: give the provider the URL that the route has, and don't redirect", trimmed + behind})
	} else {
		all = append(all, urlChange{"with_slash", "the sender signed the URL with a slash at its end: give the provider the URL that the route has, and don't redirect", path + "/" + behind})
	}
	if asked {
		all = append(all, urlChange{"without_query", "the sender signed the URL without its query", path})
	}
	if plain, err := url.PathUnescape(path); err == nil && plain != path {
		all = append(all, urlChange{"unescaped", "the sender signed the path without percent-encoding", plain + behind})
	}
	if escaped := (&url.URL{Path: path}).EscapedPath(); escaped != path {
		all = append(all, urlChange{"escaped", "the sender signed the path percent-encoded: something decoded it on its way", escaped + behind})
	}
	if first, rest, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/"); ok && first != "" {
		all = append(all, urlChange{"without_prefix", "the sender signed the path without its first part: something added that on its way", "/" + rest + behind})
	}
	return all
}
