package jetstream

import (
	"context"
	"errors"
	"os"
	"time"
)

// errLocked means that another process has a file locked.
var errLocked = errors.New("file is locked")

// lockEvery is how often a file that is locked is tried again. There is no portable way to be told.
const lockEvery = 50 * time.Millisecond

// lockFile makes a file if there is none and locks it, for as long as it is open, which it isn't
// any more when the process has died. It waits while another has it.
func lockFile(ctx context.Context, name string) (*os.File, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		file, err := tryLock(name)
		if !errors.Is(err, errLocked) {
			return file, err
		}
		wait(ctx, lockEvery)
	}
}
