package outbound

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"
)

// index is what the journal says, in memory: who is registered, which messages there are, how each stands
// with each of its endpoints, and where in the logs the rest of it is. It is made anew from the journal
// when that is opened. A session's lock guards it.
//
// Payloads and answers are not in it. A message takes about 300 bytes with one endpoint, an attempt about
// 100.
type index struct {
	apps      map[string]*application // by id
	appUIDs   map[string]*application
	types     map[string]*EventType
	endpoints map[string]*endpoint // by id, those among them that messages name and that are gone

	messages map[rawID]*message
	order    []slot // of the log of messages, oldest first
	keys     map[idempotencyKey]*message

	attempts   int                   // how many are kept
	containers []attemptContainer    // of the log of attempts, oldest first
	wishes     map[*message][]uint64 // where it stands that a message is to be sent again
	bytes      uint64                // what the logs take, about
	missing    uint64                // what a message that was refused for want of room would take
}

// slot is where a message stands in the log, or stood before it was carried on: see session.carry.
type slot struct {
	position uint64
	message  *message
}

// left reports whether the message stands elsewhere by now.
func (s slot) left() bool { return s.message.position != s.position }

// attemptContainer is a container of the log of attempts.
type attemptContainer struct {
	position uint64
	size     uint32 // bytes
	entries  uint16
	live     uint16 // how many of its entries are of messages that are kept
}

type application struct {
	Application
	endpoints []*endpoint // by id
	uids      map[string]*endpoint
	messages  []*message // by id
	events    map[string]*message
}

type endpoint struct {
	Endpoint
	subscriber
	app      *application
	attempts []*attempt // by id
	deleted  bool
	queue
}

type message struct {
	id         rawID
	app        *application
	eventID    string
	eventType  string
	channels   []string
	tags       []string
	accepted   int64 // Unix ms
	deliverAt  int64 // Unix ms, 0 for at once
	position   uint64
	index      uint32
	only       bool        // whether it was meant for one endpoint alone
	size       uint32      // in the log, about
	deliveries []*delivery // by endpoint id
	attempts   []*attempt  // by id
}

// delivery is a message on its way to one endpoint.
type delivery struct {
	message  *message
	endpoint *endpoint

	status  Status
	trigger Trigger // of the next attempt
	made    uint16  // attempts
	number  uint16  // attempts of the present schedule
	place   int32   // in the endpoint's queue, -1 outside
	next    int64   // Unix ms: when the next attempt is due
	asked   int64   // Unix ms: when it was last asked for by hand
}

type attempt struct {
	id       rawID
	message  *message
	endpoint *endpoint
	position uint64
	index    uint32
	code     uint16
	status   Status
}

func newIndex() *index {
	return &index{
		apps:      make(map[string]*application),
		appUIDs:   make(map[string]*application),
		types:     make(map[string]*EventType),
		endpoints: make(map[string]*endpoint),
		messages:  make(map[rawID]*message),
		keys:      make(map[idempotencyKey]*message),
		wishes:    make(map[*message][]uint64),
	}
}

// rawID is an id without its prefix.
type rawID = [16]byte

func compareIDs(a, b rawID) int { return bytes.Compare(a[:], b[:]) }

func (m *message) text() string { return formatID(prefixMessage, m.id) }
func (a *attempt) text() string { return formatID(prefixAttempt, a.id) }

// at is when the message was accepted.
func (m *message) at() time.Time { return time.UnixMilli(m.accepted).UTC() }

// delivery returns the message's delivery to an endpoint, nil if there is none.
func (m *message) delivery(e *endpoint) *delivery {
	if i, ok := m.find(e); ok {
		return m.deliveries[i]
	}
	return nil
}

func (m *message) find(e *endpoint) (int, bool) {
	return slices.BinarySearchFunc(m.deliveries, e.ID, func(d *delivery, id string) int { return cmp.Compare(d.endpoint.ID, id) })
}

// application returns an application by its id or uid.
func (x *index) application(ref string) (*application, error) {
	if a := x.apps[ref]; a != nil {
		return a, nil
	}
	if a := x.appUIDs[ref]; a != nil {
		return a, nil
	}
	return nil, ErrNotFound
}

// endpoint returns an endpoint of an application by its id or uid.
func (a *application) endpoint(ref string) (*endpoint, error) {
	if i, ok := a.find(ref); ok {
		return a.endpoints[i], nil
	}
	if e := a.uids[ref]; e != nil {
		return e, nil
	}
	return nil, ErrNotFound
}

func (a *application) find(id string) (int, bool) {
	return slices.BinarySearchFunc(a.endpoints, id, func(e *endpoint, id string) int { return cmp.Compare(e.ID, id) })
}

// message returns a message of an application by its id or event id.
func (x *index) message(a *application, ref string) (*message, error) {
	if id, ok := parseID(prefixMessage, ref); ok {
		if m := x.messages[id]; m != nil && m.app == a {
			return m, nil
		}
	}
	if m := a.events[ref]; m != nil {
		return m, nil
	}
	return nil, ErrNotFound
}

// ghost returns the endpoint with an id, which may be gone: messages and attempts still name it.
func (x *index) ghost(id string, app *application) *endpoint {
	e := x.endpoints[id]
	if e == nil {
		e = newEndpoint(Endpoint{ID: id, App: app.ID}, app)
		e.deleted = true
		x.endpoints[id] = e
	}
	return e
}

func newEndpoint(e Endpoint, app *application) *endpoint {
	return &endpoint{Endpoint: e, app: app, queue: queue{rank: -1}}
}

// insert puts a value into a list that is sorted by id. Most belong at its end, or near it.
func insert[T any](list []T, value T, compare func(a, b T) int) []T {
	i := len(list)
	for i > 0 && compare(value, list[i-1]) < 0 {
		i--
	}
	return slices.Insert(list, i, value)
}

func byMessageID(a, b *message) int { return compareIDs(a.id, b.id) }
func byAttemptID(a, b *attempt) int { return compareIDs(a.id, b.id) }
func byEndpoint(a, b *delivery) int { return cmp.Compare(a.endpoint.ID, b.endpoint.ID) }

// putApplication adds an application, or changes it.
func (x *index) putApplication(a Application) *application {
	known := x.apps[a.ID]
	if known == nil {
		known = &application{uids: make(map[string]*endpoint), events: make(map[string]*message)}
		x.apps[a.ID] = known
	} else if known.UID != "" {
		delete(x.appUIDs, known.UID)
	}
	known.Application = a
	if a.UID != "" {
		x.appUIDs[a.UID] = known
	}
	return known
}

// dropApplication removes an application. Its messages stay in the log, without a name.
func (x *index) dropApplication(a *application) {
	for _, e := range slices.Clone(a.endpoints) {
		x.dropEndpoint(e)
	}
	delete(x.apps, a.ID)
	if a.UID != "" {
		delete(x.appUIDs, a.UID)
	}
	for _, m := range a.messages {
		delete(x.messages, m.id)
	}
	maps.DeleteFunc(x.keys, func(_ idempotencyKey, m *message) bool { return m.app == a })
}

// putEndpoint adds an endpoint, or changes it.
func (x *index) putEndpoint(a *application, e Endpoint, s subscriber) *endpoint {
	known := x.endpoints[e.ID]
	if known == nil {
		known = newEndpoint(e, a)
		x.endpoints[e.ID] = known
	} else if known.UID != "" {
		delete(a.uids, known.UID)
	}
	if s.enabled > known.enabled {
		known.failing = 0 // what failed before doesn't count
	}
	known.Endpoint, known.subscriber, known.app, known.deleted = e, s, a, false
	if i, there := a.find(e.ID); !there {
		a.endpoints = slices.Insert(a.endpoints, i, known)
	}
	if e.UID != "" {
		a.uids[e.UID] = known
	}
	return known
}

// dropEndpoint removes an endpoint. What waits for it is not sent any more, unless it is put back: one of
// the configuration may be gone for the moment of a reload that is refused.
func (x *index) dropEndpoint(e *endpoint) {
	e.deleted = true
	if i, there := e.app.find(e.ID); there {
		e.app.endpoints = slices.Delete(e.app.endpoints, i, i+1)
	}
	if e.UID != "" {
		delete(e.app.uids, e.UID)
	}
}

// addMessage adds a message that is in the log, for the endpoints with these ids.
// They are due at a time, unless it is to be delivered later.
func (x *index) addMessage(m *message, key idempotencyKey, to []string, due time.Time) {
	x.messages[m.id] = m
	x.order = append(x.order, slot{m.position, m})
	m.app.messages = insert(m.app.messages, m, byMessageID)
	if m.eventID != "" {
		m.app.events[m.eventID] = m
	}
	if key != (idempotencyKey{}) {
		x.keys[key] = m
	}
	if len(to) > 0 {
		m.deliveries = make([]*delivery, 0, len(to))
	}
	for _, id := range to {
		x.wait(&delivery{message: m, endpoint: x.ghost(id, m.app), next: max(due.UnixMilli(), m.deliverAt)})
	}
}

// wait adds a delivery, which waits for its first attempt.
func (x *index) wait(d *delivery) {
	d.status, d.place = Waiting, -1
	d.message.deliveries = insert(d.message.deliveries, d, byEndpoint)
	x.queue(d)
}

// queue puts a delivery that waits into its endpoint's queue.
func (x *index) queue(d *delivery) {
	if d.place < 0 {
		d.endpoint.queue.push(d)
		return
	}
	d.endpoint.queue.fix(d)
}

// unqueue takes a delivery out of its endpoint's queue.
func (x *index) unqueue(d *delivery) {
	if d.place >= 0 {
		d.endpoint.queue.remove(d)
	}
}

// resend makes a delivery wait for an attempt that was asked for by hand, now.
func (x *index) resend(m *message, e *endpoint, at int64) *delivery {
	d := m.delivery(e)
	if d == nil {
		d = &delivery{message: m, endpoint: e, next: at}
		x.wait(d)
	}
	d.trigger, d.number, d.next, d.asked = Manual, 0, at, at
	if d.status != Sending {
		d.status = Waiting
		x.queue(d)
	}
	return d
}

// addAttempt adds an attempt that is in the log, and settles what it means for its delivery.
func (x *index) addAttempt(a *attempt, began, next int64, number int) *delivery {
	x.attempts++
	a.message.attempts = insert(a.message.attempts, a, byAttemptID)
	a.endpoint.attempts = insert(a.endpoint.attempts, a, byAttemptID)
	d := a.message.delivery(a.endpoint)
	if d == nil {
		// The wish to send it again is forgotten, the attempt is not.
		d = &delivery{message: a.message, endpoint: a.endpoint, place: -1}
		a.message.deliveries = insert(a.message.deliveries, d, byEndpoint)
	}
	d.made++
	switch {
	case began < d.asked:
		// It was asked for again while this attempt was being made: that one is still to come.
		d.next = d.asked
		next = d.asked
	default:
		d.number, d.next, d.trigger = uint16(number), next, Scheduled
	}
	d.status = a.status
	if next == 0 {
		x.unqueue(d)
		return d
	}
	d.status = Waiting
	x.queue(d)
	return d
}

// state is how a delivery stands. What waits for an endpoint that is gone will not be sent.
func (d *delivery) state() Status {
	if d.status == Waiting && d.endpoint.deleted {
		return Failed
	}
	return d.status
}

// container returns the container at a position of the log of attempts, nil if it is forgotten.
func (x *index) container(position uint64) *attemptContainer {
	last := len(x.containers) - 1
	if last >= 0 && x.containers[last].position == position {
		return &x.containers[last]
	}
	i, ok := slices.BinarySearchFunc(x.containers, position, func(c attemptContainer, p uint64) int { return cmp.Compare(c.position, p) })
	if !ok {
		return nil
	}
	return &x.containers[i]
}

// addContainer adds a container of the log of attempts, before its entries.
func (x *index) addContainer(position uint64, size int) {
	x.containers = append(x.containers, attemptContainer{position: position, size: uint32(size)})
}

// hold keeps a container of the log of attempts for an entry of a message that is kept.
func (x *index) hold(position uint64) {
	if c := x.container(position); c != nil {
		c.live++
	}
}

// release gives that up.
func (x *index) release(position uint64) {
	if c := x.container(position); c != nil {
		c.live--
	}
}

// bytesOf is about what a message takes in the logs, its attempts included.
func (x *index) bytesOf(m *message) uint64 {
	sum := uint64(m.size)
	for _, a := range m.attempts {
		if c := x.container(a.position); c != nil {
			sum += uint64(c.size) / uint64(max(c.entries, 1))
		}
	}
	return sum
}
