package jsonpath

import (
	"fmt"
	"strings"
	"testing"
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

// BenchmarkFind reads one path out of deliveries of the sizes that webhooks have. The member of
// the root costs as much as the nested one: a second member of the same name could stand at the
// very end, so the root object is always read to its end.
func BenchmarkFind(b *testing.B) {
	for _, text := range []string{"ref", "repository.owner.login"} {
		path, err := ParsePath(text)
		if err != nil {
			b.Fatal(err)
		}
		for _, kib := range []int{1, 10, 100} {
			body := githubLike(kib << 10)
			b.Run(fmt.Sprintf("%s/%dKiB", text, kib), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					v, err := path.Find(body)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := v.Text(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkCheck reads whole deliveries strictly, as a rule does that takes all of a body.
func BenchmarkCheck(b *testing.B) {
	for _, kib := range []int{1, 10, 100} {
		body := githubLike(kib << 10)
		b.Run(fmt.Sprintf("%dKiB", kib), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				v, err := Parse(body)
				if err != nil {
					b.Fatal(err)
				}
				if err := v.Check(1 << 20); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
