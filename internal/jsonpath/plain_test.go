package jsonpath

import "testing"

// The fast way to see that a string needs no decoding must see every byte that does, wherever
// it stands, and may be wrong only about strings that have one.
func TestPlainStringsAreToldByEveryByte(t *testing.T) {
	for length := range 20 {
		raw := make([]byte, length)
		for k := range raw {
			for c := range 256 {
				for j := range raw {
					raw[j] = 'a'
				}
				raw[k] = byte(c)
				want := c >= ' ' && c < 0x80 && c != '\\'
				if got := isPlain(raw); got != want {
					t.Fatalf("byte %#x at %d of %d: got %v", c, k, length, got)
				}
			}
		}
	}
}
