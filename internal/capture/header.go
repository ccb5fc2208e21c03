package capture

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// ParseHeader reads a header that was kept by itself: as it goes over the wire, with or without the request
// line, or as JSON, as programs log it. Errors hold nothing of it.
func ParseHeader(text []byte) (Request, error) {
	r := Request{Method: http.MethodPost, Target: "/"}
	text, _ = toUTF8(text)
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		if err := r.addJSON(trimmed); err != nil {
			return r, err
		}
		r.Host = r.Header.Get("Host")
		return r, nil
	}
	behind, err := r.head(text)
	if err == nil && len(bytes.TrimSpace(behind)) > 0 {
		err = errors.New("something stands behind the empty line that ends a header")
	}
	return r, err
}

var errHeaderJSON = errors.New(`a header in JSON is {"Name": "value"}, {"Name": ["value"]} or [{"name": "Name", "value": "value"}]`)

// addJSON adds header fields from JSON: an object whose members are texts or lists of texts, or a list of objects
// as archives have it.
func (r *Request) addJSON(text []byte) error {
	if text[0] == '[' {
		var fields []struct{ Name, Value string }
		if json.Unmarshal(text, &fields) != nil {
			return errHeaderJSON
		}
		for _, f := range fields {
			if strings.HasPrefix(f.Name, ":") {
				continue // of HTTP/2, and said by method and url
			}
			if err := r.add(f.Name, f.Value); err != nil {
				return err
			}
		}
		return nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil {
		return errHeaderJSON
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var value string
		var values []string
		switch {
		case json.Unmarshal(fields[name], &value) == nil:
			values = []string{value}
		case json.Unmarshal(fields[name], &values) != nil:
			return errHeaderJSON
		}
		for _, value := range values {
			if err := r.add(name, value); err != nil {
				return err
			}
		}
	}
	return nil
}
