package caddymodule

import (
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// statusWriter notes the status that the next handler answers with: 0 as long as it hasn't.
type statusWriter struct {
	caddyhttp.ResponseWriterWrapper
	status int
}

// WriteHeader notes the first final status; those below 200 announce another.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 || status == http.StatusSwitchingProtocols {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write notes the status that writing without one implies.
func (w *statusWriter) Write(p []byte) (int, error) {
	w.imply()
	return w.ResponseWriter.Write(p)
}

// ReadFrom notes the same.
func (w *statusWriter) ReadFrom(r io.Reader) (int64, error) {
	w.imply()
	return w.ResponseWriterWrapper.ReadFrom(r)
}

// FlushError notes the same.
func (w *statusWriter) FlushError() error {
	w.imply()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *statusWriter) imply() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

// accepted reports whether the handler answered 2xx.
func (w *statusWriter) accepted() bool { return w.status >= 200 && w.status <= 299 }
