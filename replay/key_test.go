package replay_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hookseal/hookseal/replay"
)

// The layout is a promise to stores that outlive a gateway and to operators who kept a log line.
// The sums were made with coreutils, as in
//
//	printf '\021hookseal replay 1\014hooks/stripe\006stripe\005evt_1' | sha256sum
func TestKeyLayoutStaysTheSame(t *testing.T) {
	for _, test := range []struct {
		route, scheme, identity, want string
	}{
		{"", "", "", "6d6e986c615836c8bf039f79b459df0521f7527dc6f3d5c75979f9f6da18ce39"},
		{"hooks/stripe", "stripe", "evt_1", "249b54967468b3c338ccb6a44ba12eb05855047bbcfd38b11dd49c370fb4d9bd"},
		{"hooks", "standard", strings.Repeat("x", 1000), "c0adc63c6f26ffad1bddc8e85ac9007851d51ccf642deabb55302d26f79fcb6a"},
	} {
		got := replay.NewKey(test.route, test.scheme, []byte(test.identity)).String()
		if got != test.want {
			t.Errorf("key of %q, %q, %.10q is %s, want %s", test.route, test.scheme, test.identity, got, test.want)
		}
	}
}

func TestKeyDiffersWithEveryPart(t *testing.T) {
	parts := make(map[replay.Key]string)
	for _, route := range []string{"", "a", "b"} {
		for _, scheme := range []string{"", "a", "b"} {
			for _, identity := range []string{"", "a", "b"} {
				triple := fmt.Sprintf("%q, %q, %q", route, scheme, identity)
				key := replay.NewKey(route, scheme, []byte(identity))
				if other, ok := parts[key]; ok {
					t.Errorf("%s and %s have the same key", triple, other)
				}
				parts[key] = triple
			}
		}
	}
}

func TestKeyAllocatesNothing(t *testing.T) {
	identity := make([]byte, 64) // the largest MAC
	route := strings.Repeat("r", 300)
	if n := testing.AllocsPerRun(100, func() { replay.NewKey(route, "standard", identity) }); n != 0 {
		t.Errorf("NewKey allocates %v times", n)
	}
}

func TestKeyTextIsReadInEitherCase(t *testing.T) {
	key := replay.NewKey("hooks", "github", []byte{0xfe, 0xdc})
	text := key.String()
	for _, text := range []string{text, strings.ToUpper(text), text[:32] + strings.ToUpper(text[32:])} {
		if got, err := replay.ParseKey(text); err != nil || got != key {
			t.Errorf("ParseKey(%q) is %v, %v; want %v", text, got, err, key)
		}
	}
}

func TestKeyTextErrorsSayWhere(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 4)
	for _, test := range []struct{ text, want string }{
		{"", "replay key has 0 characters and not 64"},
		{text[:63], "replay key has 63 characters and not 64"},
		{text + "0", "replay key has 65 characters and not 64"},
		{" " + text, "replay key has 65 characters and not 64"},
		{"g" + text[1:], "replay key, characters 1 and 2: not two hex digits"},
		{text[:21] + "-" + text[22:], "replay key, characters 21 and 22: not two hex digits"},
		{text[:62] + "0 ", "replay key, characters 63 and 64: not two hex digits"},
		{"0x" + text[2:], "replay key, characters 1 and 2: not two hex digits"},
	} {
		key, err := replay.ParseKey(test.text)
		if err == nil || err.Error() != test.want {
			t.Errorf("ParseKey(%q): error %v, want %s", test.text, err, test.want)
		}
		if key != (replay.Key{}) {
			t.Errorf("ParseKey(%q): the error comes with key %v", test.text, key)
		}
	}
}

func FuzzParseKeyReadsExactly64HexDigits(f *testing.F) {
	f.Add("")
	f.Add(strings.Repeat("0", 63))
	f.Add(strings.Repeat("aF", 32))
	f.Add(strings.Repeat("0", 63) + "g")
	f.Add(strings.Repeat("é", 32))
	valid := regexp.MustCompile(`\A[0-9a-fA-F]{64}\z`)
	f.Fuzz(func(t *testing.T, text string) {
		key, err := replay.ParseKey(text)
		if (err == nil) != valid.MatchString(text) {
			t.Fatalf("ParseKey(%q): error %v", text, err)
		}
		if err == nil && key.String() != strings.ToLower(text) {
			t.Errorf("ParseKey(%q) prints as %v", text, key)
		}
	})
}

// The same bytes are cut into route, scheme and identity at two places each, which is how
// different triples come closest to each other.
func FuzzKeysAreEqualExactlyForEqualTriples(f *testing.F) {
	f.Add([]byte("routeschemeidentity"), 5, 11, 6, 11)
	f.Add([]byte("routeschemeidentity"), 5, 11, 5, 11)
	f.Add([]byte("aaaaaa"), 1, 2, 2, 3)
	f.Add([]byte{0, 0, 0, 1, 1, 1}, 0, 0, 0, 1)
	f.Add([]byte{1, 'a', 1, 'b', 1, 'c'}, 1, 3, 2, 3)
	f.Add(bytes.Repeat([]byte{127}, 300), 127, 255, 128, 255)
	f.Fuzz(func(t *testing.T, text []byte, i, j, k, l int) {
		route1, scheme1, identity1 := cut(text, i, j)
		route2, scheme2, identity2 := cut(text, k, l)
		same := route1 == route2 && scheme1 == scheme2 && bytes.Equal(identity1, identity2)
		first := replay.NewKey(route1, scheme1, identity1)
		second := replay.NewKey(route2, scheme2, identity2)
		if (first == second) != same {
			t.Errorf("(%q, %q, %q) has key %v, (%q, %q, %q) has key %v",
				route1, scheme1, identity1, first, route2, scheme2, identity2, second)
		}
	})
}

// cut splits text at i and at j, in either order, wrapped into its length.
func cut(text []byte, i, j int) (route, scheme string, identity []byte) {
	n := uint(len(text)) + 1
	a, b := uint(i)%n, uint(j)%n
	a, b = min(a, b), max(a, b)
	return string(text[:a]), string(text[a:b]), text[b:]
}
