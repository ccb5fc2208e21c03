package capture

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// curlOptions are the options that are read, by the name of what they say. The short ones stand under
// their letter.
var curlOptions = map[string]string{
	"X": "method", "request": "method",
	"H": "header", "header": "header",
	"d": "data", "data": "data", "data-ascii": "data", "data-binary": "binary", "data-raw": "raw", "data-urlencode": "urlencode", "json": "json",
	"url": "url", "u": "user", "user": "user", "A": "agent", "user-agent": "agent", "b": "cookie", "cookie": "cookie", "e": "referer", "referer": "referer",
	"G": "get", "get": "get", "I": "head", "head": "head",
	"F": "form", "form": "form", "form-string": "formtext", "T": "upload", "upload-file": "upload", "K": "config", "config": "config",
}

// curlFlags are the options that take no argument and say nothing of what is sent.
var curlFlags = map[string]bool{
	"compressed": true, "k": true, "insecure": true, "s": true, "silent": true, "S": true, "show-error": true, "v": true, "verbose": true,
	"i": true, "include": true, "L": true, "location": true, "f": true, "fail": true, "fail-with-body": true, "g": true, "globoff": true,
	"N": true, "no-buffer": true, "O": true, "remote-name": true, "0": true, "1": true, "2": true, "4": true, "6": true, "http1.0": true, "http1.1": true,
	"http2": true, "http2-prior-knowledge": true, "http3": true, "path-as-is": true, "no-keepalive": true, "q": true, "disable": true, "j": true,
	"tlsv1": true, "tlsv1.0": true, "tlsv1.1": true, "tlsv1.2": true, "tlsv1.3": true, "ssl": true, "ssl-no-revoke": true, "location-trusted": true, "ipv4": true, "ipv6": true,
	"http0.9": true, "create-dirs": true, "retry-all-errors": true, "retry-connrefused": true, "fail-early": true, "raw": true, "remote-time": true, "styled-output": true,
	"p": true, "n": true, "a": true, "l": true, "progress-bar": true, "#": true, "no-progress-meter": true, "tcp-nodelay": true, "ssl-reqd": true, "anyauth": true, "basic": true, "parallel": true, "Z": true,
}

// curlArguments are the options that take an argument and say nothing of what is sent.
var curlArguments = map[string]bool{
	"o": true, "output": true, "m": true, "max-time": true, "connect-timeout": true, "x": true, "proxy": true, "w": true, "write-out": true,
	"c": true, "cookie-jar": true, "D": true, "dump-header": true, "E": true, "cert": true, "key": true, "cacert": true, "capath": true, "resolve": true,
	"connect-to": true, "retry": true, "retry-delay": true, "retry-max-time": true, "interface": true, "unix-socket": true, "ciphers": true, "tls-max": true,
	"doh-url": true, "expect100-timeout": true, "local-port": true, "proxy-header": true, "curves": true, "happy-eyeballs-timeout-ms": true,
	"limit-rate": true, "max-redirs": true, "proto": true, "trace": true, "trace-ascii": true, "stderr": true, "U": true, "proxy-user": true, "r": true, "range": true, "y": true, "Y": true, "z": true, "C": true, "t": true, "Q": true, "P": true, "keepalive-time": true, "dns-servers": true, "noproxy": true, "cert-type": true, "key-type": true, "pass": true, "tls-ciphers": true,
}

// curl is a command line on its way to becoming a request.
type curl struct {
	Request
	readFile  func(string) ([]byte, error)
	data      []string
	form      []formPart
	isJSON    bool
	isUpload  bool
	get, head bool
	method    string
}

// parseCurl reads a curl command line as shells of Unix and cmd.exe take it, and as browsers copy it.
func parseCurl(text []byte, readFile func(string) ([]byte, error)) (Request, error) {
	words, err := splitWords(string(text))
	if err != nil {
		return Request{}, err
	}
	if len(words) > 0 && words[0] == "$" {
		words = words[1:]
	}
	if len(words) == 0 || commands[strings.ToLower(words[0])] != Curl {
		return Request{}, errors.New("does not begin with curl")
	}
	c := curl{readFile: readFile}
	for words = words[1:]; len(words) > 0; {
		word := words[0]
		words = words[1:]
		switch {
		case slices.Contains(commandEnds, word):
			words = nil
		case word == "--" || word == "-" || !strings.HasPrefix(word, "-"):
			if word != "--" && word != "-" {
				if err := c.take("url", word); err != nil {
					return Request{}, err
				}
			}
		case strings.HasPrefix(word, "--"):
			words, err = c.option(word[2:], "", false, words)
		default:
			for letters := word[1:]; letters != "" && err == nil; {
				name, rest := letters[:1], letters[1:]
				letters = rest
				if curlFlags[name] || name == "G" || name == "I" {
					words, err = c.option(name, "", false, words)
					continue
				}
				words, err = c.option(name, rest, rest != "", words)
				letters = ""
			}
		}
		if err != nil {
			return Request{}, err
		}
	}
	return c.finish()
}

// commandEnds are the words with which a shell ends a command, or sends what it writes elsewhere.
var commandEnds = []string{"|", "||", "&", "&&", ";", ">", ">>", "2>", "2>&1"}

// option takes an option with its argument, which is the rest of its word or the next one.
func (c *curl) option(name, argument string, joined bool, words []string) ([]string, error) {
	what, known := curlOptions[name]
	switch {
	case what == "get":
		c.get = true
		return words, nil
	case what == "head":
		c.head = true
		return words, nil
	case curlFlags[name] || strings.HasPrefix(name, "no-"):
		return words, nil
	case !known && !curlArguments[name]:
		return nil, fmt.Errorf("option %q of curl is not known here: leave it out", printableOption(name))
	}
	if !joined {
		if len(words) == 0 {
			return nil, fmt.Errorf("option %q of curl has no argument", name)
		}
		argument, words = words[0], words[1:]
	}
	if !known {
		return words, nil
	}
	return words, c.take(what, argument)
}

// printableOption returns an option's name if it looks like one, because anything may stand there.
func printableOption(name string) string {
	if len(name) > 30 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") != "" {
		return "…"
	}
	return name
}

// take takes what an option says.
func (c *curl) take(what, argument string) error {
	switch what {
	case "method":
		c.method = argument
	case "url":
		if c.Host != "" {
			return errors.New("has several URLs")
		}
		c.setURL(argument)
	case "header":
		switch name, value, ok := strings.Cut(argument, ":"); {
		case ok && strings.TrimSpace(value) == "": // takes a field of curl's own away
		case !ok && strings.HasSuffix(argument, ";"):
			return c.add(strings.TrimSuffix(argument, ";"), "")
		case strings.HasPrefix(argument, "@"):
			text, err := c.readFile(argument[1:])
			if err != nil {
				return err
			}
			_, err = c.Request.head(text)
			return err
		case ok && strings.HasPrefix(name, ":"):
		default:
			return c.ParseField(argument)
		}
	case "data", "binary", "json":
		if name, ok := strings.CutPrefix(argument, "@"); ok {
			text, err := c.readFile(name)
			if err != nil {
				return err
			}
			if argument = string(text); what == "data" {
				argument = strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(argument) // as curl does
			}
		}
		c.isJSON = c.isJSON || what == "json"
		c.data = append(c.data, argument)
	case "raw":
		c.data = append(c.data, argument)
	case "upload":
		text, err := c.readFile(argument)
		if err != nil {
			return err
		}
		c.isUpload, c.Body = true, text
	case "urlencode":
		if i := strings.IndexAny(argument, "=@"); i >= 0 && argument[i] == '@' {
			text, err := c.readFile(argument[i+1:])
			if err != nil {
				return err
			}
			argument = argument[:i] + "=" + string(text)
		}
		name, value, ok := strings.Cut(argument, "=")
		switch {
		case !ok:
			argument = url.QueryEscape(name)
		case name == "":
			argument = url.QueryEscape(value)
		default:
			argument = name + "=" + url.QueryEscape(value)
		}
		c.data = append(c.data, argument)
	case "user":
		return c.add("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(argument)))
	case "agent":
		return c.add("User-Agent", argument)
	case "cookie":
		return c.add("Cookie", argument)
	case "referer":
		return c.add("Referer", argument)
	case "form", "formtext":
		part, err := c.part(argument, what == "formtext")
		c.form = append(c.form, part)
		return err
	default: // config
		return errors.New("option \"config\" of curl reads options from a file: write them out")
	}
	return nil
}

// finish makes the request.
func (c *curl) finish() (Request, error) {
	if c.Host == "" {
		return Request{}, errors.New("has no URL")
	}
	separator := "&"
	if c.isJSON {
		separator = ""
	}
	data := strings.Join(c.data, separator)
	switch {
	case len(c.form) > 0:
		c.Method = http.MethodPost
		if err := c.multipart(); err != nil {
			return Request{}, err
		}
	case c.get && len(c.data) > 0:
		mark := "?"
		if strings.Contains(c.Target, "?") {
			mark = "&"
		}
		c.Target += mark + data
		c.Method = http.MethodGet
	case len(c.data) > 0:
		c.Method = http.MethodPost
		c.Body = []byte(data)
		kind := "application/x-www-form-urlencoded"
		if c.isJSON {
			kind = "application/json"
		}
		if !slices.Contains(names(c.Header), "Content-Type") {
			if err := c.add("Content-Type", kind); err != nil {
				return Request{}, err
			}
		}
	case c.isUpload:
		c.Method = http.MethodPut
	case c.head:
		c.Method = http.MethodHead
	default:
		c.Method = http.MethodGet
	}
	if c.method != "" {
		c.Method = c.method
	}
	if host := c.Header.Get("Host"); host != "" {
		c.Host = host
	}
	return c.Request, nil
}

func names(header http.Header) (all []string) {
	for name := range header {
		all = append(all, name)
	}
	return all
}
