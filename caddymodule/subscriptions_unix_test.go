//go:build unix

package caddymodule

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hookseal/hookseal/outbound"
)

// A pipe would be waited for without end.
func TestSubscriptionsInNoRegularFileAreRefused(t *testing.T) {
	f := newSubscriptionsFile(t, outbound.Egress{})
	refused := func() {
		t.Helper()
		want := "subscriptions " + f.path + ": is no regular file: name one that can be read again and again"
		if _, err := f.read(); err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
	path := f.path
	f.path = filepath.Dir(path)
	refused()
	f.path = path
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	refused()
}
