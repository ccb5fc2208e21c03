package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/hookseal/hookseal/verifiers"
)

// handshake resolves what the provider's handshake needs.
func (v *Verify) handshake(replacer *caddy.Replacer) (*verifiers.HandshakeOptions, error) {
	options := &verifiers.HandshakeOptions{ReceiverID: v.ReceiverID}
	for _, option := range []struct {
		name, placeholder string
		target            *verifiers.Secret
	}{
		{"verify_token", v.VerifyToken, &options.VerifyToken},
		{"encrypt_key", v.EncryptKey, &options.EncryptKey},
	} {
		if option.placeholder == "" {
			continue
		}
		err := checkPlaceholder(option.placeholder)
		var text string
		if err == nil {
			text, err = resolvePlaceholder(replacer, option.placeholder)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", option.name, err)
		}
		*option.target = verifiers.NewSecret("", text)
	}
	return options, nil
}

// sampleEncryptKey has the form of an EncodingAESKey.
const sampleEncryptKey = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"

// sampleHandshake is handshake before anything can be resolved.
func (v *Verify) sampleHandshake() *verifiers.HandshakeOptions {
	options := &verifiers.HandshakeOptions{ReceiverID: v.ReceiverID}
	if v.VerifyToken != "" {
		options.VerifyToken = verifiers.NewSecret("", "sample")
	}
	if v.EncryptKey != "" {
		options.EncryptKey = verifiers.NewSecret("", sampleEncryptKey)
	}
	return options
}

// setMethods adds the methods of the handshake to those of deliveries.
func (v *Verify) setMethods(handshake *verifiers.Handshake) {
	for _, method := range handshake.Methods() {
		if !slices.Contains(v.Methods, method) {
			v.asks = append(v.asks, method)
		}
	}
	v.allow = strings.Join(slices.Concat(v.Methods, v.asks), ", ")
}

// unsigned returns how much is to be read of a request without signature, to see whether it is a challenge:
// nothing where the provider has none.
func (v *Verify) unsigned(handshake *verifiers.Handshake, genuine error) int64 {
	if genuine != verifiers.ErrSignatureMissing {
		return 0
	}
	return min(handshake.MaxBody(), v.MaxBody)
}

// greet ends a request that is a challenge: it writes the answer, or refuses for the error.
func (d *delivery) greet(w http.ResponseWriter, r *http.Request, answer verifiers.Answer, err error) error {
	switch {
	case err != nil && answer.Private:
		return d.refusePrivately(w, r, reasonOf(err))
	case err != nil:
		return d.reject(w, r, reasonOf(err))
	}
	if answer.Once != nil && !oneTimeSecrets.offer(d.route.Name, clientOf(r), answer.Once) {
		return d.refusePrivately(w, r, reasonHandshakeClosed) // it may be one that was taken, sent again
	}
	if answer.Confirm != "" {
		if err := d.route.confirmer.confirm(r.Context(), answer.Confirm); err != nil {
			if !errors.Is(err, errConfirming) {
				d.reporter.logger.Error("subscription could not be confirmed", zap.Object("webhook", d), zap.Error(err))
			}
			return d.reject(w, r, reasonUnconfirmed)
		}
	}
	if answer.Private {
		keepFromLog(r)
	}
	d.verdict, d.reason = answered, reasonChallenge
	d.conclude()
	header := w.Header()
	maps.Copy(header, answer.Header)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	if d.body.bytes == nil && r.ContentLength != 0 && r.ProtoMajor == 1 {
		header.Set("Connection", "close") // see answer
	}
	w.WriteHeader(answer.Status)
	if len(answer.Body) > 0 {
		_, err = w.Write(answer.Body)
	}
	return err
}

// refusePrivately is reject of a request that shows a secret. It returns no error, because Caddy writes down the
// request of one.
func (d *delivery) refusePrivately(w http.ResponseWriter, r *http.Request, reason string) error {
	keepFromLog(r)
	d.verdict, d.reason = rejected, reason
	d.conclude()
	w.WriteHeader(statusOf(reason))
	return nil
}

// keepFromLog keeps a request out of the access log, which has its query and the header fields of both ways.
func keepFromLog(r *http.Request) { caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true) }

// clientOf returns the address of the client, as Caddy knows it.
func clientOf(r *http.Request) string {
	client, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return client
}
