package caddymodule

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/hookseal/hookseal/verifiers"
)

// capturedVector is what is read of a vector of package verifiers.
type capturedVector struct {
	Name, Method, Target, Body, Invalid string
	PublicURL                           string `json:"public_url"`
	Headers                             [][2]string
	BodyBase64                          []byte `json:"body_base64"`
	Secrets                             []struct{ Label, Text string }
	Content                             string
	RefuseWeak                          bool `json:"refuse_weak"`
	AllowShort                          bool `json:"allow_short"`
	Keys                                map[string]string
	Now                                 int64
	Valid                               json.RawMessage
}

// capturedVectors returns the vectors of a preset.
func capturedVectors(t *testing.T, preset string) (all []capturedVector) {
	t.Helper()
	text, err := os.ReadFile("../verifiers/testdata/vectors/" + preset + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []capturedVector }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		// The rest is about what no message over the wire can have.
		if v.Content == "" && len(v.Keys) < 2 && v.travels() {
			all = append(all, v)
		}
	}
	return all
}

// travels reports whether a server reads the vector's message as the vector has it.
func (v *capturedVector) travels() bool {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(v.message())))
	if err != nil {
		return false
	}
	for _, field := range v.Headers {
		found := false
		for _, value := range r.Header[http.CanonicalHeaderKey(field[0])] {
			found = found || value == field[1]
		}
		if !found {
			return false
		}
	}
	return true
}

// message is the delivery as it goes over the wire.
func (v *capturedVector) message() string {
	var b strings.Builder
	body := v.Body
	if v.BodyBase64 != nil {
		body = string(v.BodyBase64)
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: hooks.example.com\r\n", orElse(v.Method, "POST"), orElse(v.Target, "/in"))
	for _, field := range v.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", field[0], field[1])
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.String()
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// caddyfile is a Caddyfile that takes the vector's deliveries. Its secrets are in the environment.
func (v *capturedVector) caddyfile(t *testing.T, scheme verifiers.Scheme) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "hooks.example.com {\nwebhook_verify %s {\nreplay off\nallow_short\n", scheme.Name)
	for i, secret := range v.Secrets {
		name := fmt.Sprintf("AGREEMENT_%d", i)
		t.Setenv(name, secret.Text)
		fmt.Fprintf(&b, "secret {env.%s} %q\n", name, secret.Label)
	}
	if !v.RefuseWeak {
		b.WriteString("allow_weak\n")
	}
	if v.Method != "" {
		b.WriteString("methods POST " + v.Method + "\n")
	}
	if scheme.CoversURL() {
		b.WriteString("public_url " + orElse(v.PublicURL, "https://hooks.example.com") + "\n")
	}
	b.WriteString("}\n}\n")
	return b.String()
}

// accepts reports whether the handler of a Caddyfile lets a message in at a time.
func (v *capturedVector) accepts(t *testing.T, caddyfile, message string) bool {
	t.Helper()
	a, err := adaptFile("Caddyfile", []byte(caddyfile))
	if err != nil {
		t.Fatal(err)
	}
	config := mustMarshal(t, a.verifies()[0])
	handler := provision[*Verify](t, `{"handler":"webhook_verify",`+string(config[1:]))
	now := time.Unix(v.Now, 0)
	handler.now = func() time.Time { return now }
	if len(v.Keys) > 0 {
		verifier, err := newVerifier(handler.scheme, handler.Secrets, verifiers.Options{
			Now: handler.now, AllowShort: true, AllowWeak: handler.AllowWeak, Keys: verifiers.NewKeySource(verifiers.KeySourceOptions{Known: v.Keys}),
		})
		if err != nil {
			t.Fatal(err)
		}
		handler.keys.current.Store(verifier)
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(message)))
	if err != nil {
		return false // the server answers 400
	}
	called := false
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		called = true
		w.WriteHeader(http.StatusOK)
		return nil
	})
	w := httptest.NewRecorder()
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
	err = handler.ServeHTTP(w, r, next)
	var refused caddyhttp.HandlerError
	if err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
	return called || err == nil // a challenge is answered
}

// passes reports whether "webhook verify" says that the message passes under the Caddyfile.
func (v *capturedVector) passes(t *testing.T, caddyfile, message string) bool {
	t.Helper()
	folder := t.TempDir()
	args := []string{"verify", "--config", filepath.Join(folder, "Caddyfile"), "--now", fmt.Sprint(v.Now)}
	if err := os.WriteFile(args[2], []byte(caddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, key := range v.Keys {
		args = append(args, "--key-file", filepath.Join(folder, "key"))
		if err := os.WriteFile(args[len(args)-1], []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := runCommand(message, args...)
	if passed := strings.HasPrefix(out, "pass: "); passed != (err == nil) || !passed && !strings.HasPrefix(out, "fail: ") {
		t.Fatalf("got error %v and:\n%s", err, out)
	}
	return err == nil
}

// TestTheDoctorSaysWhatTheGatewayDoes: a delivery passes if the handler lets it in, and fails if it doesn't, of every
// preset. Of the vectors that don't verify there is one of each, because it is examined.
func TestTheDoctorSaysWhatTheGatewayDoes(t *testing.T) {
	const bad = 1
	passed, failed := 0, 0
	for _, scheme := range verifiers.Presets() {
		left := bad
		for _, v := range capturedVectors(t, scheme.Name) {
			if v.Valid == nil {
				if left--; left < 0 {
					continue
				}
			}
			caddyfile, message := v.caddyfile(t, scheme), v.message()
			accepts, passes := v.accepts(t, caddyfile, message), v.passes(t, caddyfile, message)
			if accepts != passes || accepts != (v.Valid != nil) {
				t.Errorf("%s, %s: the gateway accepts it: %t, the doctor says pass: %t", scheme.Name, v.Name, accepts, passes)
			}
			if passes {
				passed++
			} else {
				failed++
			}
		}
	}
	if passed < 200 || failed < 80 {
		t.Errorf("only %d passed and %d failed", passed, failed)
	}
}

// TestTheDoctorReadsAMessageAsAServerDoes: however a message is spelled, what passes is what the gateway lets in.
func TestTheDoctorReadsAMessageAsAServerDoes(t *testing.T) {
	// editField changes the line of the field that has the signature.
	editField := func(message string, edit func(line string) string) string {
		head, body, _ := strings.Cut(message, "\r\n\r\n")
		lines := strings.Split(head, "\r\n")
		lines[2] = edit(lines[2])
		return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
	}
	for name, change := range map[string]func(string) string{
		"upper case": func(m string) string {
			return editField(m, func(line string) string {
				name, value, _ := strings.Cut(line, ":")
				return strings.ToUpper(name) + ":" + value
			})
		},
		"blanks": func(m string) string {
			return editField(m, func(line string) string { return strings.Replace(line, ": ", ":\t  ", 1) + " \t" })
		},
		"no blank": func(m string) string {
			return editField(m, func(line string) string { return strings.Replace(line, ": ", ":", 1) })
		},
		"folded at its beginning": func(m string) string {
			return editField(m, func(line string) string { return strings.Replace(line, ": ", ":\r\n ", 1) })
		},
		"folded in its middle": func(m string) string {
			return editField(m, func(line string) string {
				name, value, _ := strings.Cut(line, ": ")
				return name + ": " + value[:len(value)/2] + "\r\n  " + value[len(value)/2:]
			})
		},
		"folded at commas": func(m string) string {
			return editField(m, func(line string) string { return strings.ReplaceAll(line, ",", ",\r\n\t") })
		},
		"twice": func(m string) string { return editField(m, func(line string) string { return line + "\r\n" + line }) },
		"empty too": func(m string) string {
			return editField(m, func(line string) string {
				name, _, _ := strings.Cut(line, ":")
				return name + ":\r\n" + line
			})
		},
		"quotes": func(m string) string {
			return editField(m, func(line string) string { return strings.Replace(line, ": ", ": \"", 1) + `"` })
		},
		"LF": func(m string) string {
			head, body, _ := strings.Cut(m, "\r\n\r\n")
			return strings.ReplaceAll(head, "\r\n", "\n") + "\n\n" + body
		},
		"in chunks": func(m string) string {
			head, body, _ := strings.Cut(m, "\r\n\r\n")
			at := strings.Index(head, "Content-Length: ")
			return head[:at] + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
		},
		"a method that isn't allowed": func(m string) string { return strings.Replace(m, "POST", "PATCH", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			agreed := 0
			for _, preset := range []string{"github", "stripe", "slack", "standard", "paddle", "docusign", "twilio", "square", "rfc9421", "gitlab-token", "discord", "wechatpay-v3", "aws-sns", "plaid"} {
				scheme, _ := verifiers.Preset(preset)
				for _, v := range capturedVectors(t, preset) {
					if v.Valid == nil {
						continue
					}
					caddyfile, message := v.caddyfile(t, scheme), change(v.message())
					if accepts, passes := v.accepts(t, caddyfile, message), v.passes(t, caddyfile, message); accepts != passes {
						t.Errorf("%s, %s: the gateway accepts it: %t, the doctor says pass: %t", preset, v.Name, accepts, passes)
					}
					agreed++
					break
				}
			}
			if agreed < 14 {
				t.Errorf("only %d presets", agreed)
			}
		})
	}
}
