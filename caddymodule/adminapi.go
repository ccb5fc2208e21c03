package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/hookseal/hookseal/replay"
)

func init() {
	caddy.RegisterModule(adminAPI{})
}

// claimsPath is where the admin API has the claims.
const claimsPath = "/webhook_gateway/claims/"

// adminAPI is the module admin.api.webhook_gateway. It holds no state: a rejected configuration
// keeps its admin modules, so the gateway is looked up with each request.
//
//	DELETE /webhook_gateway/claims/<key>
//
// gives back a kept claim, so that the delivery comes through when it is sent again. It answers
// 200, 404 if nothing is kept under the key, and 409 if the app is still working on the delivery. What
// is published is at outboundPath.
type adminAPI struct{}

// CaddyModule returns the Caddy module information.
func (adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.webhook_gateway",
		New: func() caddy.Module { return new(adminAPI) },
	}
}

// Provision registers the metrics. The admin API is set up before anything else of a configuration,
// and serves /metrics on even if the configuration is then rejected.
func (adminAPI) Provision(ctx caddy.Context) error {
	return registerMetrics(ctx.GetMetricsRegistry())
}

// Routes returns the routes of the admin API.
func (a adminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: claimsPath, Handler: caddy.AdminHandlerFunc(a.forget)},
		{Pattern: outboundPath, Handler: caddy.AdminHandlerFunc(a.outbound)},
	}
}

// forget gives back the claim that the path names.
func (adminAPI) forget(w http.ResponseWriter, r *http.Request) error {
	fail := func(status int, err error) error { return caddy.APIError{HTTPStatus: status, Err: err} }
	if r.Method != http.MethodDelete {
		w.Header().Set("Allow", http.MethodDelete)
		return fail(http.StatusMethodNotAllowed, errors.New("use DELETE"))
	}
	key, err := replay.ParseKey(strings.TrimPrefix(r.URL.Path, claimsPath))
	if err != nil {
		return fail(http.StatusBadRequest, fmt.Errorf("the key of a claim is the text behind \"claim\" in the delivery's log line: %w", err))
	}
	app, err := caddy.ActiveContext().AppIfConfigured("webhook_gateway")
	if err != nil {
		return fail(http.StatusNotFound, errors.New("the running configuration has no webhook routes"))
	}
	store, ok := app.(*Gateway).store.(replay.Forgetter)
	if !ok {
		return fail(http.StatusNotImplemented, errors.New("the replay store can't forget claims"))
	}
	switch state, err := store.Forget(r.Context(), key); {
	case err != nil:
		return fail(http.StatusServiceUnavailable, fmt.Errorf("replay store: %w", err))
	case state == replay.InFlight:
		return fail(http.StatusConflict, errors.New("the app is still working on this delivery: its claim settles by itself"))
	case state != replay.Delivered:
		return fail(http.StatusNotFound, errors.New("nothing is kept under this key: the delivery comes through when it is sent again"))
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]string{"claim": key.String(), "state": "forgotten"})
}

// Interface guards
var (
	_ caddy.Provisioner = adminAPI{}
	_ caddy.AdminRouter = adminAPI{}
)
