// Package capture reads what people and tools keep of an HTTP request: the message itself, an entry of a
// HAR archive or of ngrok's list, a command line of curl or PowerShell.
//
// A capture is taken literally where it can be: the point is to find out what is wrong with it. What had to
// be guessed is said in Request.Notes.
package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
	"time"
	"unicode/utf16"
)

// The bounds of a capture.
const (
	// MaxSize is the largest capture in bytes.
	MaxSize = 64 << 20
	// maxFields is how many header fields it may have.
	maxFields = 256
)

// Request is a captured request.
type Request struct {
	// Method is the method, POST if the capture doesn't say.
	Method string
	// Scheme and Host are those of the URL. Scheme is empty where the capture doesn't say.
	Scheme, Host string
	// Target is the path and query.
	Target string
	// Header holds the fields under their canonical names.
	Header http.Header
	// Body is the body.
	Body []byte
	// Time is when the request was sent, and zero if the capture doesn't say.
	Time time.Time
	// Notes say what was guessed, and what looks odd.
	Notes []string
}

// Format is a form of captures.
type Format string

// The formats.
const (
	Auto       Format = "auto"
	HTTP       Format = "http"
	HAR        Format = "har"
	Curl       Format = "curl"
	PowerShell Format = "powershell"
)

// Formats are all of them.
var Formats = []Format{Auto, HTTP, HAR, Curl, PowerShell}

// Options say how a capture is read.
type Options struct {
	// Format is the capture's. Default: Auto.
	Format Format
	// Entry is the number of the entry of an archive that has several, from 1. Zero is the only one.
	Entry int
	// ReadFile reads a file that a command line names. Nil means that none is read.
	ReadFile func(name string) ([]byte, error)
}

// Parse reads a capture. Errors hold nothing of it but the names of options, and what ReadFile says.
func Parse(text []byte, options Options) (Request, error) {
	if len(text) > MaxSize {
		return Request{}, fmt.Errorf("the capture is over %d MiB", MaxSize>>20)
	}
	if options.ReadFile == nil {
		options.ReadFile = func(string) ([]byte, error) { return nil, errFile }
	}
	text, recoded := toUTF8(text)
	format := options.Format
	if format == "" || format == Auto {
		format = guess(text)
	}
	var r Request
	var err error
	switch format {
	case HTTP:
		r, err = parseMessage(text)
	case HAR:
		r, err = parseHAR(text, options.Entry)
	case Curl:
		r, err = parseCurl(text, options.ReadFile)
	case PowerShell:
		r, err = parsePowerShell(text, options.ReadFile)
	default:
		return Request{}, errors.New("unknown format")
	}
	if err != nil {
		return Request{}, fmt.Errorf("not read as %s: %w", format, err)
	}
	if recoded {
		r.Notes = append(r.Notes, "the capture is in UTF-16, as PowerShell writes files: what was no text in it is lost")
	}
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	if r.Target == "" {
		r.Target = "/"
	}
	return r, nil
}

var errFile = errors.New("what was sent is in a file, which is not read: give the header fields and the body as options")

// commands are the programs whose command lines are read, by their names in lower case.
var commands = map[string]Format{
	"curl": Curl, "curl.exe": Curl,
	"invoke-webrequest": PowerShell, "invoke-restmethod": PowerShell, "iwr": PowerShell, "irm": PowerShell,
}

// guess returns the format that a text has.
func guess(text []byte) Format {
	text = bytes.TrimPrefix(bytes.TrimSpace(text), []byte("$ ")) // a prompt
	first, _, _ := bytes.Cut(text[:min(len(text), 100)], []byte(" "))
	format, isCommand := commands[strings.ToLower(string(first))]
	switch {
	case bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte("[")):
		return HAR
	case isCommand:
		return format
	case bytes.HasPrefix(text, []byte("$")): // no header field begins so, but variables do
		return PowerShell
	}
	return HTTP
}

// toUTF8 returns a text without its byte order mark, and reports whether it was in UTF-16.
func toUTF8(text []byte) (_ []byte, recoded bool) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(text, []byte("\xfe\xff")):
		order = binary.BigEndian
	default:
		return bytes.TrimPrefix(text, []byte("\ufeff")), false
	}
	var units []uint16
	for text = text[2:]; len(text) > 1; text = text[2:] {
		units = append(units, order.Uint16(text))
	}
	return []byte(string(utf16.Decode(units))), true
}

var errTooManyFields = fmt.Errorf("over %d header fields", maxFields)

// add adds a header field. A name that is none keeps its spelling: how it is spelled may be what is wrong.
func (r *Request) add(name, value string) error {
	if len(r.Header) >= maxFields || len(r.Header[name]) >= maxFields {
		return errTooManyFields
	}
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	key := textproto.CanonicalMIMEHeaderKey(name)
	r.Header[key] = append(r.Header[key], value)
	return nil
}

// setURL takes scheme, host and target from an absolute URL. It isn't parsed and written anew: its
// spelling may be signed.
func (r *Request) setURL(address string) {
	address, _, _ = strings.Cut(address, "#")
	if scheme, rest, ok := strings.Cut(address, "://"); ok && !strings.ContainsAny(scheme, "/?") {
		r.Scheme = strings.ToLower(scheme)
		address = rest
	}
	end := strings.IndexAny(address, "/?")
	if end < 0 {
		end = len(address)
	}
	host := address[:end]
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	r.Host, r.Target = host, address[end:]
	if !strings.HasPrefix(r.Target, "/") {
		r.Target = "/" + r.Target
	}
}

// ParseField reads a header field as "Name: value".
func (r *Request) ParseField(line string) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok || name == "" || strings.ContainsAny(name, " \t") {
		return errors.New(`a header field is written "Name: value"`)
	}
	return r.add(name, strings.TrimSpace(value))
}

// SetURL takes scheme, host, path and query from a URL, as the capture's.
func (r *Request) SetURL(address string) error {
	if !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://") {
		return errors.New("a URL begins with http:// or https://")
	}
	r.setURL(address)
	return nil
}
