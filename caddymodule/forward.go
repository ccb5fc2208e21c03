package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/hookseal/hookseal/replay"
)

// forward sends a verified delivery on to the next handler, and settles its claim by the answer.
func (d *delivery) forward(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return d.pass(w, r, next, verified, "")
}

// outlive returns a copy of the request whose context a sender that hangs up doesn't end: it would
// try again, and the app would do the work twice; and a claim that it could end would look like a
// store that can't check. The delivery runs on within its own time limit.
func (d *delivery) outlive(r *http.Request) (*http.Request, context.CancelFunc) {
	d.context = deliveryContext{Context: d.route.gateway.deadlines.next(time.Now()), of: r.Context(), delivery: d}
	ctx, cancel := context.WithCancel(&d.context)
	return r.WithContext(d.body.follow(ctx)), cancel
}

// pass calls the next handler with the copy of the request that outlive made. The reason of a
// verified delivery follows from the answer.
func (d *delivery) pass(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, v verdict, reason string) error {
	d.verdict, d.reason = v, reason
	if v == unverified {
		r.Header[headerMarker] = []string{"false"}
	} else {
		d.setVerified(r.Header)
	}
	d.body.attach(r)
	d.writer.ResponseWriter = d.acknowledging(w)

	// Also when a handler panics, which it may do to abort the connection after the app has accepted.
	defer func() {
		accepted := d.writer.accepted()
		d.settle(accepted)
		if d.verdict == verified {
			d.reason = reasonNotAccepted
			if accepted {
				d.reason = reasonAccepted
			}
		}
		d.conclude()
		d.releaseRules()
		if !accepted {
			// Error handlers get the request with this header and without what it speaks of.
			stripVerifiedNames(r.Header)
		}
	}()
	err := next.ServeHTTP(&d.writer, r)
	if err == nil && d.writer.status == 0 {
		// The server would answer 200 and the sender would never try again, but nobody has accepted:
		// no handler stands behind this one, or the app's answer couldn't be passed on.
		return caddyhttp.Error(http.StatusBadGateway, errUnanswered)
	}
	return err
}

// errUnanswered means that the handlers behind webhook_verify returned without an answer.
var errUnanswered = errors.New("nothing behind webhook_verify answered the delivery")

// deliveryContext is the context of the handlers behind webhook_verify: the values of the request's
// context and the delivery, with an end of its own instead of the one that a sender who hangs up
// puts to it.
type deliveryContext struct {
	context.Context // what ends it; it has no values
	of              context.Context
	delivery        *delivery
}

// Value returns the delivery, or what the request's context has. What ends the context is asked
// first: it says so to contexts that are made from this one by a value that only it knows.
func (c *deliveryContext) Value(key any) any {
	if _, ok := key.(deliveryKey); ok {
		return c.delivery
	}
	if value := c.Context.Value(key); value != nil {
		return value
	}
	return c.of.Value(key)
}

// settle keeps the claim of a delivery that the app accepted and gives any other back.
func (d *delivery) settle(accepted bool) {
	if d.claim.State != replay.Taken {
		return
	}
	// The delivery's own time may be over.
	ctx := context.WithoutCancel(d.context.of)
	if err := d.route.gateway.store.Settle(ctx, d.claim, accepted); err != nil {
		d.reporter.logger.Error("claim could not be settled", zap.Object("webhook", d), zap.Bool("accepted", accepted), zap.Error(err))
	}
}

// drop answers for a copy of a delivery that the app has, or is working on.
func (d *delivery) drop(w http.ResponseWriter, r *http.Request, reason string) error {
	status := d.route.OnDuplicate
	if reason == reasonInFlight {
		status = statusOf(reason)
	}
	d.verdict, d.reason = duplicate, reason
	d.conclude()
	return d.answer(d.acknowledging(w), r, status)
}

// reject refuses a delivery.
func (d *delivery) reject(w http.ResponseWriter, r *http.Request, reason string) error {
	d.verdict, d.reason = rejected, reason
	d.conclude()
	return d.answer(w, r, statusOf(reason))
}

// errRefused is all that {err.message} can say to a sender.
var errRefused = errors.New("delivery refused")

// retryAfter is what Retry-After tells senders whose delivery can be taken later.
const retryAfter = 5 * time.Second

func setRetryAfter(w http.ResponseWriter) {
	w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
}

// answer is how every delivery ends that the next handler doesn't answer.
func (d *delivery) answer(w http.ResponseWriter, r *http.Request, status int) error {
	unread := d.body.bytes == nil && r.ContentLength != 0
	if r.ProtoMajor == 1 && (unread || status == http.StatusUnauthorized) {
		// Without it the server would hold the answer back until it has read the body. What was
		// read before a forgery was refused is nothing to tell by this field.
		w.Header().Set("Connection", "close")
	}
	switch status {
	case http.StatusServiceUnavailable, http.StatusConflict:
		setRetryAfter(w)
	}
	if status < 400 {
		w.WriteHeader(status)
		return nil
	}
	return caddyhttp.Error(status, errRefused)
}
