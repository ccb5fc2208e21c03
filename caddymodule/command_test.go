package caddymodule

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/hookseal/hookseal/verifiers"
)

// runCommand runs "hookseal webhook" with the arguments and returns what it printed.
func runCommand(stdin string, args ...string) (string, error) {
	return runProgram(stdin, append([]string{"webhook"}, args...)...)
}

// runProgram runs "hookseal" with the arguments, as Caddy does.
func runProgram(stdin string, args ...string) (string, error) {
	registered := caddycmd.Commands()["webhook"]
	webhook := &cobra.Command{Use: registered.Name + " " + registered.Usage, Short: registered.Short, Long: registered.Long}
	registered.CobraFunc(webhook)
	root := &cobra.Command{Use: "caddy", SilenceUsage: true, SilenceErrors: true}
	root.AddCommand(webhook)
	var out bytes.Buffer
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.Execute()
	return out.String(), err
}

func TestProvidersAreListedWithAllColumns(t *testing.T) {
	out, err := runCommand("", "providers")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	columns := regexp.MustCompile(` {2,}`)
	if got := strings.Join(columns.Split(lines[0], -1), "|"); got != "PROVIDER|SIGNATURE|ALGORITHM|TIME|BODY|EVIDENCE" {
		t.Errorf("header: got %s", got)
	}
	presets := verifiers.Presets()
	if len(lines) != 1+len(presets) {
		t.Fatalf("got %d lines for %d presets:\n%s", len(lines), len(presets), out)
	}
	for i, preset := range presets {
		row := columns.Split(lines[i+1], -1)
		if len(row) != 6 || row[0] != preset.Name || !strings.HasPrefix(row[1], preset.Signature.From) || (row[4] == "covered") != preset.CoversBody() {
			t.Errorf("%s: got %q", preset.Name, row)
		}
		if len(lines[i+1]) > 160 {
			t.Errorf("%s: a line of %d letters", preset.Name, len(lines[i+1]))
		}
	}
	for _, line := range []string{
		`github +header:X-Hub-Signature-256 +hmac-sha256 +- +covered +confirmed`,
		`github-sha1 +header:X-Hub-Signature +hmac-sha1 \(weak\) +- +covered +confirmed`,
		`gitlab-token +header:X-Gitlab-Token +equal +- +not covered +confirmed`,
		`twitch +header:Twitch-Eventsub-Message-Signature +hmac-sha256 +rfc3339, 10m +covered +confirmed`,
		`dingtalk-robot +header:Sign +hmac-sha256 +ms, 1h +not covered +unconfirmed`,
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(out) {
			t.Errorf("no line matches %s", line)
		}
	}
}

// receiver verifies what it is sent and keeps the last delivery.
type receiver struct {
	*httptest.Server
	verifier *verifiers.Verifier
	requests int
	body     string
	delivery verifiers.Delivery
	err      error
	answer   http.HandlerFunc // default: 200
}

func newReceiver(t *testing.T, scheme verifiers.Scheme) *receiver {
	t.Helper()
	r := new(receiver)
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	var err error
	r.verifier, err = verifiers.New(scheme, []verifiers.Secret{secretFor(scheme)}, verifiers.Options{PublicURL: r.URL, AllowWeak: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// secretFor returns a secret as the scheme's keys are written.
func secretFor(scheme verifiers.Scheme) verifiers.Secret {
	return verifiers.NewSecret("", scheme.SampleSecret())
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.requests++
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.err = err
		return
	}
	r.body = string(body)
	check, err := r.verifier.Check(verifiers.Request{Method: req.Method, Header: req.Header, Target: req.RequestURI})
	if r.err = err; err == nil {
		defer check.Close()
		r.delivery, r.err = check.Verify(body)
	}
	if r.answer != nil {
		r.answer(w, req)
		return
	}
	_, _ = io.WriteString(w, "thank you\n")
}

func TestWhatIsSentIsGenuineForEveryPreset(t *testing.T) {
	const body = `{"id":"evt_1","event":"ping","type":"ping"}`
	for _, scheme := range verifiers.Presets() {
		t.Run(scheme.Name, func(t *testing.T) {
			t.Setenv("SENDING_SECRET", scheme.SampleSecret())
			r := newReceiver(t, scheme)
			if !canSend(scheme) {
				_, err := runCommand(body, "send", r.URL+"/hooks?x=1", "--provider", scheme.Name, "--secret-env", "SENDING_SECRET")
				if err == nil || r.requests != 0 {
					t.Errorf("sent %d deliveries: %v", r.requests, err)
				}
				return
			}
			out, err := runCommand(body, "send", r.URL+"/hooks?x=1", "--provider", scheme.Name, "--secret-env", "SENDING_SECRET", "--event", "ping", "--id", "id-1")
			if err != nil {
				t.Fatal(err)
			}
			if r.err != nil {
				t.Fatalf("refused: %v", r.err)
			}
			if r.body != body {
				t.Errorf("body arrived as %q", r.body)
			}
			if inHeader(scheme.Event) && r.delivery.Event != "ping" {
				t.Errorf("event: got %q", r.delivery.Event)
			}
			if inHeader(scheme.ID) && r.delivery.ID != "id-1" {
				t.Errorf("id: got %q", r.delivery.ID)
			}
			for _, text := range []string{"> POST " + r.URL + "/hooks?x=1\n", "> Content-Type: application/json\n", "> (43 bytes)\n", "< HTTP/1.1 200 OK\n", "\nthank you\n"} {
				if !strings.Contains(out, text) {
					t.Errorf("output lacks %q:\n%s", text, out)
				}
			}
			if strings.Contains(out, scheme.SampleSecret()) {
				t.Errorf("output holds the secret:\n%s", out)
			}
		})
	}
}

// canSend reports whether a scheme's deliveries can be made of a body alone.
func canSend(scheme verifiers.Scheme) bool {
	v, err := dryVerifier(scheme, verifiers.Options{AllowWeak: true, PublicURL: "https://hooks.example.com"})
	return err == nil && canSign(v) == nil
}

func inHeader(places []string) bool {
	return len(places) > 0 && strings.HasPrefix(places[0], "header:")
}

func TestTheBodyAndTheSecretMayComeFromFiles(t *testing.T) {
	scheme, _ := verifiers.Preset("github")
	r := newReceiver(t, scheme)
	dir := t.TempDir()
	const body = "not JSON\x00\xff\n"
	for name, text := range map[string]string{"body": body, "secret": verifiers.Scheme{}.SampleSecret() + "\r\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := runCommand("", "send", r.URL, "--provider", "github", "--secret-file", filepath.Join(dir, "secret"), "--body", filepath.Join(dir, "body"), "--content-type", "application/octet-stream")
	if err != nil {
		t.Fatal(err)
	}
	if r.err != nil || r.body != body {
		t.Errorf("arrived as %q, refused: %v", r.body, r.err)
	}
	if r.delivery.ID == "" {
		t.Error("without --id there is no id")
	}
	if !strings.Contains(out, "> Content-Type: application/octet-stream\n") {
		t.Errorf("got:\n%s", out)
	}
}

func TestSendRefusesWhatItCannotSendAndSendsNothing(t *testing.T) {
	const secret = "a-secret-that-must-not-be-shown"
	t.Setenv("SENDING_SECRET", secret)
	scheme, _ := verifiers.Preset("github")
	r := newReceiver(t, scheme)
	missing := filepath.Join(t.TempDir(), "missing")
	for _, test := range []struct {
		name    string
		args    []string
		problem string
	}{
		{"no URL", []string{"--provider", "github", "--secret-env", "SENDING_SECRET"}, "accepts 1 arg(s), received 0"},
		{"two URLs", []string{r.URL, r.URL, "--provider", "github", "--secret-env", "SENDING_SECRET"}, "accepts 1 arg(s), received 2"},
		{"no provider", []string{r.URL, "--secret-env", "SENDING_SECRET"}, `--provider "" is unknown: "hookseal webhook providers" lists those there are`},
		{"unknown provider", []string{r.URL, "--provider", "githbu", "--secret-env", "SENDING_SECRET"}, `--provider "githbu" is unknown: use github if that is what you mean; "hookseal webhook providers" lists those there are`},
		{"no secret", []string{r.URL, "--provider", "github"}, "name the secret with one of --secret-env and --secret-file"},
		{"two secrets", []string{r.URL, "--provider", "github", "--secret-env", "SENDING_SECRET", "--secret-file", missing}, "name the secret with one of --secret-env and --secret-file"},
		{"unset variable", []string{r.URL, "--provider", "github", "--secret-env", "HOOKSEAL_UNSET"}, "the environment variable that --secret-env names is not set or empty"},
		{"the secret as a name", []string{r.URL, "--provider", "github", "--secret-env", secret}, "the environment variable that --secret-env names is not set or empty"},
		{"missing secret file", []string{r.URL, "--provider", "github", "--secret-file", missing}, "open " + missing + ": no such file or directory"},
		{"empty secret file", []string{r.URL, "--provider", "github", "--secret-file", os.DevNull}, "secret 1: secret is empty"},
		{"secret of another form", []string{r.URL, "--provider", "standard", "--secret-env", "SENDING_SECRET"}, "secret 1: secret is not written as the scheme's keys are: expected whsec_ and base64"},
		{"missing body", []string{r.URL, "--provider", "github", "--secret-env", "SENDING_SECRET", "--body", missing}, "open " + missing + ": no such file or directory"},
		{"URL without a scheme", []string{"localhost:8080/hooks", "--provider", "github", "--secret-env", "SENDING_SECRET"}, "the URL to send to must begin with http:// or https:// and a host"},
		{"URL without a host", []string{"https:///hooks", "--provider", "github", "--secret-env", "SENDING_SECRET"}, "the URL to send to must begin with http:// or https:// and a host"},
		{"URL of another kind", []string{"ftp://localhost/hooks", "--provider", "github", "--secret-env", "SENDING_SECRET"}, "the URL to send to must begin with http:// or https:// and a host"},
		{"URL that is none", []string{"http://local host/", "--provider", "github", "--secret-env", "SENDING_SECRET"}, "the URL to send to must begin with http:// or https:// and a host"},
		{"event that no header can carry", []string{r.URL, "--provider", "github", "--secret-env", "SENDING_SECRET", "--event", "a\nb"}, "scheme github: "},
		{"secret as an argument", []string{r.URL, "--provider", "github", "--secret", secret}, "unknown flag: --secret"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := runCommand("{}", append([]string{"send"}, test.args...)...)
			if err == nil || !strings.HasPrefix(err.Error(), test.problem) {
				t.Fatalf("got error %v, want %q", err, test.problem)
			}
			if strings.Contains(out, secret) || strings.Contains(err.Error(), secret) {
				t.Errorf("secret shown: %v\n%s", err, out)
			}
			if r.requests != 0 {
				t.Error("something was sent")
			}
		})
	}
}

func TestAnAnswerOtherThan2xxIsAnErrorAndShown(t *testing.T) {
	t.Setenv("SENDING_SECRET", verifiers.Scheme{}.SampleSecret())
	scheme, _ := verifiers.Preset("github")
	for code, problem := range map[int]string{
		200: "", 204: "", 299: "",
		301: "answered 301 Moved Permanently", 401: "answered 401 Unauthorized", 409: "answered 409 Conflict", 503: "answered 503 Service Unavailable",
	} {
		r := newReceiver(t, scheme)
		r.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Answer", "yes")
			w.WriteHeader(code)
		}
		out, err := runCommand("{}", "send", r.URL, "--provider", "github", "--secret-env", "SENDING_SECRET")
		if problem == "" && err != nil || problem != "" && (err == nil || err.Error() != problem) {
			t.Errorf("%d: got error %v", code, err)
		}
		if !strings.Contains(out, "< X-Answer: yes\n") {
			t.Errorf("%d: answer isn't shown:\n%s", code, out)
		}
	}
}

// Whoever a redirect leads to would get a request that is signed.
func TestARedirectIsNotFollowed(t *testing.T) {
	t.Setenv("SENDING_SECRET", verifiers.Scheme{}.SampleSecret())
	scheme, _ := verifiers.Preset("github")
	elsewhere, here := newReceiver(t, scheme), newReceiver(t, scheme)
	here.answer = func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, elsewhere.URL, http.StatusTemporaryRedirect)
	}
	_, err := runCommand("{}", "send", here.URL, "--provider", "github", "--secret-env", "SENDING_SECRET")
	if err == nil || err.Error() != "answered 307 Temporary Redirect" {
		t.Errorf("got error %v", err)
	}
	if here.requests != 1 || elsewhere.requests != 0 {
		t.Errorf("got %d requests here and %d elsewhere", here.requests, elsewhere.requests)
	}
}

func TestThePasswordOfAURLIsNotShown(t *testing.T) {
	t.Setenv("SENDING_SECRET", verifiers.Scheme{}.SampleSecret())
	scheme, _ := verifiers.Preset("github")
	r := newReceiver(t, scheme)
	out, err := runCommand("{}", "send", strings.Replace(r.URL, "://", "://user:pass-word@", 1), "--provider", "github", "--secret-env", "SENDING_SECRET")
	if err != nil || r.err != nil {
		t.Fatal(err, r.err)
	}
	if strings.Contains(out, "pass-word") {
		t.Errorf("got:\n%s", out)
	}
}

func TestForgetAsksTheAdminAPI(t *testing.T) {
	key := strings.Repeat("0a", 32)
	var requests []string
	status := http.StatusOK
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		requests = append(requests, req.Method+" "+req.RequestURI)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"error":"nothing is kept"}`)
	}))
	defer admin.Close()
	address := strings.TrimPrefix(admin.URL, "http://")

	for _, bad := range []string{"", "zzz", key[1:], key + "00", strings.Repeat("0g", 32), "../../config/" + key[13:]} {
		if _, err := runCommand("", "forget", bad, "--address", address); err == nil || !strings.HasSuffix(err.Error(), `the key is the text behind "claim" in the delivery's log line`) {
			t.Errorf("key %q: got error %v", bad, err)
		}
	}
	if len(requests) != 0 {
		t.Errorf("bad keys were sent: %q", requests)
	}

	out, err := runCommand("", "forget", key, "--address", address)
	if err != nil || !strings.HasPrefix(out, "forgotten: ") {
		t.Errorf("got error %v and %q", err, out)
	}
	if want := "DELETE /webhook_gateway/claims/" + key; len(requests) != 1 || requests[0] != want {
		t.Errorf("got %q, want %q", requests, want)
	}

	status = http.StatusNotFound
	if out, err := runCommand("", "forget", key, "--address", address); err == nil || !strings.Contains(err.Error(), "nothing is kept") || out != "" {
		t.Errorf("got error %v and %q", err, out)
	}
}

func TestAnUnknownCommandIsAnError(t *testing.T) {
	if _, err := runCommand("", "frget", "key"); err == nil {
		t.Error("got no error")
	}
	if out, err := runCommand(""); err != nil || !strings.Contains(out, "providers  lists the providers") {
		t.Errorf("got error %v and:\n%s", err, out)
	}
}

// Help that names the program otherwise than it was called can't be copied.
func TestHelpNamesTheProgramThatRuns(t *testing.T) {
	for _, args := range [][]string{{"help", "webhook", "send"}, {"webhook", "send", "--help"}, {"webhook", "forget", "-h"}, {"webhook"}} {
		out, err := runProgram("", args...)
		if err != nil {
			t.Fatal(err)
		}
		if want := "  " + filepath.Base(os.Args[0]) + " webhook "; !strings.Contains(out, want) || strings.Contains(out, "caddy webhook") {
			t.Errorf("%q: lacks %q:\n%s", args, want, out)
		}
	}
}
