package durability

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// subscriber gets events, and fails at random. It writes down what it saw.
type subscriber struct {
	*httptest.Server
	trial *trial
	name  string
	kinds []string // the event types that it subscribes to, nil for all
	key   []byte
	id    string // the endpoint's, once it is registered

	mu       sync.Mutex
	random   *mathrand.Rand
	receipts map[string][]receipt // by message id
	ids      map[int]string       // of the messages, by the events' numbers
	open     int                  // connections
	gate     chan struct{}        // holds requests back until it is closed, nil if none are
	held     bool                 // whether any was
}

// receipt is one copy of a message as the subscriber saw it.
type receipt struct {
	life int
	code int // what it was answered, 0 if it wasn't
}

func (r receipt) accepted() bool { return r.code/100 == 2 }

// newSubscriber starts a subscriber.
func newSubscriber(t *testing.T, trial *trial, name string, kinds ...string) *subscriber {
	t.Helper()
	s := &subscriber{
		trial: trial, name: name, kinds: kinds, key: make([]byte, 32),
		random:   mathrand.New(mathrand.NewPCG(uint64(len(name)), 2)),
		receipts: make(map[string][]receipt), ids: make(map[int]string),
	}
	_, _ = rand.Read(s.key) // ends the program where there is no randomness
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ConnState = s.count
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that break
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *subscriber) secret() string { return "whsec_" + base64.StdEncoding.EncodeToString(s.key) }

// gets reports whether the subscriber is to get an event.
func (s *subscriber) gets(e *event) bool { return s.kinds == nil || slices.Contains(s.kinds, e.kind) }

// manner is how a subscriber treats a request.
type manner struct {
	percent int
	code    int           // of the answer; 0 closes the connection instead
	after   time.Duration // for ever, if that is below zero
	cut     bool          // closes the connection in the middle of the answer's body
}

// manners are those of a subscriber who fails at random.
var manners = []manner{
	{percent: 70, code: http.StatusOK},
	{percent: 4, code: http.StatusNoContent, after: 50 * time.Millisecond},
	{percent: 2, code: http.StatusOK, cut: true},
	{percent: 12, code: http.StatusInternalServerError},
	{percent: 3, code: http.StatusServiceUnavailable, after: 20 * time.Millisecond},
	{percent: 3, code: http.StatusFound},
	{percent: 4},
	{percent: 2, after: -1},
}

// serve takes a copy of a message.
func (s *subscriber) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		return // ours: see rest
	}
	life, began := s.trial.lives.now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the gateway has died
	}
	s.trial.received.Add(1)
	id := r.Header.Get("Webhook-Id")
	e := s.trial.events[string(body)]
	problem := s.signed(r.Header, body, began)
	switch {
	case e == nil:
		problem = cmp.Or(problem, "nobody published that")
	case !s.gets(e):
		problem = cmp.Or(problem, "it doesn't subscribe to that")
	}
	if problem != "" {
		s.trial.complain("%s was sent what it should not have been sent: %s: %v %.200q", s.name, problem, r.Header, body)
		return
	}
	m := s.choose(r)
	s.note(id, e, receipt{life, m.code}) // before the gateway knows of it
	if m.code == 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Location", s.URL) // where nobody may follow
	if m.cut {
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(m.code)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(m.code)
}

// choose returns how the subscriber treats a request, when it is time to do so.
func (s *subscriber) choose(r *http.Request) manner {
	s.mu.Lock()
	chosen := s.random.IntN(100)
	gate := s.gate
	if gate != nil {
		s.held = true
	}
	s.mu.Unlock()
	var m manner
	for _, m = range manners {
		if chosen -= m.percent; chosen < 0 {
			break
		}
	}
	var due <-chan time.Time
	if m.after >= 0 {
		due = time.After(m.after)
	}
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
		}
	}
	select {
	case <-due:
	case <-r.Context().Done(): // the gateway has given up, or died
		m.code = 0
	}
	return m
}

// note writes down a copy of a message.
func (s *subscriber) note(id string, e *event, r receipt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch known := s.ids[e.number]; {
	case known == "" && s.receipts[id] != nil:
		s.trial.complain("%s got event %d and another as one message, %s", s.name, e.number, id)
	case known != "" && known != id:
		s.trial.complain("%s got event %d as two messages, %s and %s", s.name, e.number, known, id)
	}
	s.ids[e.number] = id
	if r.accepted() && !slices.ContainsFunc(s.receipts[id], receipt.accepted) {
		s.trial.delivered(e)
	}
	s.receipts[id] = append(s.receipts[id], r)
}

// signed returns what is wrong with a message's signature, if anything is. It was to be made for this
// attempt, and so in the present life of the gateway.
//
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func (s *subscriber) signed(header http.Header, body []byte, began time.Time) string {
	timestamp := header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || seconds < began.Unix() || seconds > time.Now().Unix() {
		return fmt.Sprintf("signed at %q, in a life that began at %d", timestamp, began.Unix())
	}
	mac := hmac.New(sha256.New, s.key)
	fmt.Fprintf(mac, "%s.%s.%s", header.Get("Webhook-Id"), timestamp, body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if got := header.Get("Webhook-Signature"); !hmac.Equal([]byte(got), []byte(want)) {
		return fmt.Sprintf("the signature is %q, want %q", got, want)
	}
	return ""
}

// hold holds requests back until pass is called.
func (s *subscriber) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate, s.held = make(chan struct{}), false
}

// holds reports whether a request has been held back.
func (s *subscriber) holds() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// pass holds nothing back any more.
func (s *subscriber) pass() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate != nil {
		close(s.gate)
		s.gate = nil
	}
}

// count counts connections.
func (s *subscriber) count(_ net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.open++
	case http.StateClosed:
		s.open--
	}
}

// rest returns when nothing of a gateway that has ended is on its way any more.
func (s *subscriber) rest(t *testing.T) {
	t.Helper()
	// Connections are taken in their order: once ours was taken, all that the gateway made were.
	request, err := http.NewRequest(http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	response, err := prober.Do(request)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	response.Body.Close()
	eventually(t, s.name+" has closed its connections", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.open == 0
	})
}

// history tells what became of a message, for the failure of a test. The lock is held.
func (s *subscriber) history(id string) string {
	var out strings.Builder
	for _, r := range s.receipts[id] {
		fmt.Fprintf(&out, " life %d: %d;", r.life, r.code)
	}
	return out.String()
}
