package jetstream

import (
	"context"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// table is a stream that keeps the last record of each subject, as a key-value bucket of NATS is.
// It is a log underneath, so that whoever has lost the journal can't change the table any more.
type table struct{ log *log }

const (
	operation = "KV-Operation"
	deleted   = "DEL"

	// markerLife is for how long a deleted key leaves a record that says so. The value is gone by
	// then for certain, even if the machine failed.
	markerLife = "1h"
)

func (t *table) subject(key string) string { return t.log.subject + "." + key }

func (t *table) Put(ctx context.Context, key string, value []byte) error {
	_, err := t.log.publish(ctx, t.subject(key), nil, value, messageReserve)
	return err
}

func (t *table) Delete(ctx context.Context, key string) error {
	header := nats.Header{operation: {deleted}, jetstream.MsgTTLHeader: {markerLife}}
	_, err := t.log.publish(ctx, t.subject(key), header, nil, attemptReserve)
	return err
}

func (t *table) Each(ctx context.Context, each func(string, []byte) error) error {
	values := make(map[string][]byte)
	if err := t.collect(ctx, values); err != nil {
		return err
	}
	for key, value := range values {
		if err := t.log.books.alive(ctx); err != nil {
			return err
		}
		if err := each(key, value); err != nil {
			return err
		}
	}
	return nil
}

// collect gathers the values while nobody writes: a key that is written during a scan moves to
// where the scan doesn't come any more.
func (t *table) collect(ctx context.Context, values map[string][]byte) error {
	if err := t.log.lock(ctx); err != nil {
		return err
	}
	defer t.log.unlock()
	return t.log.scan(ctx, 0, t.log.last.Load(), func(r record) error {
		key := strings.TrimPrefix(r.subject, t.subject(""))
		if r.header.Get(operation) == deleted {
			delete(values, key) // of a cluster's node that is behind, see scan
		} else {
			values[key] = r.data
		}
		return nil
	})
}
