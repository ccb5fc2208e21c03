package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

const capturedBody = `{"type":"invoice.paid","id":"evt_1","amount":100}`

// signedFields returns the header fields of a delivery with that body, signed at a time with the sample
// secret, which is in DOCTOR_SECRET from then on.
func signedFields(t *testing.T, name, body string, at time.Time) http.Header {
	t.Helper()
	scheme, ok := verifiers.Preset(name)
	if !ok {
		t.Fatalf("%s is no preset", name)
	}
	t.Setenv("DOCTOR_SECRET", scheme.SampleSecret())
	v, err := verifiers.New(scheme, []verifiers.Secret{verifiers.NewSecret("", scheme.SampleSecret())}, verifiers.Options{PublicURL: "https://hooks.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(verifiers.Message{ID: "evt_1", Event: "push", Time: at, Body: []byte(body), Method: http.MethodPost, Target: "/in"})
	if err != nil {
		t.Fatal(err)
	}
	return header
}

// rawMessage writes a delivery as it goes over the wire.
func rawMessage(header http.Header, body string) string {
	var b strings.Builder
	b.WriteString("POST /in HTTP/1.1\r\nHost: hooks.example.com\r\n")
	for name, values := range header {
		for _, value := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	return b.String() + "\r\n" + body
}

func TestACapturedDeliveryVerifiesInEveryForm(t *testing.T) {
	at := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	header := signedFields(t, "stripe", capturedBody, at)
	signature := header.Get("Stripe-Signature")
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	har, err := json.Marshal(map[string]any{"log": map[string]any{"entries": []any{map[string]any{
		"startedDateTime": at.Format(time.RFC3339),
		"request": map[string]any{
			"method": "POST", "url": "https://hooks.example.com/in",
			"headers":  []any{map[string]any{"name": "stripe-signature", "value": signature}},
			"postData": map[string]any{"text": capturedBody},
		},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	flags := []string{"--provider", "stripe", "--secret-env", "DOCTOR_SECRET"}
	now := []string{"--now", at.Format(time.RFC3339)}
	secretFile := write("secret", os.Getenv("DOCTOR_SECRET")+"\n")
	for name, test := range map[string]struct {
		stdin, clock string
		args         []string
	}{
		"message on standard input": {rawMessage(header, capturedBody), "--now", append(flags, now...)},
		"message in a file":         {"", "--now", append([]string{write("m", rawMessage(header, capturedBody)), "--now", fmt.Sprint(at.Unix())}, flags...)},
		"HAR archive":               {string(har), "the capture's time", flags},
		"curl": {fmt.Sprintf("curl https://hooks.example.com/in -H 'Stripe-Signature: %s' --data-raw '%s'", signature, capturedBody), "--now",
			append(flags, now...)},
		"header and body": {"", "the delivery's Date", append([]string{"--header", "Stripe-Signature: " + signature, "--header", "Date: " + at.Format(http.TimeFormat),
			"--body", write("b", capturedBody)}, flags...)},
		"secret in a file": {rawMessage(header, capturedBody), "--now", append([]string{"--provider", "stripe", "--secret-file", secretFile}, now...)},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := runCommand(test.stdin, append([]string{"verify"}, test.args...)...)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			want := "pass: a genuine delivery of stripe\n  event \"invoice.paid\"\n  id \"evt_1\"\n  signed at 2026-01-02T15:04:05Z\n  judged at 2026-01-02T15:04:05Z (" + test.clock + ")\n"
			if !strings.HasPrefix(out, want) {
				t.Errorf("got:\n%s\nwant:\n%s", out, want)
			}
		})
	}
}

func TestWhyADeliveryFailsIsSaid(t *testing.T) {
	at := time.Now()
	header := signedFields(t, "github", capturedBody, at)
	out, err := runCommand(rawMessage(header, strings.ReplaceAll(capturedBody, ":", ": ")), "verify", "--provider", "github", "--secret-env", "DOCTOR_SECRET")
	if err == nil || err.Error() != "the delivery does not verify: signature_mismatch" {
		t.Errorf("got error %v", err)
	}
	if !strings.HasPrefix(out, "fail: signature_mismatch (signature does not match)\n") || !strings.Contains(out, "\nbecause\n  - the body was parsed and written anew: it was sent without blanks") {
		t.Errorf("got:\n%s", out)
	}

	// In JSON, with the causes by name.
	t.Setenv("DOCTOR_SECRET", os.Getenv("DOCTOR_SECRET")+"\n")
	out, err = runCommand(rawMessage(header, capturedBody), "verify", "--provider", "gitea", "--secret-env", "DOCTOR_SECRET", "--json")
	if err == nil {
		t.Error("got no error")
	}
	var got struct {
		Verdict, Provider, Reason, Clock string
		Causes                           [][]struct{ Kind, Name string }
		Complete                         bool
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in:\n%s", err, out)
	}
	names := []string{}
	for _, change := range slices.Concat(got.Causes...) {
		names = append(names, change.Kind+"/"+change.Name)
	}
	if got.Verdict != "fail" || got.Reason != "signature_missing" || got.Clock != "now" || !got.Complete || len(names) < 2 || names[0] != "provider/github" || names[1] != "secret/newline" {
		t.Errorf("got %+v, %q", got, names)
	}
}

func TestNothingOfADeliveryIsPrinted(t *testing.T) {
	header := signedFields(t, "github", capturedBody, time.Now())
	signature := header.Get("X-Hub-Signature-256")
	for _, body := range []string{capturedBody, capturedBody + "\n", "another-body"} {
		for _, flag := range []string{"--json=false", "--json"} {
			out, err := runCommand(rawMessage(header, body), "verify", "--provider", "github", "--secret-env", "DOCTOR_SECRET", flag)
			for _, private := range []string{os.Getenv("DOCTOR_SECRET"), strings.TrimPrefix(signature, "sha256="), "amount", "another-body"} {
				if text := out + fmt.Sprint(err); strings.Contains(text, private) {
					t.Errorf("%q is printed:\n%s", private, text)
				}
			}
		}
	}
}

func TestWhatCannotBeVerifiedIsSaid(t *testing.T) {
	t.Setenv("DOCTOR_SECRET", "hush-hush-hush-hush")
	secret := []string{"--secret-env", "DOCTOR_SECRET"}
	for _, test := range []struct {
		args []string
		want string
	}{
		{append([]string{"--provider", "githib"}, secret...), "use github if that is what you mean"},
		{secret, "name the provider with --provider, or give --config"},
		{[]string{"--provider", "github"}, "name the secret with one of"},
		{[]string{"--provider", "github", "--secret-env", "hush-hush"}, "is not set or empty"},
		{append([]string{"--provider", "github", "--format", "xml"}, secret...), "use auto, http, har, curl or powershell"},
		{append([]string{"--provider", "github", "--now", "noon"}, secret...), "--now: write a time"},
		{append([]string{"--provider", "github", "--tolerance", "1m"}, secret...), "must sign a time"},
		{append([]string{"--provider", "github", "--format", "har"}, secret...), "capture: not read as har"},
		{append([]string{"--provider", "github", "--header", "hush"}, secret...), "--header: a header field is written"},
		{append([]string{"x", "--provider", "github", "--header", "a: b"}, secret...), "not both"},
		{append([]string{"--provider", "github", "--url", "hush"}, secret...), "a URL begins with"},
		{append([]string{"--provider", "github", "--body", "no-such-file"}, secret...), "no-such-file"},
	} {
		out, err := runCommand("A: hush\n\n", append([]string{"verify"}, test.args...)...)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(out+err.Error(), "hush") {
			t.Errorf("%q: got error %v and %q", test.args, err, out)
		}
	}
}

// What the gateway needs to be told of a secret or scheme that verifies here is said.
func TestWhatARouteNeedsIsNoted(t *testing.T) {
	scheme, _ := verifiers.Preset("github-sha1")
	t.Setenv("DOCTOR_SECRET", "short")
	v, err := verifiers.New(scheme, []verifiers.Secret{verifiers.NewSecret("", "short")}, verifiers.Options{AllowWeak: true, AllowShort: true})
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(verifiers.Message{Body: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	out, err := runCommand(rawMessage(header, "{}"), "verify", "--provider", "github-sha1", "--secret-env", "DOCTOR_SECRET")
	if err != nil || !strings.Contains(out, "allow_short") || !strings.Contains(out, "allow_weak") {
		t.Errorf("got error %v and:\n%s", err, out)
	}
}
