package outbound

import (
	"errors"
	"fmt"
)

// Errors of a hub, besides ErrFull and ErrTooLarge.
var (
	// ErrNotFound means that there is no such application, endpoint, event type, message or attempt.
	ErrNotFound = errors.New("not found")

	// ErrExists means that the name, uid or event id is taken.
	ErrExists = errors.New("exists already")

	// ErrManaged means that the endpoint comes from the configuration and is changed there.
	ErrManaged = errors.New("the endpoint comes from the configuration: change it there")

	// ErrUnavailable means that the hub can't be used now: it is starting, another gateway has its
	// journal, or the journal can't be reached. Later it may be.
	ErrUnavailable = errors.New("not available now")
)

// InvalidError says which field of what was given is wrong, and how to mend it.
type InvalidError struct {
	// Field is the name as the Go types here have it, such as "URL".
	Field   string
	Problem string
}

// Error returns the field and the problem.
func (e *InvalidError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Problem) }
