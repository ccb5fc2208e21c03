package verifiers

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// maxEcho bounds a text that is echoed, or signed for whoever asks. The longest that providers document
// has about 120 bytes.
const maxEcho = 512

// isToken reports whether a text may be echoed: letters, digits and the marks of base64 and of URLs. There
// is nothing in that alphabet that is markup, and no JSON but a number or a word.
func isToken(text string) bool {
	return isOf(text, func(c byte) bool {
		return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' ||
			c == '-' || c == '.' || c == '_' || c == '~' || c == '+' || c == '/' || c == '='
	})
}

func isOf(text string, allowed func(byte) bool) bool {
	if text == "" || len(text) > maxEcho {
		return false
	}
	for i := range len(text) {
		if !allowed(text[i]) {
			return false
		}
	}
	return true
}

// parameter returns a parameter of the query. present is false where it isn't there at all.
func parameter(r Request, name string) (value string, present bool, err error) {
	query, err := url.ParseQuery(r.query())
	switch values := query[name]; {
	case len(values) == 0 && err == nil:
		return "", false, nil
	case len(values) == 1 && err == nil:
		return values[0], true, nil
	}
	return "", true, ErrChallengeMalformed
}

// echo answers with a text.
func echo(text string) (Answer, error) {
	if !isToken(text) {
		return Answer{}, ErrChallengeMalformed
	}
	return plainText(text), nil
}

func plainText(text string) Answer {
	return Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, Body: []byte(text)}
}

// inJSONOf answers with JSON.
func inJSONOf(v any) (Answer, error) {
	body, err := json.Marshal(v)
	return Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}, err
}

// path is a path of ours, which is well formed.
func path(text string) jsonpath.Path {
	p, err := jsonpath.ParsePath(text)
	if err != nil {
		panic(err)
	}
	return p
}

// The paths of challenges in JSON.
var (
	pathChallenge  = path("challenge")
	pathEncrypt    = path("encrypt")
	pathEvent      = path("event")
	pathPlainToken = path("payload.plainToken")
	pathToken      = path("token")
	pathTopic      = path("TopicArn")
	pathSNSToken   = path("Token")
	pathSNSType    = path("Type")
	pathType       = path("type")
	pathVerify     = path("verification_token")
	pathZen        = path("zen")
)

// stringAt returns the string at a path, and "" where there is none or several.
func stringAt(p jsonpath.Path, body []byte) string {
	value, err := p.Find(body)
	if err != nil {
		return ""
	}
	text, err := value.Text()
	if err != nil {
		return ""
	}
	return text
}

// reachable answers whoever asks whether somebody is there.
func reachable(_ *Handshake, r Request) (Answer, error) {
	if r.Method != http.MethodHead {
		return Answer{}, ErrNoChallenge
	}
	return Answer{Status: http.StatusOK}, nil
}

// echoParameter answers with the text of a parameter. Nothing shows who asks: the answer says only that
// somebody is there who knows the provider.
func echoParameter(name string) func(*Handshake, Request) (Answer, error) {
	return func(_ *Handshake, r Request) (Answer, error) {
		if r.Method != http.MethodGet {
			return Answer{}, ErrNoChallenge
		}
		text, present, err := parameter(r, name)
		switch {
		case err != nil:
			return Answer{}, err
		case !present:
			return Answer{}, ErrNoChallenge
		}
		return echo(text)
	}
}

// graphValidation echoes a text with blanks and brackets in it, decoded, as the vendor's own example has
// it. It comes with the method of deliveries, and without a body.
func graphValidation(_ *Handshake, r Request) (Answer, error) {
	text, present, err := parameter(r, "validationToken")
	switch {
	case r.Method != http.MethodPost:
		return Answer{}, ErrNoChallenge
	case err != nil:
		return Answer{}, err
	case !present:
		return Answer{}, ErrNoChallenge
	case !isOf(text, func(c byte) bool { return c >= ' ' && c <= '~' }):
		return Answer{}, ErrChallengeMalformed
	}
	return plainText(text), nil
}

func oktaVerification(_ *Handshake, r Request) (Answer, error) {
	values := r.Header["X-Okta-Verification-Challenge"]
	switch {
	case r.Method != http.MethodGet || len(values) == 0:
		return Answer{}, ErrNoChallenge
	case len(values) > 1 || !isToken(values[0]):
		return Answer{}, ErrChallengeMalformed
	}
	return inJSONOf(map[string]string{"verification": values[0]})
}

// metaSubscribe echoes a text to whoever knows the verify token.
func metaSubscribe(h *Handshake, r Request) (Answer, error) {
	if r.Method != http.MethodGet {
		return Answer{}, ErrNoChallenge
	}
	var values [3]string
	for i, name := range []string{"mode", "verify_token", "challenge"} {
		value, present, err := parameter(r, "hub."+name)
		if err == nil && !present { // as servers in PHP spell it, and proxies in front of them
			value, present, err = parameter(r, "hub_"+name)
		}
		switch {
		case err != nil:
			return Answer{}, err
		case !present:
			return Answer{}, ErrNoChallenge
		}
		values[i] = value
	}
	if !h.admits(values[1]) {
		return Answer{}, ErrChallengeRefused
	}
	answer, err := echo(values[2])
	if values[0] != "subscribe" {
		answer, err = Answer{}, ErrChallengeRefused
	}
	answer.Private = true // the query has the token
	return answer, err
}

// xCheck signs a text for whoever asks, as the vendor wants it, with the key and in the form in which
// deliveries are signed. So the text is one that no delivery's can be: see xDelivery.
func xCheck(h *Handshake, r Request) (Answer, error) {
	if r.Method != http.MethodGet {
		return Answer{}, ErrNoChallenge
	}
	text, present, err := parameter(r, "crc_token")
	switch {
	case err != nil:
		return Answer{}, err
	case !present:
		return Answer{}, ErrNoChallenge
	case !isToken(text):
		return Answer{}, ErrChallengeMalformed
	}
	keys := h.verifier.valid()
	if len(keys) == 0 {
		return Answer{}, ErrChallengeRefused
	}
	sum := keys[0].sum(nil, []byte(text))
	return inJSONOf(map[string]string{"response_token": "sha256=" + base64.StdEncoding.EncodeToString(sum)})
}

// linkedinCode signs a UUID for whoever asks, with the key of deliveries. LinkedIn's have an equals sign in what
// is signed; those of a scheme that somebody describes may not: see xDelivery.
func linkedinCode(h *Handshake, r Request) (Answer, error) {
	if r.Method != http.MethodGet {
		return Answer{}, ErrNoChallenge
	}
	code, present, err := parameter(r, "challengeCode")
	switch {
	case err != nil:
		return Answer{}, err
	case !present:
		return Answer{}, ErrNoChallenge
	case !uuid.MatchString(code):
		return Answer{}, ErrChallengeMalformed
	}
	keys := h.verifier.valid()
	if len(keys) == 0 {
		return Answer{}, ErrChallengeRefused
	}
	key := keys[0]
	application, _, err := parameter(r, "applicationId")
	if err != nil {
		return Answer{}, err
	}
	// An app with child apps is asked for each of them, and signs with that one's secret.
	if at := slices.IndexFunc(keys, func(k *keyed) bool { return k.label == application }); at >= 0 && application != "" {
		key = keys[at]
	}
	return inJSONOf(struct {
		Code     string `json:"challengeCode"`
		Response string `json:"challengeResponse"`
	}{code, hex.EncodeToString(key.sum(nil, []byte(code)))})
}

var uuid = regexp.MustCompile("^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")

// xDelivery refuses a delivery whose signature anybody can have from xCheck or linkedinCode: one whose whole
// signed text is such a text, whatever of it is the body.
func xDelivery(_ *Handshake, c *Check, body []byte) (Answer, error) {
	var signed []byte
	for _, part := range c.parts(body) {
		signed = append(signed, part[:min(len(part), maxEcho+1)]...)
	}
	if isToken(string(signed)) {
		return Answer{}, ErrChallengeText
	}
	return Answer{}, ErrNoChallenge
}

func slackURL(_ *Handshake, _ *Check, body []byte) (Answer, error) {
	if stringAt(pathType, body) != "url_verification" {
		return Answer{}, ErrNoChallenge
	}
	return echo(stringAt(pathChallenge, body))
}

// frontSync echoes the text of a header, which isn't signed as the body is.
func frontSync(_ *Handshake, c *Check, body []byte) (Answer, error) {
	values := c.request.Header["X-Front-Challenge"]
	switch {
	case stringAt(pathType, body) != "sync" || len(values) == 0:
		return Answer{}, ErrNoChallenge
	case len(values) > 1 || !isToken(values[0]):
		return Answer{}, ErrChallengeMalformed
	}
	return inJSONOf(map[string]string{"challenge": values[0]})
}

// githubPing answers what GitHub sends when a webhook is made. The header that names the event is not signed, so
// that the body has to be a ping's besides, in JSON or in a form; a delivery that somebody has given the header is
// none.
func githubPing(_ *Handshake, c *Check, body []byte) (Answer, error) {
	event := c.request.Header["X-Github-Event"]
	if len(event) != 1 || event[0] != "ping" {
		return Answer{}, ErrNoChallenge
	}
	if fields, ok := readForm(body); ok && len(fields) == 1 && fields[0].name == "payload" {
		body = []byte(fields[0].value)
	}
	if stringAt(pathZen, body) == "" {
		return Answer{}, ErrNoChallenge
	}
	return Answer{Status: http.StatusOK}, nil
}

// zoomURL signs a text with the key that has signed the challenge.
func zoomURL(_ *Handshake, c *Check, body []byte) (Answer, error) {
	if stringAt(pathEvent, body) != "endpoint.url_validation" {
		return Answer{}, ErrNoChallenge
	}
	text := stringAt(pathPlainToken, body)
	if !isToken(text) || c.matched == nil {
		return Answer{}, ErrChallengeMalformed
	}
	return inJSONOf(struct {
		PlainToken     string `json:"plainToken"`
		EncryptedToken string `json:"encryptedToken"`
	}{text, hex.EncodeToString(c.matched.sum(nil, []byte(text)))})
}

// twitchCallback echoes the text of a new subscription. The header that announces it is not signed, so
// that the body has to have the text besides; a delivery that somebody has given the header is none.
func twitchCallback(_ *Handshake, c *Check, body []byte) (Answer, error) {
	kind := c.request.Header["Twitch-Eventsub-Message-Type"]
	text := stringAt(pathChallenge, body)
	if len(kind) != 1 || kind[0] != "webhook_callback_verification" || text == "" {
		return Answer{}, ErrNoChallenge
	}
	return echo(text)
}

// discordPing answers the ping of interactions, and that of webhook events, whose events have the type
// that the other one's pings have.
func discordPing(_ *Handshake, _ *Check, body []byte) (Answer, error) {
	value, err := pathType.Find(body)
	if err != nil {
		return Answer{}, ErrNoChallenge
	}
	number, err := value.Number()
	if err != nil {
		return Answer{}, ErrNoChallenge
	}
	_, err = pathEvent.Find(body)
	switch isEvent := err == nil; {
	case number == int64(0) && !isEvent:
		return Answer{Status: http.StatusNoContent}, nil
	case number == int64(1) && !isEvent:
		return inJSONOf(map[string]int{"type": 1})
	}
	return Answer{}, ErrNoChallenge
}

// minOnce is the length under which a secret that a challenge brings is refused.
const minOnce = MinSecretBytes

// once is the answer to a challenge that brings a secret.
func once(secret string) (Answer, error) {
	if len(secret) < minOnce || !isToken(secret) {
		return Answer{}, ErrChallengeMalformed
	}
	return Answer{Status: http.StatusOK, Private: true, Once: func() string { return secret }}, nil
}

// asanaSecret sends the secret of a new webhook back.
func asanaSecret(_ *Handshake, r Request) (Answer, error) {
	values := r.Header["X-Hook-Secret"]
	switch {
	case r.Method != http.MethodPost || len(values) == 0 || len(r.Header["X-Hook-Signature"]) > 0:
		return Answer{}, ErrNoChallenge
	case len(values) > 1:
		return Answer{}, ErrChallengeMalformed
	}
	answer, err := once(values[0])
	if err == nil {
		answer.Header = http.Header{"X-Hook-Secret": {values[0]}}
	}
	return answer, err
}

// notionToken takes the secret of a new subscription, which a person then shows to Notion.
func notionToken(_ *Handshake, body []byte) (Answer, error) {
	if _, err := pathVerify.Find(body); err != nil {
		return Answer{}, ErrNoChallenge
	}
	return once(stringAt(pathVerify, body))
}

// wooPing answers the question of a shop whether somebody is there.
func wooPing(_ *Handshake, body []byte) (Answer, error) {
	if !wooForm.Match(body) {
		return Answer{}, ErrNoChallenge
	}
	return Answer{Status: http.StatusOK}, nil
}

var wooForm = regexp.MustCompile(`^webhook_id=[0-9]{1,20}$`)
