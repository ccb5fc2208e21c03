package durability

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// The ports that are given lie below those that systems choose for connections: a gateway that is down for
// a moment must find its port free when it comes back.
const firstPort, lastPort = 20_000, 30_000

var (
	portsMu sync.Mutex
	given   = make(map[int]bool)
)

// freePort returns a port of the loopback address that nobody listens at, and another one each time.
func freePort(t *testing.T) int {
	t.Helper()
	portsMu.Lock()
	defer portsMu.Unlock()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if given[port] {
			continue
		}
		if listener, err := net.Listen("tcp", loopback(port)); err == nil {
			listener.Close()
			given[port] = true
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

func loopback(port int) string { return fmt.Sprint("127.0.0.1:", port) }
