package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// handshakesPath is where the admin API has the handshakes that bring a secret.
//
//	POST /webhook_gateway/handshakes/<route>?for=10m
//
// lets the next handshake of the route in, for the given time, and
//
//	GET /webhook_gateway/handshakes/<route>
//
// returns the secret that it has brought, once. It answers 202 as long as none has come, and 404 where no
// window is open.
const handshakesPath = "/webhook_gateway/handshakes/"

// handshakeState is what both answer.
type handshakeState struct {
	Route    string     `json:"route"`
	Provider string     `json:"provider"`
	Until    *time.Time `json:"until,omitempty"` // when the window ends
	Secret   string     `json:"secret,omitempty"`
	From     string     `json:"from,omitempty"`    // the address that the handshake came from
	At       *time.Time `json:"at,omitempty"`      // when it came
	Refused  int        `json:"refused,omitempty"` // handshakes that came after it
}

// handshakes opens windows, and hands out what they have brought.
func (adminAPI) handshakes(w http.ResponseWriter, r *http.Request) error {
	fail := func(status int, err error) error { return caddy.APIError{HTTPStatus: status, Err: err} }
	state := handshakeState{Route: strings.TrimPrefix(r.URL.Path, handshakesPath)}
	app, err := caddy.ActiveContext().AppIfConfigured("webhook_gateway")
	if err != nil {
		return fail(http.StatusNotFound, errors.New("the running configuration has no webhook routes"))
	}
	gateway := app.(*Gateway)
	if state.Provider = gateway.greeters[state.Route]; state.Provider == "" {
		if _, exists := gateway.routes[state.Route]; exists {
			return fail(http.StatusConflict, fmt.Errorf("the handshake of route %q brings no secret: it needs nobody's help", state.Route))
		}
		return fail(http.StatusNotFound, fmt.Errorf("no route is named %q", state.Route))
	}
	status := http.StatusOK
	switch r.Method {
	case http.MethodPost:
		open := defaultOpen
		if text := r.URL.Query().Get("for"); text != "" {
			if open, err = time.ParseDuration(text); err != nil || open <= 0 || open > maxOpen {
				return fail(http.StatusBadRequest, fmt.Errorf("for: write a duration of at most %s, such as 10m", shortDuration(maxOpen)))
			}
		}
		until := oneTimeSecrets.open(state.Route, open)
		state.Until = &until
	case http.MethodGet:
		switch taken, err := oneTimeSecrets.take(state.Route); {
		case errors.Is(err, errNoneYet):
			status, state.Until = http.StatusAccepted, &taken.until
		case err != nil:
			return fail(http.StatusNotFound, err)
		default:
			state.Secret, state.From, state.At, state.Refused = taken.secret(), taken.from, &taken.at, taken.refused
		}
	default:
		w.Header().Set("Allow", "GET, POST")
		return fail(http.StatusMethodNotAllowed, errors.New("use POST to open a window, and GET to fetch what it has brought"))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(state)
}
