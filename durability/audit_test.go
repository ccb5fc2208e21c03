package durability

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What the API says of messages, attempts and deliveries.
type (
	message struct {
		ID        string
		EventID   *string
		EventType string
	}
	record struct {
		ID                 string
		MsgID              string
		Status             int
		ResponseStatusCode int
		Timestamp          time.Time
	}
	delivery struct {
		ID          string
		Status      int
		NextAttempt *string
	}
	statistics struct{ Success, Pending, Sending, Fail int }
)

// The statuses of attempts and deliveries.
const (
	succeeded = 0
	failed    = 2
)

// audit compares what publishers, subscribers and a gateway's records say. It returns a summary.
func (tr *trial) audit(site string) string {
	tr.t.Helper()
	tr.auditMessages(site)
	attempts, copies, deliveries := 0, 0, 0
	for _, s := range tr.subscribers {
		a, c, d := tr.auditSubscriber(site, s)
		attempts, copies, deliveries = attempts+a, copies+c, deliveries+d
	}
	if tr.complaints > 20 {
		tr.t.Errorf("and %d things more", tr.complaints-20)
	}
	return fmt.Sprintf("%d messages, %d deliveries, %d attempts recorded, %d of %d not recorded, %d messages accepted twice",
		len(tr.all), deliveries, attempts, tr.received.Load()-int64(attempts), tr.received.Load(), copies)
}

// auditMessages checks that the gateway has the accepted messages and no others.
func (tr *trial) auditMessages(site string) {
	tr.t.Helper()
	listed := make(map[string]message)
	for _, m := range list[message](tr.client, site, messages, len(tr.all)) {
		if _, twice := listed[m.ID]; twice {
			tr.complain("%s is listed twice", m.ID)
		}
		listed[m.ID] = m
	}
	for _, e := range tr.all {
		m, ok := listed[tr.ids[e.number]]
		switch {
		case !ok:
			tr.complain("event %d was accepted as %q, of which the gateway knows nothing", e.number, tr.ids[e.number])
		case m.EventType != e.kind, e.way == byEventID && (m.EventID == nil || *m.EventID != e.id()):
			tr.complain("event %d (%s) is %+v", e.number, e.kind, m)
		}
	}
	// With what is above, this says that no two events are one message, and that there are no others.
	if len(listed) != len(tr.all) {
		tr.complain("%d messages of %d events", len(listed), len(tr.all))
	}
}

// auditSubscriber checks what a subscriber saw, and what the gateway says about that.
func (tr *trial) auditSubscriber(site string, s *subscriber) (attempts, copies, deliveries int) {
	tr.t.Helper()
	records := make(map[string][]record) // by message, the newest first
	ids := make(map[string]bool)
	for _, r := range list[record](tr.client, site, "/api/v1/app/"+application+"/attempt/endpoint/"+s.id, 10*len(tr.all)) {
		if ids[r.ID] {
			tr.complain("%s: %s is listed twice", s.name, r.ID)
		}
		ids[r.ID] = true
		records[r.MsgID] = append(records[r.MsgID], r)
	}
	statuses := make(map[string]delivery)
	for _, d := range list[delivery](tr.client, site, "/api/v1/app/"+application+"/endpoint/"+s.id+"/msg", len(tr.all)) {
		statuses[d.ID] = d
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range tr.all {
		if !s.gets(e) {
			continue
		}
		deliveries++
		id := tr.ids[e.number]
		if came := s.ids[e.number]; came != id {
			tr.complain("event %d was accepted as %q and came to %s as %q", e.number, id, s.name, came)
			continue
		}
		if d, ok := statuses[id]; !ok || d.Status != succeeded || d.NextAttempt != nil {
			tr.complain("%s: the status of %s is %+v", s.name, id, d)
		}
		if problem := tr.agree(s.receipts[id], records[id]); problem != "" {
			tr.complain("%s: %s: %s. It saw:%s The records:%s", s.name, id, problem, s.history(id), tr.history(records[id]))
		}
		attempts += len(records[id])
		for _, r := range s.receipts[id] {
			if r.accepted() {
				copies++
			}
		}
	}
	// With what is above, this says that there are no others.
	if len(s.ids) != deliveries || len(statuses) != deliveries || len(records) != deliveries || len(ids) != attempts {
		tr.complain("%s: of %d messages it saw %d, %d have a status, %d have records; of %d attempts %d are of these",
			s.name, deliveries, len(s.ids), len(statuses), len(records), len(ids), attempts)
	}
	var counted statistics
	path := "/api/v1/app/" + application + "/endpoint/" + url.PathEscape(s.id) + "/stats"
	if err := tr.client.get(site, path, &counted); err != nil || counted != (statistics{Success: deliveries}) {
		tr.complain("%s: the statistics are %+v, error %v; want %d successes and nothing else", s.name, counted, err, deliveries)
	}
	return attempts, copies - deliveries, deliveries
}

// agree returns how the records of a message's attempts, the newest first, differ from what the subscriber
// saw, if they do.
func (tr *trial) agree(receipts []receipt, records []record) string {
	if !slices.ContainsFunc(receipts, receipt.accepted) {
		return "the subscriber never accepted it"
	}
	// The newest attempt is the one that succeeded, since after it there is none.
	for i, r := range records {
		if (r.Status == succeeded) != (i == 0) || (r.Status == succeeded) != (r.ResponseStatusCode/100 == 2) {
			return fmt.Sprintf("record %d of %d has the status %d", i+1, len(records), r.Status)
		}
		if i > 0 && r.Timestamp.After(records[i-1].Timestamp) {
			return "the records are not in their order"
		}
	}
	seen, recorded := make(map[receipt]int), make(map[receipt]int)
	unrecorded := make([]int, len(tr.lives.all))
	for _, r := range receipts {
		seen[r]++
		unrecorded[r.life]++
	}
	for _, r := range records {
		life := tr.lives.at(r.Timestamp)
		if life < 0 {
			return "an attempt was made while no gateway was running"
		}
		recorded[receipt{life, r.ResponseStatusCode}]++
		unrecorded[life]--
	}
	for k, n := range recorded {
		// What got no answer need not have got as far as the subscriber.
		if k.code != 0 && n > seen[k] {
			return fmt.Sprintf("in life %d there are %d records of the answer %d, which was given %d times", k.life, n, k.code, seen[k])
		}
	}
	for life, n := range unrecorded {
		if lost := tr.lives.all[life].lost; n > lost {
			return fmt.Sprintf("in life %d the subscriber saw %d attempts that are not recorded, and %d may be", life, n, lost)
		}
	}
	return ""
}

// history tells of records, for the failure of a test.
func (tr *trial) history(records []record) string {
	var out strings.Builder
	for _, r := range slices.Backward(records) {
		fmt.Fprintf(&out, " life %d: %d, status %d;", tr.lives.at(r.Timestamp), r.ResponseStatusCode, r.Status)
	}
	return out.String()
}
