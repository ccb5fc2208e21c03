package verifiers

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"
)

// plaid verifies Plaid's webhooks. A header field has a JSON Web Token, which has the time and the hash of the
// body, and names the key that it is signed with. Plaid gives that key to whoever shows credentials of its own.
//
// A secret is a client id, a colon and the secret of that client in production. Behind "sandbox:" they are those
// of the sandbox, which has keys of its own: anybody may have an account there, so what it signs must not
// be taken for production's.
//
// Source: https://plaid.com/docs/api/webhooks/webhook-verification/
type plaid struct {
	keys    *KeySource
	clients []plaidClient
}

// plaidClient is one secret: who asks for keys, and where.
type plaidClient struct {
	*keyed
	host         string
	id, password string
}

func openPlaid(s setup) (engine, error) {
	e := plaid{keys: s.keySource()}
	for i, secret := range s.secrets {
		client := plaidClient{keyed: secret, host: "production.plaid.com"}
		text, sandbox := strings.CutPrefix(string(secret.secret), "sandbox:")
		if sandbox {
			client.host = "sandbox.plaid.com"
		}
		var ok bool
		if client.id, client.password, ok = strings.Cut(text, ":"); !ok || client.id == "" || client.password == "" {
			return nil, fmt.Errorf("secret %d: %w: expected CLIENT_ID:SECRET, or sandbox:CLIENT_ID:SECRET", i+1, ErrSecretForm)
		}
		e.clients = append(e.clients, client)
	}
	return e, nil
}

// plaidToken is a token whose signature hasn't been checked.
type plaidToken struct {
	keyID     string
	bodyHash  []byte
	signed    []byte // what the signature covers
	signature []byte
}

// maxPlaidToken bounds a token. Plaid's have about 400 bytes.
const maxPlaidToken = 4 << 10

// plaidKeyID is what a key id may be. Plaid's are UUIDs.
var plaidKeyID = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

func (e plaid) head(c *Check) error {
	values := c.request.Header[c.rules.signature.name]
	switch {
	case len(values) > 1:
		return ErrFieldRepeated
	case len(values) == 0 || values[0] == "":
		return ErrSignatureMissing
	}
	token, issued, err := parsePlaidToken(values[0])
	if err != nil {
		return err
	}
	c.state, c.stamp = token, issued
	signed, err := c.rules.unit.parse(issued)
	if err != nil {
		return err
	}
	return c.fresh(signed)
}

// The members of a token's header and of its claims. Paths refuse a name that stands twice.
var (
	plaidHeader = mustPaths("alg", "kid", "crit")
	plaidClaims = mustPaths("iat", "request_body_sha256")
)

// parsePlaidToken takes a token apart. It has one spelling only, because what is known of a delivery is the
// hash of it.
func parsePlaidToken(text string) (token plaidToken, issued string, err error) {
	encoded := strings.Split(text, ".")
	if len(text) > maxPlaidToken || len(encoded) != 3 {
		return token, "", ErrSignatureMalformed
	}
	var parts [3][]byte
	for i := range parts {
		if parts[i], err = base64.RawURLEncoding.Strict().DecodeString(encoded[i]); err != nil || strings.ContainsAny(encoded[i], "\r\n") {
			return token, "", ErrSignatureMalformed
		}
	}
	// The algorithm is the scheme's. A token that says another one was made for other readers.
	// So was one that names extensions, which whoever doesn't know them has to refuse.
	header := plaidHeader.texts(parts[0])
	if header[0].err != nil || header[0].text != "ES256" || header[2].err == ErrFieldRepeated || header[2].kind != 0 || len(parts[2]) != 64 {
		return token, "", ErrSignatureMalformed
	}
	if header[1].err != nil {
		return token, "", header[1].err
	}
	if !plaidKeyID.MatchString(header[1].text) {
		return token, "", ErrKeyUnknown
	}
	claims := plaidClaims.texts(parts[1])
	if claims[0].err == ErrFieldMissing {
		return token, "", ErrTimestampMissing
	}
	for _, claim := range claims {
		if claim.err != nil {
			return token, "", claim.err
		}
	}
	token = plaidToken{
		keyID:     header[1].text,
		signed:    []byte(text[:len(text)-len(encoded[2])-1]),
		signature: parts[2],
	}
	if token.bodyHash, err = hex.DecodeString(claims[1].text); err != nil {
		return token, "", ErrSignatureMalformed
	}
	return token, claims[0].text, nil
}

func (e plaid) verify(c *Check, body []byte) (Delivery, error) {
	if err := c.fresh(c.signed); err != nil {
		return Delivery{}, err
	}
	token := c.state.(plaidToken)
	// The hash first, which costs nobody a request.
	hash := sha256.Sum256(body)
	if subtle.ConstantTimeCompare(hash[:], token.bodyHash) != 1 {
		return Delivery{}, ErrSignatureMismatch
	}
	sum := sha256.Sum256(token.signed)
	refused := ErrSignatureMismatch
	now := c.verifier.now()
	for _, client := range e.clients {
		if !client.usedAt(now) {
			continue
		}
		query := client.query(token.keyID)
		query.peer = c.request.Peer
		key, err := e.keys.key(c.request.context(), query)
		if err != nil {
			refused = err // until one of the others can check it
			continue
		}
		r, s := new(big.Int).SetBytes(token.signature[:32]), new(big.Int).SetBytes(token.signature[32:])
		if !ecdsa.Verify(key.(*ecdsa.PublicKey), sum[:], r, s) {
			continue
		}
		e.keys.prove(query)
		d := Delivery{Timestamp: c.signed, Key: client.label}
		// Not of the signature: who has one can make another of the same text.
		d.identify(tagContent, sum[:])
		return d, nil
	}
	return Delivery{}, refused
}

// query returns the query of a key.
func (p plaidClient) query(id string) keyQuery {
	body, err := json.Marshal(map[string]string{"client_id": p.id, "secret": p.password, "key_id": id})
	if err != nil {
		panic(err) // of strings it can't fail
	}
	return keyQuery{
		name:    id,
		request: keyRequest{url: "https://" + p.host + "/webhook_verification_key/get", body: body},
		read: func(text []byte, now time.Time, vouched bool) (any, time.Time, error) {
			return readPlaidKey(text, id, now, vouched)
		},
	}
}

// readPlaidKey reads the answer that has a key, or the key alone if somebody vouches for it.
func readPlaidKey(text []byte, id string, now time.Time, vouched bool) (any, time.Time, error) {
	var answer struct {
		Key json.RawMessage `json:"key"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, time.Time{}, errors.New("no JSON Web Key")
	}
	if vouched && len(bytes.TrimSpace(answer.Key)) == 0 {
		answer.Key = text
	}
	k, key, err := parseJWK(answer.Key, id)
	if err != nil {
		return nil, time.Time{}, err
	}
	until := k.expired()
	if !vouched && !until.IsZero() && !now.Before(until) {
		return nil, time.Time{}, errors.New("the key has expired")
	}
	return key, until, nil
}
