// Package doctor answers "why does this delivery not verify?"
//
// [Examine] verifies a captured delivery. If that fails it changes one thing after the other that
// people get wrong (the secret's last line break, the body that was parsed and printed anew, the
// provider's name, the clock), and then two things at once, until the delivery verifies. What had to be
// changed is what is wrong.
//
// It is a tool for whoever has the secret. Nothing that it returns holds the secret, the expected
// signature or a part of the body.
package doctor

import (
	"net/http"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

// Case is a captured delivery and what it is to be judged by.
type Case struct {
	// Scheme is how its sender is said to sign.
	Scheme verifiers.Scheme

	// Secret returns the secret's text. It is a function so that nothing that prints a Case by
	// reflection can reach it.
	Secret func() string

	// Label is the secret's label, for schemes that name their key.
	Label string

	// NotBefore and NotAfter bound the time in which the secret is used. Zero means no bound.
	NotBefore, NotAfter time.Time

	// Keys has the keys that a scheme fetches. Nil means one that asks the vendor.
	Keys *verifiers.KeySource

	// Method, Header and Body are those of the request. Header has canonical names, but for those that
	// are no field names at all. The breaks of lines that were folded are still in their values.
	Method string
	Header http.Header
	Body   []byte

	// Target is the path and query as they arrived.
	Target string

	// PublicURL is where senders reach the receiver, such as "https://hooks.example.com". It counts only
	// for schemes that sign the URL.
	PublicURL string

	// Now is the time at which the delivery is judged.
	Now time.Time

	// Tolerance replaces the scheme's. Zero keeps it.
	Tolerance time.Duration
}

// Change is one thing that had to be changed for the delivery to verify.
type Change struct {
	// Kind is what was changed: see the constants.
	Kind Kind `json:"kind"`
	// Name says which change it was, in a word that stays the same.
	Name string `json:"name"`
	// Text says what is wrong and what to do about it.
	Text string `json:"text"`
}

// Kind is what a change changes.
type Kind string

// The kinds of changes, in the order in which they are tried.
const (
	OfSecret   Kind = "secret"
	OfBody     Kind = "body"
	OfURL      Kind = "url"
	OfHeader   Kind = "header"
	OfScheme   Kind = "scheme"
	OfProvider Kind = "provider"
	OfTime     Kind = "time"
)

// Report is what an examination found.
type Report struct {
	// Genuine reports whether the delivery verifies as it is.
	Genuine bool
	// Delivery is what is known of it, if it does.
	Delivery verifiers.Delivery
	// Reason is why it doesn't: one of verifiers.Reasons, "secret_unusable", or "could_not_check".
	Reason string
	// Text says the reason in words.
	Text string
	// Signed is the time at which it was signed, if the signature could be made to match.
	Signed time.Time
	// Causes are the explanations that fit, the likeliest first. All changes of one are needed together.
	Causes [][]Change
	// Hints are what looks odd and could not be proved.
	Hints []Change
	// Tried is how many changes were tried, and Complete whether that were all: large bodies are not
	// hashed without end.
	Tried    int
	Complete bool
}

// The bounds of an examination: how often a delivery is verified, and how many bytes are hashed in that.
const (
	maxTrials = 20_000
	maxHashed = 2 << 30
)

// ReasonSecret is the reason of a secret that isn't written as the scheme's keys are.
const ReasonSecret = "secret_unusable"

// reasonUnchecked is that of an error that says nothing about the delivery.
const reasonUnchecked = "could_not_check"

// Examine verifies the delivery, and finds out why it fails.
func Examine(c Case) Report {
	if c.Keys == nil {
		c.Keys = verifiers.NewKeySource(verifiers.KeySourceOptions{}) // one for all that is tried
	}
	e := &examination{base: c}
	report := Report{Complete: true}
	result := e.verify(c)
	switch {
	case result.err == nil && result.time == nil:
		report.Genuine, report.Delivery, report.Signed = true, result.delivery, result.delivery.Timestamp
	case result.err == nil:
		report.Signed = result.delivery.Timestamp
		report.Reason, report.Text = result.reason, result.text
		report.Causes = e.ofTime(c, result)
	default:
		report.Reason, report.Text = result.reason, result.text
		e.search(result.head)
		report.Causes = e.causes()
		if len(e.fits) > 0 {
			report.Signed = e.fits[0].result.delivery.Timestamp
		}
	}
	if report.Genuine {
		report.Hints = c.needs()
	} else if len(report.Causes) == 0 {
		report.Hints = hints(c, report)
	}
	report.Tried, report.Complete = e.trials, !e.exhausted()
	return report
}
