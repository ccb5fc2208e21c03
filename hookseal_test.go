package hookseal

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

const (
	modulePath = "github.com/hookseal/hookseal"
	caddyPath  = "github.com/caddyserver/caddy/v2"
)

// run runs a program in the repository's root and returns what it printed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}

// manifest is xcaddy.json, the JSON form of xcaddy's Builder.
type manifest struct {
	CaddyVersion string `json:"caddy_version"`
	Plugins      []struct {
		ModulePath string `json:"module_path"`
		Version    string `json:"version"`
	} `json:"plugins"`
	Replacements []replacement `json:"replacements"`
}

type replacement struct {
	Old string `json:"old"`
	New string `json:"new"`
}

func readManifest(t *testing.T) manifest {
	t.Helper()
	text, err := os.ReadFile("xcaddy.json")
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		t.Fatalf("xcaddy.json: %v", err)
	}
	return m
}

func TestTheManifestBuildsWhatGoModBuilds(t *testing.T) {
	m := readManifest(t)
	type version struct{ Path, Version string }
	var mod struct {
		Module  version
		Require []version
		Replace []struct{ Old, New version }
	}
	if err := json.Unmarshal([]byte(run(t, "go", "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	if want := (version{caddyPath, m.CaddyVersion}); !slices.Contains(mod.Require, want) {
		t.Errorf("go.mod doesn't require %v", want)
	}
	if len(m.Plugins) != 1 || m.Plugins[0].ModulePath != mod.Module.Path {
		t.Errorf("plugins are %v, want one: %s", m.Plugins, mod.Module.Path)
	}
	for _, p := range m.Plugins {
		if p.Version == "" {
			t.Errorf("%s has no version", p.ModulePath)
		}
	}
	// The replacements of a plugin's go.mod don't count when xcaddy builds: the manifest repeats
	// them, in the form "path version".
	var replacements []replacement
	text := func(v version) string { return strings.TrimSpace(v.Path + " " + v.Version) }
	for _, r := range mod.Replace {
		replacements = append(replacements, replacement{text(r.Old), text(r.New)})
	}
	if !slices.Equal(m.Replacements, replacements) {
		t.Errorf("replacements are %v, those of go.mod %v", m.Replacements, replacements)
	}
}

func TestTheBinary(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "hookseal")
	run(t, "go", "build", "-o", binary, "./cmd/hookseal")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("XDG_DATA_HOME", t.TempDir())

	t.Run("is the Caddy of the manifest", func(t *testing.T) {
		version, _, _ := strings.Cut(strings.TrimSpace(run(t, binary, "version")), " ")
		if want := readManifest(t).CaddyVersion; version != want {
			t.Errorf("got %q, want %q", version, want)
		}
	})

	t.Run("has the modules that caddymodule documents and no others", func(t *testing.T) {
		out, _, ok := strings.Cut(run(t, binary, "list-modules", "--skip-standard"), "Non-standard modules:")
		if !ok {
			t.Fatalf("got %q", out)
		}
		got, want := strings.Fields(out), documentedModules(t)
		slices.Sort(got)
		slices.Sort(want)
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("got %q, documented are %q", got, want)
		}
	})

	for _, file := range caddyfiles(t) {
		t.Run("accepts "+file, func(t *testing.T) {
			run(t, binary, "validate", "--adapter", "caddyfile", "--config", file, "--envfile", "examples/demo.env")
		})
	}

	// PITFALLS 2: "validate" is where an operator looks before a reload.
	t.Run("refuses Caddyfile.example without its secrets", func(t *testing.T) {
		out, err := exec.Command(binary, "validate", "--config", "Caddyfile.example").CombinedOutput()
		if want := "} is not set or empty"; err == nil || !strings.Contains(string(out), "Caddyfile.example:") || !strings.Contains(string(out), want) {
			t.Errorf("got error %v and lacks %q:\n%s", err, want, out)
		}
	})
}

// documentedModules returns the modules that the package comment of caddymodule lists.
func documentedModules(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "caddymodule/gateway.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	for line := range strings.Lines(file.Doc.Text()) {
		if strings.HasPrefix(line, "\t") {
			modules = append(modules, strings.Fields(line)[0])
		}
	}
	return modules
}

func TestEveryCaddyfileIsFormatted(t *testing.T) {
	for _, file := range caddyfiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if warning, different := caddyfile.FormattingDifference(file, text); different {
			t.Errorf("%s:%d: %s", warning.File, warning.Line, warning.Message)
		}
	}
}

// caddyfiles returns the Caddyfiles of the repository, Caddyfile.example among them. Those of
// adapt tests are checked there.
func caddyfiles(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, file := range repositoryFiles(t) {
		if name := filepath.Base(file); strings.HasPrefix(name, "Caddyfile") || strings.HasSuffix(name, ".caddyfile") {
			files = append(files, file)
		}
	}
	if !slices.Contains(files, "Caddyfile.example") {
		t.Fatalf("found %q and no Caddyfile.example", files)
	}
	return files
}

// repositoryFiles returns the files that git has or would take. In a copy without git it is all
// files but those of other people's packages.
func repositoryFiles(t *testing.T) []string {
	t.Helper()
	if out, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard").Output(); err == nil && len(out) > 0 {
		return slices.DeleteFunc(strings.Split(strings.TrimSpace(string(out)), "\n"), func(file string) bool {
			_, err := os.Stat(file)
			return errors.Is(err, fs.ErrNotExist) // deleted and not yet committed
		})
	}
	var files []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if name := entry.Name(); entry.IsDir() && path != "." && (strings.HasPrefix(name, ".") || name == "node_modules") {
			return fs.SkipDir
		}
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// imports returns the packages that the patterns need, themselves included, without the standard
// library's.
func imports(t *testing.T, patterns ...string) []string {
	t.Helper()
	args := append([]string{"list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}"}, patterns...)
	packages := strings.Fields(run(t, "go", args...))
	if len(packages) == 0 {
		t.Fatalf("%q need no packages, not even themselves", patterns)
	}
	return packages
}

// within reports whether an import path is a module or in it.
func within(path, module string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// Each library may import the standard library and what its row names, with what that needs.
func TestEachRoomImportsWhatItMay(t *testing.T) {
	const (
		reader  = modulePath + "/internal/jsonpath"
		pattern = modulePath + "/internal/eventpattern"
		library = modulePath + "/outbound"
		lru     = "github.com/hashicorp/golang-lru/v2"
	)
	for _, room := range []struct {
		folder  string
		allowed []string
	}{
		{"internal/jsonpath", nil},
		{"verifiers", []string{reader}},
		{"internal/eventpattern", nil},
		{"internal/capture", nil},
		{"internal/doctor", []string{modulePath + "/verifiers", reader}},
		{"replay", []string{lru}},
		{"policy", []string{reader, pattern, "cel.dev/cel-go"}},
		{"outbound", []string{modulePath + "/verifiers", pattern, lru}},
		{"outbound/api", []string{library, reader, lru, "github.com/santhosh-tekuri/jsonschema/v6"}},
		{"outbound/jetstream", []string{library, "github.com/nats-io/nats-server/v2", "github.com/nats-io/nats.go"}},
	} {
		needed := imports(t, "./"+room.folder)
		var allowed []string
		for _, path := range needed {
			if slices.ContainsFunc(room.allowed, func(module string) bool { return within(path, module) }) {
				allowed = append(allowed, path)
			}
		}
		if len(allowed) > 0 {
			allowed = append(allowed, imports(t, allowed...)...)
		}
		for _, path := range needed {
			if !within(path, modulePath+"/"+room.folder) && !slices.Contains(allowed, path) {
				t.Errorf("%s needs %s", room.folder, path)
			}
		}
	}
}

// bench/plaincaddy is what Hookseal is measured against, and no part of it.
func TestOnlyTheAdapterImportsCaddy(t *testing.T) {
	may := []string{modulePath, modulePath + "/caddymodule", modulePath + "/cmd/hookseal", modulePath + "/bench/plaincaddy"}
	var importers []string
	for line := range strings.Lines(run(t, "go", "list", "-f", `{{.ImportPath}} {{join .Deps " "}}`, "./...")) {
		fields := strings.Fields(line)
		if slices.ContainsFunc(fields[1:], func(path string) bool { return within(path, caddyPath) }) {
			importers = append(importers, fields[0])
		}
	}
	if !slices.Contains(importers, modulePath+"/caddymodule") {
		t.Fatalf("importers of Caddy are %q", importers)
	}
	for _, path := range importers {
		if !slices.Contains(may, path) {
			t.Errorf("%s needs Caddy", path)
		}
	}
}

// Caddy links cel.dev/cel-go, as cel-go is called since v0.32. Under its older path the binary
// would hold it twice.
func TestTheBinaryHasOneCopyOfCEL(t *testing.T) {
	packages := imports(t, "./cmd/hookseal")
	if !slices.Contains(packages, "cel.dev/cel-go/cel") {
		t.Error("cel.dev/cel-go is not in the binary")
	}
	for _, path := range packages {
		if within(path, "github.com/google/cel-go") {
			t.Errorf("needs %s", path)
		}
	}
}
