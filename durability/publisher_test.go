package durability

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// publishers is how many publish at once, and backlog how many events they may be ahead.
	publishers = 24
	backlog    = 1000
)

// publish publishes events at some gateways, of which a publisher tries the next one when one doesn't take
// its event. It returns what is closed when all were accepted.
func (tr *trial) publish(events []*event, sites ...string) (published chan struct{}) {
	for _, e := range events {
		tr.left.Add(int64(tr.missing[e.number]))
	}
	queue := make(chan *event)
	published = make(chan struct{})
	go func() {
		defer close(queue)
		for _, e := range events {
			select {
			case tr.ahead <- struct{}{}:
				queue <- e
			case <-tr.t.Context().Done():
				return
			}
		}
	}()
	go func() {
		defer close(published)
		var working sync.WaitGroup
		for range publishers {
			working.Go(func() {
				for e := range queue {
					if e.number%50 == 0 {
						tr.offend(e, sites[0])
					}
					tr.insist(e, sites)
				}
			})
		}
		working.Wait()
	}()
	tr.t.Cleanup(func() { <-published })
	return published
}

// insist publishes an event again and again until it is accepted.
func (tr *trial) insist(e *event, sites []string) {
	var last string
	doubt := false // whether it may have been accepted without our being told
	for try, end := 0, time.Now().Add(patience); time.Now().Before(end); try++ {
		site := sites[try%len(sites)]
		a, err := tr.client.send(e.request(site))
		switch {
		case tr.t.Context().Err() != nil:
			return // the test has failed
		case err == nil && a.status == http.StatusAccepted:
			tr.accepted(e, a.body)
			return
		case err == nil && a.status == http.StatusConflict && e.way == byEventID && doubt:
			var message json.RawMessage
			if err = tr.client.get(site, messages+"/"+e.id(), &message); err == nil {
				tr.accepted(e, message)
				return
			}
		case err == nil && a.status != http.StatusServiceUnavailable:
			tr.complain("event %d was answered %v at try %d, doubt %v", e.number, a, try+1, doubt)
			return
		}
		if err == nil {
			tr.refuse(a)
		}
		doubt = true
		last = fmt.Sprintf("%v, error %v", a, err)
		time.Sleep(pause)
	}
	tr.complain("event %d was never accepted; at last %s", e.number, last)
}

// accepted takes down as what message an event was accepted.
func (tr *trial) accepted(e *event, body []byte) {
	var message struct{ ID string }
	if err := json.Unmarshal(body, &message); err != nil || message.ID == "" {
		tr.complain("event %d was accepted with %.200q", e.number, body)
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.ids[e.number] = message.ID
	tr.taken.Add(1)
}

// offend sends what may not be accepted, and so not be sent on: what has no token, what is no message, and
// what ends before its end.
func (tr *trial) offend(e *event, site string) {
	body := fmt.Appendf(nil, `{"eventType":%q,"payload":{"offence":%d}}`, e.kind, e.number)
	forged := post(site, messages, body)
	forged.Header.Set("Authorization", "Bearer "+token[:len(token)-1])
	a, err := tr.client.send(forged)
	if err == nil && a.status != http.StatusUnauthorized && a.status != http.StatusServiceUnavailable {
		tr.complain("a wrong token was answered %v", a)
	}
	a, err = tr.client.send(post(site, messages, fmt.Appendf(nil, `{"eventType":"no type","payload":%s}`, body)))
	if err == nil && a.status != http.StatusUnprocessableEntity && a.status != http.StatusServiceUnavailable {
		tr.complain("a wrong event type was answered %v", a)
	}
	conn, err := net.Dial("tcp", site)
	if err != nil {
		return // the gateway is down
	}
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		messages, site, token, len(body)+1, body)
	conn.Close()
}

// refuse takes down that an event was answered 503.
func (tr *trial) refuse(a answer) {
	var refusal struct{ Code string }
	if err := json.Unmarshal(a.body, &refusal); err != nil && len(a.body) > 0 {
		tr.complain("an event was answered %v", a)
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.refusals[refusal.Code]++
}

// awaitRefusals returns when all events are refused, with a code.
func (tr *trial) awaitRefusals(code string) {
	tr.t.Helper()
	taken, enough := int64(-1), 0
	tr.await("all events are refused with "+code, func() bool {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		if now := tr.taken.Load(); now != taken {
			taken, enough = now, tr.refusals[code]+2*publishers
		}
		return tr.refusals[code] >= enough
	})
}

// refuses fails the test unless a gateway refuses events, of which nothing may come then.
func (tr *trial) refuses(site, code string) {
	tr.t.Helper()
	for n := range 20 {
		foreign := newEvent(len(tr.all) + n)
		a, err := tr.client.send(foreign.request(site))
		if err != nil || a.status != http.StatusServiceUnavailable || !strings.Contains(string(a.body), code) {
			tr.t.Errorf("an event was answered %v, error %v, want 503 and %s", a, err, code)
		}
	}
}
