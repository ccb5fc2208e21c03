package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// answer is what a request is answered with.
type answer struct {
	status int
	header http.Header
	body   []byte // JSON, or nil
}

// reply returns an answer with a body, which is something that encoding/json can write.
func reply(status int, body any) (answer, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return answer{}, err
	}
	return answer{status: status, body: text.Bytes()}, nil
}

// done is the answer of an operation that has nothing to tell.
var done = answer{status: http.StatusNoContent}

// write sends the answer.
func (a answer) write(w http.ResponseWriter) {
	header := w.Header()
	for name, values := range a.header {
		header[name] = values
	}
	if a.body != nil {
		header.Set("Content-Type", "application/json")
		header.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	// Answers hold payloads and secrets.
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(a.status)
	if a.body != nil {
		w.Write(a.body)
	}
}

// moment is a time as Svix writes it: RFC 3339 in UTC, with microseconds.
type moment time.Time

// MarshalText writes the time.
func (m moment) MarshalText() ([]byte, error) {
	return time.Time(m).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000000Z"), nil
}

// optional returns nil for a zero value, which JSON writes as null.
func optional[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// optionalMoment returns nil for the zero time.
func optionalMoment(t time.Time) *moment {
	if t.IsZero() {
		return nil
	}
	return (*moment)(&t)
}

// dictionary returns a map that JSON writes as an object even if it is nil.
func dictionary(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
