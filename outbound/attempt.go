package outbound

import "time"

// Attempt is one try to deliver a message to an endpoint, as it is recorded.
type Attempt struct {
	// ID is given by the hub, "atmpt_…".
	ID string
	// Message and Endpoint are their ids.
	Message, Endpoint string

	// URL is where it was posted to.
	URL string

	// Time is when it began, and Took how long it lasted.
	Time time.Time
	Took time.Duration

	// Number counts the attempts of the message's present schedule, from 1.
	Number int

	// Status is Succeeded or Failed.
	Status Status

	// Code is the answer's status code, 0 if there was no answer.
	Code int

	// Response is the beginning of the answer's body, up to MaxResponse bytes. Where there was no
	// answer it says why, in words of ours.
	Response string

	Trigger Trigger

	// Next is when the next attempt is due. Zero if there is none.
	Next time.Time
}

// MaxResponse is how many bytes of an answer's body are kept.
const MaxResponse = 4 << 10

// Status is what has become of an attempt, or of a message on its way to an endpoint.
type Status uint8

// The statuses, with the numbers that Svix gives them.
const (
	// Succeeded means that the endpoint answered 2xx.
	Succeeded Status = 0
	// Waiting means that the next attempt is still to come.
	Waiting Status = 1
	// Failed means, of an attempt, that it was not answered 2xx; of a message, that there will be no
	// more attempts unless somebody asks for one.
	Failed Status = 2
	// Sending means that an attempt is being made.
	Sending Status = 3
)

// String returns the status as Svix writes it.
func (s Status) String() string {
	switch s {
	case Succeeded:
		return "success"
	case Waiting:
		return "pending"
	case Failed:
		return "fail"
	}
	return "sending"
}

// Trigger is why an attempt is made.
type Trigger uint8

// The triggers, with the numbers that Svix gives them.
const (
	// Scheduled attempts are the first one and those of the schedule.
	Scheduled Trigger = 0
	// Manual attempts were asked for: by resend or recover.
	Manual Trigger = 1
)
