package policy

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// githubLike returns a delivery of about size bytes in the shape of a GitHub push: a few short
// members, then lists that grow with size, then the large objects that every event carries.
func githubLike(size int) []byte {
	var b strings.Builder
	b.WriteString(`{"ref":"refs/heads/main","before":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","after":"59b20b8d5c6ff8d09518454d4dd8b7b30f095ab5","created":false,"commits":[`)
	const tail = `],"repository":{"id":186853002,"node_id":"MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=","name":"Hello-World","full_name":"acme/Hello-World","private":false,"description":"A \"quoted\" word and a path C:\\temp","owner":{"name":"acme","login":"acme","id":21031067,"avatar_url":"https://avatars.example.com/u/21031067?v=4","site_admin":false},"html_url":"https://git.example.com/acme/Hello-World","topics":["a","b"],"size":108},"sender":{"login":"octocat","id":583231,"type":"User"}}`
	for n := 0; b.Len()+len(tail) < size; n++ {
		if n > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%040x","message":"Fix the thing no. %d\n\nIt was \"broken\".","timestamp":"2026-01-02T03:04:05+01:00","url":"https://git.example.com/acme/Hello-World/commit/%040x","author":{"name":"Ann Example","email":"ann@example.com","username":"ann"},"distinct":true,"added":["src/a%d.go"],"removed":[],"modified":["README.md"]}`, n, n, n, n)
	}
	b.WriteString(tail)
	return []byte(b.String())
}

// deliver returns a function that makes d a new delivery, as a caller does that keeps Deliveries
// in a pool.
func deliver(body []byte) func(d *Delivery) {
	fresh := Delivery{
		Provider: "github", Event: "push", ID: "72d3162e-cc78-11e3-81ab-4c9367dc0958", Key: "current",
		Now: time.Unix(1_767_323_045, 0), Method: "POST", Path: "/github",
		Header: http.Header{"Content-Type": {"application/json"}, "X-Github-Event": {"push"}},
		Body:   body,
	}
	return func(d *Delivery) { *d = fresh }
}

// BenchmarkEventRule is a decision by event patterns alone, which is a look-up in a table.
func BenchmarkEventRule(b *testing.B) {
	var all []Rule
	for i := range 50 {
		all = append(all, Rule{Events: []string{fmt.Sprintf("event_%d", i)}})
	}
	rules, err := NewRules(nil, append(all, Rule{Events: []string{"push"}}))
	if err != nil {
		b.Fatal(err)
	}
	renew, d := deliver(nil), new(Delivery)
	b.ReportAllocs()
	for b.Loop() {
		renew(d)
		if rules.Decide(b.Context(), d).Rule != 50 {
			b.Fatal("wrong rule")
		}
	}
}

// BenchmarkExpression evaluates one expression on a new delivery each time: nothing is in its
// cache yet.
func BenchmarkExpression(b *testing.B) {
	for _, bm := range []struct {
		name, source string
		kib          []int
	}{
		{"event", `event == "push"`, []int{0}},
		{"pattern", `event.matches_event("push")`, []int{0}},
		{"header", `header["x-github-event"] == "push"`, []int{0}},
		{"path", `body.repository.owner.login == "acme"`, []int{1, 10, 100}},
		{"counted", `body.ref.contains("main")`, []int{1}}, // its worst case isn't bounded by the source
		{"loop", `body.commits.exists(c, c.author.username == "nobody") || true`, []int{10}},
	} {
		e, err := Compile(bm.source)
		if err != nil {
			b.Fatal(err)
		}
		for _, kib := range bm.kib {
			body := githubLike(kib << 10)
			b.Run(fmt.Sprintf("%s/%dKiB", bm.name, kib), func(b *testing.B) {
				renew, d := deliver(body), new(Delivery)
				b.ReportAllocs()
				for b.Loop() {
					renew(d)
					if holds, err := e.Eval(b.Context(), d); err != nil || !holds {
						b.Fatal(holds, err)
					}
				}
			})
		}
	}
}

// BenchmarkSecondRule is what a rule costs that reads what a rule before it has read.
func BenchmarkSecondRule(b *testing.B) {
	e, err := Compile(`body.repository.owner.login == "acme"`)
	if err != nil {
		b.Fatal(err)
	}
	d := new(Delivery)
	deliver(githubLike(10 << 10))(d)
	b.ReportAllocs()
	for b.Loop() {
		if holds, err := e.Eval(context.Background(), d); err != nil || !holds {
			b.Fatal(holds, err)
		}
	}
}
