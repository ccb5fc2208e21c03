package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// connection is one keep-alive connection to a gateway. It writes requests that are ready in
// memory, because net/http's client would take far more of the cores that it shares with the
// gateway.
type connection struct {
	conn     net.Conn
	answers  *bufio.Reader
	delivery *delivery
	release  func() bool
}

// answerTimeout is far beyond any good answer: it is there for a gateway that hangs.
const answerTimeout = 30 * time.Second

func dial(ctx context.Context, address string, d *delivery) (*connection, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &connection{conn: conn, answers: bufio.NewReader(conn), delivery: d}
	c.release = context.AfterFunc(ctx, func() { conn.Close() })
	return c, nil
}

func (c *connection) close() {
	c.release()
	c.conn.Close()
}

// send sends the delivery with the given number and reads the answer, which must be the
// upstream's 200 on a connection that stays open.
func (c *connection) send(number uint64) error {
	request, err := c.delivery.number(number)
	if err != nil {
		return err
	}
	if err := c.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	// A gateway that refuses may do so before it has read the body, and close. Then its answer
	// tells more than the failed write.
	_, writeErr := request.WriteTo(c.conn)
	answer, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		if writeErr != nil {
			err = writeErr
		}
		return fmt.Errorf("delivery %d: %w", number, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get(upstreamHeader) == "" {
		return fmt.Errorf("delivery %d: answer %d, from the upstream: %t; want 200 from the upstream",
			number, answer.StatusCode, answer.Header.Get(upstreamHeader) != "")
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return fmt.Errorf("delivery %d: reading the answer: %w", number, err)
	}
	if answer.Close {
		return fmt.Errorf("delivery %d: the gateway closes the connection", number)
	}
	return nil
}
