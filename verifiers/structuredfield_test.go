package verifiers

import (
	"slices"
	"strings"
	"testing"
)

// FuzzADictionaryHasOneText: what is read is what a signer writes. Written again from its parts it is the same
// text, but for the blanks between members, and it is never more than the bounds.
func FuzzADictionaryHasOneText(f *testing.F) {
	for _, seed := range []string{
		`sig1=("@method" "@target-uri" "content-digest");created=1767225600;keyid="k\"1\\"`, "sig1=:AAAA:, sig2=:AA==:", "a=()", `a=("b";c;d=?0;e=-1;f=g/h:i;j=:AA==:)`,
		"a=1, b=2,c=3 ,\td=4", "a", "a=", "a=(", `a=("b"  "c")`, "a=01", "a=-0", "a=1.0", "a=?2", "a=:A:", "a=1;b;b", "a=1,", "a=\"\x7f\"", `a="\x"`, "*a.-_=*b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		members, err := readDictionary([]string{text})
		if err != nil {
			if ReasonOf(err) == "" {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if len(text) > maxFieldBytes || len(members) > maxMembers {
			t.Fatalf("%d bytes, %d members", len(text), len(members))
		}
		var written []string
		for _, m := range members {
			if again := writeItem(&m.fieldItem); again != m.text {
				t.Fatalf("%q is read as %q", m.text, again)
			}
			written = append(written, m.name+"="+m.text)
		}
		again, err := readDictionary(written)
		if err != nil || len(again) != len(members) {
			t.Fatalf("%q: %v", written, err)
		}
		for i := range again {
			if again[i].text != members[i].text {
				t.Errorf("%q and %q", again[i].text, members[i].text)
			}
		}
	})
}

// writeItem serialises an item as RFC 8941 says.
func writeItem(i *fieldItem) string {
	var text string
	switch i.kind {
	case '(':
		if len(i.inner) > maxComponents {
			return "too long"
		}
		var inner []string
		for j := range i.inner {
			inner = append(inner, writeItem(&i.inner[j]))
		}
		text = "(" + strings.Join(inner, " ") + ")"
	case '"':
		text = quoteField(i.value)
	case ':':
		text = ":" + strictBase64.EncodeToString([]byte(i.value)) + ":"
	case '?':
		text = map[int64]string{0: "?0", 1: "?1"}[i.number]
	case '0':
		text = writeInteger(i.number)
	default:
		text = i.value
	}
	if len(i.parameters) > maxParameters {
		return "too many parameters"
	}
	for _, p := range i.parameters {
		text += ";" + p.name
		// A parameter that is true is written without a value, or was written with one here.
		if p.text != "" {
			text += "=" + writeItem(&p.fieldItem)
		}
	}
	return text
}

func writeInteger(n int64) string {
	if n == 0 {
		return "0"
	}
	negative := n < 0
	var digits []byte
	for ; n != 0; n /= 10 {
		digit := n % 10
		if negative {
			digit = -digit
		}
		digits = append(digits, '0'+byte(digit))
	}
	if negative {
		digits = append(digits, '-')
	}
	slices.Reverse(digits)
	return string(digits)
}

// TestADictionaryIsBounded: by its bytes, members, components and parameters.
func TestADictionaryIsBounded(t *testing.T) {
	repeat := func(n int, text func(string) string) string {
		var all []string
		for i := range n {
			all = append(all, text(writeInteger(int64(i))))
		}
		return strings.Join(all, ", ")
	}
	member := func(i string) string { return "m" + i + "=1" }
	for _, test := range []struct {
		name, text string
		want       error
	}{
		{"as many members as may be", repeat(maxMembers, member), nil},
		{"one member more", repeat(maxMembers+1, member), ErrTooManySignatures},
		{"as many bytes as may be", `a="` + strings.Repeat("b", maxFieldBytes-4) + `"`, nil},
		{"one byte more", `a="` + strings.Repeat("b", maxFieldBytes-3) + `"`, ErrTooManySignatures},
		{"as many components as may be", "a=(" + strings.TrimSuffix(strings.Repeat("1 ", maxComponents), " ") + ")", nil},
		{"one component more", "a=(" + strings.TrimSuffix(strings.Repeat("1 ", maxComponents+1), " ") + ")", ErrSignatureMalformed},
		{"as many parameters as may be", "a=1;" + strings.ReplaceAll(repeat(maxParameters, func(i string) string { return "p" + i }), ", ", ";"), nil},
		{"one parameter more", "a=1;" + strings.ReplaceAll(repeat(maxParameters+1, func(i string) string { return "p" + i }), ", ", ";"), ErrSignatureMalformed},
		{"as many digits as may be", "a=" + strings.Repeat("9", maxFieldDigits), nil},
		{"one digit more", "a=" + strings.Repeat("9", maxFieldDigits+1), ErrSignatureMalformed},
		{"a member twice", "a=1, a=1", ErrFieldRepeated},
	} {
		if _, err := readDictionary([]string{test.text}); err != test.want {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}
