package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hookseal/hookseal/outbound"
)

// What stands in the configuration is changed there, and its secret stays there.
func TestEndpointsOfTheConfigurationCanOnlyBeDisabled(t *testing.T) {
	inBubble(t, func(r *rig) {
		err := r.hub.Configure(outbound.Settings{Endpoints: []outbound.ConfiguredEndpoint{{
			Endpoint: outbound.Endpoint{UID: "billing", URL: "https://billing.example/hook"},
			Secrets:  []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
		}}})
		if err != nil {
			r.Fatal(err)
		}
		path := "/api/v1/app/default/endpoint/billing"
		r.do("GET", path, "").want(http.StatusOK).is("managed", true)
		r.do("PATCH", path, `{"disabled":true}`).want(http.StatusOK).is("disabled", true)
		r.do("PATCH", path, `{"disabled":false}`).want(http.StatusOK).is("disabled", false)
		for _, a := range []response{
			r.do("PATCH", path, `{"url":"https://elsewhere.example"}`),
			r.do("PATCH", path+"/headers", `{"headers":{"X-A":"a"}}`),
			r.do("POST", path+"/secret/rotate", `{}`),
			r.do("GET", path+"/secret", ""),
			r.do("DELETE", path, ""),
			r.do("DELETE", "/api/v1/app/default", ""),
		} {
			a.want(http.StatusConflict).is("code", "managed")
			if strings.Contains(a.text, "MfKQ9r8G") {
				r.Error("the secret was shown")
			}
		}
	})
}
