package verifiers

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
)

// withSigns returns the two public keys of a y.
func withSigns(t *testing.T, y string) (keys []ed25519.PublicKey) {
	t.Helper()
	for _, sign := range []byte{0, 0x80} {
		key, err := hex.DecodeString(y)
		if err != nil || len(key) != ed25519.PublicKeySize {
			t.Fatalf("%s: %v", y, err)
		}
		key[31] |= sign
		keys = append(keys, key)
	}
	return keys
}

// forge signs for a key without a private one, as can be done for a point of small order: the
// signature's scalar is zero and its point a guess.
func forge(t *testing.T, key ed25519.PublicKey) bool {
	for _, y := range smallOrder {
		for _, guess := range withSigns(t, y) {
			for text := range 64 {
				if ed25519.Verify(key, []byte{byte(text)}, slices.Concat(guess, make([]byte, 32))) {
					return true
				}
			}
		}
	}
	return false
}

// load returns the error for a public key as a secret.
func load(key ed25519.PublicKey) error {
	scheme, _ := Preset("standard")
	_, err := New(scheme, []Secret{NewSecret("", publicPrefix+base64.StdEncoding.EncodeToString(key))}, Options{})
	return err
}

func TestAKeyThatAnybodyCanSignForIsRefused(t *testing.T) {
	for _, y := range append(slices.Clone(smallOrder),
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // the prime, so 0
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // and 1
	) {
		for _, key := range withSigns(t, y) {
			if !forge(t, key) {
				t.Errorf("%x: the test can't sign for it", key)
			}
			if err := load(key); !errors.Is(err, ErrSecretForm) {
				t.Errorf("%x: %v", key, err)
			}
		}
	}
}

func TestAKeyThatIsWrittenAsAnotherIsRefused(t *testing.T) {
	for low := 0xed; low <= 0xff; low++ {
		for _, key := range withSigns(t, hex.EncodeToString([]byte{byte(low)})+smallOrder[1][2:]) {
			if err := load(key); !errors.Is(err, ErrSecretForm) {
				t.Errorf("%x: %v", key, err)
			}
		}
	}
}

func TestAKeyThatHasAPrivateOneIsTaken(t *testing.T) {
	for seed := range 8 {
		private := ed25519.NewKeyFromSeed(slices.Repeat([]byte{byte(seed)}, ed25519.SeedSize))
		key := private.Public().(ed25519.PublicKey)
		if err := load(key); err != nil || forge(t, key) {
			t.Errorf("%x: %v", key, err)
		}
	}
}
