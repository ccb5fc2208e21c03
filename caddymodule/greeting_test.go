package caddymodule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The secrets of a handshake are as closed as those of deliveries: nothing literal, nothing unset, nothing
// empty, and a file of theirs may change.
func TestTheSecretsOfAHandshakeAreSecrets(t *testing.T) {
	t.Setenv("LONG_SECRET", longSecret)
	t.Setenv("EMPTY_SECRET", "")
	const meta = `{"handler":"webhook_verify","provider":"meta","secrets":[{"value":"{env.LONG_SECRET}"}],`
	for fields, problem := range map[string]string{
		`"verify_token":"` + longSecret + `"`:       "verify_token: must be one placeholder and nothing else",
		`"verify_token":"{env.NEVER_SET_ANYWHERE}"`: "verify_token: {env.NEVER_SET_ANYWHERE} is not set or empty",
		`"verify_token":"{env.EMPTY_SECRET}"`:       "verify_token: {env.EMPTY_SECRET} is not set or empty",
		`"encrypt_key":"{env.LONG_SECRET}"`:         "encrypt_key: the handshake of meta has no use for it",
	} {
		err := validate(t, site(`{}`, meta+fields+`}`))
		if err == nil || !strings.Contains(err.Error(), ": "+problem) || strings.Contains(err.Error(), longSecret) {
			t.Errorf("%s: got error %v, want %q", fields, err, problem)
		}
	}
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("a-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	v := provision[*Verify](t, meta+`"verify_token":"{file.`+path+`}"}`)
	if len(v.gateway.keyrings) != 1 {
		t.Error("the file of a verify token isn't watched")
	}
}
