package durability

import (
	"net/http"
	"testing"
	"time"
)

const (
	// patience is how long a test waits for what must come. It is a net under a broken build; no test
	// passes because of it.
	patience = 2 * time.Minute

	// pause is what lies between two looks at what nobody tells us of.
	pause = 10 * time.Millisecond
)

// prober asks how things are.
var prober = http.Client{Timeout: patience}

// eventually returns when something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	if !comes(is) {
		t.Fatalf("%s: that never came", what)
	}
}

// comes waits until something is so, and reports whether it came to that.
func comes(is func() bool) bool {
	for end := time.Now().Add(patience); !is(); time.Sleep(pause) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}
