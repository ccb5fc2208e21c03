package verifiers

import (
	"strings"
	"testing"
)

// plaidJWK is the key that Plaid's page shows.
const plaidJWK = `{"alg":"ES256","created_at":1560466143,"crv":"P-256","expired_at":null,"kid":"6c5516e1-92dc-479e-a8ff-5a51992e0001","kty":"EC","use":"sig","x":"35lvC8uz2QrWpQJ3TUH8t9o9DURMp7ydU518RKDl20k","y":"I8BuXB2bvxelzJAd7OKhd-ZwjCst05Fx47Mb_0ugros"}`

// TestAJWKIsTheOneAskedFor: for ES256, of the right id and on its curve.
func TestAJWKIsTheOneAskedFor(t *testing.T) {
	const id = "6c5516e1-92dc-479e-a8ff-5a51992e0001"
	for _, test := range []struct {
		old, changed string
		good         bool
	}{
		{"", "", true},
		{`"use":"sig",`, "", true},
		{`"alg":"ES256",`, "", true},
		{`"kid":"` + id + `",`, "", true},
		{`"expired_at":null`, `"expired_at":1767225600`, true},
		{`"use":"sig"`, `"use":"enc"`, false},
		{"ES256", "ES384", false},
		{"ES256", "HS256", false},
		{"P-256", "P-384", false},
		{`"kty":"EC"`, `"kty":"oct"`, false},
		{`"kty":"EC"`, `"kty":"RSA"`, false},
		{`"kty":"EC",`, "", false},
		{id, "bfbd5111-8e33-4643-8ced-b2e642a72f3c", false},
		{"35lvC8", "35lvC9", false}, // off the curve
		{"35lvC8uz2QrWpQJ3TUH8t9o9DURMp7ydU518RKDl20k", "", false},
		{"DURMp7ydU518RKDl20k", "DURMp7ydU518RKDl20", false},
		{"35lvC8uz2QrWpQJ3TUH8t9o9DURMp7ydU518RKDl20k", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false},
		{"l20k", "l20l", false}, // bits behind the end
		{`"x":"`, `"x":1,"X":"`, false},
		{"{", "[", false},
		{"}", "", false},
	} {
		text := strings.Replace(plaidJWK, test.old, test.changed, 1)
		if _, key, err := parseJWK([]byte(text), id); (err == nil) != test.good || (key == nil) == test.good {
			t.Errorf("%q in place of %q: %v", test.changed, test.old, err)
		}
	}
}

// TestAnExpiredPlaidKeyIsNone: Plaid says so in its answer. Who vouches for a key knows better.
func TestAnExpiredPlaidKeyIsNone(t *testing.T) {
	const id = "6c5516e1-92dc-479e-a8ff-5a51992e0001"
	answer := func(expired string) []byte {
		return []byte(`{"key":` + strings.Replace(plaidJWK, `"expired_at":null`, `"expired_at":`+expired, 1) + `,"request_id":"x"}`)
	}
	now := referenceNow // 1767225600
	for expired, good := range map[string]bool{"null": true, "1767225601": true, "1767225600": false, "1560466143": false, "0": false} {
		key, until, err := readPlaidKey(answer(expired), id, now, false)
		if (err == nil) != good || good && (key == nil || until.IsZero() != (expired == "null")) {
			t.Errorf("expired at %s: %v, %s", expired, err, until)
		}
		if _, _, err := readPlaidKey(answer(expired), id, now, true); err != nil {
			t.Errorf("expired at %s and vouched for: %v", expired, err)
		}
	}
	for _, text := range []string{"", "null", "{}", `{"key":null}`, `{"key":"x"}`, `{"error_code":"INVALID_WEBHOOK_VERIFICATION_KEY_ID"}`, plaidJWK} {
		if _, _, err := readPlaidKey([]byte(text), id, now, false); err == nil {
			t.Errorf("%s is a key", text)
		}
	}
	if _, _, err := readPlaidKey([]byte(plaidJWK), id, now, true); err != nil {
		t.Errorf("a key alone that is vouched for: %v", err)
	}
}
