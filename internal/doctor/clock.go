package doctor

import (
	"cmp"
	"fmt"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

// judgeTime checks the time of a delivery whose signature matches, as a verifier would.
func (r *result) judgeTime(c Case) {
	if c.Scheme.Timestamp == nil {
		return
	}
	tolerance := c.tolerance()
	switch age := c.Now.Sub(r.delivery.Timestamp); {
	case age > tolerance:
		r.reason, r.text = verifiers.ReasonOf(verifiers.ErrTimestampTooOld), verifiers.ErrTimestampTooOld.Error()
		r.time = &Change{OfTime, "too_old", fmt.Sprintf(
			"the signature matches, but it was made %s before the time of judging, and %s is the tolerance: if this is a capture, judge it at the time of its arrival; "+
				"if it was refused when it arrived, this clock is ahead or the delivery was held up on its way", inWords(age), inWords(tolerance))}
	case age < -tolerance:
		r.reason, r.text = verifiers.ReasonOf(verifiers.ErrTimestampTooNew), verifiers.ErrTimestampTooNew.Error()
		r.time = &Change{OfTime, "too_new", fmt.Sprintf(
			"the signature matches, but it was made %s after the time of judging, and %s is the tolerance: this clock or the sender's is wrong", inWords(-age), inWords(tolerance))}
	}
}

// tolerance returns how far the time may lie from now.
func (c Case) tolerance() time.Duration {
	return cmp.Or(c.Tolerance, c.Scheme.Timestamp.Tolerance, verifiers.DefaultTolerance)
}

// ofTime explains a time that is out of tolerance: as another unit, or as it is.
func (e *examination) ofTime(c Case, r result) [][]Change {
	for _, v := range ofUnit(c) {
		changed := c
		if !v.apply(&changed) {
			continue
		}
		if other := e.verify(changed); other.err == nil && other.time == nil {
			return [][]Change{{v.Change}}
		}
	}
	return [][]Change{{*r.time}}
}

// ofUnit reads the time in another unit than the scheme's.
func ofUnit(c Case) []variation {
	if c.Scheme.Timestamp == nil {
		return nil
	}
	is := cmp.Or(c.Scheme.Timestamp.Unit, verifiers.Seconds)
	var all []variation
	for _, unit := range []verifiers.Unit{verifiers.Seconds, verifiers.Milliseconds, verifiers.RFC3339} {
		if unit == is || is == verifiers.AutoUnit && unit != verifiers.RFC3339 {
			continue
		}
		all = append(all, variation{
			Change{OfTime, "unit_" + string(unit), fmt.Sprintf("the time is written in %s, and the scheme has it in %s: the sender has to write it as the scheme does", unitNames[unit], unitNames[is])},
			func(c *Case) bool {
				c.Scheme = edited(c.Scheme, func(s *verifiers.Scheme) {
					t := *s.Timestamp
					t.Unit = unit
					s.Timestamp = &t
				})
				return true
			},
		})
	}
	return all
}

var unitNames = map[verifiers.Unit]string{
	verifiers.Seconds: "seconds", verifiers.Milliseconds: "milliseconds", verifiers.RFC3339: "a date of RFC 3339", verifiers.AutoUnit: "seconds or milliseconds",
}

// inWords writes a duration in the two units that matter.
func inWords(d time.Duration) string {
	switch {
	case d >= 365*24*time.Hour:
		return fmt.Sprintf("%.0f years", d.Hours()/24/365.2425)
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
	case d >= time.Minute:
		return d.Round(time.Second).String()
	}
	return d.Round(time.Millisecond).String()
}
