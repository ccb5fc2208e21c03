// Package api speaks HTTP for a hub: Svix's API under /api/v1, so that its official clients drive
// the hub unmodified, and /publish, which takes plain envelopes and CloudEvents.
//
// What follows is of the API as a whole:
//   - Every request needs a token, and nothing of its body is read before the token was checked.
//     /api/v1/health alone needs none: it tells nothing but whether the hub is working.
//   - Errors are in Svix's two forms: {"code","detail"}, and for what is wrong in a request (422) a
//     list of {"loc","msg","type"}. None repeats a payload, a secret or a token.
//   - Input is read strictly. A member of the wrong type, or one that stands twice, is refused;
//     a member that isn't known is ignored, because newer clients may send it.
package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/hookseal/hookseal/outbound"
)

// DefaultMaxBody is how many bytes a request may hold unless Options say otherwise.
const DefaultMaxBody = 1 << 20

// Options are the settings of the API.
type Options struct {
	// Tokens are who may use the API: a request needs one of them, and any will do. At least one
	// is required.
	Tokens []Token

	// MaxBody is how many bytes the body of a request may hold. Default: DefaultMaxBody.
	MaxBody int64

	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// New returns a handler for the paths /publish and /api/v1/…; all others are answered 404. Its only
// error is that there is no token.
func New(hub *outbound.Hub, options Options) (http.Handler, error) {
	if len(options.Tokens) == 0 {
		return nil, errors.New("the publish API needs a token")
	}
	if options.MaxBody <= 0 {
		options.MaxBody = DefaultMaxBody
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	return &handler{
		hub:     hub,
		tokens:  options.Tokens,
		maxBody: options.MaxBody,
		now:     options.Now,
		schemas: newSchemas(),
		repeats: newRepeats(options.Now),
	}, nil
}

// handler answers requests.
type handler struct {
	hub     *outbound.Hub
	tokens  []Token
	maxBody int64
	now     func() time.Time
	schemas *schemas
	repeats *repeats
}

// ServeHTTP answers a request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, err := h.answer(w, r)
	if err != nil {
		a = answerTo(err)
	}
	a.write(w)
}

func (h *handler) answer(w http.ResponseWriter, r *http.Request) (answer, error) {
	found, arguments, err := match(r)
	if err == nil && found.open {
		return found.serve(&call{handler: h, request: r})
	}
	token, ok := h.authenticate(r)
	if !ok {
		return answer{}, errToken
	}
	if err != nil {
		return answer{}, err
	}
	r.Body = http.MaxBytesReader(w, r.Body, h.maxBody)
	c := &call{
		handler:   h,
		request:   r,
		arguments: arguments,
		token:     token,
		dated:     isDated(r.UserAgent()),
	}
	if !found.once {
		return found.serve(c)
	}
	return h.repeats.serve(c, found.serve)
}
