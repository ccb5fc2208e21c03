package jsonpath

import "testing"

// FuzzPathsFindIsFind: following several paths at once finds what following each finds, with the
// same error.
func FuzzPathsFindIsFind(f *testing.F) {
	texts := []string{"id", "type", "event.type", "event.id", "a", "a.b.c", "a.0.b", "0", "0.id", `a\.b`, "id"}
	paths := make(Paths, len(texts))
	for i, text := range texts {
		var err error
		if paths[i], err = ParsePath(text); err != nil {
			f.Fatal(err)
		}
	}
	for _, text := range []string{
		``, ` `, `{}`, `{} x`, `[]`, `"id"`, `7`, `nul`, `[{"id":1},2]`,
		`{"id":"a","type":"b","event":{"type":"c","id":4}}`, `{"id":1,"id":2,"type":3}`,
		`{"id":1,"id":2,"type":3`, `{"id":1,"type":[}`, `{"event":{"type":1,"type":2},"id":3}`,
		`{"event":7,"id":{}}`, `{"a":[{"b":1}],"0":{"id":2}}`, `{"a.b":1,"\u0069d":2}`,
		`{"id":1,"\u0069d":2}`, `{"\x":1,"id":2}`, `{"id":1,"\u00":2}`, `{"id":-}`, `{"id":01}`,
		` { "id" : "a" , "a" : { "b" : { "c" : [ ] } } } `, `{"id":1}{"id":2}`, `{"id":1,}`, `{,"id":1}`,
		string(githubLike(2 << 10)),
	} {
		f.Add([]byte(text))
	}
	found := make([]Found, len(paths))
	f.Fuzz(func(t *testing.T, text []byte) {
		paths.Find(text, found)
		for i, p := range paths {
			want, err := p.Find(text)
			if found[i].Err != err || string(found[i].Value.text) != string(want.text) {
				t.Errorf("%s in %q: together %q, %v; alone %q, %v", p, text, found[i].Value.text, found[i].Err, want.text, err)
			}
		}
	})
}

// BenchmarkPathsFind reads the id and the event of a delivery, together and one by one.
func BenchmarkPathsFind(b *testing.B) {
	body := githubLike(100 << 10)
	var paths Paths
	for _, text := range []string{"ref", "repository.owner.login"} {
		path, err := ParsePath(text)
		if err != nil {
			b.Fatal(err)
		}
		paths = append(paths, path)
	}
	b.Run("together", func(b *testing.B) {
		found := make([]Found, len(paths))
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			paths.Find(body, found)
			if found[0].Err != nil || found[1].Err != nil {
				b.Fatal(found)
			}
		}
	})
	b.Run("alone", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			for _, path := range paths {
				if _, err := path.Find(body); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
