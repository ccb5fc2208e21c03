package verifiers

import (
	"bytes"
	"crypto/subtle"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// wechat verifies the callbacks of WeCom, of WeChat's official accounts, and DingTalk's events over HTTP. The
// signature is the SHA-1 of four texts, sorted and joined with nothing between them: the token, the time, a
// nonce, and the encrypted message in the body. Nothing else of the body is signed. The message is
// forwarded as it is: only the app has the key to it.
//
// Source: https://developer.work.weixin.qq.com/document/path/90968 and
// https://github.com/open-dingtalk/DingTalk-Callback-Crypto
type wechat struct {
	// plain says that the message isn't encrypted, and that nothing of the body is signed.
	plain bool

	// greets says that the request that saves an address is signed in the parameter signature, without its
	// echostr. Otherwise echostr is signed as an encrypted message is.
	greets bool

	// other is another name of the signature's parameter, or "".
	other string
}

func openWeCom(setup) (engine, error)        { return wechat{}, nil }
func openWeChat(setup) (engine, error)       { return wechat{greets: true}, nil }
func openWeChatPlain(setup) (engine, error)  { return wechat{plain: true}, nil }
func openDingTalkPush(setup) (engine, error) { return wechat{other: "signature"}, nil }

// wechatQuery is what stands in the query.
type wechatQuery struct {
	time, nonce string
	message     string // signed instead of one in the body
	bare        bool   // no message is signed
}

// maxNonce bounds a nonce. It may have letters and digits only, and a message only what base64 has: so what
// SHA-1 lets anybody append to a signed text, which is not, can't stand in either.
const maxNonce = 64

func (e wechat) head(c *Check) error {
	signature, query, err := e.read(c.request)
	if err != nil {
		return err
	}
	c.signatures = c.signatures[:0]
	if err := c.addSignatures([]string{signature}); err != nil {
		return err
	}
	c.state = query
	c.stamp = query.time
	if c.signed, err = c.rules.unit.parse(query.time); err != nil {
		return err
	}
	if err := c.fresh(c.signed); err != nil {
		return err
	}
	if query.nonce == "" {
		return ErrFieldMissing
	}
	for i := range len(query.nonce) {
		if i == maxNonce || !isAlphanumeric(query.nonce[i]) {
			return ErrFieldAmbiguous
		}
	}
	return nil
}

// read returns the signature and what else stands in the query.
func (e wechat) read(r Request) (signature string, query wechatQuery, err error) {
	parameters, err := url.ParseQuery(r.query())
	if err != nil {
		return "", query, ErrSignatureMissing
	}
	// single returns a parameter that may stand once.
	single := func(name string) string {
		switch values := parameters[name]; len(values) {
		case 0:
			return ""
		case 1:
			return values[0]
		}
		err = ErrFieldRepeated
		return ""
	}
	query = wechatQuery{time: single("timestamp"), nonce: single("nonce"), bare: e.plain}
	name := "msg_signature"
	if e.plain {
		name = "signature"
	}
	if r.Method == http.MethodGet {
		// An address is being saved.
		if e.greets {
			name, query.bare = "signature", true
		} else {
			query.message = single("echostr")
		}
	}
	if signature = single(name); signature == "" && e.other != "" {
		signature = single(e.other)
	}
	return signature, query, err
}

func (e wechat) verify(c *Check, body []byte) (Delivery, error) {
	if err := c.fresh(c.signed); err != nil {
		return Delivery{}, err
	}
	query := c.state.(wechatQuery)
	if c.request.Method == http.MethodGet && len(body) > 0 {
		return Delivery{}, ErrFieldAmbiguous // nothing of it is signed
	}
	if !query.bare && query.message == "" {
		var err error
		if query.message, err = wechatMessage(body); err != nil {
			return Delivery{}, err
		}
	}
	if !query.bare && !isBase64(query.message) {
		return Delivery{}, ErrFieldMissing
	}
	return e.match(c, query)
}

// match tries every secret. Where the token stands in the text depends on the token.
func (e wechat) match(c *Check, query wechatQuery) (Delivery, error) {
	d := Delivery{Timestamp: c.signed}
	matched := 0
	for _, key := range c.verifier.valid() {
		parts := [][]byte{key.secret, []byte(query.time), []byte(query.nonce)}
		if !query.bare {
			parts = append(parts, []byte(query.message))
		}
		slices.SortFunc(parts, bytes.Compare)
		sum := key.sum(c.sum[:0], parts...)
		same := subtle.ConstantTimeCompare(sum, c.signatures[0].bytes[:c.rules.size])
		if same == 1 && matched == 0 {
			d.Key, c.matched = key.label, key
			d.identify(tagMAC, sum)
		}
		matched |= same
	}
	if matched == 0 {
		return Delivery{}, ErrSignatureMismatch
	}
	return d, nil
}

// isBase64 reports whether a message is written as it must be.
func isBase64(text string) bool {
	if len(text)%4 != 0 {
		return false
	}
	for i := range len(text) {
		if c := text[i]; !isAlphanumeric(c) && c != '+' && c != '/' && c != '=' {
			return false
		}
	}
	_, err := strictBase64.DecodeString(text)
	return text != "" && err == nil
}

// wechatJSON leads to the message in a body that is JSON.
var wechatJSON, _ = jsonpath.ParsePath("encrypt")

// wechatMessage returns the encrypted message in a body, which is XML or JSON.
func wechatMessage(body []byte) (string, error) {
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		value, err := wechatJSON.Find(body)
		text, err := scalar(jsonpath.Found{Value: value, Err: err})
		if err == nil && text == "" {
			err = ErrFieldMissing
		}
		return text, err
	}
	return wechatXML(body)
}

// The bounds of an XML body. These callbacks have a handful of elements.
const (
	maxXMLBytes    = 1 << 20
	maxXMLElements = 64
)

// wechatXML returns the text of the element Encrypt in the outermost element. Whoever reads the body after us
// must find the same: so it may stand once only, in one piece, and there may be no comment, instruction or
// document type, in which simple readers find elements too.
func wechatXML(body []byte) (message string, err error) {
	if len(body) > maxXMLBytes {
		return "", ErrFieldMissing
	}
	decoder := xml.NewDecoder(bytes.NewReader(body))
	depth, elements, inside, found := 0, 0, false, false
	for {
		token, err := decoder.Token()
		switch {
		case err == io.EOF && found:
			return message, nil
		case err != nil:
			return "", ErrFieldMissing
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth == 0 && elements > 0 || inside || elements == maxXMLElements {
				return "", ErrFieldMissing
			}
			depth++
			elements++
			if token.Name.Local != "Encrypt" {
				continue
			}
			if found {
				return "", ErrFieldRepeated
			}
			if depth != 2 || token.Name.Space != "" || len(token.Attr) > 0 {
				return "", ErrFieldMissing
			}
			found, inside = true, true
		case xml.EndElement:
			depth--
			inside = false
		case xml.CharData:
			if inside && message != "" {
				return "", ErrFieldMissing
			}
			if inside {
				message = string(token)
			}
		default:
			return "", ErrFieldMissing
		}
	}
}
