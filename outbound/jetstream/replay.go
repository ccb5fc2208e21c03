package jetstream

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What one batch of a replay holds at most, which is what waits in memory for the caller. A batch
// ends behind the record that reaches its bytes.
const (
	batchRecords = 4096
	batchBytes   = 4 << 20
)

func (l *log) Replay(ctx context.Context, after uint64, each func(uint64, []byte) error) error {
	return l.scan(ctx, after, l.last.Load(), func(sequence uint64, m *nats.Msg) error {
		return each(sequence, m.Data)
	})
}

// scan calls each with the records behind a sequence and through another.
//
// Any node of a cluster may answer for a batch, also one that is behind: it is believed about the
// records that it has. That there are none, only the stream's leader can say.
func (l *log) scan(ctx context.Context, after, through uint64, each func(uint64, *nats.Msg) error) error {
	if err := l.books.alive(ctx); err != nil {
		return err
	}
	for after < through {
		var records []*nats.Msg
		err := l.books.insist(ctx, func(ctx context.Context) (err error) {
			records, err = l.batch(ctx, after+1, min(through-after, batchRecords))
			return err
		})
		if err != nil {
			return err
		}
		for _, record := range records {
			sequence, err := strconv.ParseUint(record.Header.Get(jetstream.SequenceHeader), 10, 64)
			if err != nil || sequence <= after {
				return fmt.Errorf("stream %s: a record behind %d has the sequence %d (error %v)", l.name, after, sequence, err)
			}
			if sequence > through {
				return nil
			}
			if err := each(sequence, record); err != nil {
				return err
			}
			after = sequence
		}
		if len(records) > 0 {
			continue
		}
		var next *jetstream.RawStreamMsg
		err = l.books.insist(ctx, func(ctx context.Context) (err error) {
			next, err = l.ask(ctx, after+1, true)
			return err
		})
		if noRecord(err) {
			return nil
		}
		if err != nil {
			return err
		}
		after = next.Sequence - 1
	}
	return nil
}

// batch returns some of the records from a sequence on, or none.
func (l *log) batch(ctx context.Context, from, count uint64) ([]*nats.Msg, error) {
	conn := l.books.conn
	inbox := conn.NewInbox()
	answers, err := conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer answers.Unsubscribe()
	if err := answers.SetPendingLimits(-1, -1); err != nil {
		return nil, err
	}
	request, err := json.Marshal(map[string]uint64{"seq": from, "batch": count, "max_bytes": batchBytes})
	if err != nil {
		return nil, err
	}
	if err := conn.PublishRequest("$JS.API.DIRECT.GET."+l.name, inbox, request); err != nil {
		return nil, err
	}
	records := make([]*nats.Msg, 0, count)
	for {
		m, err := answers.NextMsgWithContext(ctx)
		if err != nil {
			if len(records) > 0 {
				err = nil // what has come is in order and complete as far as it goes
			}
			return records, err
		}
		switch status := m.Header.Get("Status"); status {
		case "":
			records = append(records, m)
		case "204", "404": // the end of the batch; nothing from there on
			return records, nil
		default:
			return nil, fmt.Errorf("stream %s: status %s", l.name, status)
		}
	}
}
