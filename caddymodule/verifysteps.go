package caddymodule

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/hookseal/hookseal/replay"
	"github.com/hookseal/hookseal/verifiers"
)

// ServeHTTP takes a delivery through its steps.
func (v *Verify) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	d := newDelivery(v.reporter)
	d.route = v
	d.announce(r.Context())
	ownHeader(r.Header)

	verifier := v.keys.current.Load()
	handshake := verifier.Handshake()
	d.acknowledgement = handshake.Acknowledgement(nil)
	request := verifiers.Request{Header: r.Header, Context: r.Context()}
	if v.fetches {
		request.Peer = peerOf(r)
	}
	request.Method, request.Target = asSent(r)
	delivers := slices.Contains(v.Methods, request.Method)
	if !delivers && !slices.Contains(v.asks, request.Method) {
		w.Header().Set("Allow", v.allow)
		return d.reject(w, r, reasonMethod)
	}
	if answer, err := handshake.Head(request); err != verifiers.ErrNoChallenge {
		return d.greet(w, r, answer, err)
	}
	if !delivers {
		return d.reject(w, r, verifiers.ReasonOf(verifiers.ErrSignatureMissing))
	}
	if r.ContentLength > v.MaxBody {
		return d.reject(w, r, reasonBodyTooLarge)
	}
	check, genuine := verifier.Check(request)
	limit := v.MaxBody
	if genuine == nil {
		defer check.Close()
	} else if !v.monitors() {
		if limit = v.unsigned(handshake, genuine); r.ContentLength > limit || limit == 0 {
			return d.reject(w, r, reasonOf(genuine))
		}
	}

	body := buffer{limit: v.gateway.MaxInFlight}
	defer body.free()
	if reason := d.read(&body, w, r, v.gateway, limit); reason != "" {
		if genuine != nil && reason == reasonBodyTooLarge && !v.monitors() {
			reason = reasonOf(genuine)
		}
		return d.reject(w, r, reason)
	}
	d.body.bytes = body.bytes
	defer d.body.release()

	if genuine == nil {
		if genuine = d.verify(check); genuine == nil {
			d.acknowledgement = handshake.Acknowledgement(check)
			switch answer, err := handshake.Verified(check, body.bytes); {
			case err == nil:
				return d.greet(w, r, answer, nil)
			case err != verifiers.ErrNoChallenge:
				d.Delivery, genuine = verifiers.Delivery{Provider: d.Provider}, err
			}
		}
	} else if v.unsigned(handshake, genuine) > 0 {
		if answer, err := handshake.Body(body.bytes); err != verifiers.ErrNoChallenge {
			return d.greet(w, r, answer, err)
		}
	}
	if genuine != nil && reasonOf(genuine) == reasonUnchecked && r.Context().Err() == nil { // else the sender is gone
		v.reporter.logger.Error("delivery can't be checked", zap.Object("webhook", d), zap.Error(genuine))
	}
	if genuine != nil && !v.monitors() {
		return d.reject(w, r, reasonOf(genuine))
	}

	r, cancel := d.outlive(r)
	defer cancel()
	if genuine != nil {
		d.ID, d.Event = verifier.Names(request, body.bytes)
		return d.pass(w, r, next, unverified, reasonOf(genuine))
	}

	if v.ReplayOff {
		return d.forward(w, r, next)
	}
	switch claim, err := d.take(r.Context()); {
	case err != nil && (v.gateway.OnReplayOutage == "open" || v.monitors()):
		v.reporter.logger.Error("replay store can't check: the delivery goes on unchecked", zap.Object("webhook", d), zap.Error(err))
		return d.forward(w, r, next)
	case err != nil:
		v.reporter.logger.Error("replay store can't check", zap.Object("webhook", d), zap.Error(err))
		return d.reject(w, r, reasonReplayOutage)
	case claim.State == replay.Taken:
		return d.forward(w, r, next)
	case v.monitors():
		return d.pass(w, r, next, duplicate, reasonOfState(claim.State))
	default:
		return d.drop(w, r, reasonOfState(claim.State))
	}
}

func (v *Verify) monitors() bool { return v.Mode == "monitor" }

// asSent returns the method and the target with which the request arrived: directives before this
// one may have rewritten both.
func asSent(r *http.Request) (method, target string) {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		return original.Method, original.RequestURI
	}
	return r.Method, r.RequestURI
}

// read reads the body within the time that it may take.
func (d *delivery) read(body *buffer, w http.ResponseWriter, r *http.Request, gateway *Gateway, maxBody int64) (reason string) {
	if r.Body == nil || r.ContentLength == 0 {
		return ""
	}
	d.arrival.writer = w
	gateway.arrivals.expect(&d.arrival)
	defer gateway.arrivals.done(&d.arrival)
	if err := body.fill(r.Body, r.ContentLength, maxBody); err != nil {
		return reasonOfBody(err)
	}
	d.reporter.metrics.bytes.Observe(float64(len(body.bytes)))
	return ""
}

// verify checks the body against what the headers say.
func (d *delivery) verify(check *verifiers.Check) error {
	start := time.Now()
	genuine, err := check.Verify(d.body.bytes)
	d.reporter.metrics.seconds.Observe(time.Since(start).Seconds())
	if err == nil {
		d.Delivery = genuine
		d.reporter.metrics.verifiedBy(genuine.Key)
	}
	return err
}

// take claims the delivery.
func (d *delivery) take(ctx context.Context) (replay.Claim, error) {
	claim, err := d.route.gateway.store.Claim(ctx, d.key(), d.route.window)
	if err == nil {
		d.claim = claim
	}
	return claim, err
}

// key returns the key by which copies of a verified delivery are known.
func (d *delivery) key() replay.Key {
	var space [256]byte
	return replay.NewKey(d.route.Name, d.Provider, d.AppendIdentity(space[:0]))
}
