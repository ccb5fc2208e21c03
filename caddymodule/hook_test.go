package caddymodule_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(new(hook))
	caddy.RegisterModule(new(eventListener))
	httpcaddyfile.RegisterHandlerDirective("webhook_test_hook", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		h.Next()
		if !h.NextArg() {
			return nil, h.ArgErr()
		}
		return &hook{Name: h.Val()}, nil
	})
	httpcaddyfile.RegisterDirectiveOrder("webhook_test_hook", httpcaddyfile.Before, "reverse_proxy")
}

// hook is a handler that a test writes: "webhook_test_hook <name>" in a Caddyfile. Until the test
// has set it, it does nothing.
type hook struct {
	Name string `json:"name"`
}

type hookFunc func(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error

var hooks sync.Map // name to hookFunc

// setHook says what the hook of that name does until the test ends.
func setHook(t *testing.T, name string, f hookFunc) {
	hooks.Store(name, f)
	t.Cleanup(func() { hooks.Delete(name) })
}

func (*hook) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.webhook_test_hook", New: func() caddy.Module { return new(hook) }}
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if f, ok := hooks.Load(h.Name); ok {
		return f.(hookFunc)(w, r, next)
	}
	return next.ServeHTTP(w, r)
}

// captured is the context of the first request that passes a hook.
type captured struct {
	ready chan struct{}
	ctx   context.Context
}

// captureContext makes a hook capture a context.
func captureContext(t *testing.T, name string) *captured {
	c := &captured{ready: make(chan struct{})}
	var once sync.Once
	setHook(t, name, func(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
		once.Do(func() {
			c.ctx = r.Context()
			close(c.ready)
		})
		return next.ServeHTTP(w, r)
	})
	return c
}

// Done is closed when the captured context is.
func (c *captured) Done() <-chan struct{} {
	<-c.ready
	return c.ctx.Done()
}

// eventListener records events: "on <event> webhook_test" in a Caddyfile.
type eventListener struct{}

// event is one event on the bus.
type event struct {
	name string
	data map[string]any
}

// events are the events that came since the last test asked.
var events = make(chan event, 1024)

func (*eventListener) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.webhook_test", New: func() caddy.Module { return new(eventListener) }}
}

func (*eventListener) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

func (*eventListener) Handle(_ context.Context, e caddy.Event) error {
	events <- event{e.Name(), e.Data}
	return nil
}
