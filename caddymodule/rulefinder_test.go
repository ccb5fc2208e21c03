package caddymodule

import (
	"strings"
	"testing"
)

// TestAPathLeadsToItsRoute: the site of the host, and of that what handle, handle_path, route and named routes have at the
// path.
func TestAPathLeadsToItsRoute(t *testing.T) {
	text := `
&(shared) {
	webhook_verify gitea {
		name of-shared
		secret {env.X}
	}
}
a.example {
	handle_path /in/* {
		handle /github {
			webhook_verify github {
				name of-a
				secret {env.X}
			}
		}
		handle /shared {
			invoke shared
		}
	}
	route /slack* {
		webhook_verify slack {
			name of-slack
			secret {env.X}
		}
	}
}
*.example {
	webhook_verify github {
		name of-any
		secret {env.X}
	}
}
http://b.test {
	webhook_verify github {
		name of-b
		secret {env.X}
	}
}
`
	a, err := adaptFile("Caddyfile", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ host, path, want string }{
		{"a.example", "/in/github", "of-a"},
		{"A.Example", "/IN/github", "of-a"},
		{"a.example", "/in/shared", "of-shared"},
		{"a.example", "/slack/x", "of-slack"},
		{"a.example", "/github", ""},
		{"b.example", "/in/github", "of-any"},
		{"b.test", "/in/github", "of-b"},
		{"somewhere.else.test", "/slack", "of-slack of-any of-b"},
		{"", "/in/github", "of-a of-any of-b"},
	} {
		var names []string
		for _, v := range a.find(test.path, test.host).verifies {
			names = append(names, v.Name)
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("%s%s: got %q, want %q", test.host, test.path, got, test.want)
		}
	}
}
