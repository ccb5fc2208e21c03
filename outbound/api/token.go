package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// MinToken is how many bytes a token has at the least: shorter ones can be guessed.
const MinToken = 16

// Token is what a request shows to be let in. Only its hash is kept.
type Token struct{ hash [sha256.Size]byte }

// NewToken returns the token that is sent as "Authorization: Bearer <text>". A text that is shorter
// than MinToken, or that no header field can carry, is an error.
func NewToken(text string) (Token, error) {
	if len(text) < MinToken {
		return Token{}, fmt.Errorf("token has %d bytes, fewer than %d", len(text), MinToken)
	}
	if strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return Token{}, errors.New("token has a blank, a control character or one outside ASCII")
	}
	return Token{sha256.Sum256([]byte(text))}, nil
}

// authenticate returns the token of a request if it is one of the configured ones. How long it takes
// depends on the length of what was sent and on how many tokens there are, not on any token.
func (h *handler) authenticate(r *http.Request) (Token, bool) {
	fields := r.Header["Authorization"]
	if len(fields) != 1 {
		return Token{}, false
	}
	scheme, text, _ := strings.Cut(fields[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Token{}, false
	}
	sent := Token{sha256.Sum256([]byte(text))}
	found := 0
	for _, token := range h.tokens {
		found |= subtle.ConstantTimeCompare(sent.hash[:], token.hash[:])
	}
	return sent, found == 1
}
