package jetstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/outbound/journaltest"
)

// quick is a lease for tests that wait for what becomes of it.
var quick = leaseTimes{life: 2 * time.Second, doubt: time.Second, renewal: 100 * time.Millisecond}

func TestClusterKeepsTheContract(t *testing.T) {
	cluster := startNodes(t, 3)
	journaltest.Run(t, func(t *testing.T) journaltest.Store {
		journal := func() *Cluster {
			return &Cluster{URLs: cluster.urls(), Prefix: prefix(t), Replicas: 3, times: quick}
		}
		return journaltest.Store{
			Journal: func() outbound.Journal { return journal() },
			Lose:    func() { takeLease(t, journal()) },
		}
	})
}

// client returns a client of its own.
func client(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// takeLease ends the lease of a journal's holder without telling him.
func takeLease(t *testing.T, c *Cluster) {
	t.Helper()
	bucket, err := client(t, c.URLs[0]).KeyValue(t.Context(), cmp.Or(c.Prefix, DefaultPrefix)+"_lease")
	if err == nil {
		err = bucket.Purge(t.Context(), leaseKey)
	}
	if err != nil {
		t.Error(err)
	}
}

// opened opens a journal and closes it at the end of the test.
func opened(t *testing.T, journal outbound.Journal) *outbound.Books {
	t.Helper()
	books, err := journal.Open(t.Context())
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { books.Close() })
	return books
}

func appended(t *testing.T, log outbound.Log, record string) uint64 {
	t.Helper()
	position, err := log.Append(t.Context(), []byte(record))
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return position
}

// replayed returns what a log holds.
func replayed(t *testing.T, log outbound.Log) []string {
	t.Helper()
	var records []string
	err := log.Replay(t.Context(), 0, func(_ uint64, record []byte) error {
		records = append(records, string(record))
		return nil
	})
	if err != nil {
		t.Fatalf("replay: %v", err)
	}
	return records
}

func TestNodesDieAndNothingIsLostOrWrittenTwice(t *testing.T) {
	cluster := startNodes(t, 3)
	c := &Cluster{URLs: cluster.urls(), Prefix: "dying", Replicas: 3, Warn: func(m string) { t.Log("warning:", m) }}
	books := opened(t, c)
	var acknowledged []string
	write := func() {
		for range 20 {
			record := fmt.Sprint("record ", len(acknowledged))
			appended(t, books.Messages, record)
			acknowledged = append(acknowledged, record)
			if err := books.Registry.Put(t.Context(), "last", []byte(record)); err != nil {
				t.Fatalf("put: %v", err)
			}
		}
	}
	write()
	// The leader's end is what appends notice; after two nodes' the client has had to reconnect, too.
	for range 2 {
		leader := cluster.leads("dying_messages")
		dying := make(chan struct{})
		go func() {
			defer close(dying)
			cluster.stop(leader)
		}()
		write()
		<-dying
		write()
		cluster.start(leader)
		cluster.waitFor("a full cluster", func() bool {
			return cluster.servers[leader].JetStreamIsStreamCurrent(server.DEFAULT_GLOBAL_ACCOUNT, "dying_messages")
		})
	}
	if got := replayed(t, books.Messages); !slices.Equal(got, acknowledged) {
		t.Errorf("replay: %q, want %q", got, acknowledged)
	}
	select {
	case <-books.Lost:
		t.Error("the journal is lost")
	default:
	}
	if err := books.Close(); err != nil {
		t.Fatal(err)
	}
	books = opened(t, c)
	if got := replayed(t, books.Messages); !slices.Equal(got, acknowledged) {
		t.Errorf("replay after reopening: %q, want %q", got, acknowledged)
	}
}

// The deposed one hasn't noticed that the lease is gone. The streams themselves refuse it.
func TestADeposedWriterWritesNothing(t *testing.T) {
	node := startNodes(t, 1)
	append := func(books *outbound.Books) error {
		_, err := books.Messages.Append(t.Context(), []byte("record"))
		return err
	}
	put := func(books *outbound.Books) error {
		return books.Registry.Put(t.Context(), "key", []byte("value"))
	}
	for name, test := range map[string]struct {
		next    []func(*outbound.Books) error
		deposed func(*outbound.Books) error
	}{
		"behind the next one's record": {[]func(*outbound.Books) error{append}, append},
		"behind one that is forgotten": {[]func(*outbound.Books) error{append, func(books *outbound.Books) error {
			return books.Messages.Trim(t.Context(), math.MaxInt64)
		}}, append},
		"over the next one's value": {[]func(*outbound.Books) error{put}, put},
		"beside the next one's value": {[]func(*outbound.Books) error{put}, func(books *outbound.Books) error {
			return books.Registry.Delete(t.Context(), "other")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := &Cluster{URLs: node.urls(), Prefix: prefix(t), times: leaseTimes{time.Hour, time.Hour, time.Hour}}
			deposed := opened(t, c)
			takeLease(t, c)
			next := opened(t, c)
			for _, act := range test.next {
				if err := act(next); err != nil {
					t.Fatal(err)
				}
			}
			before := replayed(t, next.Messages)
			if err := test.deposed(deposed); !errors.Is(err, outbound.ErrLost) {
				t.Errorf("error %v, want one that is %v", err, outbound.ErrLost)
			}
			<-deposed.Lost
			if after := replayed(t, next.Messages); !slices.Equal(after, before) {
				t.Errorf("replay: %q, want %q", after, before)
			}
			// Nothing of the deposed one's stands where the next one writes.
			for _, act := range test.next {
				if err := act(next); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestAHolderThatIsCutOffLosesTheJournalToTheNext(t *testing.T) {
	node := startNodes(t, 1)
	p := startProxy(t, strings.TrimPrefix(node.urls()[0], "nats://"))
	cut := opened(t, &Cluster{URLs: []string{p.url()}, times: quick})
	appended(t, cut.Messages, "first")
	p.set(false, true)
	next := opened(t, &Cluster{URLs: node.urls(), times: quick})
	select {
	case <-cut.Lost:
	default:
		t.Error("two have the journal")
	}
	if got, want := replayed(t, next.Messages), []string{"first"}; !slices.Equal(got, want) {
		t.Errorf("replay: %q, want %q", got, want)
	}
	if _, err := cut.Messages.Append(t.Context(), []byte("cut off")); !errors.Is(err, outbound.ErrLost) {
		t.Errorf("append: error %v, want one that is %v", err, outbound.ErrLost)
	}
}

func TestAGatewayThatWasKilledTakesUpItsOwnLease(t *testing.T) {
	node := startNodes(t, 1)
	c := &Cluster{URLs: node.urls(), Holder: "gateway 1", times: leaseTimes{time.Hour, time.Hour, 100 * time.Millisecond}}
	killed := opened(t, c)
	appended(t, killed.Messages, "first")
	next := opened(t, c) // the lease would last an hour
	if got, want := replayed(t, next.Messages), []string{"first"}; !slices.Equal(got, want) {
		t.Errorf("replay: %q, want %q", got, want)
	}
	<-killed.Lost
	appended(t, next.Messages, "second")
}

func TestAnAppendWhoseAnswerIsLostIsDoneOnce(t *testing.T) {
	node := startNodes(t, 1)
	p := startProxy(t, strings.TrimPrefix(node.urls()[0], "nats://"))
	books := opened(t, &Cluster{URLs: []string{p.url()}})
	want := []string{"before", "without an answer", "after"}
	appended(t, books.Messages, want[0])
	p.set(true, false)
	result := make(chan error)
	go func() {
		_, err := books.Messages.Append(t.Context(), []byte(want[1]))
		result <- err
	}()
	waitForRecords(t, node, 2)
	p.set(false, false)
	if err := <-result; err != nil {
		t.Errorf("append: %v", err)
	}
	appended(t, books.Messages, want[2])
	if got := replayed(t, books.Messages); !slices.Equal(got, want) {
		t.Errorf("replay: %q, want %q", got, want)
	}
}

// What can't be found out makes the caller open again, and so see what there is.
func TestAnAppendThatGivesUpInDoubtLosesTheJournal(t *testing.T) {
	node := startNodes(t, 1)
	p := startProxy(t, strings.TrimPrefix(node.urls()[0], "nats://"))
	books := opened(t, &Cluster{URLs: []string{p.url()}, Holder: "gateway 1"})
	p.set(true, false)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() {
		_, err := books.Messages.Append(ctx, []byte("in doubt"))
		result <- err
	}()
	waitForRecords(t, node, 1)
	cancel()
	p.set(false, true)
	if err := <-result; !errors.Is(err, outbound.ErrLost) {
		t.Errorf("append: error %v, want one that is %v", err, outbound.ErrLost)
	}
	<-books.Lost
	again := opened(t, &Cluster{URLs: node.urls(), Holder: "gateway 1"})
	if got, want := replayed(t, again.Messages), []string{"in doubt"}; !slices.Equal(got, want) {
		t.Errorf("replay: %q, want %q", got, want)
	}
}

// waitForRecords waits until a server has so many messages, of whose writing its client may know
// nothing.
func waitForRecords(t *testing.T, node *nodes, n uint64) {
	t.Helper()
	stream, err := client(t, node.urls()[0]).Stream(t.Context(), "hookseal_messages")
	if err != nil {
		t.Fatal(err)
	}
	node.waitFor(fmt.Sprint(n, " records"), func() bool {
		info, err := stream.Info(t.Context())
		return err == nil && info.State.Msgs == n
	})
}

func TestAFullStreamRefusesUntilItIsTrimmed(t *testing.T) {
	node := startNodes(t, 1)
	books := opened(t, &Cluster{URLs: node.urls(), MaxBytes: 100_000})
	record := strings.Repeat("x", 30_000)
	var last uint64
	for range 3 {
		last = appended(t, books.Messages, record)
	}
	if _, err := books.Messages.Append(t.Context(), []byte(record)); !errors.Is(err, outbound.ErrFull) {
		t.Errorf("append: error %v, want one that is %v", err, outbound.ErrFull)
	}
	appended(t, books.Attempts, record)
	if err := books.Messages.Trim(t.Context(), last-2); err != nil {
		t.Fatal(err)
	}
	appended(t, books.Messages, record)
	if got := replayed(t, books.Messages); len(got) != 3 {
		t.Errorf("replay: %d records, want 3", len(got))
	}
}

func TestStreamsAreMadeAsTheyShouldBeAndKeepWhatElseWasSet(t *testing.T) {
	node := startNodes(t, 1)
	js := client(t, node.urls()[0])
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "hookseal_messages", Subjects: []string{"else.>"}, MaxAge: time.Hour, Description: "ours",
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		books := opened(t, &Cluster{URLs: node.urls()})
		appended(t, books.Messages, "a")
		books.Close()
		stream, err := js.Stream(t.Context(), "hookseal_messages")
		if err != nil {
			t.Fatal(err)
		}
		config := stream.CachedInfo().Config
		if config.MaxAge != 0 || config.Discard != jetstream.DiscardNew || config.Description != "ours" ||
			!slices.Equal(config.Subjects, []string{"hookseal.messages"}) {
			t.Errorf("settings are %+v", config)
		}
	}
}
