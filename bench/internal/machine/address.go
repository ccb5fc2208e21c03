package machine

import "net"

// FreeAddress returns a loopback address that nothing listens at. Somebody else may take it
// before the gateway does; the gateway's start then fails.
func FreeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
