package doctor

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/hookseal/hookseal/verifiers"
)

// now is the time of genuine deliveries that are signed here.
var now = time.Unix(1767225600, 0)

// richBody is JSON in which every style of writing shows. It has the time for those who sign it there.
const richBody = `{"type":"invoice.paid","id":"evt_1","webhookTimestamp":1767225600000,"name":"Zoë <b> & \"co\"","url":"https://a.example/x","n":1.0,"list":[1,2],"none":[],"nothing":{}}`

// linedBody has line breaks inside and at its end.
const linedBody = "{\n  \"type\": \"invoice.paid\",\n  \"id\": \"evt_1\",\n  \"webhookTimestamp\": 1767225600000\n}\n"

// fields are those that presets sign besides the ones that Sign sets.
var fields = http.Header{"X-Lark-Request-Nonce": {"nonce"}, "Wechatpay-Nonce": {"nonce"}}

// signed returns a genuine delivery of a preset, if its deliveries can be signed.
func signed(scheme verifiers.Scheme, body string) (Case, bool) {
	secret := scheme.SampleSecret()
	c := Case{
		Scheme: scheme, Secret: func() string { return secret },
		Method: http.MethodPost, Target: "/hooks/in?a=b", PublicURL: "https://hooks.example.com",
		Body: []byte(body), Now: now,
	}
	if scheme.KeyID != "" {
		c.Label = "key-1"
	}
	header, err := signature(c, secret)
	if err != nil {
		return c, false
	}
	c.Header = header
	return c, true
}

func signature(c Case, secret string) (http.Header, error) {
	v, err := verifiers.New(c.Scheme, []verifiers.Secret{verifiers.NewSecret(c.Label, secret)}, verifiers.Options{AllowWeak: true, AllowShort: true, PublicURL: c.PublicURL})
	if err != nil {
		return nil, err
	}
	return v.Sign(verifiers.Message{ID: "msg_1", Event: "invoice.paid", Time: c.Now, Body: c.Body, Header: fields, Method: c.Method, Target: c.Target})
}

// vector is what is read of a vector of package verifiers.
type vector struct {
	Name       string      `json:"name"`
	Method     string      `json:"method"`
	Target     string      `json:"target"`
	PublicURL  string      `json:"public_url"`
	Headers    [][2]string `json:"headers"`
	Body       string      `json:"body"`
	BodyBase64 []byte      `json:"body_base64"`
	Secrets    []struct {
		Label string `json:"label"`
		Text  string `json:"text"`
	} `json:"secrets"`
	Keys  map[string]string `json:"keys"`
	Now   int64             `json:"now"`
	Valid json.RawMessage   `json:"valid"`
}

// captured returns the valid vectors of a preset that have one secret.
func captured(t testing.TB, scheme verifiers.Scheme) (all []Case) {
	t.Helper()
	text, err := os.ReadFile("../../verifiers/testdata/vectors/" + scheme.Name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		if v.Valid == nil || len(v.Secrets) != 1 {
			continue
		}
		secret := v.Secrets[0].Text
		c := Case{
			Scheme: scheme, Secret: func() string { return secret }, Label: v.Secrets[0].Label,
			Method: v.Method, Target: v.Target, PublicURL: v.PublicURL, Header: make(http.Header),
			Body: []byte(v.Body), Now: time.Unix(v.Now, 0),
			Keys: verifiers.NewKeySource(verifiers.KeySourceOptions{Transport: nowhere{}, Known: v.Keys}),
		}
		if c.Method == "" {
			c.Method = http.MethodPost
		}
		if c.Target == "" {
			c.Target = "/in"
		}
		if c.PublicURL == "" {
			c.PublicURL = "https://hooks.example.com"
		}
		if v.BodyBase64 != nil {
			c.Body = v.BodyBase64
		}
		for _, field := range v.Headers {
			c.Header.Add(field[0], field[1])
		}
		all = append(all, c)
	}
	return all
}

// genuine returns deliveries of a preset that verify.
func genuine(t testing.TB, scheme verifiers.Scheme) []Case {
	t.Helper()
	all := captured(t, scheme)
	all = all[:min(len(all), 1)] // the rest differs in what the doctor does not look at
	for _, body := range []string{richBody, linedBody} {
		if c, ok := signed(scheme, body); ok {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s has no genuine delivery", scheme.Name)
	}
	return all
}

func TestGenuineDeliveriesOfEveryPresetPass(t *testing.T) {
	for _, scheme := range verifiers.Presets() {
		for i, c := range genuine(t, scheme) {
			if r := Examine(c); !r.Genuine || len(r.Causes) > 0 || r.Delivery.Provider != scheme.Name || r.Tried != 1 {
				t.Errorf("%s %d: got %s %v after %d", scheme.Name, i, r.Reason, r.Causes, r.Tried)
			}
		}
	}
}
