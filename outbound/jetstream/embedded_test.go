package jetstream

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/outbound/journaltest"
)

func TestEmbeddedKeepsTheContract(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) journaltest.Store {
		dir := t.TempDir()
		var free atomic.Uint64
		free.Store(math.MaxInt64)
		var running atomic.Pointer[server.Server]
		return journaltest.Store{
			Journal: func() outbound.Journal {
				return &Embedded{
					Dir:     dir,
					Warn:    func(message string) { t.Log("warning:", message) },
					free:    func(string) (uint64, error) { return free.Load(), nil },
					started: running.Store,
				}
			},
			Lose: func() { running.Load().Shutdown() },
			Fill: func(full bool) {
				if free.Store(math.MaxInt64); full {
					free.Store(0)
				}
			},
		}
	})
}

func TestAttemptsGoOnWhereMessagesHaveNoRoom(t *testing.T) {
	var free atomic.Uint64
	books := opened(t, &Embedded{Dir: t.TempDir(), free: func(string) (uint64, error) { return free.Load(), nil }})
	record := make([]byte, 100)
	appendTo := func(log outbound.Log) error {
		_, err := log.Append(t.Context(), record)
		return err
	}
	for _, test := range []struct {
		free               uint64
		messages, attempts error
	}{
		{64<<20 + 100, nil, nil},
		{64<<20 + 99, outbound.ErrFull, nil},
		{16<<20 + 100, outbound.ErrFull, nil},
		{16<<20 + 99, outbound.ErrFull, outbound.ErrFull},
		{0, outbound.ErrFull, outbound.ErrFull},
		{64<<20 + 100, nil, nil},
	} {
		free.Store(test.free)
		for what, result := range map[string]struct{ got, want error }{
			"message": {appendTo(books.Messages), test.messages},
			"attempt": {appendTo(books.Attempts), test.attempts},
			"put":     {books.Registry.Put(t.Context(), "key", record), test.messages},
		} {
			if !errors.Is(result.got, result.want) {
				t.Errorf("%d bytes free: %s: error %v, want %v", test.free, what, result.got, result.want)
			}
		}
	}
	// Deleting makes room in the end, and so may use what attempts may.
	free.Store(16<<20 + 100)
	if err := books.Registry.Delete(t.Context(), "key"); err != nil {
		t.Errorf("delete: %v", err)
	}
}

func TestFreeSpaceIsThatOfTheFoldersDisk(t *testing.T) {
	free, err := freeSpace(t.TempDir())
	if err != nil || free == 0 {
		t.Errorf("%d bytes are free (error %v)", free, err)
	}
	if _, err := freeSpace(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a folder that isn't there has free space")
	}
}

func TestTheFolderIsItsOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal", "here")
	opened(t, &Embedded{Dir: dir})
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("permissions are %v (error %v)", info.Mode().Perm(), err)
	}
}

func TestWhatWaitingDoesNotMendIsAnErrorAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	taken := t.TempDir()
	if err := os.WriteFile(filepath.Join(taken, "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, journal := range map[string]outbound.Journal{
		"no folder":                      &Embedded{},
		"a file for a folder":            &Embedded{Dir: file},
		"a folder below a file":          &Embedded{Dir: filepath.Join(file, "journal")},
		"a file where the server's goes": &Embedded{Dir: taken},
		"no URL":                         &Cluster{},
		"a URL of something else":        &Cluster{URLs: []string{"http://localhost"}},
		"a URL with a password":          &Cluster{URLs: []string{"nats://user:hunter2@localhost"}},
		"a URL that is none":             &Cluster{URLs: []string{"nats://user:hunter2@local host"}},
		"a prefix with a dot":            &Cluster{URLs: []string{"nats://localhost"}, Prefix: "a.b"},
		"six replicas":                   &Cluster{URLs: []string{"nats://localhost"}, Replicas: 6},
		"less than nothing":              &Cluster{URLs: []string{"nats://localhost"}, MaxBytes: -1},
		"two ways to log in":             &Cluster{URLs: []string{"nats://localhost"}, User: "user", Token: "hunter2"},
		"a seed that is none":            &Cluster{URLs: []string{"nats://localhost"}, NKeySeed: "hunter2"},
		"no file of credentials":         &Cluster{URLs: []string{"nats://localhost"}, CredentialsFile: filepath.Join(t.TempDir(), "none")},
		"no file of certificates":        &Cluster{URLs: []string{"nats://localhost"}, CAFile: filepath.Join(t.TempDir(), "none")},
	} {
		books, err := journal.Open(t.Context())
		if err == nil {
			books.Close()
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error holds the secret: %v", name, err)
		}
	}
}

// The server turns JetStream off when its disk fails it.
func TestAServerWhoseDiskFailsIsStartedAgain(t *testing.T) {
	var running atomic.Pointer[server.Server]
	e := &Embedded{Dir: t.TempDir(), started: running.Store}
	books := opened(t, e)
	appended(t, books.Messages, "before")
	if err := running.Load().ShutdownJetStream(); err != nil {
		t.Fatal(err)
	}
	<-books.Lost
	if _, err := books.Messages.Append(t.Context(), []byte("meanwhile")); !errors.Is(err, outbound.ErrLost) {
		t.Errorf("append: error %v, want one that is %v", err, outbound.ErrLost)
	}
	if err := books.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	books = opened(t, e)
	appended(t, books.Messages, "after")
	if got, want := replayed(t, books.Messages), []string{"before", "after"}; !slices.Equal(got, want) {
		t.Errorf("replay: %q, want %q", got, want)
	}
}

func TestClosingTwiceIsClosingOnce(t *testing.T) {
	e := &Embedded{Dir: t.TempDir()}
	books := opened(t, e)
	for range 2 {
		if err := books.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	select {
	case <-books.Lost:
		t.Error("closed books are lost")
	default:
	}
	appended(t, opened(t, e).Messages, "a")
}

// A server says nothing any more to a write after its disk was full.
func TestAServerThatFallsSilentIsLost(t *testing.T) {
	for name, act := range map[string]func(*outbound.Books) error{
		"append": func(books *outbound.Books) error {
			_, err := books.Messages.Append(t.Context(), []byte("a"))
			return err
		},
		"bytes": func(books *outbound.Books) error {
			_, err := books.Messages.Bytes(t.Context())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			node := startNodes(t, 1)
			p := startProxy(t, strings.TrimPrefix(node.urls()[0], "nats://"))
			conn, err := nats.Connect(p.url())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			b, err := newBooks(conn, false, func(uint64, uint64) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			books, err := b.open(t.Context(), layout{prefix: DefaultPrefix, replicas: 1})
			if err != nil {
				t.Fatal(err)
			}
			p.set(true, false)
			b.patience = 10 * time.Millisecond
			if err := act(books); !errors.Is(err, outbound.ErrLost) {
				t.Errorf("error %v, want one that is %v", err, outbound.ErrLost)
			}
			<-books.Lost
		})
	}
}
