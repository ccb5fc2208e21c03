package outbound

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// resolverOf returns a resolver with a name server of its own, which asks lookup about every name each
// time. A name without addresses doesn't exist.
func resolverOf(t testing.TB, lookup func(name string) []netip.Addr) *net.Resolver {
	t.Helper()
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go serveNames(server, lookup)
		return client, nil
	}}
}

// serveNames answers queries as over TCP (RFC 1035, section 4), where each message follows its length.
func serveNames(conn net.Conn, lookup func(name string) []netip.Addr) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		const head = 12
		var labels []string
		end := head
		for query[end] != 0 {
			n := int(query[end])
			labels = append(labels, string(query[end+1:end+1+n]))
			end += 1 + n
		}
		question := query[head : end+5]
		kind := binary.BigEndian.Uint16(query[end+1:])
		addrs := lookup(strings.Join(labels, "."))
		var records []byte
		count := 0
		for _, addr := range addrs {
			data := addr.AsSlice()
			if (kind == 1 && len(data) == 4) || (kind == 28 && len(data) == 16) {
				records = append(records, 0xc0, head) // the name in the question
				records = binary.BigEndian.AppendUint16(records, kind)
				records = append(records, 0, 1, 0, 0, 0, 0, 0, byte(len(data)))
				records = append(records, data...)
				count++
			}
		}
		code := byte(0x80)
		if len(addrs) == 0 {
			code = 0x83 // no such name
		}
		answer := append([]byte{query[0], query[1], 0x81, code, 0, 1, 0, byte(count), 0, 0, 0, 0}, question...)
		answer = append(answer, records...)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}
