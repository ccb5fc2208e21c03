package jsonpath

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// The oracle: encoding/json's own reading of a text, token by token, so that members keep their
// order and a name that stands twice is noticed.

type member struct {
	name  string
	value any
}

type object []member

var errDuplicate = errors.New("a name stands twice")

func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return decodeValue(d)
}

func decodeValue(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		all := object{}
		seen := map[string]bool{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			if seen[name.(string)] {
				return nil, errDuplicate
			}
			seen[name.(string)] = true
			all = append(all, member{name.(string), v})
		}
		_, err = d.Token()
		return all, err
	}
	return token, nil
}

// lossy tells the texts that encoding/json reads by replacing what it can't read with U+FFFD.
func lossy(text []byte) bool {
	return !utf8.Valid(text) || surrogate.Match(text)
}

var surrogate = regexp.MustCompile(`(?i)\\ud[89a-f]`)

// agree checks that v and everything inside it is what the oracle read.
func agree(t *testing.T, where string, v Value, want any) {
	t.Helper()
	switch want := want.(type) {
	case object:
		if v.Kind() != Object {
			t.Fatalf("%s: kind %d for an object", where, v.Kind())
		}
		for _, m := range want {
			child, err := v.Get(m.name)
			if err != nil {
				t.Fatalf("%s: get %q: %v", where, m.name, err)
			}
			agree(t, where+"."+m.name, child, m.value)
		}
		keys, err := v.Keys()
		if err != nil || len(keys) != len(want) {
			t.Fatalf("%s: %d keys, %v; want %d", where, len(keys), err, len(want))
		}
		if _, err := v.Get("\x00 no such name"); !errors.Is(err, ErrMissing) {
			t.Fatalf("%s: a missing name: %v", where, err)
		}
	case []any:
		elements, err := v.Elements()
		if err != nil || len(elements) != len(want) {
			t.Fatalf("%s: %d elements, %v; want %d", where, len(elements), err, len(want))
		}
		for i := range want {
			child, err := v.Index(i)
			if err != nil {
				t.Fatalf("%s: index %d: %v", where, i, err)
			}
			agree(t, where+"."+strconv.Itoa(i), child, want[i])
		}
		if _, err := v.Index(len(want)); !errors.Is(err, ErrMissing) {
			t.Fatalf("%s: past the end: %v", where, err)
		}
	case string:
		if got, err := v.Text(); err != nil || got != want {
			t.Fatalf("%s: text %q, %v; want %q", where, got, err, want)
		}
	case json.Number:
		if got, err := v.Scalar(); err != nil || got != want.String() {
			t.Fatalf("%s: number %q, %v; want %q", where, got, err, want)
		}
		agreeNumber(t, where, v, want.String())
	case bool:
		if got, err := v.Bool(); err != nil || got != want {
			t.Fatalf("%s: %v, %v; want %v", where, got, err, want)
		}
	case nil:
		if null, err := v.IsNull(); err != nil || !null {
			t.Fatalf("%s: not null, %v", where, err)
		}
	default:
		t.Fatalf("%s: the oracle read a %T", where, want)
	}
}

// agreeNumber holds a number's value against exact arithmetic.
func agreeNumber(t *testing.T, where string, v Value, text string) {
	t.Helper()
	got, err := v.Number()
	if strings.ContainsAny(text, ".eE") {
		f, floatErr := strconv.ParseFloat(text, 64)
		if (err == nil) != (floatErr == nil) || (err == nil && got != f) {
			t.Fatalf("%s: %v, %v; want %v, %v", where, got, err, f, floatErr)
		}
		return
	}
	exact, ok := new(big.Int).SetString(text, 10)
	if !ok {
		t.Fatalf("%s: the oracle read the number %q", where, text)
	}
	switch {
	case exact.IsInt64():
		if err != nil || got != exact.Int64() {
			t.Fatalf("%s: %v, %v; want %v", where, got, err, exact)
		}
	case exact.IsUint64():
		if err != nil || got != exact.Uint64() {
			t.Fatalf("%s: %v, %v; want %v", where, got, err, exact)
		}
	case !errors.Is(err, ErrRange):
		t.Fatalf("%s: %v, %v; want %v", where, got, err, ErrRange)
	}
}

// paths follows every path through want from the root, as a parsed Path does. Of the objects and
// arrays on the way only the kind is compared: agree looks inside them, once, from the top.
func paths(t *testing.T, text []byte, prefix string, want any) {
	t.Helper()
	follow := func(step string, want any) {
		if step == "" {
			return // not writable as a path
		}
		path := strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(step)
		if prefix != "" {
			path = prefix + "." + path
		}
		p, err := ParsePath(path)
		if err != nil {
			t.Fatalf("path %q: %v", path, err)
		}
		v, err := p.Find(text)
		if err != nil {
			t.Fatalf("find %q: %v", path, err)
		}
		switch want.(type) {
		case object:
			if v.Kind() != Object {
				t.Fatalf("%s: kind %d for an object", path, v.Kind())
			}
		case []any:
			if v.Kind() != Array {
				t.Fatalf("%s: kind %d for an array", path, v.Kind())
			}
		default:
			agree(t, path, v, want)
		}
		paths(t, text, path, want)
	}
	switch want := want.(type) {
	case object:
		for _, m := range want {
			follow(m.name, m.value)
		}
	case []any:
		for i := range want {
			follow(strconv.Itoa(i), want[i])
		}
	}
}

// compare is the property that the fuzzer and the corpus below defend: whatever encoding/json
// reads without a loss and without a name that stands twice, this package reads the same way,
// and Check accepts exactly that.
func compare(t *testing.T, text []byte) {
	t.Helper()
	v, err := Parse(text)
	checkErr := err
	if err == nil {
		checkErr = v.Check(len(text) + 1) // no text holds more values than bytes
	}
	if !json.Valid(text) {
		if checkErr == nil {
			t.Fatalf("Check accepted what isn't JSON: %q", text)
		}
		return
	}
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	want, err := decode(text)
	if err != nil {
		if !errors.Is(err, errDuplicate) {
			t.Fatalf("the oracle: %v", err)
		}
		if checkErr == nil {
			t.Fatalf("Check accepted a name that stands twice: %q", text)
		}
		return
	}
	if checkErr == nil {
		agree(t, "", v, want)
		paths(t, text, "", want)
		return
	}
	switch {
	case errors.Is(checkErr, ErrRange):
		agree(t, "", v, want) // the numbers that are out of range say so, one by one
	case errors.Is(checkErr, ErrDepth):
		if strings.Count(string(text), "[")+strings.Count(string(text), "{") <= MaxDepth {
			t.Fatalf("too deep, with few brackets: %q", text)
		}
	case !lossy(text):
		t.Fatalf("Check: %v of %q", checkErr, text)
	}
}

var corpus = []string{
	`{"a":[1,2.5,-3e2,"x\"y",{"b":null}],"c":{"d":{"e":true}},"f":false}`,
	` [ { "a" : [ ] , "b" : { } } , "\u00e9\ud83d\ude00" , 0 , -0 , 1E5 ] `,
	`{"a":1,"\u0061":2}`,
	`{"a.b":{"c\\d":[{"":1}]}}`,
	`[18446744073709551615,18446744073709551616,1e400,-9223372036854775809]`,
	`"\ud800"`,
	"\"\xff\"",
	`{"a":"\\\\\\\"","b":"]}"}`,
	`[[[[[[[[[[]]]]]]]]]]`,
	`{"a":01}`, `{"a":1}x`, `{`, `[1,]`, `nul`, ``, `"`, `{"a":tru}`, `[-]`,
}

func TestAgreesWithTheFullDecode(t *testing.T) {
	for _, text := range corpus {
		compare(t, []byte(text))
	}
	compare(t, githubLike(3<<10))
	compare(t, []byte(`{"a":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`}`))
}

func FuzzAgreesWithTheFullDecode(f *testing.F) {
	for _, text := range corpus {
		f.Add([]byte(text))
	}
	f.Add(githubLike(1 << 10))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<10 {
			return // every path is read from the root, which takes quadratic time
		}
		compare(t, text)
	})
}

func FuzzReadingNeverPanics(f *testing.F) {
	for _, text := range corpus {
		f.Add("a.0.b", []byte(text))
	}
	f.Fuzz(func(t *testing.T, path string, text []byte) {
		p, err := ParsePath(path)
		if err != nil {
			return
		}
		v, err := p.Find(text)
		if (err == nil) != (v.Kind() != 0) {
			t.Fatalf("found kind %d with error %v", v.Kind(), err)
		}
		_, _ = v.IsNull()
		_, _ = v.Bool()
		_, _ = v.Number()
		_, _ = v.Text()
		_, _ = v.Scalar()
		_, _ = v.Keys()
		_, _ = v.Elements()
		_, _ = v.Get("a")
		_, _ = v.Index(0)
		if v.Check(100) == nil && !json.Valid(v.text) {
			t.Fatalf("Check accepted %q", v.text)
		}
	})
}
