package verifiers

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzTextsOfNoCertainSize: whatever the text, it is refused or is that of its bytes, of which there are no
// more than may be; and where the size is known decode says the same.
func FuzzTextsOfNoCertainSize(f *testing.F) {
	for _, text := range []string{"", "00", "0g", "AA==", "AB==", "AAA=", "AAAA", "AA\n==", "====", "%41A%3D%3D", "%", "%zz", "a-_b", "A", strings.Repeat("A", 64), strings.Repeat("f", 40)} {
		f.Add(text)
	}
	const most = 24
	f.Fuzz(func(t *testing.T, text string) {
		for _, e := range append([]Encoding{Plain}, encodings...) {
			unescaped := e.unescape(text)
			got, ok := e.decodeAny(unescaped, most)
			if !ok {
				continue
			}
			if len(got) == 0 || len(got) > most {
				t.Errorf("%s: %q is %d bytes", e, text, len(got))
			}
			if again := e.encode(got); !strings.EqualFold(again, unescaped) || e != Hex && again != unescaped {
				t.Errorf("%s: %q is %x, which is written %q", e, text, got, again)
			}
			var sized [most]byte
			if e != Plain && (!e.decode(sized[:], []byte(unescaped), len(got)) || !bytes.Equal(sized[:len(got)], got)) {
				t.Errorf("%s: %q is %x with a size and %x without", e, text, sized[:len(got)], got)
			}
		}
	})
}
