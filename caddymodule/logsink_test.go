package caddymodule_test

import (
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func init() { caddy.RegisterModule(logWriter{}) }

// logWriter is a log output that keeps what is written in memory. It goes on over reloads, as a
// file does.
type logWriter struct{}

func (logWriter) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.writers.webhook_test", New: func() caddy.Module { return new(logWriter) }}
}

func (logWriter) String() string                                 { return "webhook_test" }
func (logWriter) WriterKey() string                              { return "webhook_test" }
func (logWriter) OpenWriter() (io.WriteCloser, error)            { return sink, nil }
func (*logWriter) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

// sink is where all log lines of the process go.
var sink = &logSink{}

// logSink keeps log lines, which are JSON.
type logSink struct {
	mu      sync.Mutex
	lines   []string
	changed chan struct{} // closed with the next line
}

// openLog empties the sink.
func openLog() *logSink {
	sink.mu.Lock()
	defer sink.mu.Unlock()
	sink.lines = nil
	return sink
}

// Write keeps one line.
func (s *logSink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, string(p))
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	return len(p), nil
}

// Close does nothing: the next configuration writes on.
func (s *logSink) Close() error { return nil }

// logLine is a line of the log.
type logLine struct {
	Level, Logger, Msg string
	Error              string
	Status             int
	Accepted           bool
	Attempt            int
	Next               float64
	Rule               string
	Webhook            map[string]string
	Request            struct{ URI string }

	text string
}

// find returns the lines that match.
func (s *logSink) find(match func(logLine) bool) []logLine {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.findLocked(match)
}

func (s *logSink) findLocked(match func(logLine) bool) []logLine {
	var found []logLine
	for _, text := range s.lines {
		var line logLine
		// Lines of others may have fields of these names and other types.
		_ = json.Unmarshal([]byte(text), &line)
		line.text = text
		if match(line) {
			found = append(found, line)
		}
	}
	return found
}

// await waits until n lines match, and returns them.
func (s *logSink) await(t *testing.T, n int, match func(logLine) bool) []logLine {
	t.Helper()
	timeout := time.After(patience)
	for {
		s.mu.Lock()
		found := s.findLocked(match)
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		if len(found) >= n {
			return found
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("%d of %d log lines came; the log:\n%s", len(found), n, s.text())
		}
	}
}

// text returns the whole log.
func (s *logSink) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "")
}

// message matches lines of a message.
func message(msg string) func(logLine) bool {
	return func(l logLine) bool { return l.Msg == msg }
}

// access matches the access log's line of a path.
func access(path string) func(logLine) bool {
	return func(l logLine) bool {
		return strings.HasPrefix(l.Logger, "http.log.access") && l.Request.URI == path
	}
}
