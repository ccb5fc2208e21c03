package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

const (
	// smallestBody is the size that payload's fixed parts need.
	smallestBody byteSize = 1 << 10

	counterDigits = 16
	payloadEnd    = `"}}`
)

// payload makes a JSON body of exactly the given size in the shape of a GitHub delivery: an
// object whose first member is the action, then nested objects of many short strings, and last
// the installation. The last string of all is a counter of counterDigits digits, which makes a
// body unlike every other; it starts at the returned offset.
//
// The counter stands at the end so that the client need hash what is before it only once.
func payload(size byteSize) (body []byte, counter int) {
	random := rand.New(rand.NewPCG(1, 2))
	start := `{"action":"opened","number":4711,"pull_request":{"url":"https://api.github.com/repos/acme/anvil/pulls/4711",` +
		`"id":1879531146,"state":"open","title":"Harden the anvil","draft":false,"user":` + payloadUser(random) + `,"commits":[`
	end := `]},"repository":{"id":186853002,"name":"anvil","full_name":"acme/anvil","private":false},` +
		`"sender":{"login":"wile-e","id":21031067,"type":"User"},"note":"`
	last := `","installation":{"id":2311213,"node_id":"`

	var b strings.Builder
	b.WriteString(start)
	left := int(size) - len(start) - len(end) - len(last) - counterDigits - len(payloadEnd)
	for i := 0; ; i++ {
		commit := payloadCommit(random)
		if i > 0 {
			commit = "," + commit
		}
		if len(commit) > left {
			break
		}
		b.WriteString(commit)
		left -= len(commit)
	}
	b.WriteString(end)
	b.WriteString(strings.Repeat("beep ", left/5+1)[:left])
	b.WriteString(last)
	counter = b.Len()
	b.WriteString(strings.Repeat("0", counterDigits))
	b.WriteString(payloadEnd)
	return []byte(b.String()), counter
}

func payloadUser(random *rand.Rand) string {
	login := fmt.Sprintf("user-%05d", random.IntN(100000))
	return fmt.Sprintf(`{"login":%q,"id":%d,"node_id":"MDQ6VXNlcjIx%06x","avatar_url":"https://avatars.githubusercontent.com/u/%d?v=4",`+
		`"html_url":"https://github.com/%s","type":"User","site_admin":false}`,
		login, 1e7+random.IntN(9e7), random.IntN(1<<24), random.IntN(1e8), login)
}

func payloadCommit(random *rand.Rand) string {
	sha := fmt.Sprintf("%016x%016x%08x", random.Uint64(), random.Uint64(), random.Uint32())
	return fmt.Sprintf(`{"sha":"%s","message":"Forge part %d\n\nSee \"the manual\".","url":"https://api.github.com/repos/acme/anvil/commits/%s",`+
		`"comments_url":null,"stats":{"additions":%d,"deletions":%d,"files":["src/part_%03d.go","docs/part.md"]},"author":%s,"verified":%t}`,
		sha, random.IntN(1000), sha, random.IntN(500), random.IntN(500), random.IntN(1000), payloadUser(random), random.IntN(2) == 0)
}
