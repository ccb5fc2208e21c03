package verifiers

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// Handshakes
//
// Before a provider sends deliveries to a URL, and now and then later, many ask it something that is no
// delivery: to echo a text, to sign one, to show that it refuses forgeries. What a provider asks and what
// is answered is its challenge, by name in the table of challenge.go; a scheme names its own. Whoever
// receives requests asks a Handshake in three places:
//
//	answer, err := handshake.Head(request)          // before anything else
//	answer, err := handshake.Body(body)             // of a request without signature, of up to MaxBody
//	answer, err := handshake.Verified(check, body)  // of a delivery that is genuine
//
// Each returns ErrNoChallenge for a request that isn't one, and an error under ErrNotGenuine for one that
// must be refused; of its answer only Private counts then. A text that is echoed is bounded in length and alphabet, whoever signed it, and is
// never of a type that a browser takes for a document.

// ErrNoChallenge means that a request is no challenge: it is to be verified, or to be forwarded, like any
// other.
var ErrNoChallenge = errors.New("not a challenge")

// HandshakeOptions are what a handshake needs besides the scheme and its secrets. It is an error to give
// one that the provider's challenge has no use for.
type HandshakeOptions struct {
	// VerifyToken is what the provider is told when a URL is registered with it, and shows in its
	// challenge: the verify token of Meta, the verification token of Feishu.
	VerifyToken Secret

	// EncryptKey is the key of an encrypted challenge: the EncodingAESKey of WeCom and of DingTalk.
	EncryptKey Secret

	// ReceiverID is whom an encrypted challenge is for: the corpid of WeCom, or the suiteid of an app of others',
	// whose challenges for anybody else are refused; the AppKey of DingTalk, or the corpId or SuiteKey. It isn't
	// secret. Only DingTalk needs it.
	ReceiverID string
}

// Handshake answers the challenges of one provider. It may be used by many goroutines at once.
type Handshake struct {
	challenge *challenge
	head      func(*Handshake, Request) (Answer, error) // nil never answers
	verifier  *Verifier
	secrets   []Secret
	token     *[sha256.Size]byte // the hash of the verify token
	key       []byte             // the decoded encrypt key
	receiver  string
	random    func([]byte) // fills with random bytes
}

// Answer is what a challenge is answered with. It prints as "answer to a challenge", however it is
// formatted.
type Answer struct {
	// Status is that of HTTP.
	Status int

	// Header holds the fields of the answer, with canonical names. It may be nil.
	Header http.Header

	// Body is the answer's body.
	Body []byte

	// Private says that request or answer hold a secret, so that neither may be logged.
	Private bool

	// Once returns the secret that the challenge brings, for deliveries to come. It is nil for a challenge
	// that brings none. Anybody may have sent it: nothing may be verified with it before a person has
	// compared it with what the provider shows.
	Once func() string

	// Confirm is the URL that has to be fetched, successfully, before the challenge is answered. Empty means
	// that there is none.
	Confirm string
}

// Format writes the same for every verb: the fields may hold a secret.
func (Answer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "answer to a challenge") }

// Acknowledgement is what a provider wants to read when a delivery has been accepted.
type Acknowledgement struct {
	// Status is the status that it wants. 0 means any of success.
	Status int
	// Body is the whole body, in plain text.
	Body string

	// make makes an answer that is another one each time, in place of those.
	make func() (Answer, error)
}

// Answer returns what a delivery is answered that an app has accepted with a status. What the app has
// said besides is not the provider's to read.
func (a *Acknowledgement) Answer(accepted int) Answer {
	if a.make != nil {
		if answer, err := a.make(); err == nil {
			return answer
		}
		return Answer{Status: accepted} // which the provider takes for a failure, and sends it again
	}
	status := accepted
	switch {
	case a.Status != 0:
		status = a.Status
	case accepted == http.StatusNoContent || accepted == http.StatusResetContent:
		status = http.StatusOK // those two have no body
	}
	if a.Body == "" {
		return Answer{Status: status}
	}
	answer := plainText(a.Body)
	answer.Status = status
	return answer
}

// newHandshake returns the handshake of a scheme, or nil if it names no challenge.
func newHandshake(scheme *Scheme, v *Verifier, secrets []Secret, options *HandshakeOptions) (*Handshake, error) {
	c := challenges[scheme.Challenge]
	if c == nil {
		c = new(challenge) // which uses no option
	}
	given := map[string]bool{
		"verify_token": options.VerifyToken.text != nil,
		"encrypt_key":  options.EncryptKey.text != nil,
		"receiver_id":  options.ReceiverID != "",
	}
	for _, option := range []string{"verify_token", "encrypt_key", "receiver_id"} {
		if given[option] && !slices.Contains(c.uses, option) {
			return nil, fmt.Errorf("%s: the handshake of %s has no use for it: leave it out", option, scheme.Name)
		}
	}
	switch {
	case given["receiver_id"] && !given["encrypt_key"]:
		return nil, errors.New("receiver_id: it stands in what is encrypted: add the encrypt_key")
	case given["encrypt_key"] && !given["receiver_id"] && c.needsReceiver:
		return nil, fmt.Errorf("encrypt_key: the handshake of %s needs a receiver_id besides", scheme.Name)
	}
	if scheme.Challenge == "" {
		return nil, nil
	}
	h := &Handshake{challenge: c, verifier: v, secrets: secrets, receiver: options.ReceiverID, random: fillRandom}
	if c.headNeeds == "" || given[c.headNeeds] {
		h.head = c.head
	}
	if given["verify_token"] {
		if options.VerifyToken.text() == "" {
			return nil, fmt.Errorf("verify_token: %w", ErrSecretEmpty)
		}
		sum := sha256.Sum256([]byte(options.VerifyToken.text()))
		h.token = &sum
	}
	if given["encrypt_key"] {
		key, err := encodingAESKey(options.EncryptKey.text())
		if err != nil {
			return nil, fmt.Errorf("encrypt_key: %w", err)
		}
		h.key = key
	}
	return h, nil
}

// Handshake returns what answers the challenges of the scheme's provider. It is nil where the provider
// has none, and where Options.Handshake is nil.
func (v *Verifier) Handshake() *Handshake { return v.handshake }

// Methods returns the methods, besides that of deliveries, with which the provider asks.
func (h *Handshake) Methods() []string {
	if h == nil || h.head == nil {
		return nil
	}
	return h.challenge.methods
}

// Head answers a challenge that stands in the query and the header of a request. Nothing of it has been
// verified but what the challenge itself has for that.
func (h *Handshake) Head(r Request) (Answer, error) {
	if h == nil || h.head == nil {
		return Answer{}, ErrNoChallenge
	}
	return h.head(h, r)
}

// BringsSecret reports whether the challenge brings the secret for deliveries to come: see Answer.Once.
func (h *Handshake) BringsSecret() bool { return h != nil && h.challenge.brings }

// maxChallengeBody is how much of a request without signature is read to see whether it is a challenge.
// The longest of them, Feishu's, is encrypted and a few hundred bytes.
const maxChallengeBody = 4 << 10

// MaxBody is the size of the largest body that may be a challenge although nobody has signed it, and 0
// where there is no such challenge.
func (h *Handshake) MaxBody() int64 {
	if h == nil || h.challenge.body == nil {
		return 0
	}
	return maxChallengeBody
}

// Body answers a challenge that stands in the body of a request without signature.
func (h *Handshake) Body(body []byte) (Answer, error) {
	if h == nil || h.challenge.body == nil || len(body) > maxChallengeBody {
		return Answer{}, ErrNoChallenge
	}
	return h.challenge.body(h, body)
}

// Verified answers a challenge that is signed as a delivery is, after its check has verified the body. An
// error other than ErrNoChallenge may also refuse a delivery that is no challenge, because of something
// that the provider's signature doesn't tell.
func (h *Handshake) Verified(c *Check, body []byte) (Answer, error) {
	if h == nil || h.challenge.verified == nil {
		return Answer{}, ErrNoChallenge
	}
	return h.challenge.verified(h, c, body)
}

// Acknowledgement returns what the provider wants to read when a delivery has been accepted, and nil
// where any status of success will do. The check is the delivery's, and nil for one that hasn't verified.
func (h *Handshake) Acknowledgement(c *Check) *Acknowledgement {
	switch {
	case h == nil:
		return nil
	case h.challenge.acknowledge != nil:
		return h.challenge.acknowledge(h, c)
	}
	return h.challenge.acknowledgement
}

// fillRandom is where random bytes come from.
func fillRandom(p []byte) { _, _ = rand.Read(p) } // it never fails

// admits compares a verify token, in constant time, with the configured one.
func (h *Handshake) admits(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return h.token != nil && subtle.ConstantTimeCompare(sum[:], h.token[:]) == 1
}

// keys returns the texts of the secrets that are valid now.
func (h *Handshake) keys() []string {
	var now time.Time
	var texts []string
	for _, s := range h.secrets {
		if s.bounded() && now.IsZero() {
			now = h.verifier.now()
		}
		if !s.bounded() || s.validAt(now) {
			texts = append(texts, s.text())
		}
	}
	return texts
}
