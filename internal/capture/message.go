package capture

import (
	"bytes"
	"errors"
	"fmt"
	"net/textproto"
	"strconv"
	"strings"
)

// parseMessage reads an HTTP message as it goes over the wire, with either kind of line ends.
func parseMessage(text []byte) (Request, error) {
	var r Request
	body, err := r.head(text)
	if err != nil {
		return r, err
	}
	r.Body = body
	r.delimit()
	return r, nil
}

// head reads up to the empty line, and returns what stands behind it. The request line may be missing, and
// HTTP/2's fields (:method, :path) may stand in its place.
func (r *Request) head(text []byte) (body []byte, err error) {
	text = bytes.TrimLeft(text, "\r\n")
	first, paired := true, false
	var last string // the name of the field that a folded line goes on
	for more := true; more; {
		var line []byte
		line, text, more = cutLine(text)
		if len(line) == 0 {
			break
		}
		if first {
			paired = isNameAlone(line) && more
		}
		if paired {
			// As copied from what a browser shows: a line for the name, and one for the value.
			var value []byte
			value, text, more = cutLine(text)
			line = append(append(bytes.TrimSuffix(bytes.Clone(line), []byte(":")), ": "...), value...)
		}
		switch {
		case first && r.requestLine(string(line)):
		case line[0] == ':':
			err = r.pseudo(string(line))
		case !first && (line[0] == ' ' || line[0] == '\t'):
			err = r.fold(last, string(line))
		default:
			last, err = r.field(string(line))
		}
		if err != nil {
			return nil, err
		}
		first = false
	}
	if len(r.Header) == 0 {
		return nil, errors.New("no header fields")
	}
	if r.Host == "" {
		r.Host = r.Header.Get("Host")
	}
	return text, nil
}

// cutLine returns the first line of a text and what stands behind it.
func cutLine(text []byte) (line, rest []byte, more bool) {
	line, rest, more = bytes.Cut(text, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest, more
}

// isNameAlone reports whether a line has the name of a header field and nothing else.
func isNameAlone(line []byte) bool {
	name := bytes.TrimSuffix(bytes.TrimPrefix(line, []byte(":")), []byte(":"))
	return len(name) > 0 && !bytes.ContainsAny(name, ": \t")
}

// field reads a line of a header, and returns the name of its field.
func (r *Request) field(line string) (name string, err error) {
	if err := r.ParseField(line); err != nil {
		return "", fmt.Errorf("expected header fields, an empty line and the body: %w", err)
	}
	name, _, _ = strings.Cut(line, ":")
	return textproto.CanonicalMIMEHeaderKey(name), nil
}

// fold goes on with a field in another line. The break stays in: that a line was folded may be what is wrong
// with it.
func (r *Request) fold(name, line string) error {
	values := r.Header[name]
	if len(values) == 0 {
		return errors.New("a folded line without a field in front of it")
	}
	values[len(values)-1] += "\r\n" + line
	if len(values[len(values)-1]) > maxValue {
		return fmt.Errorf("a field of over %d KiB", maxValue>>10)
	}
	return nil
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
		r.joinChunks()
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

// joinChunks takes the body out of its chunks. Their line ends may have been changed, like those of the rest.
func (r *Request) joinChunks() {
	var body []byte
	rest := r.Body
	for {
		line, behind, _ := cutLine(rest)
		digits, _, _ := strings.Cut(string(line), ";")
		size, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 31)
		switch {
		case err != nil && len(body) == 0:
			r.Notes = append(r.Notes, "the header says that the body is in chunks, and it isn't: it is taken as it stands")
			return
		case err != nil || int(size) > len(behind):
			r.Notes = append(r.Notes, "the chunks of the body end early: it is taken as far as they go")
			if err == nil {
				body = append(body, behind...)
			}
			r.Body = body
			return
		case size == 0:
			r.Body = body
			return
		}
		body = append(body, behind[:size]...)
		rest = bytes.TrimPrefix(bytes.TrimPrefix(behind[size:], []byte("\r")), []byte("\n"))
	}
}
