package outbound

import (
	"context"
	"errors"
)

// Journal is where a hub keeps what must not be lost: every accepted message, every attempt, and
// the registry of who is to get what. It has one user at a time.
type Journal interface {
	// Open takes the journal for the caller alone. While another process has it, and while it can't
	// be reached, Open waits, until the context ends. An error that waiting can't mend (a folder that
	// can't be written, a wrong password) is returned at once.
	Open(ctx context.Context) (*Books, error)
}

// Books are an open journal.
type Books struct {
	// Messages holds the accepted messages and Attempts what became of them.
	Messages, Attempts Log

	// Registry holds the applications, event types and endpoints.
	Registry Table

	// MaxRecord is the size in bytes of the largest record and the largest value.
	MaxRecord int

	// Lost is closed when the journal is no longer the caller's alone, or when it broke. What was
	// not acknowledged by then may or may not have been written: close the books and open them again.
	Lost <-chan struct{}

	// Close gives the journal back. Nothing of the books may be used after it.
	Close func() error
}

// Errors of journals.
var (
	// ErrFull means that there is no room. Nothing was written.
	ErrFull = errors.New("journal is full")

	// ErrTooLarge means that a record is larger than MaxRecord. Nothing was written.
	ErrTooLarge = errors.New("record is too large for the journal")

	// ErrLost means that the journal is not the caller's any more, that it can't be reached or that
	// it broke. The record may have been written or not: Replay after opening again tells.
	ErrLost = errors.New("journal is lost")

	// ErrGone means that a record isn't there, because it was forgotten or never was.
	ErrGone = errors.New("record is gone")
)

// Log is a durable sequence of records, which are added at its end and forgotten at its beginning.
// Positions grow, from above zero, and are never given twice.
//
// Its methods may be called from many goroutines at once.
type Log interface {
	// Append adds a record and returns its position once it is on disk (in a cluster: on the disks
	// of a majority). No other writer's record stands between it and the last one that the caller
	// appended or was shown by Replay; where one does, the journal is lost. Errors: ErrFull,
	// ErrTooLarge, ErrLost.
	Append(ctx context.Context, record []byte) (position uint64, err error)

	// Replay calls each with the records behind a position, oldest first, up to the one that was
	// last when it was called, and stops at the first error of each, which it returns. The record may
	// not be kept or changed after each returns. Errors besides: ErrLost.
	Replay(ctx context.Context, after uint64, each func(position uint64, record []byte) error) error

	// Read returns the record at a position. Errors: ErrGone, ErrLost.
	Read(ctx context.Context, position uint64) ([]byte, error)

	// Trim forgets the records up to a position, that one included. Errors: ErrLost.
	Trim(ctx context.Context, through uint64) error

	// Bytes returns how much the log takes. Errors: ErrLost.
	Bytes(ctx context.Context) (uint64, error)
}

// Table is a durable map of small values. Keys are of ASCII letters, digits, "-", "_", "/", "=" and ".",
// 1 to 200 of them, without a dot or slash at either end or two in a row.
//
// Its methods may be called from many goroutines at once.
type Table interface {
	// Put sets the value of a key, on disk when it returns. Errors: ErrFull, ErrTooLarge, ErrLost.
	Put(ctx context.Context, key string, value []byte) error

	// Delete removes a key; one that isn't there is no error. Errors: ErrFull, ErrLost.
	Delete(ctx context.Context, key string) error

	// Each calls each with every key and its value, in no order, and stops at its first error, which
	// it returns. Errors besides: ErrLost.
	Each(ctx context.Context, each func(key string, value []byte) error) error
}
