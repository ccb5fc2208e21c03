package caddymodule

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/hookseal/hookseal/verifiers"
)

// linter collects what is wrong with one Caddyfile.
type linter struct {
	findings []finding
	tokens   []caddyfile.Token
	verifies []*Verify
	signs    []*Sign
}

// lint returns what is wrong with a Caddyfile, in the order of its lines. It reads secrets only to compare
// them, and only those that are there.
func lint(name string, text []byte) []finding {
	l := new(linter)
	// The tokens of the text as it was written: adapting it puts the values of {$NAME} in.
	l.tokens, _ = caddyfile.Tokenize(text, name)
	l.secretsInText()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": name})
	if err != nil {
		l.adaptError(err)
	} else {
		l.config(config)
	}
	l.compareSecrets()
	slices.SortStableFunc(l.findings, func(a, b finding) int { return cmp.Compare(lineOf(a.Position), lineOf(b.Position)) })
	return l.findings
}

func (l *linter) add(s severity, position, check, text, remedy string) {
	f := finding{s, position, check, text, remedy}
	if !slices.Contains(l.findings, f) { // a site with several addresses has its handlers several times
		l.findings = append(l.findings, f)
	}
}

// ourBlocks are the directives and options in whose blocks a secret may stand.
var ourBlocks = []string{"webhook_verify", "webhook_sign", "webhook_publish", "endpoint"}

// secretsInText finds secrets that are put into the configuration.
func (l *linter) secretsInText() {
	depth, ours, line, names := 0, 0, 0, false
	for i, token := range l.tokens {
		first := i == 0 || token.Line != line || l.tokens[i-1].File != token.File
		line = token.Line
		switch {
		case token.Text == "{":
			depth++
		case token.Text == "}":
			if depth--; depth < ours {
				ours = 0
			}
		case first && ours == 0 && slices.Contains(ourBlocks, token.Text):
			ours, names = depth+1, false
			if token.Text == "webhook_verify" && i+1 < len(l.tokens) {
				preset, _ := verifiers.Preset(l.tokens[i+1].Text)
				names = preset.NamesReceiver()
			}
		case first && ours > 0 && depth == ours && !names && (token.Text == "secret" || token.Text == "token") && i+1 < len(l.tokens) && l.tokens[i+1].Line == line:
			value, position := l.tokens[i+1].Text, fmt.Sprintf("%s:%d", filepath.Base(token.File), token.Line)
			switch {
			case strings.Contains(value, "{$"):
				l.add(severityError, position, "secret_baked", token.Text+" is written {$NAME}, which puts its value into the configuration, where the admin API shows it", "write {env.NAME}")
			case !secretPlaceholder.MatchString(value) && !strings.HasPrefix(value, "{"):
				l.add(severityError, position, "secret_literal", token.Text+" stands in the Caddyfile itself", "write {env.NAME} or {file./run/secrets/name}, and change the secret if others could read it")
			}
		}
	}
}

var adaptPosition = regexp.MustCompile(`[^\s:,/\\]+:\d+\b`)

// adaptError makes a finding of what keeps the Caddyfile from being read.
func (l *linter) adaptError(err error) {
	where := err.Error()
	// What stands before may have numbers behind colons of its own.
	where = where[max(0, strings.LastIndex(where, ", at ")):]
	position := adaptPosition.FindString(where)
	if slices.ContainsFunc(l.findings, func(f finding) bool { return f.Severity == severityError && f.Position == position }) {
		return // found before, and said better
	}
	check, text := "adapt", l.withoutValues(err.Error())
	if strings.Contains(text, "public URL") {
		check = "public_url"
	}
	l.add(severityError, position, check, text, "the rest can be checked when that is mended")
}

var bakedVariable = regexp.MustCompile(`\{\$([^{}:]+)(?::[^{}]*)?\}`)

// withoutValues puts {$NAME} in the place of what it stands for. An error may quote any word of the
// Caddyfile, and one of those may be a secret in the wrong place.
func (l *linter) withoutValues(text string) string {
	for _, token := range l.tokens {
		for _, variable := range bakedVariable.FindAllStringSubmatch(token.Text, -1) {
			if value := os.Getenv(variable[1]); value != "" {
				text = strings.ReplaceAll(text, value, variable[0])
			}
		}
	}
	return text
}

// config walks through the JSON.
func (l *linter) config(text []byte) {
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Routes []routeConfig          `json:"routes"`
					Named  map[string]routeConfig `json:"named_routes"`
				} `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if json.Unmarshal(text, &config) != nil {
		return
	}
	for _, server := range config.Apps.HTTP.Servers {
		l.routes(server.Routes, false)
		for _, named := range server.Named {
			l.handlers(named.Handle, true) // what stands before it depends on who invokes it
		}
	}
}

// routes walks through routes that are tried in order, and reports whether one of them verifies.
func (l *linter) routes(routes []routeConfig, verified bool) bool {
	byGroup := make(map[string]bool) // of those that exclude each other
	was := verified
	for i, route := range routes {
		before := was
		for group, verifies := range byGroup {
			before = before || verifies && group != route.Group
		}
		for _, earlier := range routes[:i] {
			if route.Group != "" && earlier.Group == route.Group && coversMatch(earlier.Match, route.Match) {
				if position := firstPosition(route.Handle); position != "" {
					l.add(severityError, position, "route_shadowed", "no request gets here: a route before it takes all that this one could", "put this one before it, or give it another path")
				}
				break
			}
		}
		verifies := l.handlers(route.Handle, before)
		if route.Group == "" {
			was = was || verifies
		} else {
			byGroup[route.Group] = byGroup[route.Group] || verifies
		}
		verified = verified || verifies
	}
	return verified
}

var positionField = regexp.MustCompile(`"position":\s*"([^"\\]+)"`)

// firstPosition returns the position of the first handler of ours.
func firstPosition(handlers []json.RawMessage) string {
	for _, handler := range handlers {
		if at := positionField.FindSubmatch(handler); at != nil {
			return string(at[1])
		}
	}
	return ""
}

// handlers walks through handlers that are called one behind the other, and reports whether a webhook_verify
// is among them.
func (l *linter) handlers(handlers []json.RawMessage, verified bool) bool {
	for i, text := range handlers {
		// Caddy puts the directives of two handle blocks of one path together.
		if i > 0 && verifies(handlers[:i]...) && verifies(text) {
			l.add(severityError, firstPosition(handlers[i:]), "verified_twice", "deliveries that get here have passed another webhook_verify, and would have to be genuine for both", "give each a path of its own")
		}
		var handler struct {
			Name   string        `json:"handler"`
			Routes []routeConfig `json:"routes"`
		}
		if json.Unmarshal(text, &handler) != nil {
			continue
		}
		switch handler.Name {
		case "subroute":
			verified = l.routes(handler.Routes, verified)
		case "webhook_verify":
			v := new(Verify)
			if json.Unmarshal(text, v) == nil {
				l.verify(v)
			}
			verified = true
		case "webhook_sign":
			s := new(Sign)
			if json.Unmarshal(text, s) != nil {
				continue
			}
			l.signs = append(l.signs, s)
			if !verified && !s.Standalone {
				l.add(severityError, s.Position, "sign_unverified", "no webhook_verify stands before this webhook_sign: it answers 403", "put one before it, or write standalone")
			}
		case "webhook_route":
			rt := new(Route)
			if json.Unmarshal(text, rt) == nil {
				l.route(rt, verified)
			}
		}
	}
	return verified
}

// verifies reports whether there is a webhook_verify that every request comes to.
func verifies(handlers ...json.RawMessage) bool {
	return slices.ContainsFunc(handlers, func(text json.RawMessage) bool {
		var handler struct {
			Name   string        `json:"handler"`
			Routes []routeConfig `json:"routes"`
		}
		if json.Unmarshal(text, &handler) != nil {
			return false
		}
		return handler.Name == "webhook_verify" || handler.Name == "subroute" && slices.ContainsFunc(handler.Routes, func(r routeConfig) bool {
			return len(r.Match) == 0 && r.Group == "" && verifies(r.Handle...)
		})
	})
}

// route checks the rules of a webhook_route.
func (l *linter) route(rt *Route, verified bool) {
	if !verified && !rt.Standalone {
		l.add(severityError, rt.Position, "route_unverified", "no webhook_verify stands before this webhook_route: it answers 403", "put one before it, or write standalone")
	}
	lines := l.ruleLines(rt.Position)
	for i, text := range shadowed(rt.Rules) {
		position := rt.Position
		if i < len(lines) {
			position = lines[i]
		}
		s, remedy := severityError, "take it out, or put it before the other"
		if strings.Contains(text, "never sees") {
			s, remedy = severityWarning, "take those events out of one of the rules"
		}
		l.add(s, position, "rule_shadowed", text, remedy)
	}
	for _, rule := range rt.Rules {
		l.handlers(rule.HandlersRaw, verified || rt.Standalone)
	}
	if rt.Otherwise != nil {
		l.handlers(rt.Otherwise.HandlersRaw, verified || rt.Standalone)
	}
}

// ruleLines returns where the rules of a webhook_route stand.
func (l *linter) ruleLines(position string) (lines []string) {
	for i, token := range l.tokens {
		if token.Text != "webhook_route" || fmt.Sprintf("%s:%d", filepath.Base(token.File), token.Line) != position {
			continue
		}
		depth := 0
		for j := i + 1; j < len(l.tokens); j++ {
			t := l.tokens[j]
			switch {
			case t.Text == "{":
				depth++
			case t.Text == "}":
				if depth--; depth == 0 {
					return lines
				}
			case depth == 1 && t.Line != l.tokens[j-1].Line && (t.Text == "event" || t.Text == "when"):
				lines = append(lines, fmt.Sprintf("%s:%d", filepath.Base(t.File), t.Line))
			}
		}
	}
	return lines
}

// verify checks a webhook_verify by itself.
func (l *linter) verify(v *Verify) {
	if slices.ContainsFunc(l.verifies, func(other *Verify) bool { return other.Position == v.Position && v.Position != "" }) {
		return
	}
	v.setDefaults()
	scheme, err := schemeOf("provider", v.Provider, v.Scheme)
	if err != nil {
		return // an error of its own when it is adapted
	}
	v.scheme = scheme
	l.verifies = append(l.verifies, v)
	if v.Mode == "monitor" {
		l.add(severityWarning, v.Position, "monitor", "deliveries that don't verify are let through: mode monitor", "take it out once the log shows none that should be")
	}
	if !scheme.CoversBody() {
		l.add(severityWarning, v.Position, "body_uncovered", "the signatures of "+v.Provider+" don't cover the body: whoever has one delivery can send others", "use a scheme of the provider's that does, if there is one, and keep these requests out of logs")
	}
	if scheme.Weak() {
		l.add(severityWarning, v.Position, "weak_scheme", "the signatures of "+v.Provider+" rest on SHA-1", "use another scheme of the provider's, if there is one")
	}
	if strings.HasPrefix(v.PublicURL, "http://") {
		l.add(severityWarning, v.Position, "public_url_plain", "public_url is one of http: deliveries arrive unencrypted", "give the provider a URL of https, and write it here")
	}
	l.window(v)
}

// window compares how long deliveries are remembered with how long the provider sends them again.
func (l *linter) window(v *Verify) {
	span, known := retrySpans[v.Provider]
	if !known || v.ReplayOff {
		return
	}
	window, isSet := time.Duration(v.ReplayWindow), v.ReplayWindow != 0
	if !isSet {
		window = defaultReplayWindow
		if t := v.scheme.Timestamp; t != nil {
			window = 2*cmp.Or(time.Duration(v.Tolerance), t.Tolerance, verifiers.DefaultTolerance) + clockGrace
		}
	}
	if window >= span {
		return
	}
	s, what := severityNote, "the default replay window, "
	if isSet {
		s, what = severityWarning, "replay_window, "
	}
	l.add(s, v.Position, "replay_window", fmt.Sprintf("%s%s, is shorter than the %s for which %s sends a delivery again: a copy that comes later than that reaches the app once more", what, shortDuration(window), shortDuration(span), v.Provider), "write replay_window "+shortDuration(span)+", or let the app know copies by the id")
}

// lintedSecret is one secret that could be read.
type lintedSecret struct {
	text, position, route string
	number                int
	internal              bool
}

// compareSecrets finds secrets that are weak, or the same in several places. Those that aren't set here are
// left out: a Caddyfile may be checked where they aren't.
func (l *linter) compareSecrets() {
	replacer := caddy.NewReplacer()
	var all []lintedSecret
	read := func(sources []SecretSource, position, route string, internal bool) {
		for i, source := range sources {
			if text, err := source.text(replacer); err == nil && text != "" {
				all = append(all, lintedSecret{text, position, route, i + 1, internal})
			}
		}
	}
	for _, v := range l.verifies {
		if !v.scheme.NamesReceiver() && !hasPublicKeys(v.scheme) {
			read(v.Secrets, v.Position, v.Name, false)
		}
	}
	for _, s := range l.signs {
		read(s.Secrets, s.Position, "", true)
	}
	for i, secret := range all {
		if why := guessable(secret.text); why != "" {
			l.add(severityWarning, secret.position, "secret_weak", fmt.Sprintf("secret %d %s", secret.number, why), `make another, as "hookseal webhook keygen" does`)
		}
		for _, other := range all[:i] {
			if other.text != secret.text || secret.internal && other.internal {
				continue
			}
			switch {
			case secret.internal != other.internal:
				l.add(severityError, secret.position, "secret_equal", fmt.Sprintf("secret %d is also that of the webhook_verify at %s: the sender could sign as the gateway does", secret.number, other.position), `make one of its own, as "hookseal webhook keygen" does`)
			case secret.position == other.position:
				l.add(severityWarning, secret.position, "secret_equal", fmt.Sprintf("secret %d is the same as secret %d", secret.number, other.number), "take one out")
			default:
				l.add(severityWarning, secret.position, "secret_equal", fmt.Sprintf("secret %d is also that of the route %s at %s: who has one can sign for both, and a delivery of one may be sent to the other", secret.number, other.route, other.position), "have the provider make one for each")
			}
			break
		}
	}
}

// hasPublicKeys reports whether what a scheme calls its secrets are public keys. Opaque ones may be anything: those of
// a scheme that fetches its keys are what it fetches them with.
func hasPublicKeys(s verifiers.Scheme) bool {
	algorithm := string(s.Algorithm)
	return s.Key != verifiers.Opaque && (algorithm == string(verifiers.Ed25519) || strings.HasPrefix(algorithm, "ecdsa-") || strings.HasPrefix(algorithm, "rsa-"))
}

// usualSecrets are words that are in secrets which nobody made for the purpose.
var usualSecrets = []string{"secret", "password", "changeme", "change-me", "test", "example", "123456", "qwerty", "hunter2"}

// guessable says why a secret may be guessed, or "".
func guessable(text string) string {
	lower := strings.ToLower(text)
	letters := make(map[rune]bool)
	for _, r := range text {
		letters[r] = true
	}
	switch {
	case len(text) < verifiers.MinSecretBytes:
		return fmt.Sprintf("is shorter than %d bytes", verifiers.MinSecretBytes)
	case len(letters) < 8:
		return "has few different characters"
	case len(text) < 32 && slices.ContainsFunc(usualSecrets, func(word string) bool { return strings.Contains(lower, word) }):
		return "looks like a word and not like chance"
	}
	return ""
}
