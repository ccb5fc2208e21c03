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

// publisher publishes over one keep-alive connection. It writes requests that are ready in memory,
// because net/http's client would take far more of the cores that it shares with the gateway.
type publisher struct {
	conn    net.Conn
	answers *bufio.Reader
	request []byte
	counter int
	release func() bool
}

// answerTimeout is beyond the time within which a gateway answers that can't reach its journal.
const answerTimeout = 30 * time.Second

func newPublisher(ctx context.Context, g *gateway, app string, size int) (*publisher, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", g.address)
	if err != nil {
		return nil, err
	}
	p := &publisher{conn: conn, answers: bufio.NewReader(conn)}
	p.request, p.counter = publishRequest(g.address, g.token, app, size)
	p.release = context.AfterFunc(ctx, func() { conn.Close() })
	return p, nil
}

func (p *publisher) close() {
	p.release()
	p.conn.Close()
}

// publish publishes the event of a number, which must be accepted.
func (p *publisher) publish(number uint64) error {
	copy(p.request[p.counter:], fmt.Appendf(nil, "%0*d", eventCounter, number))
	if err := p.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	if _, err := p.conn.Write(p.request); err != nil {
		return fmt.Errorf("event %d: %w", number, err)
	}
	answer, err := http.ReadResponse(p.answers, nil)
	if err != nil {
		return fmt.Errorf("event %d: %w", number, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		return fmt.Errorf("event %d: answer %d", number, answer.StatusCode)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}
