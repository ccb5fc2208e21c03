package caddymodule_test

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// dingTalkSum is the signature of texts and the token.
func dingTalkSum(texts ...string) string {
	slices.Sort(texts)
	sum := sha1.Sum([]byte(strings.Join(texts, "")))
	return hex.EncodeToString(sum[:])
}

// DingTalk counts a delivery as accepted only if the answer has the word for that, encrypted and signed. With the
// key the gateway says it for the app, to check_url without it, and to copies; without the key it is the app's to say.
func TestDingTalkIsToldThatADeliveryWasAccepted(t *testing.T) {
	const token = "a-token-of-dingtalk"
	t.Setenv("DING_TOKEN", token)
	t.Setenv("DING_KEY", "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7")
	app := newAppThat(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("the app's own words"))
	})
	g := startSite(t, app, `
handle /told {
	webhook_verify dingtalk-push {
		name told
		secret {env.DING_TOKEN}
		encrypt_key {env.DING_KEY}
		receiver_id ding6ccabc44d2c8d38b
		allow_weak
	}
	reverse_proxy APP
}
handle /app {
	webhook_verify dingtalk-push {
		name app
		secret {env.DING_TOKEN}
		allow_weak
	}
	reverse_proxy APP
}`)
	// check_url of the vendor's own example; and what the key doesn't decrypt, which is an event as well as any.
	const checkURL = "0vJiX6vliEpwG3U45CtXqi+m8PXbQRARJ8p8BbDuD1EMTDf0jKpQ79QS93qEk7XHpP6u+oTTrd15NRPvNvmBKyDCYxxOK+HZeKju4yhELOFchzNukR+t8SB/qk4ROMu3"
	event := base64.StdEncoding.EncodeToString([]byte(newID() + strings.Repeat("0", 64))[:64])
	send := func(path, message, token string) *answer {
		stamp, nonce := strconv.FormatInt(time.Now().UnixMilli(), 10), hex.EncodeToString([]byte(newID()))[:16]
		query := url.Values{"msg_signature": {dingTalkSum(token, stamp, nonce, message)}, "timestamp": {stamp}, "nonce": {nonce}}
		return g.post(path+"?"+query.Encode(), nil, []byte(`{"encrypt":"`+message+`"}`))
	}
	told := func(a *answer) {
		t.Helper()
		a.wants(t, 200)
		var said map[string]string
		if err := json.Unmarshal([]byte(a.body), &said); err != nil {
			t.Fatalf("%v: %q", err, a.body)
		}
		if said["msg_signature"] != dingTalkSum(token, said["timeStamp"], said["nonce"], said["encrypt"]) || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("answered %v %q", a.header, a.body)
		}
	}
	told(send("/told", checkURL, token))
	app.none()
	told(send("/told", event, token))
	app.one()
	for _, message := range []string{checkURL, event} {
		if a := send("/told", message, "another-token").wants(t, 401); a.body != "" {
			t.Errorf("a forgery is told %q", a.body)
		}
		app.none()
		if a := send("/app", message, token).wants(t, 200); a.body != "the app's own words" {
			t.Errorf("answered %q", a.body)
		}
		app.one()
	}
	app.answers(status(500))
	if a := send("/told", event, token).wants(t, 500); a.body != "" {
		t.Errorf("a failure is told as %q", a.body)
	}
	app.take()
	if text := g.log.text(); strings.Contains(text, token) || strings.Contains(text, "Yue0EfdN") {
		t.Error("the log has a secret")
	}
}
