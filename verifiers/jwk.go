package verifiers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"
)

// jwk is a JSON Web Key of RFC 7517 on the curve P-256, for ES256.
type jwk struct {
	KeyType string `json:"kty"`
	Curve   string `json:"crv"`
	X       string `json:"x"`
	Y       string `json:"y"`
	ID      string `json:"kid"`
	Use     string `json:"use"`
	Alg     string `json:"alg"`
	// ExpiredAt is Plaid's own: when the key expired or will, in seconds since 1970.
	ExpiredAt *float64 `json:"expired_at"`
}

// parseJWK reads a key with an id.
func parseJWK(text []byte, id string) (*jwk, *ecdsa.PublicKey, error) {
	var k jwk
	if err := json.Unmarshal(text, &k); err != nil {
		return nil, nil, errors.New("no JSON Web Key")
	}
	// What isn't there says nothing; what is there must agree.
	agrees := func(value, wanted string) bool { return value == "" || value == wanted }
	if k.KeyType != "EC" || k.Curve != "P-256" || !agrees(k.ID, id) || !agrees(k.Use, "sig") || !agrees(k.Alg, "ES256") {
		return nil, nil, errors.New("the JSON Web Key is another one, or for something else")
	}
	const size = 32
	point := []byte{4} // not compressed
	for _, coordinate := range []string{k.X, k.Y} {
		bytes, err := base64.RawURLEncoding.Strict().DecodeString(coordinate)
		if err != nil || len(bytes) != size {
			return nil, nil, errors.New("the JSON Web Key is no point of its curve")
		}
		point = append(point, bytes...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, nil, errors.New("the JSON Web Key is no point of its curve")
	}
	return &k, key, nil
}

// expired returns when the key expires, and zero if it doesn't say.
func (k *jwk) expired() time.Time {
	if k.ExpiredAt == nil {
		return time.Time{}
	}
	return time.Unix(int64(*k.ExpiredAt), 0)
}
