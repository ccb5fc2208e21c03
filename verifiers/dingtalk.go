package verifiers

import (
	"crypto/aes"
	"encoding/hex"
	"strconv"
)

// DingTalk takes a URL, and every delivery to it, for accepted only if the answer is the word success, encrypted
// and signed as what it sends is. Whoever has the key can say it: the gateway with encrypt_key, and the app
// without.
// Source: https://github.com/open-dingtalk/DingTalk-Callback-Crypto
const dingTalkSuccess = "success"

// pathEventType leads to the name of an event in a decrypted message.
var pathEventType = path("EventType")

// dingTalkURL answers the challenge of a new URL.
func dingTalkURL(h *Handshake, c *Check, body []byte) (Answer, error) {
	ack := dingTalkAcknowledgement(h, c)
	if ack == nil {
		return Answer{}, ErrNoChallenge
	}
	text, err := wechatMessage(body)
	if err != nil {
		return Answer{}, ErrNoChallenge
	}
	// What is for another receiver, as some of DingTalk's own keys are, is the app's to understand.
	message, receiver := wecomDecrypt(h.key, text)
	if receiver != h.receiver || stringAt(pathEventType, message) != "check_url" {
		return Answer{}, ErrNoChallenge
	}
	return ack.make()
}

// dingTalkAcknowledgement returns the answer to a delivery that has verified, under the token that it was signed
// with.
func dingTalkAcknowledgement(h *Handshake, c *Check) *Acknowledgement {
	if h.key == nil || c == nil || c.matched == nil {
		return nil
	}
	token := string(c.matched.secret)
	return &Acknowledgement{make: func() (Answer, error) {
		var random [aes.BlockSize]byte
		var nonce [8]byte
		h.random(random[:])
		h.random(nonce[:])
		answer := struct {
			Signature string `json:"msg_signature"`
			Time      string `json:"timeStamp"`
			Nonce     string `json:"nonce"`
			Encrypt   string `json:"encrypt"`
		}{Time: strconv.FormatInt(h.verifier.now().UnixMilli(), 10), Nonce: hex.EncodeToString(nonce[:])}
		var err error
		if answer.Encrypt, err = wecomEncrypt(h.key, random, dingTalkSuccess, h.receiver); err != nil {
			return Answer{}, err
		}
		sum := tencentSum(token, answer.Time, answer.Nonce, answer.Encrypt)
		answer.Signature = hex.EncodeToString(sum[:])
		return inJSONOf(answer)
	}}
}
