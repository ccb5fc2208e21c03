package capture

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// shellScript is a script of PowerShell on its way to becoming a request: some variables, and one command
// that sends it.
type shellScript struct {
	psReader
	Request
	readFile  func(string) ([]byte, error)
	variables map[string]psValue
	method    string
	found     bool
}

// parsePowerShell reads a command of PowerShell with the variables that it uses, as browsers and Postman copy it.
// Nothing of it is run.
func parsePowerShell(text []byte, readFile func(string) ([]byte, error)) (Request, error) {
	s := &shellScript{psReader: psReader{text: string(text)}, readFile: readFile, variables: make(map[string]psValue)}
	for s.blanks(true); s.text != "" && !s.found; s.blanks(true) {
		if err := s.statement(); err != nil {
			return Request{}, err
		}
	}
	switch {
	case !s.found:
		return Request{}, errors.New("has no Invoke-WebRequest and no Invoke-RestMethod")
	case s.Host == "":
		return Request{}, errors.New("has no URL")
	}
	s.Method = http.MethodGet
	if s.method != "" {
		s.Method = strings.ToUpper(s.method)
	}
	if host := s.Header.Get("Host"); host != "" {
		s.Host = host
	}
	if s.Body != nil && s.Method != http.MethodGet && s.Header.Get("Content-Type") == "" {
		return s.Request, s.add("Content-Type", "application/x-www-form-urlencoded")
	}
	return s.Request, nil
}

// statement reads one statement. Those that don't send anything count for their variables only.
func (s *shellScript) statement() error {
	if !strings.HasPrefix(s.text, "$") {
		if commands[strings.ToLower(s.word())] == PowerShell {
			return s.command()
		}
		s.skipStatement()
		return nil
	}
	s.text = s.text[1:]
	name := s.name()
	value := s.variables[name]
	switch {
	case s.accept(".Add("):
		pair, err := s.values(")", 2)
		if err != nil {
			return err
		}
		value.table = append(value.table, [2]string{pair[0].text, pair[1].text})
	case s.accept("["):
		key, err := s.values("]", 1)
		if err != nil {
			return err
		}
		s.blanks(false)
		if !s.accept("=") {
			return errPowerShell
		}
		text, err := s.value(s.variables)
		if err != nil {
			return err
		}
		value.table = append(value.table, [2]string{key[0].text, text.text})
	case s.accept(".UserAgent"):
		s.blanks(false)
		if !s.accept("=") {
			return errPowerShell
		}
		text, err := s.value(s.variables)
		if err != nil {
			return err
		}
		return s.add("User-Agent", text.text)
	default:
		s.blanks(false)
		if !s.accept("=") {
			s.skipStatement() // of an object that has nothing to do with the request
			return nil
		}
		s.blanks(false)
		switch word := strings.ToLower(s.peekWord()); {
		case commands[word] == PowerShell:
			s.word()
			return s.command()
		case word == "new-object":
			s.skipStatement()
			value = psValue{}
		default:
			var err error
			if value, err = s.value(s.variables); err != nil {
				return err
			}
		}
	}
	s.variables[name] = value
	return nil
}

// psSwitches are the parameters that have no argument.
var psSwitches = []string{
	"usebasicparsing", "skipcertificatecheck", "skipheadervalidation", "skiphttperrorcheck", "disablekeepalive", "usedefaultcredentials",
	"passthru", "noproxy", "allowunencryptedauthentication", "preserveauthorizationonredirect", "verbose", "debug",
}

// command reads the parameters of the command.
func (s *shellScript) command() error {
	s.found = true
	for {
		s.blanks(false)
		if s.atEnd() {
			return nil
		}
		name := "uri" // the only one that needn't be named
		if s.accept("-") {
			name = strings.ToLower(s.name())
			s.accept(":")
		}
		if slices.Contains(psSwitches, name) {
			continue
		}
		s.blanks(false)
		value, err := s.value(s.variables)
		if err != nil {
			return fmt.Errorf("parameter %q: %w", printableOption(name), err)
		}
		if err := s.parameter(name, value); err != nil {
			return err
		}
	}
}

// parameter takes what a parameter says. Most say nothing of what is sent.
func (s *shellScript) parameter(name string, value psValue) (err error) {
	switch name {
	case "uri":
		if s.Host != "" {
			return errors.New("has several URLs")
		}
		s.setURL(value.text)
	case "method", "custommethod":
		s.method = value.text
	case "headers":
		for _, field := range value.table {
			if err := s.add(field[0], field[1]); err != nil {
				return err
			}
		}
	case "contenttype":
		return s.add("Content-Type", value.text)
	case "useragent":
		return s.add("User-Agent", value.text)
	case "infile":
		s.Body, err = s.readFile(value.text)
	case "body":
		if value.table == nil {
			s.Body = []byte(value.text)
			return nil
		}
		var pairs []string
		for _, p := range value.table {
			pairs = append(pairs, url.QueryEscape(p[0])+"="+url.QueryEscape(p[1]))
		}
		s.Body = []byte(strings.Join(pairs, "&"))
		s.Notes = append(s.Notes, "the command has the fields of a form, which PowerShell writes in an order of its own: the body was written anew")
	case "form":
		return errors.New("-Form makes a body that differs each time: give the header fields and the body as options")
	}
	return err
}
