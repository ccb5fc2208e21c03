package outbound

import (
	"slices"
	"time"

	"github.com/hookseal/hookseal/internal/eventpattern"
)

// subscriber is what an endpoint's settings come to: which messages it gets, and how they are signed.
type subscriber struct {
	secrets  []secret // the newest first
	patterns []eventpattern.Pattern

	// enabled is when it was last enabled, Unix ms. Failures before do not count against it.
	enabled int64

	signing *signer
	made    time.Time // when signing was made
	until   time.Time // when it has to be made anew, zero for never
}

// secret is one secret of an endpoint.
type secret struct {
	Text string `json:"text"`
	// Until is when it is no longer signed with, Unix ms; 0 for never.
	Until int64 `json:"until,omitempty"`
}

// newSubscriber compiles the settings of an endpoint.
func newSubscriber(e Endpoint, secrets []secret, enabled int64, now time.Time) (subscriber, error) {
	s := subscriber{secrets: secrets, enabled: enabled}
	for _, text := range e.Events {
		p, err := eventpattern.Parse(text)
		if err != nil {
			return s, &InvalidError{"Events", err.Error()}
		}
		s.patterns = append(s.patterns, p)
	}
	_, err := s.signer(e.Scheme, now)
	return s, err
}

// signer returns what signs the endpoint's attempts now.
func (s *subscriber) signer(scheme string, now time.Time) (*signer, error) {
	if s.signing != nil && !now.Before(s.made) && (s.until.IsZero() || now.Before(s.until)) {
		return s.signing, nil
	}
	var texts []string
	s.until = time.Time{}
	for _, secret := range s.secrets {
		if secret.Until != 0 {
			until := time.UnixMilli(secret.Until)
			if !now.Before(until) {
				continue
			}
			if s.until.IsZero() || until.Before(s.until) {
				s.until = until
			}
		}
		texts = append(texts, secret.Text)
	}
	signing, err := newSigner(scheme, texts, time.Now)
	if err != nil {
		return nil, err
	}
	s.signing, s.made = signing, now
	return signing, nil
}

// gets reports whether an endpoint subscribes to a message.
func (e *endpoint) gets(m *message) bool {
	if len(e.patterns) > 0 && !slices.ContainsFunc(e.patterns, func(p eventpattern.Pattern) bool { return p.Match(m.eventType) }) {
		return false
	}
	return len(e.Channels) == 0 || len(m.channels) == 0 ||
		slices.ContainsFunc(m.channels, func(c string) bool { return slices.Contains(e.Channels, c) })
}
