package verifiers

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// codedVectors returns the valid vectors of the schemes in code.
func codedVectors(t testing.TB) (all []vector) {
	for _, v := range validVectors(t) {
		if scheme, _ := Preset(v.preset); scheme.code != nil {
			all = append(all, v)
		}
	}
	return all
}

// signedParts says what a request signs by a scheme in code, and with what, as another reader than the
// engine finds it, or "" where it finds nothing. It reports whether nothing else can make a difference.
var signedParts = map[string]func(Request, []byte) (string, bool){
	"adyen": func(_ Request, body []byte) (string, bool) {
		var delivery struct {
			NotificationItems []map[string]map[string]any
		}
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		if !json.Valid(body) || decoder.Decode(&delivery) != nil || len(delivery.NotificationItems) == 0 || !bytes.Contains(body, []byte(`"notificationItems"`)) {
			return "", false
		}
		text := ""
		for _, element := range delivery.NotificationItems {
			item := element["NotificationRequestItem"]
			amount, _ := item["amount"].(map[string]any)
			additional, _ := item["additionalData"].(map[string]any)
			for _, value := range []any{item["pspReference"], item["originalReference"], item["merchantAccountCode"], item["merchantReference"], amount["value"], amount["currency"], item["eventCode"], item["success"], additional["hmacSignature"]} {
				if value == nil {
					value = ""
				}
				text += fmt.Sprintf("%v\n", value)
			}
		}
		return text, true
	},
	"alipay": func(_ Request, body []byte) (string, bool) {
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return "", false
		}
		text := ""
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if value := strings.Join(values[name], "&"); value != "" && name+value != "sign_typeRSA2" {
				text += name + "=" + value + "\n"
			}
		}
		return text, false // some products sign sign_type
	},
	"aws-sns": func(_ Request, body []byte) (string, bool) {
		var message map[string]any
		if json.Unmarshal(body, &message) != nil || message["Signature"] == nil {
			return "", false
		}
		text := ""
		for _, name := range []string{"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type", "SignatureVersion", "Signature", "SigningCertURL"} {
			if name == "Subject" && strings.Contains(fmt.Sprint(message["Type"]), "Confirmation") || (name == "SubscribeURL" || name == "Token") && message["Type"] == "Notification" {
				continue
			}
			text += fmt.Sprintf("%s=%q\n", name, message[name])
		}
		return text, false // what else stands in the body may be anything that is well formed
	},
	"paypal": func(r Request, body []byte) (string, bool) {
		text := fmt.Sprint(crc32.ChecksumIEEE(body))
		for _, name := range []string{"Paypal-Transmission-Id", "Paypal-Transmission-Time", "Paypal-Transmission-Sig", "Paypal-Cert-Url"} {
			text += fmt.Sprintf("%q\n", r.Header.Values(name))
		}
		return text, true
	},
	"plaid": func(r Request, body []byte) (string, bool) {
		return fmt.Sprintf("%q\n", r.Header.Values("Plaid-Verification")) + string(body), true
	},
	"contentful": func(r Request, body []byte) (string, bool) {
		names := strings.Split(r.Header.Get("X-Contentful-Signed-Headers"), ",")
		slices.Sort(names)
		text := r.Method + "\n" + r.Target + "\n" + strings.ToLower(r.Header.Get("X-Contentful-Signature")) + "\n"
		for _, name := range append(names, "x-contentful-timestamp") {
			text += name + fmt.Sprintf("%q", r.Header.Values(name))
		}
		return text + "\n" + string(body), len(r.Header.Values("X-Contentful-Signature")) == 1
	},
	"recurly": func(r Request, body []byte) (string, bool) {
		entries := strings.Split(r.Header.Get("Recurly-Signature"), ",")
		last := strings.ToLower(entries[len(entries)-1]) // those in front may be of other secrets, and none
		return entries[0] + "\n" + last + "\n" + string(body), len(r.Header.Values("Recurly-Signature")) == 1
	},
	"hook0":        hook0Parts,
	"coinbase-cdp": hook0Parts,
	"rfc9421": func(r Request, body []byte) (string, bool) {
		input := strings.Join(r.Header["Signature-Input"], ", ")
		if strings.Count(input, "=(") != 1 {
			return "", false
		}
		text := input + "\n" + strings.Join(r.Header["Signature"], ", ") + "\n"
		for _, match := range regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(input, -1) {
			switch name := match[1]; name {
			case "@method":
				text += r.Method + "\n"
			case "@target-uri", "@query", "@request-target":
				text += r.Target + "\n"
			case "@path":
				path, _, _ := strings.Cut(r.Target, "?")
				text += path + "\n"
			case "content-digest":
				text += string(body) + "\n"
				fallthrough
			default:
				text += fmt.Sprintf("%q\n", r.Header.Values(name))
			}
		}
		return text, true
	},
	"braintree": func(_ Request, body []byte) (string, bool) {
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return "", false
		}
		return strings.TrimSuffix(values.Get("bt_payload"), "\n"), false // the names of public keys may be any
	},
	"mandrill": func(r Request, body []byte) (string, bool) {
		text := r.Target + "\n" + r.Header.Get("X-Mandrill-Signature") + "\n"
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return "", false
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			slices.Sort(values[name])
			text += name + strings.Join(values[name], name)
		}
		return text, true
	},
	"twilio":            twilioParts,
	"twilio-shared-key": twilioParts,
	"wecom":             wechatParts,
	"wechat-mp":         wechatParts,
	"wechat-mp-plain":   wechatParts,
	"dingtalk-push":     wechatParts,
}

func twilioParts(r Request, body []byte) (string, bool) {
	text := r.Target + "\n" + r.Header.Get("X-Twilio-Signature") + "\n"
	if strings.Contains(r.Target, "bodySHA256=") {
		return text + string(body), true
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return "", false
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		slices.Sort(values[name])
		for _, value := range slices.Compact(values[name]) {
			text += name + value
		}
	}
	return text, true
}

func hook0Parts(r Request, body []byte) (string, bool) {
	parts := make(map[string]string)
	for _, entry := range strings.Split(r.Header.Get("X-Hook0-Signature"), ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(entry), "=")
		if _, twice := parts[key]; twice {
			return "", false
		}
		parts[key] = value
	}
	if parts["v1"] == "" {
		return parts["t"] + "\n" + strings.ToLower(parts["v0"]) + "\n" + string(body), true
	}
	text := parts["t"] + "\n" + parts["h"] + "\n" + strings.ToLower(parts["v1"]) + "\n"
	for _, name := range strings.Split(parts["h"], " ") {
		text += fmt.Sprintf("%q\n", r.Header.Values(name))
	}
	return text + string(body), true
}

// wechatParts: around the message the body may be anything that is well formed.
func wechatParts(r Request, body []byte) (string, bool) {
	_, query, _ := strings.Cut(r.Target, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", false
	}
	text := strings.ToLower(fmt.Sprint(values["msg_signature"]))
	if values["msg_signature"] == nil {
		text = strings.ToLower(fmt.Sprint(values["signature"]))
	}
	for _, name := range []string{"timestamp", "nonce"} {
		text += fmt.Sprintf("%q", values[name])
	}
	switch {
	case values["msg_signature"] == nil && !strings.Contains(string(body), `"encrypt"`):
	case r.Method == http.MethodGet:
		text += fmt.Sprintf("%q", values["echostr"])
	default:
		if match := regexp.MustCompile(`(?:<Encrypt><!\[CDATA\[|"encrypt":")([^"\]]*)`).FindSubmatch(body); match != nil {
			text += string(match[1])
		}
	}
	return text, false
}

// changesOf are changes of a request that anybody can make who has it: one bit of everything, something more,
// something less, and everything twice.
func changesOf(v *vector) (all []mutation) {
	add := func(name string, change func(*mutation)) {
		m := mutation{name: name, request: v.request(), body: bytes.Clone(v.body())}
		change(&m)
		all = append(all, m)
	}
	for i := range v.body() {
		add(fmt.Sprintf("one bit of byte %d of the body", i), func(m *mutation) { m.body[i] ^= 1 << (i % 8) })
	}
	add("a longer body", func(m *mutation) { m.body = append(m.body, '1') })
	add("the body twice", func(m *mutation) { m.body = append(m.body, m.body...) })
	add("no body", func(m *mutation) { m.body = nil })
	if n := len(v.body()); n > 0 {
		add("a shorter body", func(m *mutation) { m.body = m.body[:n-1] })
	}
	target := v.request().Target
	for i := range target {
		add(fmt.Sprintf("one bit of byte %d of the target", i), func(m *mutation) { m.request.Target = flip(target, i) })
	}
	add("a longer target", func(m *mutation) { m.request.Target += "1" })
	add("a shorter target", func(m *mutation) { m.request.Target = target[:len(target)-1] })
	if _, query, has := strings.Cut(target, "?"); has {
		add("the query twice", func(m *mutation) { m.request.Target += "&" + query })
		add("no query", func(m *mutation) { m.request.Target = strings.TrimSuffix(target, "?"+query) })
	}
	add("another method", func(m *mutation) { m.request.Method = http.MethodPut })
	for field, values := range v.request().Header {
		set := func(name string, change func([]string) []string) {
			add(name+" of "+field, func(m *mutation) { m.request.Header[field] = change(slices.Clone(values)) })
		}
		for at, value := range values {
			for i := range value {
				set(fmt.Sprintf("one bit of byte %d", i), func(values []string) []string { values[at] = flip(value, i); return values })
			}
		}
		set("a longer value", func(values []string) []string { values[0] += "1"; return values })
		set("a shorter value", func(values []string) []string { values[0] = values[0][:len(values[0])-1]; return values })
		set("twice the value", func(values []string) []string { values[0] += values[0]; return values })
		set("an empty value", func([]string) []string { return []string{""} })
		set("twice the field", func(values []string) []string { return append(values, values...) })
		add("no "+field, func(m *mutation) { delete(m.request.Header, field) })
	}
	return all
}

// TestNoMutationOfASchemeInCodeVerifies: what another reader finds changed in what is signed is refused, and
// what it finds unchanged is the same delivery. What neither can tell is refused or is the same delivery.
func TestNoMutationOfASchemeInCodeVerifies(t *testing.T) {
	for _, v := range codedVectors(t) {
		t.Run(v.preset+"/"+v.Name, func(t *testing.T) {
			parts := signedParts[v.preset]
			verifier := v.verifier(t, 0)
			want, err := verify(verifier, v.request(), v.body())
			if err != nil {
				t.Fatal(err)
			}
			signed, certain := parts(v.request(), v.body())
			refused := 0
			for _, m := range changesOf(&v) {
				d, err := verify(verifier, m.request, m.body)
				got, sure := parts(m.request, m.body)
				switch {
				case err != nil && !errors.Is(err, ErrNotGenuine) && !errors.Is(err, ErrKeyUnavailable):
					t.Errorf("%s: %v", m.name, err)
				case err == nil && identity(d) != identity(want):
					t.Errorf("%s: is another delivery: %v", m.name, d)
				case err == nil && got != signed && got != "":
					t.Errorf("%s: is genuine: %v", m.name, d)
				case err != nil && got == signed && sure && certain && !strings.HasPrefix(m.name, "twice the field"):
					t.Errorf("%s: %v", m.name, err)
				}
				if err != nil {
					refused++
				}
			}
			if refused < 40 {
				t.Errorf("only %d changes are refused", refused)
			}
			r := verifier.rules
			if !r.hasTime {
				return
			}
			age := v.Valid.Timestamp.Sub(time.Unix(v.Now, 0))
			for later, want := range map[time.Duration]error{
				age + r.tolerance + 1:         ErrTimestampTooOld,
				age + r.tolerance + time.Hour: ErrTimestampTooOld,
				age - r.tolerance - 1:         ErrTimestampTooNew,
				age - r.tolerance - time.Hour: ErrTimestampTooNew,
			} {
				if d, err := verify(v.verifier(t, later), v.request(), v.body()); err != want {
					t.Errorf("%s later: %v, %v", later, d, err)
				}
			}
		})
	}
}

// TestTheTimeOfASchemeInCodeIsCheckedAgain: a body may take longer to arrive than its signature is good for.
func TestTheTimeOfASchemeInCodeIsCheckedAgain(t *testing.T) {
	for _, v := range codedVectors(t) {
		verifier := v.verifier(t, 0)
		if !verifier.rules.hasTime {
			continue
		}
		check, err := verifier.Check(v.request())
		if err != nil {
			t.Fatal(err)
		}
		verifier.now = clock(v.Valid.Timestamp.Add(verifier.rules.tolerance + 1))
		if d, err := check.Verify(v.body()); err != ErrTimestampTooOld {
			t.Errorf("%s/%s: %v, %v", v.preset, v.Name, d, err)
		}
		check.Close()
	}
}

// TestSpellingsOfOneSignatureAreOneDelivery: hex in the other case is the same signature; base64 with other bits
// behind its end is none.
func TestSpellingsOfOneSignatureAreOneDelivery(t *testing.T) {
	for _, v := range codedVectors(t) {
		verifier := v.verifier(t, 0)
		if verifier.rules.signature.kind != inHeader {
			continue
		}
		want, err := verify(verifier, v.request(), v.body())
		if err != nil {
			t.Fatal(err)
		}
		field := verifier.rules.signature.name
		r := v.request()
		value := r.Header.Get(field)
		if verifier.rules.encoding == Hex {
			r.Header.Set(field, regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllStringFunc(value, strings.ToUpper))
			if d, err := verify(verifier, r, v.body()); err != nil || identity(d) != identity(want) {
				t.Errorf("%s/%s in upper case: %v, %v", v.preset, v.Name, d, err)
			}
			continue
		}
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		loose := regexp.MustCompile(`[A-Za-z0-9+/]=+`).ReplaceAllStringFunc(value, func(end string) string {
			return string(alphabet[strings.IndexByte(alphabet, end[0])^1]) + end[1:]
		})
		if r.Header.Set(field, loose); loose != value && !strings.Contains(value, ", ") {
			if d, err := verify(verifier, r, v.body()); err != ErrSignatureMalformed {
				t.Errorf("%s/%s with loose bits: %v, %v", v.preset, v.Name, d, err)
			}
		}
	}
}

// TestNoOtherKeyVerifiesAMessage is TestNoOtherSecretVerifiesAVector for RFC 9421, whose secrets say more than
// the key.
func TestNoOtherKeyVerifiesAMessage(t *testing.T) {
	tried := 0
	for _, v := range readVectors(t, "rfc9421") {
		if v.Valid == nil || strings.Contains(v.Name, "two") {
			continue
		}
		for _, s := range v.Secrets {
			if v.Valid.Key != s.Label {
				continue
			}
			name, text, _ := strings.Cut(s.Text, ":")
			var wrong []string
			if key, err := base64.StdEncoding.DecodeString(text); err == nil && name == "hmac-sha256" {
				for at := range key {
					changed := bytes.Clone(key)
					changed[at] ^= 1 << (at % 8)
					wrong = append(wrong, base64.StdEncoding.EncodeToString(changed))
				}
			} else {
				wrong = append(wrong, privateText(messageAlgorithms[name], SPKI, "wrong"))
			}
			for _, text := range wrong {
				v.Secrets = v.Secrets[:1]
				v.Secrets[0].Label, v.Secrets[0].Text = s.Label, name+":"+text
				tried++
				if d, err := verify(v.verifier(t, 0), v.request(), v.body()); err != ErrSignatureMismatch {
					t.Errorf("%s: %v, %v", v.Name, d, err)
				}
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d keys", tried)
	}
}

// TestErrorsOfSchemesInCodeHoldNothing: no error says anything of secret, signature or body.
func TestErrorsOfSchemesInCodeHoldNothing(t *testing.T) {
	for _, v := range codedVectors(t) {
		verifier := v.verifier(t, 0)
		for _, m := range changesOf(&v) {
			_, err := verify(verifier, m.request, m.body)
			if err != nil && ReasonOf(err) == "" && !errors.Is(err, ErrKeyUnavailable) {
				t.Fatalf("%s: %v", v.preset, err)
			}
		}
		check, err := verifier.Check(v.request())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := check.Verify(v.body()); err != nil {
			t.Fatal(err)
		}
		for _, secret := range v.Secrets {
			if text := fmt.Sprintf("%v %+v %#v", check, *check, verifier); strings.Contains(text, secret.Text) || strings.Contains(text, hex.EncodeToString([]byte(secret.Text))) {
				t.Errorf("%s prints its secret", v.preset)
			}
		}
		check.Close()
	}
}
