package jsonpath
import ("testing";"time";"crypto/hmac";"crypto/sha256";"fmt")
func TestZMin(t *testing.T) {
	d := githubLike(100<<10)
	h := hmac.New(sha256.New, []byte("k"))
	var s [32]byte
	var br brackets
	ps := Paths{{steps: []string{"ref"}}, {steps: []string{"repository","owner","login"}}}
	found := make([]Found, 2)
	fs := []struct{n string; f func()}{
		{"old", func(){skipNested(d,0)}},{"skim", func(){br.skim(d,0)}},
		{"together", func(){ps.Find(d, found)}},
		{"hmac", func(){h.Reset();h.Write(d);h.Sum(s[:0])}},
	}
	min := make([]time.Duration, len(fs))
	for range 4000 { for i,f := range fs { a:=time.Now(); f.f(); d:=time.Since(a); if min[i]==0||d<min[i]{min[i]=d} } }
	for i,f := range fs { fmt.Println(f.n, min[i], fmt.Sprintf("%.2f", float64(min[i])/float64(min[len(min)-1]))) }
}
