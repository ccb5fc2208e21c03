package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What one batch of a replay holds at most, which is what waits in memory for the caller. The bytes
// grow to what the largest record takes, since a server sends none that is larger than the batch.
const (
	batchRecords = 4096
	batchBytes   = 4 << 20
)

// scanLife is after how long the server forgets a replay that asks for nothing any more, as one whose
// process died. One that asks later begins anew where it was.
const scanLife = time.Minute

func (l *log) Replay(ctx context.Context, after uint64, each func(uint64, []byte) error) error {
	return l.scan(ctx, max(after, l.trimmed.Load()), l.last.Load(), func(r record) error { return each(r.sequence, r.data) })
}

// record is what stands in a stream.
type record struct {
	sequence uint64
	subject  string
	header   nats.Header
	data     []byte
}

// scan calls each with the records behind a sequence and through another.
//
// It reads through a consumer, which costs half of what reading in batches without one does. Of a
// cluster's nodes any one with the stream may have the consumer, also one that is behind. It is
// believed about the records that it has, of which some may be forgotten already by the others. That
// there are none, only the stream's leader can say.
func (l *log) scan(ctx context.Context, after, through uint64, each func(record) error) error {
	if err := l.books.alive(ctx); err != nil {
		return err
	}
	s := &scan{log: l}
	defer s.end()
	for after < through {
		var records []record
		err := l.books.insist(ctx, func(ctx context.Context) (err error) {
			records, err = s.batch(ctx, after, min(through-after, batchRecords))
			return err
		})
		if err == nil && len(records) == 0 {
			var next record
			err = l.books.insist(ctx, func(ctx context.Context) (err error) {
				next, err = l.ask(ctx, after+1, true)
				return err
			})
			if noRecord(err) {
				return nil
			}
			records = append(records, next)
		}
		if err != nil {
			return err
		}
		for _, r := range records {
			if r.sequence <= after {
				continue // shown already, by the leader
			}
			if r.sequence > through {
				return nil
			}
			if err := each(r); err != nil {
				return err
			}
			after = r.sequence
		}
	}
	return nil
}

// scan is a consumer of a log and where its answers arrive. The zero value with a log has none yet.
type scan struct {
	log     *log
	name    string
	answers *nats.Subscription
}

// batch returns at most count records behind a sequence, or none. After an error it begins anew.
func (s *scan) batch(ctx context.Context, after, count uint64) (records []record, err error) {
	defer func() {
		if err != nil {
			s.end()
		}
	}()
	if s.answers == nil {
		if err := s.begin(ctx, after+1); err != nil {
			return nil, err
		}
	}
	request, err := json.Marshal(struct {
		Batch    uint64 `json:"batch"`
		MaxBytes int    `json:"max_bytes"`
		NoWait   bool   `json:"no_wait"`
	}{count, max(batchBytes, 2*int(s.log.books.conn.MaxPayload())), true})
	if err != nil {
		return nil, err
	}
	subject := "$JS.API.CONSUMER.MSG.NEXT." + s.log.name + "." + s.name
	if err := s.log.books.conn.PublishRequest(subject, s.answers.Subject, request); err != nil {
		return nil, err
	}
	records = make([]record, 0, count)
	for {
		m, err := s.answers.NextMsgWithContext(ctx)
		if err != nil {
			if len(records) == 0 {
				return nil, err
			}
			s.end() // what has come is complete as far as it goes
			return records, nil
		}
		if status := m.Header.Get("Status"); status == "503" {
			return nil, nats.ErrNoResponders
		} else if status != "" {
			// The batch is complete, or there is no more, or the consumer isn't any more, which the next
			// batch will show.
			return records, nil
		}
		about, err := m.Metadata()
		if err != nil {
			return nil, err
		}
		if about.Stream != s.log.name {
			return nil, errors.New("an answer is of another stream")
		}
		records = append(records, record{about.Sequence.Stream, m.Subject, m.Header, m.Data})
	}
}

// begin makes a consumer that starts at a sequence.
func (s *scan) begin(ctx context.Context, from uint64) error {
	consumer, err := s.log.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       from,
		AckPolicy:         jetstream.AckNonePolicy,
		MaxDeliver:        1,
		Replicas:          1,
		MemoryStorage:     true,
		InactiveThreshold: scanLife,
	})
	if err != nil {
		return err
	}
	s.name = consumer.CachedInfo().Name
	conn := s.log.books.conn
	if s.answers, err = conn.SubscribeSync(conn.NewInbox()); err != nil {
		s.end()
		return err
	}
	return s.answers.SetPendingLimits(-1, -1) // a batch bounds them
}

// end forgets the consumer. If the server can't be told, it forgets it by itself.
func (s *scan) end() {
	if s.answers != nil {
		s.answers.Unsubscribe()
		s.answers = nil
	}
	if s.name != "" {
		s.log.books.conn.PublishRequest("$JS.API.CONSUMER.DELETE."+s.log.name+"."+s.name, s.log.books.conn.NewInbox(), nil)
		s.name = ""
	}
}
