package verifiers

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestEveryAlternativeIsRead: of several families of headers the first whose signature is there
// counts, and whichever it is, the delivery is the same.
func TestEveryAlternativeIsRead(t *testing.T) {
	family := func(prefix string) Scheme {
		return Scheme{
			Name: "many", Signature: Signature{From: "header:" + prefix + "-Signature"}, ID: []string{"header:" + prefix + "-Id"},
			Content: "{header:" + prefix + "-Id}.{body}", Event: []string{"header:" + prefix + "-Event", "json:type"},
		}
	}
	c, b, a := family("C"), family("B"), family("A")
	b.Alternative, a.Alternative = &c, &b
	v, err := New(a, identitySecrets, Options{})
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"type":"of the body"}`)
	header, err := v.Sign(Message{ID: "1", Event: "ping", Body: body})
	if err != nil {
		t.Fatal(err)
	}
	want := ""
	for _, prefix := range []string{"A-", "B-", "C-"} {
		r := Request{Header: make(http.Header)}
		for name, values := range header {
			r.Header[strings.Replace(name, "A-", prefix, 1)] = values
		}
		d, err := verify(v, r, body)
		if err != nil || d.ID != "1" || d.Event != "ping" || d.Provider != "many" {
			t.Errorf("%s: %v, %v", prefix, d, err)
		}
		if want == "" {
			want = identity(d)
		}
		if identity(d) != want {
			t.Errorf("%s: another identity", prefix)
		}
		// A signature of an earlier family is the one that is read, good or not.
		if prefix != "A-" {
			r.Header.Set("A-Signature", "")
			if _, err := verify(v, r, body); err != ErrSignatureMissing {
				t.Errorf("%s beside an empty A-Signature: %v", prefix, err)
			}
		}
	}
}

// TestAnAlternativeMayOnlyBeNamedOtherwise: where it were another scheme, a copy with renamed
// headers would be another delivery, or a body that nobody signed as one.
func TestAnAlternativeMayOnlyBeNamedOtherwise(t *testing.T) {
	scheme := func(change func(*Scheme)) Scheme {
		s := Scheme{
			Signature: Signature{From: "header:S", List: &List{Separator: ",", Assign: "=", Key: "v1"}},
			Content:   "{header:Id}.{timestamp}.{body}", Timestamp: &Timestamp{From: "header:T"}, ID: []string{"header:Id", "json:id"},
		}
		other := s.clone()
		other.Signature.From, other.Timestamp.From = "header:S2", "header:T2"
		other.Content, other.ID = "{header:Id2}.{timestamp}.{body}", []string{"header:Id2", "json:id"}
		change(&other)
		s.Alternative = &other
		return s
	}
	if _, err := New(scheme(func(*Scheme) {}), identitySecrets, Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := New(scheme(func(s *Scheme) { s.Algorithm, s.Key, s.Event = HMACSHA256, UTF8, []string{"json:x"} }), identitySecrets, Options{}); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Scheme){
		"its text":            func(s *Scheme) { s.Content = "{timestamp}.{header:Id2}.{body}" },
		"its literal text":    func(s *Scheme) { s.Content = "{header:Id2}:{timestamp}.{body}" },
		"its body's place":    func(s *Scheme) { s.Content = "{body}.{header:Id2}.{timestamp}" },
		"its list":            func(s *Scheme) { s.Signature.List.Key = "v2" },
		"no list":             func(s *Scheme) { s.Signature.List = nil },
		"its encoding":        func(s *Scheme) { s.Signature.Encoding = Base64 },
		"several fields":      func(s *Scheme) { s.Signature.Repeated = true },
		"its algorithm":       func(s *Scheme) { s.Algorithm = HMACSHA512 },
		"its key form":        func(s *Scheme) { s.Key = HexKey },
		"its unit":            func(s *Scheme) { s.Timestamp.Unit = Milliseconds },
		"its tolerance":       func(s *Scheme) { s.Timestamp.Tolerance = time.Hour },
		"its time's place":    func(s *Scheme) { s.Timestamp.From = "query:t" },
		"no id":               func(s *Scheme) { s.ID = nil },
		"another id":          func(s *Scheme) { s.ID = []string{"header:Other", "json:id"} },
		"an id of the body":   func(s *Scheme) { s.ID = []string{"header:Id2", "json:id2"} },
		"a signature's place": func(s *Scheme) { s.Signature.From = "query:S2" },
	} {
		_, err := New(scheme(change), identitySecrets, Options{})
		if err == nil || !strings.Contains(err.Error(), "alternative: must") {
			t.Errorf("an alternative with %s: %v", name, err)
		}
	}
}
