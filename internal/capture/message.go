package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
)

// parseMessage reads an HTTP message as it goes over the wire, with either kind of line ends. The request
// line may be missing, and HTTP/2's fields (:method, :path) may stand in its place.
func parseMessage(text []byte) (Request, error) {
	var r Request
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	text = bytes.TrimLeft(text, "\r\n")
	first := true
	var last string // the name of the field that a folded line goes on
	for more := true; more; {
		var line []byte
		line, text, more = bytes.Cut(text, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			break
		}
		switch {
		case first && r.requestLine(string(line)):
		case !first && (line[0] == ' ' || line[0] == '\t'):
			// The break stays in: that a line was folded may be what is wrong with it.
			if last == "" {
				return r, errors.New("a folded line without a field in front of it")
			}
			values := r.Header[last]
			values[len(values)-1] += "\r\n" + string(line)
			if len(values[len(values)-1]) > maxValue {
				return r, fmt.Errorf("a field of over %d KiB", maxValue>>10)
			}
		case line[0] == ':':
			if err := r.pseudo(string(line)); err != nil {
				return r, err
			}
			last = ""
		default:
			if err := r.ParseField(string(line)); err != nil {
				return r, fmt.Errorf("expected header fields, an empty line and the body: %w", err)
			}
			name, _, _ := strings.Cut(string(line), ":")
			last = textproto.CanonicalMIMEHeaderKey(name)
		}
		first = false
	}
	if len(r.Header) == 0 {
		return r, errors.New("no header fields")
	}
	if host := r.Header.Get("Host"); r.Host == "" {
		r.Host = host
	}
	r.Body = text
	r.delimit()
	return r, nil
}

// maxValue bounds a folded header field.
const maxValue = 1 << 20

// requestLine reads "METHOD target HTTP/1.1", and reports whether a line is one.
func (r *Request) requestLine(line string) bool {
	words := strings.Fields(line)
	if len(words) < 2 || len(words) > 3 || len(words) == 3 && !strings.HasPrefix(words[2], "HTTP/") || strings.Trim(words[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
		return false
	}
	r.Method = words[0]
	if strings.HasPrefix(words[1], "/") {
		r.Target = words[1]
	} else {
		r.setURL(words[1])
	}
	return true
}

// pseudo reads a field of HTTP/2 that stands for a part of the request line.
func (r *Request) pseudo(line string) error {
	name, value, ok := strings.Cut(line[1:], ":")
	value = strings.TrimSpace(value)
	if !ok {
		return errors.New(`a header field is written "Name: value"`)
	}
	switch name {
	case "method":
		r.Method = value
	case "path":
		r.Target = value
	case "scheme":
		r.Scheme = value
	case "authority":
		r.Host = value
	}
	return nil
}

// delimit finds the end of the body.
func (r *Request) delimit() {
	if strings.EqualFold(r.Header.Get("Transfer-Encoding"), "chunked") {
		body, err := io.ReadAll(io.LimitReader(httputil.NewChunkedReader(bytes.NewReader(r.Body)), MaxSize))
		if err == nil {
			r.Body = body
			return
		}
		r.Notes = append(r.Notes, "the header says that the body is in chunks, and it isn't: it is taken as it stands")
		return
	}
	length, err := strconv.Atoi(r.Header.Get("Content-Length"))
	switch {
	case err != nil || length < 0 || length == len(r.Body):
	case length < len(r.Body) && len(bytes.Trim(r.Body[length:], "\r\n")) == 0:
		r.Notes = append(r.Notes, fmt.Sprintf("the line break behind the %d bytes that Content-Length announces was left out", length))
		r.Body = r.Body[:length]
	default:
		r.Notes = append(r.Notes, fmt.Sprintf("Content-Length announces %d bytes, and the body has %d", length, len(r.Body)))
	}
}
