package jsonpath

import (
	"strings"
	"testing"
)

// FuzzSkimIsSkipNested: reading eight bytes at a time ends where reading byte by byte ends, with
// the same error, wherever in its eight bytes a text begins.
func FuzzSkimIsSkipNested(f *testing.F) {
	for _, text := range []string{
		`{}`, `[]`, `{"a":[1,{"b":"}"}]}`, `{"a":"\"}"}`, `{"a":"\\"}`, `["\\\"]","x"]`, `[\"]"]`,
		`{"a":"]]]]]]]]]]]]]]]]]]]]]]]]","b":"[[[[[[[["}, "tail"`, `{"xyzXYZ_y":"_y_y~~{[]}"}`,
		`[}`, `{"a"`, `["`, `["\`, `["a\`, `["aaaaaa\"]`, "[\"\x80\xff\x23\x21\"]", `["#","!","]"]`,
		strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth),
		strings.Repeat(`{"a":`, MaxDepth+1), string(githubLike(4 << 10)),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for i := range min(len(text), 9) {
			for _, bracket := range []byte("{[") {
				text[i] = bracket
				want, wantErr := skipNested(text, i)
				got, err := new(brackets).skim(text, i)
				if err != wantErr || err == nil && got != want {
					t.Fatalf("skim(%q, %d) = %d, %v; byte by byte it is %d, %v", text, i, got, err, want, wantErr)
				}
			}
		}
	})
}

// BenchmarkSkim steps over one delivery, beside reading it byte by byte.
func BenchmarkSkim(b *testing.B) {
	body := githubLike(100 << 10)
	for name, skip := range map[string]func([]byte, int) (int, error){
		"eight": func(t []byte, i int) (int, error) { return new(brackets).skim(t, i) },
		"one":   skipNested,
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := skip(body, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// skipNested is skim byte by byte: it returns the index after the object or array that begins at i. Open brackets are
// remembered as one bit each, so depth costs no allocation and no recursion.
func skipNested(t []byte, i int) (int, error) {
	var open [MaxDepth / 64]uint64 // bit set: '{', clear: '['
	depth := 0
	for ; i < len(t); i++ {
		switch t[i] {
		case '"':
			end, err := stringEnd(t, i+1)
			if err != nil {
				return 0, err
			}
			i = end
		case '{', '[':
			if depth == MaxDepth {
				return 0, ErrDepth
			}
			word, bit := depth/64, uint64(1)<<(depth%64)
			if t[i] == '{' {
				open[word] |= bit
			} else {
				open[word] &^= bit
			}
			depth++
		case '}', ']':
			depth--
			isObject := open[depth/64]&(1<<(depth%64)) != 0
			if isObject != (t[i] == '}') {
				return 0, ErrSyntax
			}
			if depth == 0 {
				return i + 1, nil
			}
		}
	}
	return 0, ErrSyntax
}
