package api

import (
	"strconv"
	"strings"
)

// isDated reports whether the client that calls itself userAgent is one of Svix's of version 1.44 or
// before. Those, the one in Go above all, refuse an answer with a member that they don't know, so
// they get the members of their time. All other clients get the newer ones too, without which the
// clients of version 2 see no event types of an endpoint.
func isDated(userAgent string) bool {
	version, ok := strings.CutPrefix(userAgent, "svix-libs/")
	if !ok {
		return false
	}
	version, _, _ = strings.Cut(version, "/")
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err1 := strconv.Atoi(first)
	minor, err2 := strconv.Atoi(second)
	if err1 != nil || err2 != nil {
		return false
	}
	return major < 1 || major == 1 && minor <= 44
}

// since144 returns what is newer than version 1.44 of Svix's clients, or nil for a client that
// would stumble over it.
func since144[T any](c *call, members T) *T {
	if c.dated {
		return nil
	}
	return &members
}
