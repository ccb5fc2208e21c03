package verifiers

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// wecomEcho answers the challenge of a new URL: a text, encrypted, with a signature over it. The scheme's
// secret is the token.
// Source: https://developer.work.weixin.qq.com/document/path/90930
func wecomEcho(h *Handshake, r Request) (Answer, error) {
	return tencentEcho(h, r, "msg_signature", func(signed []string, text string) ([]string, string) {
		return append(signed, text), string(wecomDecrypt(h.key, text))
	})
}

// wechatEcho is the challenge of an Official Account: the text is plain, and the signature doesn't cover
// it.
// Source: https://developers.weixin.qq.com/doc/offiaccount/en/Basic_Information/Access_Overview.html
func wechatEcho(h *Handshake, r Request) (Answer, error) {
	return tencentEcho(h, r, "signature", func(signed []string, text string) ([]string, string) {
		return signed, text
	})
}

// tencentEcho checks the signature of a challenge, and echoes its text. read adds to what is signed, and
// returns the text that is echoed.
func tencentEcho(h *Handshake, r Request, signature string, read func(signed []string, text string) ([]string, string)) (Answer, error) {
	if r.Method != http.MethodGet {
		return Answer{}, ErrNoChallenge
	}
	values := make(map[string]string)
	for _, name := range []string{signature, "timestamp", "nonce", "echostr"} {
		value, present, err := parameter(r, name)
		switch {
		case err != nil:
			return Answer{}, err
		case !present:
			return Answer{}, ErrNoChallenge
		case value == "" || len(value) > maxChallengeBody:
			return Answer{}, ErrChallengeMalformed
		}
		values[name] = value
	}
	got, err := hex.DecodeString(values[signature])
	if err != nil {
		return Answer{}, ErrChallengeMalformed
	}
	signed, text := read([]string{values["timestamp"], values["nonce"]}, values["echostr"])
	for _, token := range h.keys() {
		// The parts are sorted, with the token among them.
		parts := append(slices.Clone(signed), token)
		slices.Sort(parts)
		sum := sha1.Sum([]byte(strings.Join(parts, "")))
		if subtle.ConstantTimeCompare(sum[:], got) == 1 {
			return echo(text)
		}
	}
	return Answer{}, ErrChallengeRefused
}

// encodingAESKey decodes an EncodingAESKey: base64 of 32 bytes without its padding.
func encodingAESKey(text string) ([]byte, error) {
	// Not strict: the last letter has two bits to spare, and WeCom chooses it at random.
	key, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%w: expected the 43 letters and digits of an EncodingAESKey", ErrSecretForm)
	}
	return key, nil
}

// wecomBlock is the size that the padding fills blocks up to, which is not that of AES.
const wecomBlock = 32

// wecomDecrypt returns the message in an encrypted text, and nil where there is none: behind 16 random
// bytes its length, itself, and the id of the receiver.
// Source: https://developer.work.weixin.qq.com/document/path/90968
func wecomDecrypt(key []byte, text string) []byte {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	plain, ok := decryptCBC(key, key[:16], data, wecomBlock)
	const before = 16 + 4
	if !ok || len(plain) < before {
		return nil
	}
	size := binary.BigEndian.Uint32(plain[16:before])
	if uint64(size) > uint64(len(plain)-before) {
		return nil
	}
	return plain[before : before+int(size)]
}
