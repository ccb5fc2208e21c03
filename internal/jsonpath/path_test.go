package jsonpath

import (
	"errors"
	"testing"
)

func TestPathGrammar(t *testing.T) {
	const body = `{"a":{"b":[10,{"c":"deep"}]},"x.y":{"z\\":1},"0":"key"}`
	for _, tt := range []struct{ path, want string }{
		{"a.b.0", "10"},
		{"a.b.1.c", "deep"},
		{`x\.y.z\\`, "1"},
		{"0", "key"},
	} {
		p, err := ParsePath(tt.path)
		if err != nil {
			t.Errorf("%s: %v", tt.path, err)
			continue
		}
		if p.String() != tt.path {
			t.Errorf("String of %s is %s", tt.path, p)
		}
		v, err := p.Find([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", tt.path, err)
			continue
		}
		if got, err := v.Scalar(); err != nil || got != tt.want {
			t.Errorf("%s: got %q, %v; want %q", tt.path, got, err, tt.want)
		}
	}
	for _, text := range []string{"", ".", "a.", ".a", "a..b", `a\`, `\`} {
		if _, err := ParsePath(text); err == nil {
			t.Errorf("path %q was accepted", text)
		}
	}
}

func TestFindNamesTheReason(t *testing.T) {
	for _, tt := range []struct {
		path, body string
		want       error
	}{
		{"a", `{}`, ErrMissing},
		{"a.b", `{"a":{}}`, ErrMissing},
		{"a", `{"A":1}`, ErrMissing}, // letter case counts
		{"a.2", `{"a":[1,2]}`, ErrMissing},
		{"a.99999999999999999999", `{"a":[1,2]}`, ErrMissing},
		{"a.b", `{"a":[1,2]}`, ErrType},
		{"a.-1", `{"a":[1,2]}`, ErrType},
		{"a.b", `{"a":"text"}`, ErrType},
		{"a.b", `{"a":null}`, ErrType},
		{"a", `"text"`, ErrType},
		{"a", ``, ErrSyntax},
		{"a", " \n", ErrSyntax},
		{"a", "\ufeff{}", ErrSyntax},
		{"a", `nonsense`, ErrType}, // by its first byte a null, which has no members
		{"a", `?`, ErrSyntax},
		{"a", `{"a":1`, ErrSyntax},
		{"a", `{"a":1,}`, ErrSyntax},
		{"a", `{"a" 1}`, ErrSyntax},
		{"a", `{a:1}`, ErrSyntax},
		{"a", `{"a":1 "b":2}`, ErrSyntax},
		{"a", `{"a":1}}`, ErrSyntax},
		{"a", `{"a":1}{"a":1}`, ErrSyntax},
		{"a", `{"a":1,"b":[}`, ErrSyntax},
		{"a", `{"a":1,"b":{]}}`, ErrSyntax},
		{"a", `{"a":1,"b":"}`, ErrSyntax},
		{"a.0", `{"a":[1,]}`, ErrSyntax},
		{"a.0", `{"a":[1 2]}`, ErrSyntax},
		{"a.0", `{"a":[,1]}`, ErrSyntax},
		{"a", `{"a":1,"\x":2}`, ErrSyntax}, // a name that can't be decoded might be a
	} {
		p, err := ParsePath(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Find([]byte(tt.body)); !errors.Is(err, tt.want) {
			t.Errorf("%s in %s: got %v, want %v", tt.path, tt.body, err, tt.want)
		}
	}
}

// A path that reads one of two members of a name would have to guess which of them the app
// behind the gate reads. The spelling of the name does not matter, nor where the second stands.
func TestSecondMemberOfANameIsAmbiguous(t *testing.T) {
	path, err := ParsePath("a.b")
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		`{"a":{"b":1},"a":{"b":2}}`,
		`{"a":{"b":1},"x":[{"y":"}"}],"a":{"b":1}}`,
		`{"a":{"b":1,"b":1}}`,
		`{"a":{"b":1,"\u0062":2}}`,
		`{"\u0061":{"b":1},"a":{"b":1}}`,
		`{"a":{"b":1},"\u0061":null}`,
	} {
		if _, err := path.Find([]byte(body)); !errors.Is(err, ErrAmbiguous) {
			t.Errorf("%s: got %v, want %v", body, err, ErrAmbiguous)
		}
	}
	// Two members of another name are not this path's business, and neither is another case.
	for _, body := range []string{
		`{"x":1,"a":{"b":1},"x":2}`,
		`{"a":{"b":1,"c":1,"c":2}}`,
		`{"a":{"b":1,"B":2}}`,
	} {
		if _, err := path.Find([]byte(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}
