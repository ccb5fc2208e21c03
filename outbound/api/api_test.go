package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/hookseal/hookseal/outbound"
)

func TestWithoutATokenNothingStarts(t *testing.T) {
	if _, err := New(newRig(t).hub, Options{}); err == nil {
		t.Error("an API without a token was made")
	}
	for _, text := range []string{"", "short", "fifteen-bytes-1", "with a blank in the middle", "line\nbreak-in-the-middle"} {
		if _, err := NewToken(text); err == nil {
			t.Errorf("%q was taken for a token", text)
		}
	}
}

// untouchable fails the test when it is read.
type untouchable struct{ *testing.T }

func (u untouchable) Read([]byte) (int, error) {
	u.Error("the body was read")
	return 0, io.EOF
}

// Every operation, and what isn't one.
func requests() (all [][2]string) {
	argument := regexp.MustCompile(`\{[a-z]+\}`)
	for _, route := range routes() {
		method := route.method
		if method == "" {
			method = "POST"
		}
		path := strings.Replace(argument.ReplaceAllString(route.path, "nobody"), "**", "any/thing", 1)
		all = append(all, [2]string{method, path})
	}
	return append(all, [2]string{"GET", "/"}, [2]string{"GET", "/api/v1/nothing"}, [2]string{"BREW", "/publish"})
}

// PITFALLS 1 and 12: nobody gets in without a token, and nobody makes the server read anything.
func TestNothingIsToldOrReadWithoutAToken(t *testing.T) {
	r := newRig(t)
	for name, fields := range map[string][]string{
		"none":            nil,
		"wrong":           {"Bearer a-token-for-tests-3"},
		"prefix":          {"Bearer a-token-for-tests-"},
		"longer":          {"Bearer " + testToken + "1"},
		"empty":           {"Bearer "},
		"another scheme":  {"Basic " + testToken},
		"no scheme":       {testToken},
		"two of them":     {"Bearer " + testToken, "Bearer " + testToken},
		"blank in front":  {"Bearer  " + testToken},
		"hash for a name": {"Bearer " + fmt.Sprintf("%x", r.options.Tokens[0].hash)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, request := range requests() {
				if request[1] == "/api/v1/health" {
					continue
				}
				h := httptest.NewRequest(request[0], request[1], untouchable{t})
				h.Header["Authorization"] = fields
				answered := r.serve(h)
				answered.T = t
				if answered.code != http.StatusUnauthorized {
					t.Errorf("%s %s: answered %d", request[0], request[1], answered.code)
				}
				answered.is("code", "authentication_failed")
				if answered.header.Get("Www-Authenticate") == "" {
					t.Error("the answer doesn't say how to authenticate")
				}
			}
		})
	}
}

func TestEveryTokenWillDo(t *testing.T) {
	inBubble(t, func(r *rig) {
		for _, field := range []string{"Bearer " + testToken, "Bearer " + otherToken, "bearer " + otherToken} {
			r.do("GET", "/api/v1/app", "", "Authorization", field).want(http.StatusOK)
		}
	})
}

// isFault checks that an answer is an error in one of Svix's two forms.
func isFault(a response) error {
	var standard struct{ Code, Detail string }
	if json.Unmarshal([]byte(a.text), &standard) == nil && standard.Code != "" && standard.Detail != "" {
		return nil
	}
	var validation struct {
		Detail []struct {
			Location *[]string `json:"loc"`
			Message  string    `json:"msg"`
			Type     string
		}
	}
	if a.code != http.StatusUnprocessableEntity || json.Unmarshal([]byte(a.text), &validation) != nil || len(validation.Detail) == 0 {
		return errors.New("is in neither form")
	}
	for _, problem := range validation.Detail {
		if problem.Location == nil || len(*problem.Location) == 0 || problem.Message == "" || problem.Type == "" {
			return errors.New("has a problem without place, message or type")
		}
	}
	return nil
}

func TestErrorsAreInTheirForm(t *testing.T) {
	inBubble(t, func(r *rig) {
		for _, request := range requests() {
			method, path := request[0], request[1]
			t := r.T
			// Of an application that isn't there, without a body, with one that is no JSON, by another
			// method.
			for _, a := range []response{
				r.do(method, path, ""),
				r.do(method, path, "{"),
				r.do(method, path, "[]"),
				r.do("TRACE", path, ""),
			} {
				if a.code < 300 {
					continue
				}
				if err := isFault(a); err != nil {
					t.Errorf("%s %s: %d %s: %v", method, path, a.code, a.text, err)
				}
				if a.code == http.StatusInternalServerError {
					t.Errorf("%s %s: %d", method, path, a.code)
				}
			}
		}
	})
}

func TestAnotherMethodIsToldWhichOnesThereAre(t *testing.T) {
	inBubble(t, func(r *rig) {
		for path, allowed := range map[string]string{
			"/publish":                         "POST",
			"/api/v1/app":                      "GET, HEAD, POST",
			"/api/v1/app/x":                    "DELETE, GET, HEAD, PATCH, PUT",
			"/api/v1/app/x/msg":                "GET, HEAD, POST",
			"/api/v1/app/x/endpoint/y/secret":  "GET, HEAD",
			"/api/v1/app/x/endpoint/y/recover": "POST",
			"/api/v1/health":                   "GET, HEAD",
		} {
			a := r.do("OPTIONS", path, "").want(http.StatusMethodNotAllowed).is("code", "method_not_allowed")
			if got := a.header.Get("Allow"); got != allowed {
				r.Errorf("%s allows %q, want %q", path, got, allowed)
			}
		}
	})
}

func TestWhatIsNotBuiltSaysSo(t *testing.T) {
	inBubble(t, func(r *rig) {
		for _, request := range [][2]string{
			{"GET", "/api/v1/app/x/endpoint/y/transformation"},
			{"POST", "/api/v1/app/x/msg/expunge-all-contents"},
			{"POST", "/api/v1/app/x/msg/precheck/active"},
			{"POST", "/api/v1/auth/app-portal-access/x"},
			{"GET", "/api/v1/background-task/qtask_1"},
			{"POST", "/ingest/api/v1/source"},
		} {
			r.do(request[0], request[1], "{}").want(http.StatusNotImplemented).is("code", "not_implemented")
		}
		r.do("GET", "/api/v2/app", "").want(http.StatusNotFound).is("code", "not_found")
		r.do("GET", "/api/v1/app//endpoint", "").want(http.StatusNotFound)
	})
}

func TestSlashesAtTheEndMakeNoDifference(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.app("acme")
		r.do("GET", "/api/v1/app/acme/", "").want(http.StatusOK)
		r.do("GET", "/api/v1/app/", "").want(http.StatusOK)
	})
}

func TestLargeBodiesAreRefused(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.options.MaxBody = 100
		r.build()
		r.app("acme")
		large := `{"eventType":"a","payload":{"x":"` + strings.Repeat("x", 100) + `"}}`
		for _, path := range []string{"/api/v1/app", "/api/v1/app/acme/msg", "/publish"} {
			a := r.do("POST", path, large, "Content-Type", "application/json").want(http.StatusRequestEntityTooLarge)
			if a.header.Get("Connection") != "close" {
				r.Error("the server would read on")
			}
			// Without a length the bound holds too.
			h := httptest.NewRequest("POST", path, io.MultiReader(strings.NewReader(large)))
			h.Header.Set("Authorization", "Bearer "+testToken)
			r.serve(h).want(http.StatusRequestEntityTooLarge)
		}
		if len(r.delivered()) > 0 {
			r.Error("something was delivered")
		}
	})
}

func TestBodiesThatEndEarlyAreRefused(t *testing.T) {
	inBubble(t, func(r *rig) {
		h := httptest.NewRequest("POST", "/api/v1/app", io.MultiReader(strings.NewReader(`{"name":"x"}`), broken{}))
		h.Header.Set("Authorization", "Bearer "+testToken)
		r.serve(h).want(http.StatusBadRequest).is("code", "incomplete_body")
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestHealthNeedsNoTokenAndTellsWhetherTheHubIsWorking(t *testing.T) {
	r := newRig(t)
	r.serve(httptest.NewRequest("GET", "/api/v1/health", nil)).want(http.StatusServiceUnavailable)
	inBubble(t, func(r *rig) {
		r.serve(httptest.NewRequest("GET", "/api/v1/health", nil)).want(http.StatusNoContent)
		r.serve(httptest.NewRequest("HEAD", "/api/v1/health", nil)).want(http.StatusNoContent)
	})
}

func TestAHubThatIsNotReadyIsUnavailableAndNotEmpty(t *testing.T) {
	r := newRig(t)
	for _, request := range requests() {
		body := `{"name":"x","description":"x","url":"https://x.example","eventType":"x","payload":{},"since":"2026-01-01T00:00:00Z","headers":{},"event":"x"}`
		a := r.do(request[0], request[1], body, "Content-Type", "application/json")
		if a.code < 500 && a.code != http.StatusNotFound && a.code != http.StatusMethodNotAllowed {
			t.Errorf("%s %s: answered %d %s", request[0], request[1], a.code, a.text)
		}
		if a.code == http.StatusServiceUnavailable && a.header.Get("Retry-After") != "1" {
			t.Errorf("%s %s: doesn't say when to try again", request[0], request[1])
		}
	}
}

func TestTheHubsErrorsHaveTheirStatus(t *testing.T) {
	for err, want := range map[error]int{
		outbound.ErrNotFound:                          404,
		outbound.ErrExists:                            409,
		outbound.ErrManaged:                           409,
		outbound.ErrTooLarge:                          413,
		&outbound.InvalidError{Field: "URL"}:          422,
		outbound.ErrFull:                              503,
		outbound.ErrUnavailable:                       503,
		fmt.Errorf("lost: %w", outbound.ErrLost):      503,
		errors.New("a secret of the server's"):        500,
		fmt.Errorf("wrapped: %w", outbound.ErrExists): 409,
	} {
		a := answerTo(err)
		if a.status != want {
			t.Errorf("%v: %d, want %d", err, a.status, want)
		}
		if strings.Contains(string(a.body), "secret of the server") {
			t.Errorf("%v: %s", err, a.body)
		}
	}
	if got := answerTo(outbound.ErrFull).header.Get("Retry-After"); got != "30" {
		t.Errorf("when the journal is full, try again after %q", got)
	}
}
