package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hookseal/hookseal/outbound"
)

// log is a stream. Its sequences are the positions.
type log struct {
	books   *books
	stream  jetstream.Stream
	name    string
	subject string
	reserve uint64 // what an append must leave of the disk, in bytes

	writing chan struct{} // has an element while somebody writes: a mutex that gives up with a context
	last    atomic.Uint64 // the sequence of the last record
	trimmed atomic.Uint64 // the sequence through which records are forgotten
}

func (l *log) Append(ctx context.Context, record []byte) (uint64, error) {
	return l.publish(ctx, l.subject, nil, record, l.reserve)
}

// publish adds a record behind the last one.
func (l *log) publish(ctx context.Context, subject string, header nats.Header, data []byte, reserve uint64) (uint64, error) {
	if err := l.books.alive(ctx); err != nil {
		return 0, err
	}
	if len(data) > l.books.maxRecord() {
		return 0, outbound.ErrTooLarge
	}
	if err := l.lock(ctx); err != nil {
		return 0, err
	}
	defer l.unlock()
	if err := l.books.room(uint64(len(data)), reserve); err != nil {
		return 0, err
	}
	last := l.last.Load()
	message := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{
		jetstream.MsgIDHeader:           {l.books.nextID()},
		jetstream.ExpectedLastSeqHeader: {strconv.FormatUint(last, 10)},
	}}
	for name, values := range header {
		message.Header[name] = values
	}
	sequence, err := l.settle(ctx, message, last+1)
	if err != nil {
		return 0, err
	}
	l.last.Store(sequence)
	return sequence, nil
}

// settle sends a message that is to get a sequence, again and again, until it is certain whether it
// did. Sending it twice is harmless, since its own first copy is what the second one meets there.
// If that can't be found out, the books are lost: the next record would not know its place either.
func (l *log) settle(ctx context.Context, message *nats.Msg, sequence uint64) (uint64, error) {
	bound, cancel := l.books.bind(ctx)
	defer cancel()
	var last error
	for doubt := false; ; wait(bound, pause) {
		if err := l.books.alive(ctx); err != nil {
			if doubt {
				l.books.lose()
				err = outbound.ErrLost
			}
			if last != nil {
				err = fmt.Errorf("%w (%v)", err, last)
			}
			return 0, err
		}
		// Not bound to the caller's context: giving up on a message that is on its way is what brings
		// about the doubt.
		limited, cancel := l.books.attempt(l.books.over, l.books.patience)
		ack, err := l.books.js.PublishMsg(limited, message, jetstream.WithRetryAttempts(0))
		late := errors.Is(limited.Err(), context.DeadlineExceeded)
		cancel()
		if err == nil {
			return ack.Sequence, nil
		}
		last = err
		switch {
		case passedBy(err):
			ours, err := l.holds(bound, sequence, message.Header.Get(jetstream.MsgIDHeader))
			if err != nil {
				doubt = true
				break
			}
			if ours == here {
				return sequence, nil
			}
			// A copy may have been accepted that is not yet to be seen.
			if ours == other || !doubt {
				l.books.lose()
				return 0, outbound.ErrLost
			}
		case broken(err), l.books.conn.IsClosed(), late && !l.books.cluster:
			l.books.lose()
			return 0, fmt.Errorf("%w (%v)", outbound.ErrLost, err)
		case doubt:
			// What is true of this copy need not be of the ones before it.
		case full(err):
			return 0, outbound.ErrFull
		case tooLarge(err):
			return 0, outbound.ErrTooLarge
		case unheard(err):
			if _, err := l.stream.Info(bound); noStream(err) {
				l.books.lose()
			}
		default:
			doubt = true
		}
	}
}

// whose says whose record is at a sequence.
type whose int

const (
	nobodys whose = iota // none is yet
	here                 // the one asked for
	other                // another is, or was
)

// holds tells whose record is at a sequence.
func (l *log) holds(ctx context.Context, sequence uint64, id string) (whose, error) {
	r, err := l.ask(ctx, sequence, false)
	if err == nil {
		if r.header.Get(jetstream.MsgIDHeader) == id {
			return here, nil
		}
		return other, nil
	}
	if !noRecord(err) {
		return nobodys, err
	}
	info, err := l.stream.Info(ctx)
	if err != nil {
		return nobodys, err
	}
	if info.State.FirstSeq > sequence || info.State.LastSeq+1 < sequence {
		return other, nil
	}
	return nobodys, nil
}

// ask asks the stream's leader, who knows every record that was acknowledged, for the record at a
// sequence or, if next, for the first one from there on.
func (l *log) ask(ctx context.Context, sequence uint64, next bool) (record, error) {
	request := map[string]any{"seq": sequence}
	if next {
		request["next_by_subj"] = ">"
	}
	data, err := json.Marshal(request)
	if err != nil {
		return record{}, err
	}
	reply, err := l.books.conn.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+l.name, data)
	if err != nil {
		return record{}, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Subject  string `json:"subject"`
			Sequence uint64 `json:"seq"`
			Header   []byte `json:"hdrs"`
			Data     []byte `json:"data"`
		} `json:"message"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return record{}, err
	}
	if answer.Error != nil {
		return record{}, answer.Error
	}
	m := answer.Message
	if m.Sequence < sequence {
		return record{}, errors.New("the answer holds no record")
	}
	r := record{sequence: m.Sequence, subject: m.Subject, data: m.Data}
	if len(m.Header) > 0 {
		r.header, err = nats.DecodeHeadersMsg(m.Header)
	}
	return r, err
}

func (l *log) Read(ctx context.Context, position uint64) (data []byte, err error) {
	if err := l.books.alive(ctx); err != nil {
		return nil, err
	}
	if position <= l.trimmed.Load() || position > l.last.Load() {
		return nil, outbound.ErrGone
	}
	err = l.books.insist(ctx, func(ctx context.Context) error {
		found, err := l.stream.GetMsg(ctx, position)
		if err == nil {
			data = found.Data
			return nil
		}
		// Any node of a cluster may have answered, also one that is behind.
		r, err := l.ask(ctx, position, false)
		data = r.data
		return err
	})
	if noRecord(err) {
		return nil, outbound.ErrGone
	}
	return data, err
}

func (l *log) Trim(ctx context.Context, through uint64) error {
	if err := l.books.alive(ctx); err != nil {
		return err
	}
	// Purging beyond the end would move the end there.
	through = min(through, l.last.Load())
	if through <= l.trimmed.Load() {
		return nil
	}
	err := l.books.insist(ctx, func(ctx context.Context) error {
		return l.stream.Purge(ctx, jetstream.WithPurgeSequence(through+1))
	})
	if err != nil {
		return err
	}
	// Of a cluster's nodes some may have the records still.
	for {
		trimmed := l.trimmed.Load()
		if trimmed >= through || l.trimmed.CompareAndSwap(trimmed, through) {
			return nil
		}
	}
}

func (l *log) Bytes(ctx context.Context) (bytes uint64, err error) {
	err = l.books.insist(ctx, func(ctx context.Context) error {
		info, err := l.stream.Info(ctx)
		if err != nil {
			return err
		}
		bytes = info.State.Bytes
		return nil
	})
	return bytes, err
}

func (l *log) lock(ctx context.Context) error {
	select {
	case l.writing <- struct{}{}:
		return nil
	case <-ctx.Done():
	case <-l.books.over.Done():
	}
	return l.books.alive(ctx)
}

func (l *log) unlock() { <-l.writing }
