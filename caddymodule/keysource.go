package caddymodule

import (
	"net/http"
	"net/netip"
	"sync"

	"github.com/hookseal/hookseal/verifiers"
)

// processKeys returns the keys that were fetched from vendors. They are the process's, as the claims of a memory
// store are: every route, reload and changed secret would ask for them anew otherwise, and deliveries
// would wait, or fail while a vendor can't be reached. What is shared says nothing about who asked: the name of a
// key has in it with whose credentials it was asked for.
var processKeys = sync.OnceValue(func() *verifiers.KeySource {
	return verifiers.NewKeySource(verifiers.KeySourceOptions{})
})

// peerBits is how much of an IPv6 address tells one peer from another: whoever has one address has all that begin
// alike.
const peerBits = 64

// peerOf returns what tells the sender of a request from others.
func peerOf(r *http.Request) string {
	client := clientOf(r)
	address, err := netip.ParseAddr(client)
	if err != nil || !address.Is6() || address.Is4In6() {
		return client
	}
	prefix, err := address.WithZone("").Prefix(peerBits)
	if err != nil {
		return client
	}
	return prefix.String()
}
