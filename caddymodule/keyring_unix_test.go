//go:build unix

package caddymodule

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// A pipe in the place of a secret file has nothing that can be read again and again, and whoever reads it
// may wait for ever: it is an error where the configuration names it, and changes nothing later.
func TestASecretFileIsNoPipe(t *testing.T) {
	w := newWatched(t, firstSecret)
	os.Remove(w.path)
	if err := syscall.Mkfifo(w.path, 0o600); err != nil {
		t.Fatal(err)
	}
	config := site(`{}`, `{"handler":"webhook_verify","provider":"github","secrets":[{"value":"{file.`+w.path+`}"}]}`)
	if err := validate(t, config); err == nil || !strings.Contains(err.Error(), "is no regular file: name one that can be read again and again") {
		t.Errorf("%v", err)
	}
	w.refresh()
	w.refresh()
	w.uses(firstSecret)
	if w.problems() != 1 {
		t.Errorf("%d problems were logged", w.problems())
	}
}
