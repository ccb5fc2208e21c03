package verifiers

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzTheSignedPathIsThePath: no two targets have one text, so nobody can send a request to another one. Undone,
// the escapes give the target back.
func FuzzTheSignedPathIsThePath(f *testing.F) {
	for _, seed := range []string{"/", "/h?a=1", "/a%20b?c=%25", "/ä?ö", "/[x]'\"<>^`{|}\\", "?", "/?a?b", "//", "/?"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		text, err := contentfulPath(target)
		if strings.Count(target, "?") > 1 {
			if err != ErrFieldAmbiguous {
				t.Errorf("%q: %v", target, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path, query, has := strings.Cut(text, "?")
		path, err = url.PathUnescape(path)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if query, err = url.PathUnescape(query); err != nil {
				t.Fatal(err)
			}
		}
		if has {
			path += "?" + query
		}
		if path != strings.TrimSuffix(target, "?") {
			t.Errorf("%q is signed as %q, which is %q", target, text, path)
		}
	})
}

// TestThePathIsWrittenAsTheToolkitDoes: the texts are those of getNormalizedEncodedURI of
// @contentful/node-apps-toolkit 3.16.1.
func TestThePathIsWrittenAsTheToolkitDoes(t *testing.T) {
	for target, want := range map[string]string{
		"/h":                             "/h",
		"/h?":                            "/h",
		"/hook?a=1&b=%20x+y":             "/hook?a%253D1%2526b%253D%252520x%252By",
		"/a%20b/[c]/'d'?q=[1]'":          "/a%2520b/%5Bc%5D/'d'?q%253D%255B1%255D'",
		"/;,/:@&=+$#-_.!~*'()?-_.!~*'()": "/;,/:@&=+$#-_.!~*'()?-_.!~*'()",
	} {
		if got, err := contentfulPath(target); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", target, got, err, want)
		}
	}
}

// TestAPathThatAProxyCutsOffIsSigned: the sender signs what it asked for.
func TestAPathThatAProxyCutsOffIsSigned(t *testing.T) {
	scheme, _ := Preset("contentful")
	signer, err := New(scheme, identitySecrets, Options{Now: clock(referenceNow)})
	if err != nil {
		t.Fatal(err)
	}
	header, err := signer.Sign(Message{Method: "POST", Target: "/base/in"})
	if err != nil {
		t.Fatal(err)
	}
	for publicURL, want := range map[string]error{"": ErrSignatureMismatch, "https://hooks.example.com/base/": nil, "https://other.example.com/base": nil, "https://hooks.example.com/bas": ErrSignatureMismatch} {
		v, err := New(scheme, identitySecrets, Options{Now: clock(referenceNow), PublicURL: publicURL})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verify(v, Request{Method: "POST", Target: "/in", Header: header}, nil); err != want {
			t.Errorf("%q: %v, want %v", publicURL, err, want)
		}
	}
}

// TestBlanksAroundASignedIDMakeNoOtherDelivery: HTTP/2 hands them on, and the signature leaves them out. Other
// spaces are no blanks of a header.
func TestBlanksAroundASignedIDMakeNoOtherDelivery(t *testing.T) {
	scheme, _ := Preset("contentful")
	v, err := New(scheme, identitySecrets, Options{Now: clock(referenceNow)})
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(Message{ID: "id-1", Method: "POST", Target: "/in"})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"id-1", " id-1", "id-1\t ", "id-1\u00a0", "\u2003id-1"} {
		header.Set("X-Contentful-Idempotency-Key", id)
		d, err := verify(v, Request{Method: "POST", Target: "/in", Header: header}, nil)
		switch {
		case strings.Trim(id, " \t") != "id-1":
			if err != ErrSignatureMismatch {
				t.Errorf("%q: %v, %v", id, d, err)
			}
		case err != nil || d.ID != "id-1" || !d.IDSigned:
			t.Errorf("%q: %v, %v", id, d, err)
		}
	}
}
