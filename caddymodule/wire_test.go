package caddymodule_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// wire is a connection on which a test writes a request byte by byte.
type wire struct {
	t      *testing.T
	host   string
	conn   *net.TCPConn
	reader *bufio.Reader
}

// dial opens a connection to the site.
func (g *gateway) dial() *wire {
	g.t.Helper()
	conn, err := net.Dial("tcp", g.host)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &wire{g.t, g.host, conn.(*net.TCPConn), bufio.NewReader(conn)}
}

// write writes text as it is.
func (w *wire) write(text string) *wire {
	w.t.Helper()
	if _, err := w.conn.Write([]byte(text)); err != nil {
		w.t.Fatal(err)
	}
	return w
}

// writeHead writes a request line and header fields, with more of them as lines.
func (w *wire) writeHead(path string, header http.Header, lines ...string) *wire {
	w.t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "POST %s HTTP/1.1\r\nHost: %s\r\n", path, w.host)
	_ = header.Write(&text)
	for _, line := range lines {
		text.WriteString(line + "\r\n")
	}
	return w.write(text.String() + "\r\n")
}

// ends closes our side of the connection.
func (w *wire) ends() *wire {
	w.t.Helper()
	if err := w.conn.CloseWrite(); err != nil {
		w.t.Fatal(err)
	}
	return w
}

// line reads one line of what comes back.
func (w *wire) line() string {
	w.t.Helper()
	line, err := w.reader.ReadString('\n')
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimRight(line, "\r\n")
}

// answer reads the answer.
func (w *wire) answer() *answer {
	w.t.Helper()
	resp, err := http.ReadResponse(w.reader, &http.Request{Method: http.MethodPost})
	if err != nil {
		w.t.Fatal(err)
	}
	a, err := readAnswer(resp)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// contentLength is the header line of a body's length.
func contentLength(body []byte) string { return fmt.Sprintf("Content-Length: %d", len(body)) }
