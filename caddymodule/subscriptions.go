package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/hookseal/hookseal/outbound"
)

// subscriptions is a JSON file with endpoints:
//
//	{"webhooks": [
//		{"url": "https://…", "events": ["order.*"], "secret": "whsec_…", "headers": {"X-Tenant": "…"}}
//	]}
//
// A webhook may have a scheme and a name besides, as the option endpoint. Its secret and the values of
// its headers may be placeholders, or stand in the file, which is no part of the configuration.
type subscriptions struct {
	path   string
	egress outbound.Egress
	taken  map[string]bool // names of endpoints that the configuration has
	logger *zap.Logger

	seen     os.FileInfo   // of what was read last, nil if it was not taken up
	exposed  bool          // whether that holds secrets that others may read
	trouble  string        // what was told last, empty if it is over
	unwatch  func()        // ends the watching
	interval time.Duration // between two looks at the file

	mu        sync.Mutex
	endpoints []outbound.ConfiguredEndpoint
}

const (
	// subscriptionsInterval is how long a change of the file may go unnoticed.
	subscriptionsInterval = 2 * time.Second

	// unwatchPatience is how long the end of the watching waits for a look at the file that hangs, such
	// as on a network's disk.
	unwatchPatience = 5 * time.Second

	// maxSubscriptions bounds the size of the file in bytes.
	maxSubscriptions = 16 << 20
)

// newSubscriptions returns a file that has not been read yet.
func newSubscriptions(path string, egress outbound.Egress, taken map[string]bool, logger *zap.Logger) *subscriptions {
	return &subscriptions{path: path, egress: egress, taken: taken, logger: logger, unwatch: func() {}, interval: subscriptionsInterval}
}

// subscription is one entry of the file.
type subscription struct {
	URL     string            `json:"url"`
	Events  []string          `json:"events"`
	Secret  string            `json:"secret"`
	Headers map[string]string `json:"headers"`
	Scheme  string            `json:"scheme"`
	Name    string            `json:"name"`
}

// with returns settings with the file's endpoints besides.
func (s *subscriptions) with(settings outbound.Settings) outbound.Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	endpoints := append([]outbound.ConfiguredEndpoint(nil), settings.Endpoints...)
	settings.Endpoints = append(endpoints, s.endpoints...)
	return settings
}

// read reads the file if it has changed since it was last taken up. After an error, which names the file
// and the entry, what was read before still counts, and the file is read again the next time: what is
// wrong may lie outside of it.
func (s *subscriptions) read() (changed bool, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("subscriptions %s: %w", s.path, err)
		}
	}()
	before := s.seen
	s.seen = nil
	info, err := os.Stat(s.path)
	switch {
	case err != nil:
		return false, withoutPath(err)
	case !info.Mode().IsRegular():
		return false, errors.New("is no regular file: name one that can be read again and again")
	case before != nil && unchanged(before, info):
		s.seen = before
		return false, nil
	}
	text, err := readAtMost(s.path, maxSubscriptions)
	if err != nil {
		return false, err
	}
	endpoints, literal, err := s.parse(text)
	if err != nil {
		return false, err
	}
	told := s.exposed
	s.exposed = literal && info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows"
	if s.exposed && !told {
		s.logger.Warn("the subscriptions file holds secrets and others may read it: give it the mode 0600", zap.String("file", s.path))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoints = endpoints
	s.seen = info
	return true, nil
}

// unchanged reports whether a file is the one that it was. Another file in its place can have the same
// size and time.
func unchanged(before, now os.FileInfo) bool {
	return os.SameFile(before, now) && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime())
}

// withoutPath returns an error of a file without its path, which stands in the text already.
func withoutPath(err error) error {
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

// readAtMost reads a file of a bounded size.
func readAtMost(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, withoutPath(err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("is larger than %d bytes: create endpoints through the API instead", most)
	}
	return text, nil
}

// parse reads the text of the file. Literal is whether a secret stands in it.
func (s *subscriptions) parse(text []byte) (endpoints []outbound.ConfiguredEndpoint, literal bool, err error) {
	var file struct {
		Webhooks []json.RawMessage `json:"webhooks"`
	}
	if err := decodeStrictly(text, &file); err != nil {
		return nil, false, err
	}
	if file.Webhooks == nil {
		return nil, false, errors.New(`has no "webhooks": write {"webhooks": []} for none`)
	}
	names := make(map[string]bool)
	replacer := caddy.NewReplacer()
	for i, entry := range file.Webhooks {
		endpoint, own, err := s.endpoint(entry, replacer)
		switch {
		case err != nil:
		case s.taken[endpoint.UID]:
			err = fmt.Errorf("the configuration has an endpoint %q: give this one another name", endpoint.UID)
		case names[endpoint.UID]:
			err = fmt.Errorf("another webhook is %q too: give one of them another name", endpoint.UID)
		}
		if err != nil {
			return nil, false, fmt.Errorf("webhook %d: %w", i+1, err)
		}
		names[endpoint.UID] = true
		literal = literal || own
		endpoints = append(endpoints, endpoint)
	}
	return endpoints, literal, nil
}

// endpoint reads one entry.
func (s *subscriptions) endpoint(text []byte, replacer *caddy.Replacer) (endpoint outbound.ConfiguredEndpoint, literal bool, err error) {
	var entry subscription
	if err := decodeStrictly(text, &entry); err != nil {
		return endpoint, false, err
	}
	if entry.Secret == "" {
		return endpoint, false, errors.New(`has no "secret": add one, or a placeholder such as {env.NAME}`)
	}
	e := Endpoint{URL: entry.URL, Events: entry.Events, Scheme: entry.Scheme, Name: entry.Name}
	secret, literal, err := literalOrPlaceholder(replacer, entry.Secret)
	if err != nil {
		return endpoint, false, fmt.Errorf("secret: %w", err)
	}
	headers := make(map[string]string)
	for name, value := range entry.Headers {
		text, own, err := literalOrPlaceholder(replacer, value)
		if err != nil {
			return endpoint, false, fmt.Errorf("header %s: %w", name, err)
		}
		headers[name] = text
		literal = literal || own && checkHeader(name, value) != nil
	}
	endpoint, err = e.configured([]string{secret}, headers, s.egress)
	return endpoint, literal, err
}

// literalOrPlaceholder returns a text, or what it stands for if it is a placeholder. What looks like a
// placeholder and is none would otherwise be a secret that anybody can guess.
func literalOrPlaceholder(replacer *caddy.Replacer, text string) (value string, literal bool, err error) {
	switch {
	case secretPlaceholder.MatchString(text):
		value, err = resolvePlaceholder(replacer, text)
		return value, false, err
	case strings.ContainsAny(text, "{}"):
		return "", false, errors.New("a placeholder must be the whole text, and {env.NAME} or {file./absolute/path}")
	}
	return text, true, nil
}

// decodeStrictly reads a JSON object that has no other fields than the target's. Its errors don't repeat
// values, which may be secrets.
func decodeStrictly(text []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(target)
	if err == nil {
		if _, err = decoder.Token(); err == io.EOF {
			return nil
		}
		return errors.New("something stands behind the JSON object: remove it")
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return errors.New("must be a JSON object")
		}
		return fmt.Errorf("%s: has another type than it should", wrong.Field)
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("unknown field %s: remove it, or mend its name", field)
	}
	at := int64(len(text)) // where it was cut off
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = syntax.Offset
	}
	return fmt.Errorf("line %d: is no JSON", 1+bytes.Count(text[:at], []byte("\n")))
}

// watch looks for changes of the file until it is unwatched, and calls apply after each. If that
// fails, what was in force before stays, and it is tried again.
func (s *subscriptions) watch(apply func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.unwatch = func() {
		cancel()
		select {
		case <-done:
		case <-time.After(unwatchPatience):
			s.logger.Warn("a look at the subscriptions has not ended yet, and is not waited for any longer", zap.String("file", s.path))
		}
	}
	go func() {
		defer close(done)
		ticker := time.NewTicker(s.interval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				s.refresh(apply)
			}
		}
	}()
}

// refresh takes up a changed file. What keeps it from that is told once.
func (s *subscriptions) refresh(apply func() error) {
	changed, err := s.read()
	if err == nil && changed {
		if err = apply(); err != nil {
			s.seen = nil
		}
	}
	if err != nil {
		if text := err.Error(); text != s.trouble {
			s.trouble = text
			s.logger.Error("subscriptions stay as they were", zap.Error(err))
		}
		return
	}
	s.trouble = ""
	if changed {
		s.logger.Info("subscriptions read again", zap.String("file", s.path), zap.Int("webhooks", len(s.endpoints)))
	}
}
