package verifiers

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
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
	return tencentEcho(h, r, "msg_signature", true, func(text string) (Answer, error) {
		message, receiver := wecomDecrypt(h.key, text)
		if h.receiver != "" && receiver != h.receiver {
			return Answer{}, ErrChallengeRefused
		}
		return echo(string(message))
	})
}

// wechatEcho is the challenge of an Official Account: the text is plain, and the signature doesn't cover
// it.
// Source: https://developers.weixin.qq.com/doc/offiaccount/en/Basic_Information/Access_Overview.html
func wechatEcho(h *Handshake, r Request) (Answer, error) {
	return tencentEcho(h, r, "signature", false, echo)
}

// tencentEcho checks the signature of a challenge, which may cover its text, and answers the text.
func tencentEcho(h *Handshake, r Request, signature string, covers bool, answer func(text string) (Answer, error)) (Answer, error) {
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
	signed := []string{values["timestamp"], values["nonce"]}
	if covers {
		signed = append(signed, values["echostr"])
	}
	for _, token := range h.keys() {
		sum := tencentSum(append(slices.Clone(signed), token)...)
		if subtle.ConstantTimeCompare(sum[:], got) == 1 {
			return answer(values["echostr"])
		}
	}
	return Answer{}, ErrChallengeRefused
}

// tencentSum is the signature of texts, the token among them: they are sorted and joined.
func tencentSum(texts ...string) [sha1.Size]byte {
	slices.Sort(texts)
	return sha1.Sum([]byte(strings.Join(texts, "")))
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

// wecomBefore is what stands before a message: 16 random bytes and its length.
const wecomBefore = aes.BlockSize + 4

// wecomDecrypt returns the message in an encrypted text and the id of its receiver, which stands behind it, and
// nil where there is none.
// Source: https://developer.work.weixin.qq.com/document/path/90968
func wecomDecrypt(key []byte, text string) (message []byte, receiver string) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, ""
	}
	plain, ok := decryptCBC(key, key[:aes.BlockSize], data, wecomBlock)
	if !ok || len(plain) < wecomBefore {
		return nil, ""
	}
	size := binary.BigEndian.Uint32(plain[aes.BlockSize:wecomBefore])
	if uint64(size) > uint64(len(plain)-wecomBefore) {
		return nil, ""
	}
	return plain[wecomBefore : wecomBefore+int(size)], string(plain[wecomBefore+int(size):])
}

// wecomEncrypt encrypts a message for a receiver, behind random bytes.
func wecomEncrypt(key []byte, random [aes.BlockSize]byte, message, receiver string) (string, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	plain := binary.BigEndian.AppendUint32(random[:], uint32(len(message)))
	plain = append(append(plain, message...), receiver...)
	pad := wecomBlock - len(plain)%wecomBlock
	plain = append(plain, bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, key[:aes.BlockSize]).CryptBlocks(plain, plain)
	return base64.StdEncoding.EncodeToString(plain), nil
}
