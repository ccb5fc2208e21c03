package verifiers

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"unicode/utf8"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// maxChallengeValues bounds the values of a challenge's JSON. It has three.
const maxChallengeValues = 32

// feishuURL answers the challenge of a new URL. With an Encrypt Key, which is the scheme's secret, the
// body is encrypted, and so shows that its sender has the key; before one is set it is plain. Where a
// verification token is configured, both must have it.
// Source: https://open.feishu.cn/document/server-docs/event-subscription-guide/event-subscription-configure-/encrypt-key-encryption-configuration-case
func feishuURL(h *Handshake, body []byte) (Answer, error) {
	if text := stringAt(pathEncrypt, body); text != "" {
		for _, key := range h.keys() {
			plain, ok := feishuDecrypt(key, text)
			// What was encrypted is as strict as it is small: nothing but a challenge may be told from
			// rubbish by the answer.
			if value, err := jsonpath.Parse(plain); ok && err == nil && value.Check(maxChallengeValues) == nil {
				return feishuEcho(h, plain)
			}
		}
		return Answer{}, ErrNoChallenge
	}
	return feishuEcho(h, body)
}

// feishuSigned is feishuURL of a request that is signed besides.
func feishuSigned(h *Handshake, _ *Check, body []byte) (Answer, error) {
	if len(body) > maxChallengeBody {
		return Answer{}, ErrNoChallenge
	}
	return feishuURL(h, body)
}

func feishuEcho(h *Handshake, body []byte) (Answer, error) {
	if stringAt(pathType, body) != "url_verification" {
		return Answer{}, ErrNoChallenge
	}
	if h.token != nil && !h.admits(stringAt(pathToken, body)) {
		return Answer{}, ErrChallengeRefused
	}
	text := stringAt(pathChallenge, body)
	if !isToken(text) {
		return Answer{}, ErrChallengeMalformed
	}
	return inJSONOf(map[string]string{"challenge": text})
}

// feishuDecrypt decrypts base64 of AES-256-CBC: the key is the hash of the Encrypt Key, the first block
// is the initialization vector.
func feishuDecrypt(encryptKey, text string) (plain []byte, ok bool) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(data) < 2*aes.BlockSize {
		return nil, false
	}
	key := sha256.Sum256([]byte(encryptKey))
	plain, ok = decryptCBC(key[:], data[:aes.BlockSize], data[aes.BlockSize:], aes.BlockSize)
	return plain, ok && utf8.Valid(plain)
}

// decryptCBC decrypts AES-CBC and cuts the padding, whose every byte is its length, of at most most bytes.
func decryptCBC(key, vector, data []byte, most int) (plain []byte, ok bool) {
	block, err := aes.NewCipher(key)
	if err != nil || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, false
	}
	plain = make([]byte, len(data))
	cipher.NewCBCDecrypter(block, vector).CryptBlocks(plain, data)
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > most || pad > len(plain) {
		return nil, false
	}
	for _, c := range plain[len(plain)-pad:] {
		if int(c) != pad {
			return nil, false
		}
	}
	return plain[:len(plain)-pad], true
}
