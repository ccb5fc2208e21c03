package verifiers

import (
	"encoding/xml"
	"regexp"
	"strings"
	"testing"
)

// FuzzAnEncryptedMessageIsTheOneThatOthersRead: what is found in an XML body is what the standard library and a
// simple reader find too, and there is only one.
func FuzzAnEncryptedMessageIsTheOneThatOthersRead(f *testing.F) {
	for _, v := range readVectors(f, "wecom") {
		f.Add(v.body())
	}
	for _, seed := range []string{"<xml><Encrypt>AAAA</Encrypt></xml>", "<xml><Encrypt/></xml>", "<a><b><Encrypt>A</Encrypt></b></a>", "<xml>&lt;<x:Encrypt>A</x:Encrypt></xml>", "<?xml?><xml/>", "<xml><Encrypt>A&#65;</Encrypt></xml>"} {
		f.Add([]byte(seed))
	}
	simple := regexp.MustCompile(`<Encrypt>(?:<!\[CDATA\[)?([A-Za-z0-9+/=]*)(?:\]\]>)?</Encrypt>`)
	f.Fuzz(func(t *testing.T, body []byte) {
		message, err := wechatXML(body)
		if err != nil || !isBase64(message) {
			return
		}
		var envelope struct{ Encrypt []string }
		if err := xml.Unmarshal(body, &envelope); err != nil || len(envelope.Encrypt) != 1 || envelope.Encrypt[0] != message {
			t.Errorf("%q: found %q; the library finds %q, %v", body, message, envelope.Encrypt, err)
		}
		for _, match := range simple.FindAllSubmatch(body, -1) {
			if string(match[1]) != message {
				t.Errorf("%q: found %q; a simple reader finds %q", body, message, match[1])
			}
		}
	})
}

// TestAnXMLBodyIsBounded: by its bytes and its elements, however deep they are.
func TestAnXMLBodyIsBounded(t *testing.T) {
	const message = "<Encrypt>AAAA</Encrypt>"
	for _, test := range []struct {
		name, body string
		want       error
	}{
		{"as many elements as may be", "<xml>" + message + strings.Repeat("<a></a>", maxXMLElements-2) + "</xml>", nil},
		{"one element more", "<xml>" + message + strings.Repeat("<a></a>", maxXMLElements-1) + "</xml>", ErrFieldMissing},
		{"too deep", strings.Repeat("<a>", 1000) + message, ErrFieldMissing},
		{"as many bytes as may be", "<xml>" + strings.Repeat(" ", maxXMLBytes-len("<xml></xml>"+message)) + message + "</xml>", nil},
		{"one byte more", "<xml>" + strings.Repeat(" ", maxXMLBytes-len("<xml></xml>"+message)+1) + message + "</xml>", ErrFieldMissing},
		{"a message outside the root", message, ErrFieldMissing},
	} {
		if _, err := wechatXML([]byte(test.body)); err != test.want {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

// TestNothingCanBeAppendedToAHash: SHA-1 tells whoever has one of a text that of the text with padding and more
// behind it. The padding can't stand in any part.
func TestNothingCanBeAppendedToAHash(t *testing.T) {
	for _, text := range []string{"AA\x80\x00", "AAA\n", "AAAAA", "A===", "AAB=", "", "AAAA AAAA", "AAAA\r\nAAAA"} {
		if isBase64(text) {
			t.Errorf("%q is a message", text)
		}
	}
}
