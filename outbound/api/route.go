package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// route is one operation and where it is found.
type route struct {
	method string
	// path has "{name}" for a segment that is an argument. A "**" at its end stands for any rest.
	path  string
	serve func(*call) (answer, error)
	// once keeps the answer for copies of the request with the same idempotency key.
	once bool
	// open operations need no token.
	open bool
}

// routes are all operations. Of two that fit a request the first one counts. It is a function, because
// the operations lead back here.
func routes() []route {
	const (
		app      = "/api/v1/app/{app}"
		endpoint = app + "/endpoint/{endpoint}"
		message  = app + "/msg/{message}"
	)
	return []route{
		{method: "GET", path: "/api/v1/health", serve: health, open: true},

		{method: "POST", path: "/publish", serve: publish},

		{method: "GET", path: "/api/v1/app", serve: listApplications},
		{method: "POST", path: "/api/v1/app", serve: createApplication, once: true},
		{method: "GET", path: app, serve: getApplication},
		{method: "PUT", path: app, serve: updateApplication},
		{method: "PATCH", path: app, serve: patchApplication},
		{method: "DELETE", path: app, serve: deleteApplication},

		{method: "GET", path: "/api/v1/event-type", serve: listEventTypes},
		{method: "POST", path: "/api/v1/event-type", serve: createEventType, once: true},
		{method: "GET", path: "/api/v1/event-type/{type}", serve: getEventType},
		{method: "PUT", path: "/api/v1/event-type/{type}", serve: updateEventType},
		{method: "PATCH", path: "/api/v1/event-type/{type}", serve: patchEventType},
		{method: "DELETE", path: "/api/v1/event-type/{type}", serve: deleteEventType},

		{method: "GET", path: app + "/endpoint", serve: listEndpoints},
		{method: "POST", path: app + "/endpoint", serve: createEndpoint, once: true},
		{method: "GET", path: endpoint, serve: getEndpoint},
		{method: "PUT", path: endpoint, serve: updateEndpoint},
		{method: "PATCH", path: endpoint, serve: patchEndpoint},
		{method: "DELETE", path: endpoint, serve: deleteEndpoint},
		{method: "GET", path: endpoint + "/headers", serve: getHeaders},
		{method: "PUT", path: endpoint + "/headers", serve: updateHeaders},
		{method: "PATCH", path: endpoint + "/headers", serve: patchHeaders},
		{method: "GET", path: endpoint + "/secret", serve: getSecret},
		{method: "POST", path: endpoint + "/secret/rotate", serve: rotateSecret, once: true},
		{method: "GET", path: endpoint + "/stats", serve: getStatistics},
		{method: "POST", path: endpoint + "/recover", serve: recoverFailed, once: true},
		{method: "POST", path: endpoint + "/replay-missing", serve: replayMissing, once: true},
		{method: "POST", path: endpoint + "/send-example", serve: sendExample},

		// What Svix has below a message's path and this server has not stands before {message}.
		{method: "POST", path: app + "/msg/expunge-all-contents", serve: unbuilt("Payloads can't be deleted before they expire.")},
		{method: "POST", path: app + "/msg/bulk-expunge", serve: unbuilt("Payloads can't be deleted before they expire.")},
		{method: "POST", path: app + "/msg/precheck/active", serve: unbuilt("Whether anybody subscribes to an event can't be asked beforehand.")},

		{method: "GET", path: app + "/msg", serve: listMessages},
		{method: "POST", path: app + "/msg", serve: createMessage},
		{method: "GET", path: message, serve: getMessage},

		{method: "GET", path: app + "/attempt/endpoint/{endpoint}", serve: listAttempts},
		{method: "GET", path: app + "/attempt/msg/{message}", serve: listAttempts},
		// The two older paths of the same lists.
		{method: "GET", path: message + "/attempt", serve: listAttempts},
		{method: "GET", path: message + "/endpoint/{endpoint}/attempt", serve: listAttempts},
		{method: "GET", path: message + "/attempt/{attempt}", serve: getAttempt},
		{method: "GET", path: message + "/endpoint", serve: listDestinations},
		{method: "GET", path: endpoint + "/msg", serve: listAttemptedMessages},
		{method: "POST", path: message + "/endpoint/{endpoint}/resend", serve: resend, once: true},

		{method: "DELETE", path: message + "/content", serve: unbuilt("Payloads can't be deleted before they expire.")},
		{method: "DELETE", path: message + "/attempt/{attempt}/content", serve: unbuilt("Answers of endpoints can't be deleted before they expire.")},
		{method: "POST", path: endpoint + "/bulk-replay", serve: unbuilt("Use recover, or resend each message.")},
		{path: endpoint + "/transformation/**", serve: unbuilt("Transformations aren't part of this server.")},
		{path: app + "/integration/**", serve: unbuilt("Integrations aren't part of this server.")},
		{path: app + "/poller/**", serve: unbuilt("Polling endpoints aren't part of this server.")},
		{path: app + "/destination/**", serve: unbuilt("Destinations other than endpoints aren't part of this server.")},
		{path: app + "/autoconfig/**", serve: unbuilt("Autoconfig isn't part of this server.")},
		{path: "/api/v1/event-type/import/**", serve: unbuilt("Event types can't be imported: create each.")},
		{path: "/api/v1/auth/**", serve: unbuilt("There is no portal. Tokens come from the server's configuration.")},
		{path: "/api/v1/background-task/**", serve: unbuilt("Tasks are finished when they are answered, and aren't kept.")},
		{path: "/api/v1/stats/**", serve: unbuilt("There are statistics of endpoints only. Those of the server are among its metrics.")},
		{path: "/api/v1/operational-webhook/**", serve: unbuilt("Operational events go to Caddy's event bus.")},
		{path: "/api/v1/environment/**", serve: unbuilt("Environments aren't part of this server.")},
		{path: "/api/v1/connector/**", serve: unbuilt("Connectors aren't part of this server.")},
		{path: "/api/v1/stream/**", serve: unbuilt("Streams aren't part of this server.")},
		{path: "/ingest/**", serve: unbuilt("Webhooks are received with webhook_verify.")},
	}
}

// unbuilt is an operation that Svix's clients know and this server hasn't.
func unbuilt(detail string) func(*call) (answer, error) {
	err := &fault{status: http.StatusNotImplemented, code: "not_implemented", detail: detail}
	return func(*call) (answer, error) { return answer{}, err }
}

// table is routes with the paths split.
type table []struct {
	route
	segments []string
}

var routing = sync.OnceValue(func() (t table) {
	all := routes()
	t = make(table, len(all))
	for i, r := range all {
		t[i].route = r
		t[i].segments = strings.Split(strings.TrimPrefix(r.path, "/"), "/")
	}
	return t
})

// match returns the route of a request and the arguments in its path.
func match(r *http.Request) (route, map[string]string, error) {
	segments, ok := split(r.URL)
	if !ok {
		return route{}, nil, errPath
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var allowed []string
	for _, candidate := range routing() {
		arguments, ok := fit(candidate.segments, segments)
		if !ok {
			continue
		}
		if candidate.method == method || candidate.method == "" {
			return candidate.route, arguments, nil
		}
		if !slices.Contains(allowed, candidate.method) {
			allowed = append(allowed, candidate.method)
		}
		if candidate.method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	if len(allowed) > 0 {
		slices.Sort(allowed)
		return route{}, nil, errMethod(strings.Join(slices.Compact(allowed), ", "))
	}
	return route{}, nil, errPath
}

// split returns the decoded segments of a path. A slash at its end makes no difference, because older
// clients send one.
func split(u *url.URL) ([]string, bool) {
	path := strings.TrimSuffix(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		decoded, err := url.PathUnescape(segment)
		if err != nil || decoded == "" {
			return nil, false
		}
		segments[i] = decoded
	}
	return segments, true
}

// fit compares a path with a route's and returns the arguments in it.
func fit(pattern, path []string) (map[string]string, bool) {
	if last := len(pattern) - 1; pattern[last] == "**" {
		if len(path) < last {
			return nil, false
		}
		pattern, path = pattern[:last], path[:last]
	}
	if len(pattern) != len(path) {
		return nil, false
	}
	var arguments map[string]string
	for i, segment := range pattern {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			if arguments == nil {
				arguments = make(map[string]string)
			}
			arguments[strings.TrimSuffix(name, "}")] = path[i]
		} else if segment != path[i] {
			return nil, false
		}
	}
	return arguments, true
}
