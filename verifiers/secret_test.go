package verifiers

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestKeyFormsDecodeAsTheySay: the key is what the form makes of the text, and a text that isn't
// written that way is refused without a byte of it in the error.
func TestKeyFormsDecodeAsTheySay(t *testing.T) {
	key := "0123456789abcdeÿ" // 17 bytes: base64 needs padding
	hexText, base64Text := hex.EncodeToString([]byte(key)), base64.StdEncoding.EncodeToString([]byte(key))
	for _, test := range []struct {
		form KeyForm
		text string
		want string
		err  error
	}{
		{UTF8, key, key, nil},
		{UTF8, "whsec_" + base64Text, "whsec_" + base64Text, nil},
		{UTF8, " " + key + "\n", " " + key + "\n", nil},
		{HexKey, hexText, key, nil},
		{HexKey, strings.ToUpper(hexText), key, nil},
		{HexKey, hexText[1:], "", ErrSecretForm},
		{HexKey, "zz" + hexText, "", ErrSecretForm},
		{Base64Key, base64Text, key, nil},
		{Base64Key, strings.TrimRight(base64Text, "="), "", ErrSecretForm},
		{Base64Key, "whsec_" + base64Text, "", ErrSecretForm},
		{Whsec, base64Text, key, nil},
		{Whsec, "whsec_" + base64Text, key, nil},
		{WhsecOrUTF8, "whsec_" + base64Text, key, nil},
		{WhsecOrUTF8, base64Text, base64Text, nil},
		{WhsecOrUTF8, "whsec_%", "", ErrSecretForm},
		{WhsecOrUTF8, "whsec_", "", ErrSecretEmpty},
		{Opaque, "short", "short", nil},
		{Opaque, "", "", ErrSecretEmpty},
		{Whsec, "WHSEC_" + base64Text, "", ErrSecretForm},
		{Whsec, "whsec_", "", ErrSecretEmpty},
		{UTF8, "", "", ErrSecretEmpty},
		{HexKey, "", "", ErrSecretEmpty},
		{UTF8, "fifteen bytes..", "", ErrSecretShort},
		{UTF8, "sixteen bytes...", "sixteen bytes...", nil},
		{HexKey, "0123456789abcdef", "", ErrSecretShort},
	} {
		got, err := NewSecret("", test.text).key(test.form, false)
		if string(got) != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s %q: %q, %v; want %q, %v", test.form, test.text, got, err, test.want, test.err)
		}
		if err != nil && test.text != "" && strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: the error holds the secret: %v", test.form, err)
		}
	}
	if got, err := NewSecret("", "x").key(UTF8, true); string(got) != "x" || err != nil {
		t.Errorf("a short secret that is allowed: %q, %v", got, err)
	}
	if _, err := (Secret{}).key(UTF8, true); err != ErrSecretEmpty {
		t.Errorf("the zero Secret: %v", err)
	}
}

// TestASecretPrintsRedacted: however a secret is printed, logged or marshalled, alone or inside
// something, none of it shows.
func TestASecretPrintsRedacted(t *testing.T) {
	const text = "the secret itself"
	secret := NewSecret("label", text)
	type holder struct {
		Secret Secret
		inner  Secret
		list   []Secret
	}
	values := []any{secret, &secret, []Secret{secret}, map[string]Secret{"k": secret}, holder{secret, secret, []Secret{secret}}, &holder{secret, secret, nil}}
	for _, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p"} {
			checkNoneOf(t, fmt.Sprintf("%T with %s", value, verb), fmt.Sprintf(verb, value), text)
		}
		marshalled, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		checkNoneOf(t, "JSON", string(marshalled), text)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", secret, "in", values)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", secret, "in", values)
	checkNoneOf(t, "a log", log.String(), text)
	for _, got := range []string{fmt.Sprint(secret), fmt.Sprintf("%#v", secret), secret.String()} {
		if got != "[redacted]" {
			t.Errorf("%q", got)
		}
	}
	if got, err := json.Marshal(secret); err != nil || string(got) != `"[redacted]"` {
		t.Errorf("%s, %v", got, err)
	}
}

// checkNoneOf checks that output holds none of the secrets, as text, in hex, in base64 or as a list of
// bytes.
func checkNoneOf(t *testing.T, what, output string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		numbers := strings.Trim(fmt.Sprint([]byte(secret[:8])), "[]")
		goNumbers := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(secret[:8])), "[]byte{"), "}")
		for _, form := range []string{
			secret, secret[:8], hex.EncodeToString([]byte(secret[:8])), strings.ToUpper(hex.EncodeToString([]byte(secret[:8]))),
			base64.StdEncoding.EncodeToString([]byte(secret[:9])), numbers, goNumbers,
		} {
			if strings.Contains(output, form) {
				t.Errorf("%s holds %q: %.300s", what, form, output)
			}
		}
	}
}
