package outbound

import "time"

// Hooks are told what happens, for logs, metrics and events. They are called from the hub's own
// goroutines, must not block, and must not call the hub. Any may be nil.
type Hooks struct {
	// Published is called when a message was accepted and is on disk.
	Published func(m Message, endpoints int)

	// Attempted is called when an attempt was made and is recorded.
	Attempted func(a Attempt, m Message, e Endpoint)

	// Disabled is called when the hub has disabled an endpoint.
	Disabled func(e Endpoint)

	// LeftOut is called with why an endpoint of the configuration is not in force.
	LeftOut func(error)

	// Problem is called with what is wrong with the journal, and with nil when that is over.
	Problem func(error)
}

// Stats are numbers about a hub, for metrics.
type Stats struct {
	// Ready says whether the hub has its journal and is working.
	Ready bool

	// Messages, Attempts and Endpoints are how many are kept; Waiting is how many deliveries wait.
	Messages, Attempts, Endpoints, Waiting int

	// Bytes is how much the journal takes, as of the last time that was asked.
	Bytes uint64

	// Queues are the endpoints that something waits for, or that are disabled.
	Queues []QueueStats
}

// QueueStats are numbers about what waits for one endpoint.
type QueueStats struct {
	Endpoint Endpoint
	// Depth is how many deliveries wait, those in flight included.
	Depth int
	// Oldest is when the oldest of them was accepted; zero if none waits.
	Oldest time.Time
}
