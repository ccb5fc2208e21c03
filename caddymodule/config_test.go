package caddymodule

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/hookseal/hookseal/verifiers"
)

// longSecret is a good secret of every key form.
const longSecret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"

// validate loads a configuration as "caddy validate" does: everything but starting it.
func validate(t *testing.T, config []byte) error {
	t.Helper()
	parsed := new(caddy.Config)
	if err := caddy.StrictUnmarshalJSON(config, parsed); err != nil {
		t.Fatal(err)
	}
	parsed.Admin = &caddy.AdminConfig{Disabled: true}
	parsed.StorageRaw = mustMarshal(t, map[string]string{"module": "file_system", "root": t.TempDir()})
	parsed.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{
		caddy.DefaultLoggerName: {BaseLog: caddy.BaseLog{WriterRaw: json.RawMessage(`{"output":"discard"}`)}},
	}}
	return caddy.Validate(parsed)
}

func mustMarshal(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// validateCaddyfile is validate for a Caddyfile.
func validateCaddyfile(t *testing.T, text string) error {
	t.Helper()
	config, err := caddyfileJSON(text)
	if err != nil {
		return err
	}
	return validate(t, config)
}

// site is the JSON of one site with the given handlers, and of the app webhook_gateway.
func site(gateway string, handlers ...string) []byte {
	return []byte(`{"apps":{"webhook_gateway":` + gateway + `,"http":{"servers":{"s":{"listen":[":0"],"routes":[
		{"handle":[` + strings.Join(handlers, ",") + `]}]}}}}}`)
}

// provision provisions one handler and returns it.
func provision[T any](t *testing.T, config string) T {
	t.Helper()
	ctx, err := caddy.ProvisionContext(&caddy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	holder := struct {
		Raw json.RawMessage `caddy:"namespace=http.handlers inline_key=handler"`
	}{json.RawMessage(config)}
	module, err := ctx.LoadModule(&holder, "Raw")
	if err != nil {
		t.Fatal(err)
	}
	return module.(T)
}

// PITFALLS 1: with no secret, frain-dev/convoy#2656, tektoncd/triggers without secretRef,
// adnanh/webhook without a rule and go-github's ValidatePayload accept everything. Here no secret
// is no route.
func TestWithoutASecretThereIsNoRoute(t *testing.T) {
	t.Setenv("EMPTY_SECRET", "")
	for name, handler := range map[string]string{
		"no field":          `{"handler":"webhook_verify","provider":"github"}`,
		"null":              `{"handler":"webhook_verify","provider":"github","secrets":null}`,
		"no entries":        `{"handler":"webhook_verify","provider":"github","secrets":[]}`,
		"an empty entry":    `{"handler":"webhook_verify","provider":"github","secrets":[{}]}`,
		"an empty text":     `{"handler":"webhook_verify","provider":"github","secrets":[{"value":""}]}`,
		"an empty variable": `{"handler":"webhook_verify","provider":"github","secrets":[{"value":"{env.EMPTY_SECRET}"}]}`,
		"with allow_short":  `{"handler":"webhook_verify","provider":"github","allow_short":true,"secrets":[{"value":"{env.EMPTY_SECRET}"}]}`,
		"in mode monitor":   `{"handler":"webhook_verify","provider":"github","mode":"monitor","secrets":[]}`,
		"one of two":        `{"handler":"webhook_verify","provider":"github","secrets":[{"value":"{env.GOOD_SECRET}"},{"value":"{env.EMPTY_SECRET}"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOOD_SECRET", longSecret)
			err := validate(t, site(`{}`, handler))
			if err == nil || !strings.Contains(err.Error(), "secret") {
				t.Errorf("got error %v, want one about the secret", err)
			}
		})
	}
}

// PITFALLS 2: an unset variable is the empty key in abiosoft/caddy-hmac, and its own literal text
// in svix-bridge and hookaido (GHSA-q2r7-wm3j-xppw, GHSA-5v3w-hjh4-4q9q). Here it is an error, also
// beside a good secret, and whatever the options say.
func TestAnUnsetPlaceholderIsAnError(t *testing.T) {
	t.Setenv("GOOD_SECRET", longSecret)
	for _, provider := range verifiers.Presets() {
		needed := ""
		if provider.Weak() {
			needed = "\n\t\tallow_weak"
		}
		if provider.CoversURL() {
			needed += "\n\t\tpublic_url https://hooks.example.com"
		}
		for _, options := range []string{"", "\n\t\tallow_short", "\n\t\tmode monitor", "\n\t\tsecret {env.GOOD_SECRET} other"} {
			err := validateCaddyfile(t, ":8080 {\n\twebhook_verify "+provider.Name+" {\n\t\tsecret {env.HOOKSEAL_UNSET}"+needed+options+"\n\t}\n}\n")
			if err == nil || !strings.HasSuffix(err.Error(), ": Caddyfile:2: secret 1: {env.HOOKSEAL_UNSET} is not set or empty") {
				t.Errorf("%s%s: got error %v", provider.Name, options, err)
			}
		}
	}
}

func TestCaddyValidateShowsAnUnsetSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Caddyfile")
	text := "{\n\tadmin off\n\tstorage file_system " + t.TempDir() + "\n}\n\n:8080 {\n\twebhook_verify github {\n\t\tsecret {env.SOME_SECRET}\n\t}\n}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	validate := &cobra.Command{Use: "validate", SilenceUsage: true, SilenceErrors: true}
	caddycmd.Commands()["validate"].CobraFunc(validate)
	validate.SetArgs([]string{"--config", file})
	if err := validate.Execute(); err == nil || !strings.Contains(err.Error(), "Caddyfile:7: secret 1: {env.SOME_SECRET} is not set or empty") {
		t.Errorf("got error %v", err)
	}
	t.Setenv("SOME_SECRET", longSecret)
	if err := validate.Execute(); err != nil {
		t.Errorf("with the secret set: %v", err)
	}
}

func TestSecretsAreCheckedWhenTheConfigurationLoads(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"long": longSecret + "\n", "dos": longSecret + "\r\n", "short": "file-secret\n", "empty": "", "newline": "\n"}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("LONG_SECRET", longSecret)
	t.Setenv("SHORT_SECRET", "fifteen-bytes--")
	t.Setenv("SIXTEEN_SECRET", "sixteen-bytes---")
	t.Setenv("NOT_BASE64_SECRET", "whsec_not base64, but long enough")
	t.Setenv("WHSEC_OF_NOTHING", "whsec_")
	for _, test := range []struct {
		provider, secret, options, problem string
	}{
		{"github", "{env.LONG_SECRET}", "", ""},
		{"github", "{env.SIXTEEN_SECRET}", "", ""},
		{"github", "{env.SHORT_SECRET}", "", "secret 1: secret is shorter than 16 bytes: use a longer one, or write allow_short if the provider's are"},
		{"github", "{env.SHORT_SECRET}", "allow_short", ""},
		{"github", "{env.LONG_SECRET}\n\t\tsecret {env.SHORT_SECRET}", "", "secret 2: secret is shorter than 16 bytes: use a longer one, or write allow_short if the provider's are"},
		{"standard", "{env.NOT_BASE64_SECRET}", "", "secret 1: secret is not written as the scheme's keys are: expected whsec_ and base64"},
		{"standard", "{env.WHSEC_OF_NOTHING}", "allow_short", "secret 1: secret is empty: set what its placeholder stands for"},
		{"github", "{file." + dir + "/long}", "", ""},
		{"github", "{file." + dir + "/dos}", "", ""},
		{"github", "{file." + dir + "/short}", "", "secret 1: secret is shorter than 16 bytes: use a longer one, or write allow_short if the provider's are"},
		{"github", "{file." + dir + "/short}", "allow_short", ""},
		{"github", "{file." + dir + "/empty}", "allow_short", "secret 1: {file." + dir + "/empty} can't be read or is empty"},
		{"github", "{file." + dir + "/newline}", "allow_short", "secret 1: {file." + dir + "/newline} can't be read or is empty"},
		{"github", "{file." + dir + "/missing}", "", "secret 1: {file." + dir + "/missing} can't be read or is empty"},
	} {
		t.Run(test.provider+" "+filepath.Base(test.secret)+" "+test.options, func(t *testing.T) {
			err := validateCaddyfile(t, ":8080 {\n\twebhook_verify "+test.provider+" {\n\t\tsecret "+test.secret+"\n\t\t"+test.options+"\n\t}\n}\n")
			switch {
			case test.problem == "" && err != nil:
				t.Error(err)
			case test.problem != "" && (err == nil || !strings.HasSuffix(err.Error(), ": Caddyfile:2: "+test.problem)):
				t.Errorf("got error %v, want %q", err, test.problem)
			}
			for _, text := range []string{longSecret, "fifteen-bytes--", "file-secret", "not base64"} {
				if err != nil && strings.Contains(err.Error(), text) {
					t.Errorf("error holds a secret: %v", err)
				}
			}
		})
	}
}

func TestTheLineBreakAtTheEndOfAFileIsNoPartOfTheSecret(t *testing.T) {
	for _, end := range []string{"", "\n", "\r\n"} {
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(longSecret+end), 0o600); err != nil {
			t.Fatal(err)
		}
		v := provision[*Verify](t, `{"handler":"webhook_verify","provider":"github","secrets":[{"value":"{file.`+file+`}","label":"of a file"}]}`)
		d, err := verifySigned(v, "github", longSecret)
		if err != nil {
			t.Fatalf("ends in %q: %v", end, err)
		}
		if d.Key != "of a file" {
			t.Errorf("ends in %q: matched secret %q", end, d.Key)
		}
		if _, err := verifySigned(v, "github", longSecret+"x"); !errors.Is(err, verifiers.ErrSignatureMismatch) {
			t.Errorf("ends in %q: another secret: got error %v", end, err)
		}
	}
}

// verifySigned signs a body as the provider would and lets the handler's verifier judge it.
func verifySigned(v *Verify, provider, secret string) (verifiers.Delivery, error) {
	scheme, _ := verifiers.Preset(provider)
	signer, err := verifiers.New(scheme, []verifiers.Secret{verifiers.NewSecret("", secret)}, verifiers.Options{})
	if err != nil {
		return verifiers.Delivery{}, err
	}
	body := []byte(`{"hello":"world"}`)
	header, err := signer.Sign(verifiers.Message{ID: "1", Event: "ping", Body: body})
	if err != nil {
		return verifiers.Delivery{}, err
	}
	check, err := v.keys.current.Load().Check(verifiers.Request{Method: http.MethodPost, Header: header, Target: "/"})
	if err != nil {
		return verifiers.Delivery{}, err
	}
	defer check.Close()
	return check.Verify(body)
}

// What GET /config/ shows is the JSON of the configuration, which Caddy keeps as it came; a
// provisioned handler must not give more away either.
func TestNoResolvedSecretIsInTheConfiguration(t *testing.T) {
	t.Setenv("LONG_SECRET", longSecret)
	config, err := caddyfileJSON(":8080 {\n\twebhook_verify github {\n\t\tsecret {env.LONG_SECRET}\n\t}\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	v := provision[*Verify](t, `{"handler":"webhook_verify","provider":"github","secrets":[{"value":"{env.LONG_SECRET}"}]}`)
	if _, err := verifySigned(v, "github", longSecret); err != nil {
		t.Fatalf("the secret is not in use: %v", err)
	}
	for _, text := range []string{string(config), string(mustMarshal(t, v))} {
		if strings.Contains(text, longSecret) {
			t.Errorf("holds the secret: %s", text)
		}
		if !strings.Contains(text, "{env.LONG_SECRET}") {
			t.Errorf("holds no placeholder: %s", text)
		}
	}
}

func TestConfigurationsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Setenv("LONG_SECRET", longSecret)
	t.Setenv("SHORT_SECRET", "fifteen-bytes--")
	t.Setenv("STANDARD_SECRET", longSecret)
	t.Setenv("PUBLIC_KEY", "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")
	t.Setenv("PRIVATE_KEY", "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==")
	verify := func(fields string) string {
		return `{"handler":"webhook_verify","provider":"github","secrets":[{"value":"{env.LONG_SECRET}"}]` + fields + `}`
	}
	route := func(fields string) string { return `{"handler":"webhook_route"` + fields + `}` }
	const requireTrue = `,"require":["true"]`
	publish := func(fields string) string { return `{"handler":"webhook_publish"` + fields + `}` }
	endpoint := func(fields string) string {
		return `{"outbound":{"endpoints":[{"url":"https://a.example.com","secrets":[{"value":"{env.STANDARD_SECRET}"}]},{"url":"https://b.example.com"` + fields + `}]}}`
	}
	for _, test := range []struct {
		name, gateway, handler, problem string
	}{
		{"no provider", `{}`, `{"handler":"webhook_verify","secrets":[{"value":"{env.LONG_SECRET}"}]}`, "webhook_verify needs a provider"},
		{"unknown provider", `{}`, `{"handler":"webhook_verify","provider":"githbu","secrets":[{"value":"{env.LONG_SECRET}"}]}`, `provider "githbu" is unknown`},
		{"custom preset", `{}`, verify(`,"scheme":{"signature":{"from":"header:X-Signature"}}`), `provider "github" is a preset`},
		{"secret in the configuration", `{}`, `{"handler":"webhook_verify","provider":"github","secrets":[{"value":"` + longSecret + `"}]}`, "secret 1: must be one placeholder and nothing else"},
		{"secret of the request", `{}`, `{"handler":"webhook_verify","provider":"github","secrets":[{"value":"{http.request.header.X}"}]}`, "secret 1: a placeholder of the request can't be a secret"},
		{"unknown field", `{}`, verify(`,"tolerence":1`), `unknown field "tolerence"`},
		{"mode", `{}`, verify(`,"mode":"off"`), `mode "off": use enforce or monitor`},
		{"on_duplicate under 200", `{}`, verify(`,"on_duplicate":100`), "on_duplicate 100: use a status from 200 to 599"},
		{"on_duplicate over 599", `{}`, verify(`,"on_duplicate":600`), "on_duplicate 600: use a status from 200 to 599"},
		{"max_body negative", `{}`, verify(`,"max_body":-1`), "max_body -1: must lie between 1 byte and 2 GiB"},
		{"max_body over 2 GiB", `{}`, verify(`,"max_body":2147483648`), "max_body 2147483648: must lie between 1 byte and 2 GiB"},
		{"max_body over max_in_flight", `{"max_in_flight":1048576}`, verify(`,"max_body":2000000`), "max_body: a body of that size takes a buffer of 2.0 MiB and never finds room: raise max_in_flight"},
		{"default max_body over max_in_flight", `{"max_in_flight":1048576}`, verify(``), "max_body: a body of that size takes a buffer of 32 MiB and never finds room"},
		{"max_body twice over max_in_flight", `{"max_in_flight":50000000}`, `{"handler":"webhook_verify","provider":"standard","secrets":[{"value":"{env.PUBLIC_KEY}"}]}`, "max_body: a body of that size takes two buffers, one for the copy that its signatures need, of 64 MiB and never finds room: raise max_in_flight"},
		{"max_body twice over max_in_flight, to sign", `{"max_in_flight":50000000}`, `{"handler":"webhook_sign","scheme":"standard","secrets":[{"value":"{env.PRIVATE_KEY}"}]}`, "max_body: a body of that size takes two buffers"},
		{"id without a placeholder", `{}`, `{"handler":"webhook_sign","scheme":"standard","id":"order","secrets":[{"value":"{env.LONG_SECRET}"}]}`, `id "order": is the same for every message`},
		{"method in small letters", `{}`, verify(`,"methods":["post"]`), `methods "post": write a method in capital letters`},
		{"method with a blank", `{}`, verify(`,"methods":["POST "]`), `methods "POST ": write a method in capital letters`},
		{"empty method", `{}`, verify(`,"methods":[""]`), `methods "": write a method in capital letters`},
		{"replay_window negative", `{}`, verify(`,"replay_window":-1`), "replay_window: must be above zero"},
		{"replay_window with replay_off", `{}`, verify(`,"replay_off":true,"replay_window":"1h"`), "replay_window and replay off exclude each other"},
		{"tolerance without a time", `{}`, verify(`,"tolerance":"5m"`), "tolerance: the scheme signs no time"},
		{"on_replay_outage", `{"on_replay_outage":"ignore"}`, verify(``), `on_replay_outage "ignore": use closed or open`},
		{"max_in_flight under one buffer", `{"max_in_flight":4095}`, verify(``), "max_in_flight 4095: must lie between 4096 bytes and 1 TiB"},
		{"max_in_flight over 1 TiB", `{"max_in_flight":1099511627777}`, verify(``), "max_in_flight 1099511627777: must lie between 4096 bytes and 1 TiB"},
		{"body_timeout negative", `{"body_timeout":-1}`, verify(``), "body_timeout and forward_timeout: must be above zero"},
		{"forward_timeout negative", `{"forward_timeout":-1}`, verify(``), "body_timeout and forward_timeout: must be above zero"},
		{"unknown replay store", `{"replay":{"store":"redis"}}`, verify(``), "replay store: "},
		{"max_entries negative", `{"replay":{"store":"memory","max_entries":-1}}`, verify(``), "max_entries -1: must be positive"},
		{"route without rules", `{}`, route(``), "webhook_route has no rules"},
		{"reject with handlers", `{}`, route(`,"otherwise":{"reject":true,"handlers":[{"handler":"static_response"}]}`), "otherwise: reject and a block exclude each other"},
		{"rule that says nothing", `{}`, route(`,"rules":[{"event":["push"]},{}]`), "rule 2: "},
		{"require that doesn't compile", `{}`, route(`,"require":["true","event =="]`), "require 2: "},
		{"handler of a rule", `{}`, route(`,"rules":[{"event":["push"],"handlers":[{"handler":"no_such"}]}]`), "rule 1: "},
		{"handler of otherwise", `{}`, route(`,"otherwise":{"handlers":[{"handler":"no_such"}]}`), "otherwise: "},
		{"no token", `{}`, publish(``), "no token: add one"},
		{"token in the configuration", `{}`, publish(`,"tokens":[{"value":"` + longSecret + `"}]`), "token 1: must be one placeholder and nothing else"},
		{"unset token", `{}`, publish(`,"tokens":[{"value":"{env.LONG_SECRET}"},{"value":"{env.NEVER_SET_ANYWHERE}"}]`), "token 2: {env.NEVER_SET_ANYWHERE} is not set or empty"},
		{"short token", `{}`, publish(`,"tokens":[{"value":"{env.SHORT_SECRET}"}]`), "token 1: token has 15 bytes, fewer than 16"},
		{"max_body of publish", `{}`, publish(`,"max_body":8388609,"tokens":[{"value":"{env.LONG_SECRET}"}]`), "max_body 8388609: must lie between 1 byte and 8 MiB"},
		{"long schedule", `{"outbound":{"schedule":[0` + strings.Repeat(",1", 64) + `]}}`, route(requireTrue), "outbound: schedule: has 65 attempts: use at most 64"},
		{"negative delay", `{"outbound":{"schedule":[-1]}}`, route(requireTrue), "outbound: schedule: each delay must lie between 0s and 30d"},
		{"negative timeout", `{"outbound":{"timeout":-1}}`, route(requireTrue), "outbound: timeout: must lie between 1ns and 10m"},
		{"long timeout", `{"outbound":{"timeout":"11m"}}`, route(requireTrue), "outbound: timeout: must lie between 1ns and 10m"},
		{"concurrency", `{"outbound":{"concurrency":-1}}`, route(requireTrue), "outbound: concurrency -1: use 1 to 4096"},
		{"max_attempts", `{"outbound":{"max_attempts":65537}}`, route(requireTrue), "outbound: max_attempts 65537: use 1 to 65536"},
		{"disable_after", `{"outbound":{"disable_after":-1}}`, route(requireTrue), "outbound: disable_after and retain_for: must be above zero"},
		{"retain_bytes", `{"outbound":{"retain_bytes":1000}}`, route(requireTrue), "outbound: retain_bytes 1000: must lie between 1.0 MiB and 1.0 PiB"},
		{"allow_nets", `{"outbound":{"allow_nets":["10.0.0.1"]}}`, route(requireTrue), `outbound: allow_net "10.0.0.1": write a network`},
		{"proxy", `{"outbound":{"proxy":"ftp://proxy"}}`, route(requireTrue), "outbound: proxy: must begin with http://"},
		{"password of the proxy", `{"outbound":{"proxy":"http://user:` + longSecret + `@proxy"}}`, route(requireTrue), "outbound: proxy: a user or password may not stand in the configuration"},
		{"proxy of a variable", `{"outbound":{"proxy":"{env.LONG_SECRET}"}}`, route(requireTrue), "outbound: proxy: must begin with http://"},
		{"relative subscriptions", `{"outbound":{"subscriptions":"file"}}`, route(requireTrue), "outbound: subscriptions: write the file's absolute path"},
		{"missing subscriptions", `{"outbound":{"subscriptions":"/nowhere/file"}}`, route(requireTrue), "outbound: subscriptions /nowhere/file: no such file or directory"},
		{"unknown journal", `{"outbound":{"journal":{"journal":"redis"}}}`, route(requireTrue), "outbound: journal: "},
		{"password of a cluster", `{"outbound":{"journal":{"journal":"nats","urls":["nats://user:` + longSecret + `@nats"]}}}`, route(requireTrue), "url: a user, password or token may not stand in it"},
		{"token of a cluster", `{"outbound":{"journal":{"journal":"nats","urls":["nats://nats"],"token":"` + longSecret + `"}}}`, route(requireTrue), "token: must be one placeholder and nothing else"},
		{"unset token of a cluster", `{"outbound":{"journal":{"journal":"nats","urls":["nats://nats"],"token":"{env.NEVER_SET_ANYWHERE}"}}}`, route(requireTrue), "token: {env.NEVER_SET_ANYWHERE} is not set or empty"},
		{"endpoint without a secret", endpoint(``), route(requireTrue), "endpoint 2: no secret: add one"},
		{"endpoint with a secret", endpoint(`,"secrets":[{"value":"` + longSecret + `"}]`), route(requireTrue), "endpoint 2: secret 1: must be one placeholder and nothing else"},
		{"endpoint with an unset secret", endpoint(`,"secrets":[{"value":"{env.NEVER_SET_ANYWHERE}"}]`), route(requireTrue), "endpoint 2: secret 1: {env.NEVER_SET_ANYWHERE} is not set or empty"},
		{"endpoint with a short secret", endpoint(`,"scheme":"generic","secrets":[{"value":"{env.SHORT_SECRET}"}]`), route(requireTrue), "endpoint 2: secret 1: secret is shorter than 16 bytes: use a longer one"},
		{"endpoint with a credential", endpoint(`,"headers":{"authorization":"` + longSecret + `"},"secrets":[{"value":"{env.STANDARD_SECRET}"}]`), route(requireTrue), "endpoint 2: header Authorization: its value may not stand here"},
		{"endpoint with an unset credential", endpoint(`,"headers":{"Authorization":"{env.NEVER_SET_ANYWHERE}"},"secrets":[{"value":"{env.STANDARD_SECRET}"}]`), route(requireTrue), "endpoint 2: header Authorization: {env.NEVER_SET_ANYWHERE} is not set or empty"},
		{"endpoint of another one's name", endpoint(`,"name":"` + (&Endpoint{URL: "https://a.example.com"}).uid() + `","secrets":[{"value":"{env.STANDARD_SECRET}"}]`), route(requireTrue), "endpoint 2: another endpoint is named"},
		{"matcher that says nothing", `{}`, `{"handler":"subroute","routes":[{"match":[{"webhook":{}}]}]}`, "rule 1: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := validate(t, site(test.gateway, test.handler))
			if err == nil || !strings.Contains(err.Error(), ": "+test.problem) {
				t.Errorf("got error %v, want %q", err, test.problem)
			}
			if err != nil && strings.Contains(err.Error(), longSecret) {
				t.Errorf("error holds a secret: %v", err)
			}
		})
	}
}

// Handlers of one name share their claims: a delivery that is accepted on one route would be
// dropped as a duplicate on the other.
func TestTwoRoutesOfOneNameAreOneRouteOrAnError(t *testing.T) {
	t.Setenv("ONE_SECRET", longSecret)
	t.Setenv("TWO_SECRET", longSecret)
	one := `{"handler":"webhook_verify","provider":"github","secrets":[{"value":"{env.ONE_SECRET}"}]}`
	for _, test := range []struct {
		name, other, problem string
	}{
		{"the same configuration", one, `another webhook_verify is named "github"`},
		{"another name", `{"handler":"webhook_verify","provider":"github","name":"other","secrets":[{"value":"{env.TWO_SECRET}"}]}`, ""},
		{"another secret", `{"handler":"webhook_verify","provider":"github","secrets":[{"value":"{env.TWO_SECRET}"}]}`, `another webhook_verify is named "github"`},
		{"another provider", `{"handler":"webhook_verify","provider":"stripe","name":"github","secrets":[{"value":"{env.TWO_SECRET}"}]}`, `another webhook_verify is named "github"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := validate(t, site(`{}`, one, test.other))
			switch {
			case test.problem == "" && err != nil:
				t.Error(err)
			case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
				t.Errorf("got error %v, want %q", err, test.problem)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	t.Setenv("LONG_SECRET", longSecret)
	for _, test := range []struct {
		provider, fields string
		window           time.Duration
	}{
		{"github", ``, 24 * time.Hour},
		{"github", `,"replay_window":"1h"`, time.Hour},
		// A copy of what signs a time can be accepted for two tolerances, and PITFALLS 10,
		// camunda/connectors#8989, is a memory that is shorter than that.
		{"stripe", ``, 11 * time.Minute},
		{"stripe", `,"tolerance":"1h"`, 2*time.Hour + time.Minute},
		{"stripe", `,"tolerance":"1h","replay_window":"121m"`, 2*time.Hour + time.Minute},
	} {
		v := provision[*Verify](t, `{"handler":"webhook_verify","provider":"`+test.provider+`","secrets":[{"value":"{env.LONG_SECRET}"}]`+test.fields+`}`)
		if v.window != test.window {
			t.Errorf("%s%s: replay window %v, want %v", test.provider, test.fields, v.window, test.window)
		}
		if v.Name != test.provider || v.MaxBody != 25<<20 || v.OnDuplicate != http.StatusOK || v.allow != http.MethodPost || v.monitors() || v.ReplayOff {
			t.Errorf("%s%s: got %+v", test.provider, test.fields, v)
		}
		if g := v.gateway; g.MaxInFlight != 256<<20 || time.Duration(g.BodyTimeout) != 30*time.Second || time.Duration(g.ForwardTimeout) != time.Minute || g.OnReplayOutage == "open" || g.store == nil {
			t.Errorf("gateway: got %+v", g)
		}
	}
}

// A directive of a Caddyfile is provisioned once for every server of its site; its position shows
// that it is one route.
func TestADirectiveOfASiteWithSeveralAddressesIsOneRoute(t *testing.T) {
	t.Setenv("ONE_SECRET", longSecret)
	one := `{"handler":"webhook_verify","provider":"github","position":"Caddyfile:2","secrets":[{"value":"{env.ONE_SECRET}"}]}`
	if err := validate(t, site(`{}`, one, one)); err != nil {
		t.Error(err)
	}
	elsewhere := strings.Replace(one, "Caddyfile:2", "Caddyfile:9", 1)
	if err := validate(t, site(`{}`, one, elsewhere)); err == nil {
		t.Error("two directives of one name were accepted")
	}
}

// A label becomes a header field, and a tolerance that overflows would be no window at all.
func TestLabelsAndTolerancesAreBounded(t *testing.T) {
	t.Setenv("ONE_SECRET", longSecret)
	for _, handler := range []string{
		`{"handler":"webhook_verify","provider":"slack","secrets":[{"value":"{env.ONE_SECRET}","label":"a\nb"}]}`,
		`{"handler":"webhook_verify","provider":"slack","secrets":[{"value":"{env.ONE_SECRET}","label":"` + strings.Repeat("x", 65) + `"}]}`,
		`{"handler":"webhook_verify","provider":"slack","tolerance":5000000000000000000,"secrets":[{"value":"{env.ONE_SECRET}"}]}`,
	} {
		if err := validate(t, site(`{}`, handler)); err == nil {
			t.Errorf("accepted: %s", handler)
		}
	}
}
