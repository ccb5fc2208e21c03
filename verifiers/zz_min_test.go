package verifiers

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"os"
	"testing"
	"time"
)

func TestZMin(t *testing.T) {
	if os.Getenv("ZMIN") == "" { return }
	for _, size := range benchSizes {
		body := benchBody(size.bytes)
		inner := 20
		rounds := 3000
		if size.bytes > 10000 { inner = 1; rounds = 3000 }
		var names []string
		var fs []func()
		state := hmac.New(sha256.New, []byte("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"))
		var sum [32]byte
		names = append(names, "hmac reset"); fs = append(fs, func() { state.Reset(); state.Write(body); state.Sum(sum[:0]) })
		k := newKeyed("", HMACSHA256, []byte("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"))
		names = append(names, "hmac pooled"); fs = append(fs, func() { k.sum(sum[:0], body) })
		names = append(names, "hmac new"); fs = append(fs, func() { m := hmac.New(sha256.New, []byte("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3")); m.Write(body); m.Sum(sum[:0]) })
		for _, s := range Presets() {
			v, r := benchDelivery(t, s, body)
			names = append(names, s.Name); fs = append(fs, func() { if _, err := verify(v, r, body); err != nil { panic(err) } })
		}
		gh, _ := Preset("github")
		v, r := benchDelivery(t, gh, body)
		names = append(names, "github check only"); fs = append(fs, func() { c, _ := v.Check(r); c.Close() })
		min := make([]time.Duration, len(fs))
		for range rounds {
			for i, f := range fs {
				a := time.Now()
				for range inner { f() }
				d := time.Since(a)
				if min[i] == 0 || d < min[i] { min[i] = d }
			}
		}
		for i := range fs { fmt.Printf("%s %-20s %8.0f ns  (hmac + %.0f, x%.2f)\n", size.name, names[i], float64(min[i])/float64(inner), float64(min[i]-min[0])/float64(inner), float64(min[i])/float64(min[0])) }
	}
}
