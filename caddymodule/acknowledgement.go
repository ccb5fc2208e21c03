package caddymodule

import (
	"io"
	"maps"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/hookseal/hookseal/verifiers"
)

// ackWriter says to the provider, when the app accepts, what that wants to read, and nothing that the app
// says besides. Any other answer of the app's goes through as it is.
type ackWriter struct {
	caddyhttp.ResponseWriterWrapper
	ack *verifiers.Acknowledgement

	decided, replaced bool
}

// acknowledging returns the writer for the answer to a delivery.
func (d *delivery) acknowledging(w http.ResponseWriter) http.ResponseWriter {
	if ack := d.acknowledgement; ack != nil {
		return &ackWriter{ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, ack: ack}
	}
	return w
}

// appFields are what an app says of its own body and its own visitors, or of how long to keep that.
var appFields = []string{
	"Content-Length", "Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Etag",
	"Last-Modified", "Set-Cookie", "Trailer", "Transfer-Encoding",
}

// WriteHeader replaces the app's answer if it accepts.
func (w *ackWriter) WriteHeader(status int) {
	if w.decided || status < 200 {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.decided = true
	if status > 299 {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.replaced = true
	header := w.Header()
	for _, name := range appFields {
		header.Del(name)
	}
	answer := w.ack.Answer(status)
	maps.Copy(header, answer.Header)
	w.ResponseWriter.WriteHeader(answer.Status)
	if len(answer.Body) > 0 {
		_, _ = w.ResponseWriter.Write(answer.Body) // a sender that hung up asks again
	}
}

// Write drops the app's body if it was replaced.
func (w *ackWriter) Write(p []byte) (int, error) {
	if !w.decided {
		w.WriteHeader(http.StatusOK)
	}
	if w.replaced {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// ReadFrom drops it as Write does; the wrapper's would go past that.
func (w *ackWriter) ReadFrom(r io.Reader) (int64, error) {
	if !w.decided {
		w.WriteHeader(http.StatusOK)
	}
	if w.replaced {
		return io.Copy(io.Discard, r)
	}
	return w.ResponseWriterWrapper.ReadFrom(r)
}

// FlushError decides first, because to flush is to write.
func (w *ackWriter) FlushError() error {
	if !w.decided {
		w.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}
