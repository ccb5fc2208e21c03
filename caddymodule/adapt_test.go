package caddymodule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/hookseal/hookseal/verifiers"
)

// literalSecret stands in the Caddyfiles that hold a secret where none may be.
const literalSecret = "literal-secret"

// adaptTest is one file of testdata/adapt.
type adaptTest struct {
	name, caddyfile, expected string
}

func (a adaptTest) wantsError() bool { return !strings.HasPrefix(a.expected, "{") }

// adaptTests reads testdata/adapt. A file is a Caddyfile, a line of ten hyphens, and the JSON that
// the Caddyfile becomes or the text of the error. In that {any} stands for words that another package chooses and tests.
func adaptTests(t *testing.T) []adaptTest {
	t.Helper()
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files to test: %v", err)
	}
	var tests []adaptTest
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		input, expected, ok := strings.Cut(string(text), "\n----------\n")
		if !ok {
			t.Fatalf("%s: has no line of ten hyphens", file)
		}
		tests = append(tests, adaptTest{
			name:      strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"),
			caddyfile: input + "\n",
			expected:  strings.TrimSpace(expected),
		})
	}
	return tests
}

// caddyfileJSON turns a Caddyfile into JSON.
func caddyfileJSON(text string) ([]byte, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	return config, err
}

func TestCaddyfilesBecomeTheJSONOrTheErrorBesideThem(t *testing.T) {
	t.Setenv("HOOKSEAL_TEST_SECRET", literalSecret+"-0123456789")
	t.Setenv("HOOKSEAL_TEST_SECRET_LINES", literalSecret+"-1\n"+literalSecret+"-2")
	t.Setenv("HOOKSEAL_TEST_SECRET_WORDS", literalSecret+" of three "+literalSecret)
	for _, test := range adaptTests(t) {
		t.Run(test.name, func(t *testing.T) {
			if warning, different := caddyfile.FormattingDifference("Caddyfile", []byte(test.caddyfile)); different {
				t.Errorf("is not as caddy fmt writes it from line %d on", warning.Line)
			}
			config, err := caddyfileJSON(test.caddyfile)
			if strings.Contains(string(config), literalSecret) {
				t.Errorf("a secret stands in the JSON:\n%s", config)
			}
			if test.wantsError() {
				checkError(t, err, test.expected)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got, want any
			if err := json.Unmarshal(config, &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(test.expected), &want); err != nil {
				t.Fatalf("expected JSON: %v", err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got:\n%s", config)
			}
		})
	}
}

// sameText compares a text with the expected one, in which {any} stands for any text.
func sameText(text, expected string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(expected), `\{any\}`, `.+`)
	return regexp.MustCompile(`^(?s:` + pattern + `)$`).MatchString(text)
}

var errorPosition = regexp.MustCompile(`\bCaddyfile:[1-9][0-9]*\b`)

// checkError checks the text of an error, that it says where, and that it repeats no secret.
func checkError(t *testing.T, err error, expected string) {
	t.Helper()
	switch {
	case err == nil:
		t.Fatal("got no error")
	case !sameText(err.Error(), expected):
		t.Errorf("got:\n%v\nwant:\n%s", err, expected)
	case !errorPosition.MatchString(err.Error()):
		t.Errorf("error without file and line: %v", err)
	}
	if strings.Contains(err.Error(), literalSecret) {
		t.Errorf("error holds a secret: %v", err)
	}
}

// An option that no file has is an option whose reading and writing nobody has seen.
func TestEveryFieldOfTheJSONStandsInAFile(t *testing.T) {
	seen := make(map[string]bool)
	for _, test := range adaptTests(t) {
		if !test.wantsError() {
			var config any
			if err := json.Unmarshal([]byte(test.expected), &config); err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			collectKeys(config, seen)
		}
	}
	for _, of := range []any{
		Verify{}, Sign{}, SecretSource{}, Gateway{}, MemoryStore{}, Route{}, RouteRule{}, RouteOtherwise{}, Match{},
		Outbound{}, Endpoint{}, NATSJournal{}, Publish{},
		verifiers.Signature{}, verifiers.List{},
	} {
		fields := 0
		for field := range reflect.TypeOf(of).Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" {
				continue
			}
			fields++
			if !seen[name] {
				t.Errorf("%T: %s stands in no file of testdata/adapt", of, name)
			}
		}
		if fields == 0 {
			t.Errorf("%T has no fields", of)
		}
	}
}

// collectKeys adds the keys of all objects in a JSON value.
func collectKeys(value any, keys map[string]bool) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			keys[key] = true
			collectKeys(inner, keys)
		}
	case []any:
		for _, inner := range value {
			collectKeys(inner, keys)
		}
	}
}
