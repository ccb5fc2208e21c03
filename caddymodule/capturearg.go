package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/hookseal/hookseal/internal/capture"
)

// captureArg says where a command finds a captured delivery, and the time by which it is judged.
type captureArg struct {
	format string
	entry  int
	fields []string
	header string
	body   string
	method string
	url    string
	now    string
}

// captureHelp says in a command's help what a capture may be.
const captureHelp = `A capture is an HTTP message as it went over the wire, an entry of a HAR archive or of ngrok's list of
requests, or a command line of curl or PowerShell as browsers copy it, in a file or on standard input; or
give --header or --headers, and --body. The body has to be exactly what arrived: a message in a file
is safest. Files that a command line names are read.`

func (c *captureArg) add(flags *pflag.FlagSet) {
	flags.StringVar(&c.format, "format", string(capture.Auto), "The `form` of the capture: "+either(capture.Formats))
	flags.IntVar(&c.entry, "entry", 0, "The `number` of the entry of a HAR archive, from 1")
	flags.StringArrayVar(&c.fields, "header", nil, "A header `field` of the delivery, \"Name: value\"; may be repeated")
	flags.StringVar(&c.header, "headers", "", "The `path` of the file that holds the header, as it went over the wire or in JSON; - is standard input")
	flags.StringVar(&c.body, "body", "", "The `path` of the file that holds the body; - is standard input")
	flags.StringVar(&c.method, "method", "", "The `method`, if the capture doesn't say it (default: POST)")
	flags.StringVar(&c.url, "url", "", "The `URL` that the delivery was sent to, if the capture doesn't say it")
	flags.StringVar(&c.now, "now", "", "The `time` to judge by, as 2026-01-02T15:04:05Z or in seconds since 1970 (default: the capture's own, or now)")
}

// read reads the capture that the arguments and flags name.
func (c *captureArg) read(stdin io.Reader, args []string) (r capture.Request, err error) {
	if !slices.Contains(capture.Formats, capture.Format(c.format)) {
		return r, fmt.Errorf("--format %q: use %s", c.format, either(capture.Formats))
	}
	if parts := len(c.fields) > 0 || c.header != "" || c.body != ""; parts && len(args) > 0 {
		return r, errors.New("give a capture, or --header, --headers and --body, not both")
	} else if parts {
		return c.readParts(stdin)
	}
	name := "-"
	if len(args) > 0 {
		name = args[0]
	}
	text, err := readBounded(stdin, name)
	if err != nil {
		return r, err
	}
	options := capture.Options{Format: capture.Format(c.format), Entry: c.entry, ReadFile: readRegular}
	if r, err = capture.Parse(text, options); err != nil {
		return r, fmt.Errorf("capture: %w", err)
	}
	return r, c.override(&r)
}

// readParts reads the delivery from --header, --headers and --body.
func (c *captureArg) readParts(stdin io.Reader) (r capture.Request, err error) {
	if c.header == "-" && c.body == "-" {
		return r, errors.New("--headers and --body can't both be standard input")
	}
	r.Method, r.Target, r.Header = http.MethodPost, "/", make(http.Header)
	if c.header != "" {
		text, err := readBounded(stdin, c.header)
		if err != nil {
			return r, err
		}
		if r, err = capture.ParseHeader(text); err != nil {
			return r, fmt.Errorf("--headers: %w", err)
		}
	}
	for _, field := range c.fields {
		if err := r.ParseField(field); err != nil {
			return r, fmt.Errorf("--header: %w", err)
		}
	}
	if c.body != "" {
		if r.Body, err = readBounded(stdin, c.body); err != nil {
			return r, err
		}
	}
	if r.Host == "" {
		r.Host = r.Header.Get("Host")
	}
	return r, c.override(&r)
}

// override takes what flags say over what the capture says.
func (c *captureArg) override(r *capture.Request) error {
	r.Method = cmp.Or(c.method, r.Method)
	r.Header.Del("Host") // as in a request that a server has read
	if c.url != "" {
		return r.SetURL(c.url)
	}
	return nil
}

// readRegular reads a file that a capture names. What isn't one, such as a pipe, may have no end.
func readRegular(name string) ([]byte, error) {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		// The name isn't repeated: what begins with @ may also be a body.
		return nil, errors.New("the command names a file that can't be read here")
	}
	return readBounded(nil, name)
}

// readBounded reads a file, or standard input for "-".
func readBounded(stdin io.Reader, name string) ([]byte, error) {
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		stdin = file
	}
	text, err := io.ReadAll(io.LimitReader(stdin, capture.MaxSize+1))
	if err == nil && len(text) > capture.MaxSize {
		err = fmt.Errorf("over %d MiB", capture.MaxSize>>20)
	}
	return text, err
}

// clock returns the time to judge by, and where it is from.
func (c *captureArg) clock(r capture.Request) (at time.Time, source string, err error) {
	if c.now != "" {
		if seconds, err := strconv.ParseInt(c.now, 10, 64); err == nil {
			return time.Unix(seconds, 0), "--now", nil
		}
		if at, err = time.Parse(time.RFC3339, c.now); err != nil {
			return at, "", errors.New("--now: write a time as 2026-01-02T15:04:05Z, or in seconds since 1970")
		}
		return at, "--now", nil
	}
	if !r.Time.IsZero() {
		return r.Time, "the capture's time", nil
	}
	if at, err := http.ParseTime(r.Header.Get("Date")); err == nil {
		return at, "the delivery's Date", nil
	}
	return time.Now(), "now", nil
}

// hostname returns the host that the delivery was sent to, without its port.
func hostname(r capture.Request) string {
	u, err := url.Parse("https://" + r.Host)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// publicURL returns where the delivery was sent to, without its path: what the capture says, https where it
// doesn't.
func publicURL(r capture.Request) string {
	if r.Host == "" {
		return ""
	}
	return cmp.Or(r.Scheme, "https") + "://" + r.Host
}
