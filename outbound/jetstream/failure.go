package jetstream

import (
	"errors"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Error codes of the JetStream API for which its client has no names:
// https://github.com/nats-io/nats-server/blob/v2.15.2/server/errors.json
const (
	codeAccountResources jetstream.ErrorCode = 10002
	codeNoPeers          jetstream.ErrorCode = 10005
	codeResources        jetstream.ErrorCode = 10023
	codeStorageResources jetstream.ErrorCode = 10047
	codeReplicas         jetstream.ErrorCode = 10074
	codeStoreFailed      jetstream.ErrorCode = 10077
)

// answer returns the error that the JetStream API answered with. Its code is 0 if err is none.
func answer(err error) jetstream.APIError {
	var api *jetstream.APIError
	if errors.As(err, &api) && api != nil {
		return *api
	}
	return jetstream.APIError{}
}

// full reports whether there was no room for a record.
func full(err error) bool {
	switch a := answer(err); a.ErrorCode {
	case codeAccountResources, codeResources, codeStorageResources:
		return true
	case codeStoreFailed:
		return strings.Contains(a.Description, "maximum bytes")
	}
	return false
}

// broken reports whether the server's disk failed it, after which the server stays as it is until
// it is started again.
func broken(err error) bool { return answer(err).ErrorCode == codeStoreFailed && !full(err) }

// tooLarge reports whether a record was larger than the server takes.
func tooLarge(err error) bool {
	return errors.Is(err, nats.ErrMaxPayload) || answer(err).ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum
}

// passedBy reports whether another record stands where this one was to stand.
func passedBy(err error) bool {
	c := answer(err).ErrorCode
	return c == jetstream.JSErrCodeStreamWrongLastSequence || c == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}

// noStream reports whether there is no such stream.
func noStream(err error) bool { return answer(err).ErrorCode == jetstream.JSErrCodeStreamNotFound }

// noRecord reports whether a stream has no such record.
func noRecord(err error) bool { return answer(err).ErrorCode == jetstream.JSErrCodeMessageNotFound }

// unheard reports whether a request certainly reached nobody.
func unheard(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) ||
		errors.Is(err, nats.ErrReconnectBufExceeded)
}

// passing reports whether what the servers of a cluster answered may be different at the next try,
// because they are electing a leader or not all of them are there yet.
func passing(err error) bool {
	a := answer(err)
	return a.ErrorCode == codeNoPeers || a.Code >= 500 && a.ErrorCode != codeReplicas
}
