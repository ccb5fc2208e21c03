package api

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/hookseal/hookseal/outbound"
)

// fault is an error with its answer. It has a code and a detail, or violations.
type fault struct {
	status       int
	code, detail string
	violations   []violation
	header       http.Header
}

// violation is what is wrong in one place of a request.
type violation struct {
	Location []string `json:"loc"`
	Message  string   `json:"msg"`
	Type     string   `json:"type"`
}

// Error returns the detail or the first violation.
func (f *fault) Error() string {
	if len(f.violations) > 0 {
		return f.violations[0].Message
	}
	return f.detail
}

// The types of violations, as Svix names them.
const (
	typeValue = "value_error"
	typeJSON  = "value_error.jsondecode"
)

var (
	errToken = &fault{
		status: http.StatusUnauthorized,
		code:   "authentication_failed",
		detail: "Incorrect authentication credentials.",
		header: http.Header{"Www-Authenticate": {"Bearer"}},
	}
	errPath = &fault{
		status: http.StatusNotFound,
		code:   "not_found",
		detail: "There is no such path. The API is at /api/v1, and events are published at /publish.",
	}
	errNotFound = &fault{
		status: http.StatusNotFound,
		code:   "not_found",
		detail: "Entity not found",
	}
	errCut = &fault{
		status: http.StatusBadRequest,
		code:   "incomplete_body",
		detail: "The body ended before it was complete, or could not be read.",
	}
)

func errTooLarge(limit int64) error {
	return &fault{
		status: http.StatusRequestEntityTooLarge,
		code:   "payload_too_large",
		detail: fmt.Sprintf("The body is larger than %d bytes.", limit),
		// Below 256 KiB Go reads the rest of the body before it sends the answer, unless it is told
		// that the connection ends.
		header: http.Header{"Connection": {"close"}},
	}
}

func errMethod(allowed string) error {
	return &fault{
		status: http.StatusMethodNotAllowed,
		code:   "method_not_allowed",
		detail: "This path takes " + allowed + ".",
		header: http.Header{"Allow": {allowed}},
	}
}

func errMedia(detail string) error {
	return &fault{status: http.StatusUnsupportedMediaType, code: "unsupported_media_type", detail: detail}
}

// invalid returns the fault of one violation.
func invalid(message string, location ...string) error {
	return &fault{
		status:     http.StatusUnprocessableEntity,
		violations: []violation{{Location: location, Message: message, Type: typeValue}},
	}
}

// answerTo returns the answer to an error: a fault's own, or what the hub's errors come to.
func answerTo(err error) answer {
	f := faultOf(err)
	var body any = map[string]string{"code": f.code, "detail": f.detail}
	if len(f.violations) > 0 {
		body = map[string][]violation{"detail": f.violations}
	}
	a, _ := reply(f.status, body)
	a.header = f.header
	return a
}

func faultOf(err error) *fault {
	var f *fault
	var wrong *outbound.InvalidError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &wrong):
		return faultOf(named(err, nil))
	case errors.Is(err, outbound.ErrNotFound):
		return errNotFound
	case errors.Is(err, outbound.ErrExists):
		return &fault{status: http.StatusConflict, code: "conflict", detail: "An entity with that id, uid or name exists already."}
	case errors.Is(err, outbound.ErrManaged):
		return &fault{status: http.StatusConflict, code: "managed", detail: "The endpoint comes from the server's configuration. But for disabled it is changed there, and its secret stands there."}
	case errors.Is(err, outbound.ErrTooLarge):
		return &fault{status: http.StatusRequestEntityTooLarge, code: "payload_too_large", detail: "This is larger than the server can keep."}
	case errors.Is(err, outbound.ErrFull):
		return &fault{
			status: http.StatusServiceUnavailable,
			code:   "insufficient_storage",
			detail: "The server has no room left to keep this. What it has accepted is safe.",
			header: http.Header{"Retry-After": {"30"}},
		}
	case errors.Is(err, outbound.ErrUnavailable), errors.Is(err, outbound.ErrLost):
		return &fault{
			status: http.StatusServiceUnavailable,
			code:   "unavailable",
			detail: "The server can't do this now. It may in a moment.",
			header: http.Header{"Retry-After": {"1"}},
		}
	}
	// What else may fail, such as a client that has gone, is no business of whoever asks.
	return &fault{status: http.StatusInternalServerError, code: "server_error", detail: "Internal Server Error"}
}

// named gives an *outbound.InvalidError the place in the request that its field came from, and lets other
// errors be. Places are by field.
func named(err error, places map[string][]string) error {
	var wrong *outbound.InvalidError
	if !errors.As(err, &wrong) {
		return err
	}
	place, ok := places[wrong.Field]
	switch {
	case ok:
		return invalid(place[len(place)-1]+" "+wrong.Problem, place...)
	case wrong.Field == "Endpoint":
		place = []string{"path", "endpoint_id"}
	default:
		place = []string{"body"}
	}
	return invalid(wrong.Field+" "+wrong.Problem, place...)
}
