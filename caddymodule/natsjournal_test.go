package caddymodule

import (
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/hookseal/hookseal/outbound/jetstream"
)

func TestEveryJournalLogsWhatItSuffersFrom(t *testing.T) {
	embedded, cluster := NATSJournal{Dir: t.TempDir()}, NATSJournal{URLs: []string{"nats://nats.example.com"}}
	for _, j := range []*NATSJournal{&embedded, &cluster} {
		if err := j.Provision(caddy.Context{}); err != nil {
			t.Fatal(err)
		}
	}
	if embedded.journal.(*jetstream.Embedded).Warn == nil {
		t.Error("the server inside this process doesn't")
	}
	if cluster.journal.(*jetstream.Cluster).Warn == nil {
		t.Error("the cluster doesn't")
	}
}
