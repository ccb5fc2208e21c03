package caddymodule

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookseal/hookseal/outbound"
)

// subscriptionsFile is a file of subscriptions that a test writes.
type subscriptionsFile struct {
	*subscriptions
	t    *testing.T
	logs *observer.ObservedLogs
	age  time.Duration
}

func newSubscriptionsFile(t *testing.T, egress outbound.Egress, taken ...string) *subscriptionsFile {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	names := make(map[string]bool)
	for _, name := range taken {
		names[name] = true
	}
	path := filepath.Join(t.TempDir(), "subscriptions.json")
	return &subscriptionsFile{newSubscriptions(path, egress, names, zap.New(core)), t, logs, 0}
}

// write replaces the file, each time with another time of change.
func (f *subscriptionsFile) write(text string) *subscriptionsFile {
	f.t.Helper()
	if err := os.WriteFile(f.path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	f.age += time.Second
	changed := time.Unix(1e9, 0).Add(f.age)
	if err := os.Chtimes(f.path, changed, changed); err != nil {
		f.t.Fatal(err)
	}
	return f
}

const webhookEntry = `{"url": "https://subscriber.example.com/hooks", "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"}`

func TestAFileOfSubscriptionsBecomesEndpoints(t *testing.T) {
	t.Setenv("SUBSCRIBER_SECRET", longSecret)
	t.Setenv("SUBSCRIBER_TOKEN", "Bearer 123")
	f := newSubscriptionsFile(t, outbound.Egress{}).write(`{"webhooks": [` + webhookEntry + `,
		{"url": "https://other.example.com", "events": ["order.*", "ping"], "secret": "{env.SUBSCRIBER_SECRET}", "scheme": "github", "name": "other",
		 "headers": {"X-Tenant": "acme", "Authorization": "{env.SUBSCRIBER_TOKEN}"}}
	]}`)
	if changed, err := f.read(); err != nil || !changed {
		t.Fatal(changed, err)
	}
	own := outbound.ConfiguredEndpoint{Endpoint: outbound.Endpoint{UID: "own"}}
	before := outbound.Settings{Timeout: time.Minute, Endpoints: []outbound.ConfiguredEndpoint{own}}
	settings := f.with(before)
	if len(before.Endpoints) != 1 || len(settings.Endpoints) != 3 || settings.Timeout != time.Minute {
		t.Fatalf("got %+v", settings)
	}
	first, second := settings.Endpoints[1], settings.Endpoints[2]
	if want := (&Endpoint{URL: first.URL}).uid(); first.URL != "https://subscriber.example.com/hooks" || first.UID != want || first.Secrets[0] != "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3" {
		t.Errorf("the first is %+v", first)
	}
	if second.UID != "other" || second.Scheme != "github" || len(second.Events) != 2 || second.Secrets[0] != longSecret ||
		second.Headers["Authorization"] != "Bearer 123" || second.Headers["X-Tenant"] != "acme" {
		t.Errorf("the second is %+v", second)
	}
}

func TestWhatIsWrongInAFileOfSubscriptionsIsSaidWithoutItsSecrets(t *testing.T) {
	const secret = "very-secret-and-long-enough"
	webhook := func(members string) string { return `{"webhooks": [` + webhookEntry + `, {` + members + `}]}` }
	for name, test := range map[string]struct{ text, problem string }{
		"empty":                   {``, "line 1: is no JSON"},
		"cut off":                 {"{\"webhooks\": [\n{\"secret\": \"" + secret, "line 2: is no JSON"},
		"a word":                  {"{\n\n" + secret + "}", "line 3: is no JSON"},
		"a list":                  {`[` + webhookEntry + `]`, "must be a JSON object"},
		"no webhooks":             {`{}`, `has no "webhooks": write {"webhooks": []} for none`},
		"null":                    {`{"webhooks": null}`, `has no "webhooks": write {"webhooks": []} for none`},
		"webhooks of one":         {`{"webhooks": ` + webhookEntry + `}`, "webhooks: has another type than it should"},
		"something behind":        {`{"webhooks": []} ` + secret, "something stands behind the JSON object: remove it"},
		"unknown field":           {`{"webhook": []}`, `unknown field "webhook": remove it, or mend its name`},
		"unknown field within":    {webhook(`"url": "https://a.example.com", "secrets": ["` + secret + `"]`), `webhook 2: unknown field "secrets": remove it, or mend its name`},
		"a number for the secret": {webhook(`"url": "https://a.example.com", "secret": 12345678901234567`), "webhook 2: secret: has another type than it should"},
		"a webhook of text":       {`{"webhooks": ["` + secret + `"]}`, "webhook 1: must be a JSON object"},
		"no secret":               {webhook(`"url": "https://a.example.com"`), `webhook 2: has no "secret": add one, or a placeholder such as {env.NAME}`},
		"short secret":            {webhook(`"url": "https://a.example.com", "secret": "very-secret", "scheme": "generic"`), `webhook 2: secret 1: secret is shorter than 16 bytes: use a longer one, such as "hookseal webhook keygen" makes`},
		"secret of another form":  {webhook(`"url": "https://a.example.com", "secret": "` + secret + `"`), "webhook 2: secret 1: secret is not written as the scheme's keys are: expected whsec_ and base64"},
		"unset placeholder":       {webhook(`"url": "https://a.example.com", "secret": "{env.NEVER_SET_ANYWHERE}"`), "webhook 2: secret: {env.NEVER_SET_ANYWHERE} is not set or empty"},
		"half a placeholder":      {webhook(`"url": "https://a.example.com", "secret": "{env.A"`), "webhook 2: secret: a placeholder must be the whole text, and {env.NAME} or {file./absolute/path}"},
		"another placeholder":     {webhook(`"url": "https://a.example.com", "secret": "{$VERY_SECRET}"`), "webhook 2: secret: a placeholder must be the whole text, and {env.NAME} or {file./absolute/path}"},
		"a shell's placeholder":   {webhook(`"url": "https://a.example.com", "secret": "${VERY_SECRET}"`), "webhook 2: secret: a placeholder must be the whole text, and {env.NAME} or {file./absolute/path}"},
		"header placeholder":      {webhook(`"url": "https://a.example.com", "secret": "` + secret + `", "scheme": "generic", "headers": {"X-Token": "Bearer {env.A}"}`), "webhook 2: header X-Token: a placeholder must be the whole text, and {env.NAME} or {file./absolute/path}"},
		"header with a line":      {webhook(`"url": "https://a.example.com", "secret": "` + secret + `", "scheme": "generic", "headers": {"X-Token": "` + secret + `\r\nX: y"}`), "webhook 2: header: have a value of X-Token with a control character, or a blank at an end: leave that out"},
		"no URL":                  {webhook(`"secret": "` + secret + `", "scheme": "generic"`), "webhook 2: url: is not of https: give one that begins with https://"},
		"http":                    {webhook(`"url": "http://a.example.com", "secret": "` + secret + `", "scheme": "generic"`), "webhook 2: url: begins with http://: use https://, or write allow_http into outbound"},
		"private address":         {webhook(`"url": "https://10.1.2.3", "secret": "` + secret + `", "scheme": "generic"`), "webhook 2: url: has the address 10.1.2.3, which is not of the public internet: give another, or allow its network in the configuration"},
		"bad pattern":             {webhook(`"url": "https://a.example.com", "secret": "` + secret + `", "scheme": "generic", "events": ["order*"]`), `webhook 2: events: event pattern "order*" has "*" inside a segment; it stands for a whole one`},
		"unknown scheme":          {webhook(`"url": "https://a.example.com", "secret": "` + secret + `", "scheme": "gihtub"`), `webhook 2: scheme "gihtub" is none that endpoints have: use ` + either(outbound.Schemes)},
		"the same URL":            {`{"webhooks": [` + webhookEntry + `, ` + webhookEntry + `]}`, `webhook 2: another webhook is "` + (&Endpoint{URL: "https://subscriber.example.com/hooks"}).uid() + `" too: give one of them another name`},
		"a name of the Caddyfile": {webhook(`"url": "https://a.example.com", "secret": "` + secret + `", "scheme": "generic", "name": "taken"`), `webhook 2: the configuration has an endpoint "taken": give this one another name`},
		"too large":               {strings.Repeat(" ", maxSubscriptions+1), "is larger than 16777216 bytes: create endpoints through the API instead"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSubscriptionsFile(t, outbound.Egress{AllowNets: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, "taken").write(test.text)
			_, err := f.read()
			if want := "subscriptions " + f.path + ": " + test.problem; err == nil || err.Error() != want {
				t.Errorf("got error %v, want %s", err, want)
			}
			if err != nil && strings.Contains(err.Error(), "very-secret") {
				t.Errorf("the error has a secret: %v", err)
			}
		})
	}
}

func TestAMissingFileOfSubscriptionsIsAnError(t *testing.T) {
	f := newSubscriptionsFile(t, outbound.Egress{})
	if _, err := f.read(); !errors.Is(err, os.ErrNotExist) || strings.Count(err.Error(), f.path) != 1 {
		t.Errorf("got error %v", err)
	}
}

func TestAChangedFileOfSubscriptionsIsTakenUpOnce(t *testing.T) {
	f := newSubscriptionsFile(t, outbound.Egress{}).write(`{"webhooks": []}`)
	applied := 0
	apply := func() error { applied++; return nil }
	refresh := func(when string, wantApplied, wantEndpoints int) {
		t.Helper()
		f.refresh(apply)
		if got := len(f.with(outbound.Settings{}).Endpoints); applied != wantApplied || got != wantEndpoints {
			t.Fatalf("%s: applied %d times, %d endpoints; want %d and %d", when, applied, got, wantApplied, wantEndpoints)
		}
	}
	refresh("at first", 1, 0)
	refresh("unchanged", 1, 0)
	f.write(`{"webhooks": [` + webhookEntry + `]}`)
	refresh("changed", 2, 1)
	refresh("unchanged", 2, 1)

	f.logs.TakeAll()
	for _, text := range []string{`{"webhooks": [`, `{"webhooks": [{}]}`} {
		f.write(text)
		refresh("broken", 2, 1)
		refresh("still broken", 2, 1)
		if lines := f.logs.TakeAll(); len(lines) != 1 || lines[0].Level != zapcore.ErrorLevel || lines[0].Message != "subscriptions stay as they were" {
			t.Errorf("broken: logged %v", lines)
		}
	}
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	refresh("removed", 2, 1)
	refresh("still removed", 2, 1)
	if lines := f.logs.TakeAll(); len(lines) != 1 || lines[0].Level != zapcore.ErrorLevel {
		t.Errorf("removed: logged %v", lines)
	}
	f.write(`{"webhooks": []}`)
	refresh("mended", 3, 0)

	// What the hub refuses is told too.
	f.write(`{"webhooks": [` + webhookEntry + `]}`)
	f.logs.TakeAll()
	f.refresh(func() error { return errors.New("refused") })
	f.refresh(func() error { return errors.New("refused") })
	if lines := f.logs.TakeAll(); len(lines) != 1 || lines[0].ContextMap()["error"] != "refused" {
		t.Errorf("refused: logged %v", lines)
	}
	f.refresh(func() error { return errors.New("refused again") })
	if lines := f.logs.TakeAll(); len(lines) != 1 || lines[0].ContextMap()["error"] != "refused again" {
		t.Errorf("refused for another reason: logged %v", lines)
	}
	refresh("not refused any longer", 4, 1)
	refresh("unchanged", 4, 1)
}

// What is wrong can be mended outside of the file.
func TestAFileOfSubscriptionsThatWasNotTakenUpIsTriedAgain(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	f := newSubscriptionsFile(t, outbound.Egress{}).write(`{"webhooks": [{"url": "https://a.example.com", "scheme": "generic", "secret": "{file.` + secret + `}"}]}`)
	applied := 0
	apply := func() error { applied++; return nil }
	f.refresh(apply)
	f.refresh(apply)
	if applied != 0 || f.logs.FilterLevelExact(zapcore.ErrorLevel).Len() != 1 {
		t.Fatalf("without the secret: applied %d times, logged %v", applied, f.logs.All())
	}
	if err := os.WriteFile(secret, []byte(longSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	f.refresh(apply)
	f.refresh(apply)
	if applied != 1 {
		t.Errorf("with the secret: applied %d times, logged %v", applied, f.logs.All())
	}
}

func TestAFileOfSubscriptionsInThePlaceOfAnotherIsNoticed(t *testing.T) {
	f := newSubscriptionsFile(t, outbound.Egress{}).write(`{"webhooks": [` + webhookEntry + `]}`)
	if _, err := f.read(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(f.path, f.path+".old"); err != nil {
		t.Fatal(err)
	}
	f.age -= time.Second
	f.write(`{"webhooks": [` + strings.Replace(webhookEntry, "hooks", "other", 1) + `]}`)
	if changed, err := f.read(); err != nil || !changed || f.endpoints[0].URL != "https://subscriber.example.com/other" {
		t.Errorf("got %v, %v, %+v", changed, err, f.endpoints)
	}
}

func TestAFileWithSecretsThatOthersCanReadIsWarnedOf(t *testing.T) {
	t.Setenv("SUBSCRIBER_SECRET", longSecret)
	const placeholder = `{"url": "https://a.example.com", "secret": "{env.SUBSCRIBER_SECRET}"}`
	const literalHeader = `{"url": "https://a.example.com", "secret": "{env.SUBSCRIBER_SECRET}", "headers": {"Authorization": "Bearer 1"}}`
	for _, test := range []struct {
		entry string
		mode  os.FileMode
		warns bool
	}{
		{webhookEntry, 0o600, false}, {webhookEntry, 0o400, false}, {webhookEntry, 0o640, true}, {webhookEntry, 0o644, true}, {webhookEntry, 0o604, true},
		{placeholder, 0o644, false}, {literalHeader, 0o644, true}, {literalHeader, 0o600, false},
	} {
		f := newSubscriptionsFile(t, outbound.Egress{}).write(`{"webhooks": [` + test.entry + `]}`)
		if err := os.Chmod(f.path, test.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := f.read(); err != nil {
			t.Fatal(err)
		}
		if warned := f.logs.FilterLevelExact(zapcore.WarnLevel).Len() > 0; warned != test.warns {
			t.Errorf("%s with mode %o: warned: %v", test.entry, test.mode, warned)
		}
	}
}
