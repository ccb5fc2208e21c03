package caddymodule

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hookseal/hookseal/verifiers"
)

// However a handler writes what the app says, the provider reads its own words in place of it, and no others.
func TestTheAppsWordsAreReplacedHoweverTheyAreWritten(t *testing.T) {
	const said = "<h1>what the app says</h1>"
	for name, write := range map[string]func(http.ResponseWriter){
		"Write":   func(w http.ResponseWriter) { _, _ = w.Write([]byte(said)) },
		"io.Copy": func(w http.ResponseWriter) { _, _ = io.Copy(w, io.LimitReader(strings.NewReader(said), 1<<10)) },
		"in pieces": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, said[:4])
			_, _ = io.Copy(w, strings.NewReader(said[4:]))
		},
		"flushed": func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush(); _, _ = io.WriteString(w, said) },
	} {
		for _, status := range []int{0, 200, 500} {
			got := httptest.NewRecorder()
			d := &delivery{acknowledgement: &verifiers.Acknowledgement{Body: "success"}}
			d.writer.ResponseWriter = d.acknowledging(got)
			if status != 0 {
				d.writer.WriteHeader(status)
			}
			write(&d.writer)
			want := "success"
			if status == 500 {
				want = said
			}
			if got.Body.String() != want || d.writer.accepted() != (status != 500) {
				t.Errorf("%s, status %d: answered %q", name, status, got.Body)
			}
		}
	}
}
