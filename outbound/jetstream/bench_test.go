package jetstream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/hookseal/hookseal/outbound"
)

var sizes = []int{1 << 10, 32 << 10, 256 << 10}

// incompressible returns bytes that no file system makes fewer of.
func incompressible(size int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	record := make([]byte, size)
	for i := range record {
		record[i] = byte(random.Uint32())
	}
	return record
}

func openedForBenchmark(b *testing.B, dir string) *outbound.Books {
	b.Helper()
	books, err := (&Embedded{Dir: dir, Warn: func(message string) { b.Log("warning:", message) }}).Open(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { books.Close() })
	return books
}

// BenchmarkAppend measures one synced append after the other, and the least that it could cost: one
// write and one fsync of the same bytes.
func BenchmarkAppend(b *testing.B) {
	for _, size := range sizes {
		record := incompressible(size)
		b.Run(fmt.Sprintf("journal/%d KiB", size>>10), func(b *testing.B) {
			books := openedForBenchmark(b, b.TempDir())
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := books.Messages.Append(b.Context(), record); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("fsync/%d KiB", size>>10), func(b *testing.B) {
			file, err := os.Create(filepath.Join(b.TempDir(), "file"))
			if err != nil {
				b.Fatal(err)
			}
			defer file.Close()
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := file.Write(record); err != nil {
					b.Fatal(err)
				}
				if err := file.Sync(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// filled makes a journal of n records of 300 bytes. The server isn't told to sync them, which would
// take most of an hour.
func filled(b *testing.B, n int) string {
	b.Helper()
	dir := b.TempDir()
	e := &Embedded{Dir: dir, unsynced: true}
	books, err := e.Open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	record := incompressible(300)
	for range n {
		if _, err := books.Messages.Append(b.Context(), record); err != nil {
			b.Fatal(err)
		}
	}
	if err := books.Close(); err != nil {
		b.Fatal(err)
	}
	return dir
}

// BenchmarkMany measures opening a journal of a million records and replaying them.
func BenchmarkMany(b *testing.B) {
	const n = 1_000_000
	dir := filled(b, n)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			books, err := (&Embedded{Dir: dir}).Open(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			books.Close()
			b.StartTimer()
		}
	})
	b.Run("open after a crash", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			if err := os.RemoveAll(filepath.Join(dir, "jetstream/$G/streams/hookseal_messages/msgs/index.db")); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			books, err := (&Embedded{Dir: dir}).Open(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			books.Close()
			b.StartTimer()
		}
	})
	b.Run("replay", func(b *testing.B) {
		books := openedForBenchmark(b, dir)
		for b.Loop() {
			count := 0
			err := books.Messages.Replay(b.Context(), 0, func(uint64, []byte) error { count++; return nil })
			if err != nil || count != n {
				b.Fatalf("%d records, error %v", count, err)
			}
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
}

// BenchmarkOpen measures opening and closing an empty journal.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		books, err := (&Embedded{Dir: dir}).Open(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		books.Close()
	}
}
