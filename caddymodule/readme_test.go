package caddymodule

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/hookseal/hookseal/verifiers"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section returns the part of the README under a heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(readme(t), "\n"+heading+"\n")
	if !found {
		t.Fatalf("README has no heading %q", heading)
	}
	if next := strings.Index(rest, "\n"+heading[:strings.Index(heading, " ")+1]); next >= 0 {
		rest = rest[:next]
	}
	return rest
}

func adaptReadme(t *testing.T, text string) error {
	t.Helper()
	_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	return err
}

func TestReadmeCaddyfilesAdaptAndAreFormatted(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```caddyfile\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	if len(blocks) < 3 {
		t.Fatalf("README has %d Caddyfiles", len(blocks))
	}
	for _, block := range blocks {
		if err := adaptReadme(t, block[1]); err != nil {
			t.Errorf("%v in:\n%s", err, block[1])
		}
		if formatted := string(caddyfile.Format([]byte(block[1]))); formatted != block[1] {
			t.Errorf("caddy fmt would write:\n%s", formatted)
		}
	}
}

// The error for an unknown option lists the options that there are.
func TestReadmeHasEveryOption(t *testing.T) {
	for heading, config := range map[string]string{
		"### `webhook_verify <provider>`":         "localhost {\nwebhook_verify github {\nunknown\n}\n}",
		"### `webhook_sign <scheme>`":             "localhost {\nwebhook_sign standard {\nunknown\n}\n}",
		"### `webhook_route`":                     "localhost {\nwebhook_route {\nunknown\n}\n}",
		"### The global option `webhook_gateway`": "{\nwebhook_gateway {\nunknown\n}\n}",
		"### `webhook_publish`":                   "localhost {\nwebhook_publish {\nunknown\n}\n}",
		"### The option `outbound`":               "{\nwebhook_gateway {\noutbound {\nunknown\n}\n}\n}",
		"### Endpoints of the configuration":      "{\nwebhook_gateway {\noutbound {\nendpoint https://a.example.com {\nunknown\n}\n}\n}\n}",
		"### The journal `nats`":                  "{\nwebhook_gateway {\noutbound {\njournal nats {\nunknown\n}\n}\n}\n}",
	} {
		t.Run(heading, func(t *testing.T) {
			err := adaptReadme(t, config)
			if err == nil {
				t.Fatal("an unknown option was accepted")
			}
			text := section(t, heading)
			for _, option := range listed(t, err) {
				if !regexp.MustCompile("`" + regexp.QuoteMeta(option) + "\\b").MatchString(text) {
					t.Errorf("README does not have %q under %s", option, heading)
				}
			}
		})
	}
}

// listed returns the options that an error for an unknown one lists.
func listed(t *testing.T, err error) []string {
	t.Helper()
	list := regexp.MustCompile(`: use (.*), at Caddyfile`).FindStringSubmatch(err.Error())
	if list == nil {
		t.Fatalf("the error lists no options: %v", err)
	}
	options := regexp.MustCompile(`, | or `).Split(list[1], -1)
	if len(options) < 2 {
		t.Fatalf("the error lists only %q", options)
	}
	return options
}

func TestReadmeHasEveryLineOfCustomSchemes(t *testing.T) {
	err := adaptReadme(t, "localhost {\nwebhook_verify acme {\nsecret {env.A}\ncustom {\nunknown\n}\n}\n}")
	if err == nil {
		t.Fatal("an unknown option was accepted")
	}
	for _, option := range listed(t, err) {
		if !strings.Contains(section(t, "### `webhook_verify <provider>`"), "`"+option+" ") {
			t.Errorf("README does not have %q", option)
		}
	}
}

// The page of all providers is generated, and held by a test of its own.
func TestReadmeNamesProvidersThatThereAre(t *testing.T) {
	text := section(t, "## Providers")
	if !strings.Contains(text, "](docs/providers.md)") {
		t.Error("README has no link to the page of all providers")
	}
	rows := regexp.MustCompile("(?m)^\\| [^`|]* \\| (`.*`) \\|$").FindAllStringSubmatch(text, -1)
	if len(rows) < 5 {
		t.Fatalf("README has %d rows of providers", len(rows))
	}
	for _, row := range rows {
		for name := range strings.SplitSeq(strings.ReplaceAll(row[1], "`", ""), ", ") {
			if _, ok := verifiers.Preset(name); !ok {
				t.Errorf("%q is no preset", name)
			}
		}
	}
}

func TestReadmeHasEveryReasonUnderItsVerdict(t *testing.T) {
	for _, v := range []verdict{verified, duplicate, rejected} {
		row := regexp.MustCompile("(?m)^\\| `" + string(v) + "` \\| (.*) \\|$").FindStringSubmatch(section(t, "### What operators see"))
		if row == nil {
			t.Fatalf("README has no row for %s", v)
		}
		documented := strings.Split(strings.ReplaceAll(row[1], "`", ""), ", ")
		slices.Sort(documented)
		reasons := reasonsOf(v)
		slices.Sort(reasons)
		if !slices.Equal(documented, reasons) {
			t.Errorf("%s: README has %q, the code has %q", v, documented, reasons)
		}
	}
}

func TestReadmeHasEveryResultOfAnAttempt(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `result` of attempts \\| (.*) \\|$").FindStringSubmatch(section(t, "### What operators see"))
	if row == nil {
		t.Fatal("README has no row for the results of attempts")
	}
	if documented := strings.Split(strings.ReplaceAll(row[1], "`", ""), ", "); !slices.Equal(documented, attemptResults()) {
		t.Errorf("README has %q, the code has %q", documented, attemptResults())
	}
}

func TestReadmeHasEveryMetric(t *testing.T) {
	registered := metricNames(t)
	documented := regexp.MustCompile("caddy_webhook_[a-z_]+").FindAllString(section(t, "### What operators see"), -1)
	slices.Sort(documented)
	if !slices.Equal(documented, registered) {
		t.Errorf("README has %q, the registry %q", documented, registered)
	}
}
