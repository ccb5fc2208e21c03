package caddymodule

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hookseal/hookseal/verifiers"
)

func TestWhatKeygenMakesSignsAndVerifies(t *testing.T) {
	scheme, _ := verifiers.Preset("standard")
	verifierOf := func(text string) *verifiers.Verifier {
		t.Helper()
		v, err := verifiers.New(scheme, []verifiers.Secret{verifiers.NewSecret("", text)}, verifiers.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	seen := make(map[string]bool)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"keygen"}, `^whsec_[A-Za-z0-9+/]{43}=\n$`},
		{[]string{"keygen", "--asymmetric"}, `^whsk_[A-Za-z0-9+/]{86}==\nwhpk_[A-Za-z0-9+/]{43}=\n$`},
	} {
		for range 2 {
			out, err := runCommand("", test.args...)
			if err != nil || !regexp.MustCompile(test.want).MatchString(out) || seen[out] {
				t.Fatalf("%v: %v, %d bytes", test.args, err, len(out))
			}
			seen[out] = true
			lines := strings.Fields(out)
			header, err := verifierOf(lines[0]).Sign(verifiers.Message{ID: "msg_1", Body: []byte("{}")})
			if err != nil {
				t.Fatal(err)
			}
			check, err := verifierOf(lines[len(lines)-1]).Check(verifiers.Request{Header: header})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := check.Verify([]byte("{}")); err != nil {
				t.Error(err)
			}
			check.Close()
		}
	}
	if out, err := runCommand("", "keygen", "surplus"); err == nil {
		t.Errorf("an argument too many was accepted, and %d bytes printed", len(out))
	}
}
