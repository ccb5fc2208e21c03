package caddymodule

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/hookseal/hookseal/verifiers"
)

// maxImported bounds how many files are read.
const maxImported = 256

// tokenize takes the tokens of a file, and of those that it imports.
func (l *linter) tokenize(name string, text []byte) {
	tokens, err := caddyfile.Tokenize(text, name)
	if err != nil {
		return // an error of its own when it is adapted
	}
	l.files = append(l.files, tokens)
	for i, token := range tokens {
		if token.Text != "import" || !firstOfLine(tokens, i) || i+1 == len(tokens) || tokens[i+1].Line != token.Line {
			continue
		}
		pattern := bakedVariable.ReplaceAllStringFunc(tokens[i+1].Text, func(variable string) string {
			return os.Getenv(bakedVariable.FindStringSubmatch(variable)[1])
		})
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(name), pattern)
		}
		files, _ := filepath.Glob(pattern) // nothing, if it is the name of a snippet
		for _, file := range files {
			if len(l.files) >= maxImported || slices.ContainsFunc(l.files, func(t []caddyfile.Token) bool { return len(t) > 0 && t[0].File == file }) {
				continue
			}
			if text, err := os.ReadFile(file); err == nil {
				l.tokenize(file, text)
			}
		}
	}
}

// firstOfLine reports whether a token is the first of its line.
func firstOfLine(tokens []caddyfile.Token, i int) bool {
	return i == 0 || tokens[i-1].Line != tokens[i].Line
}

func positionOf(t caddyfile.Token) string {
	return fmt.Sprintf("%s:%d", filepath.Base(t.File), t.Line)
}

// ourBlocks are the directives and options in whose blocks a secret may stand, and secretOptions what it is called
// there.
var (
	ourBlocks     = []string{"webhook_verify", "webhook_sign", "webhook_publish", "endpoint"}
	secretOptions = []string{"secret", "token", "verify_token", "encrypt_key"}
)

// secretsInText finds secrets that are put into the configuration.
func (l *linter) secretsInText() {
	for _, tokens := range l.files {
		depth, ours, names := 0, 0, false
		for i, token := range tokens {
			first := firstOfLine(tokens, i)
			switch {
			case token.Text == "{":
				depth++
			case token.Text == "}":
				if depth--; depth < ours {
					ours = 0
				}
			case first && ours == 0 && slices.Contains(ourBlocks, token.Text):
				ours, names = depth+1, false
				if token.Text == "webhook_verify" && i+1 < len(tokens) {
					preset, _ := verifiers.Preset(tokens[i+1].Text)
					names = preset.NamesReceiver()
				}
			case first && ours > 0 && depth == ours && !(names && token.Text == "secret") && slices.Contains(secretOptions, token.Text) && i+1 < len(tokens) && tokens[i+1].Line == token.Line:
				l.secretInText(token, tokens[i+1].Text)
			}
		}
	}
}

// secretInText looks at what stands for a secret.
func (l *linter) secretInText(option caddyfile.Token, value string) {
	switch {
	case strings.Contains(value, "{$"):
		l.add(severityError, positionOf(option), "secret_baked", option.Text+" is written {$NAME}, which puts its value into the configuration, where the admin API shows it", "write {env.NAME}")
	case !secretPlaceholder.MatchString(value) && !strings.HasPrefix(value, "{"):
		l.add(severityError, positionOf(option), "secret_literal", option.Text+" stands in the Caddyfile itself", "write {env.NAME} or {file./run/secrets/name}, and change the secret if others could read it")
	}
}

// ruleLines returns where the rules of a webhook_route stand.
func (l *linter) ruleLines(position string) (lines []string) {
	for _, tokens := range l.files {
		for i, token := range tokens {
			if token.Text != "webhook_route" || positionOf(token) != position {
				continue
			}
			depth := 0
			for j := i + 1; j < len(tokens); j++ {
				t := tokens[j]
				switch {
				case t.Text == "{":
					depth++
				case t.Text == "}":
					if depth--; depth == 0 {
						return lines
					}
				case depth == 1 && firstOfLine(tokens, j) && (t.Text == "event" || t.Text == "when"):
					lines = append(lines, positionOf(t))
				}
			}
		}
	}
	return lines
}
