package caddymodule

import (
	"strings"
	"testing"
)

func TestCredentialsInHeadersHaveToBePlaceholders(t *testing.T) {
	for _, name := range []string{
		"Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "apikey", "X_API_KEY", "X-Token", "X-AuthToken", "X-AccessToken",
		"X-Access-Key", "Private-Key", "X-Passphrase", "X-Password", "X-Session-Id", "Sessionid", "X-Signature", "X-Client-Secret", "X-Credentials",
	} {
		err := checkHeader(name, longSecret)
		if err == nil || !strings.Contains(err.Error(), "its value may not stand here") || strings.Contains(err.Error(), longSecret) {
			t.Errorf("%s: got error %v", name, err)
		}
		if err := checkHeader(name, "{env.NAME}"); err != nil {
			t.Errorf("%s of a placeholder: %v", name, err)
		}
	}
	for _, name := range []string{"X-Tenant", "User-Agent", "X-Team", "Accept", "X-Environment"} {
		if err := checkHeader(name, "acme"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
